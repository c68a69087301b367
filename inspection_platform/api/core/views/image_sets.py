"""Image sets: list and detail."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import ImageSet
from damages.selectors import image_set_standings
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import image_sets as docs
from inspection_platform.api.core.presenters import image_sets as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.serializers.image_sets import ImageSetQuery
from inspection_platform.api.core.views.common import CoreView
from inspection_platform.api.paging import page_of
from tenants.errors import NotFound


class ImageSetsView(CoreView):
    """W54."""

    operations = {"GET": "W54"}

    @docs.image_sets
    def get(self, request: Request) -> Response:
        """List image sets, the latest recorded first."""
        self.check_tenant(maybe_uuid(request.query_params.get("tenantId")))
        query = query_of(ImageSetQuery, request)
        rows = ImageSet.objects.of(self.actor.reach).visible().order_by("-recorded_at", "-id")
        if "externalKey" in query:
            rows = rows.by_external_key(query["externalKey"])
        wanted = {"pk__in": query.get("ids"), "tenant": query.get("tenantId")}
        rows = rows.filter(**{path: value for path, value in wanted.items() if value is not None})
        page, meta = page_of(rows, limit=query["limit"], page=query["page"])
        items = [present.image_set(found) for found in image_set_standings(page, reach=self.actor.reach)]
        return Response(success({"items": items}, meta=meta))


class ImageSetView(CoreView):
    """W60."""

    operations = {"GET": "W60"}

    @docs.image_set
    def get(self, _request: Request, image_set_id: str) -> Response:
        """Show one image set."""
        rows = ImageSet.objects.of(self.actor.reach).visible().filter(pk=as_uuid(image_set_id, "Image set"))
        found = image_set_standings(rows, reach=self.actor.reach)
        if not found:
            raise NotFound("Image set not found.")
        return Response(success(present.image_set_detail(found[0], user_id=self.user.pk, now=timezone.now())))
