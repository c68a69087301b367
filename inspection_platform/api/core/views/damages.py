"""Damages: the list."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import ImageSet
from damages.models import Damage
from damages.selectors import DamageFilters, damages_select, family_sizes
from inspection_platform.api.core.docs import damages as docs
from inspection_platform.api.core.presenters import damages as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.serializers.damages import DamageQuery
from inspection_platform.api.core.views.common import CoreView
from inspection_platform.api.paging import page_of
from tenants.errors import Forbidden, NotFound
from tenants.scope import Reach

#: Parameters for tenant admins, annotators and reviewers alone (contract section 5).
CURATORS_ONLY: Final = ("filterByState", "isDeleted", "isPotential", "sortBy")
FETCHED: Final = "Successfully fetched damages with related parts"


class DamagesView(CoreView):
    """W49."""

    operations = {"GET": "W49"}
    reach: Reach

    @docs.damages
    def get(self, request: Request) -> Response:
        """List damages of an image set, a car or a family."""
        self._check(request)
        query = query_of(DamageQuery, request)
        limit, page = query.pop("limit"), query.pop("page")
        rows = damages_select(_filters(query), reach=self.reach).with_evidence()
        found, metadata = page_of(rows, limit=limit, page=page)
        sizes = family_sizes(found, reach=self.reach)
        items = [present.damage(row, family_sizes=sizes) for row in found]
        return Response(success({"items": items}, message=FETCHED, metadata=metadata))

    def _check(self, request: Request) -> None:
        """Refuse what must not be answered: 404 for what is out of reach, then 403 for curators' parameters."""
        asked = request.query_params
        self.reach = self.acting_reach(asked.get("masterTenantAction"))
        self.check_tenant(maybe_uuid(asked.get("tenantId")), reach=self.reach)
        self._check_image_set(maybe_uuid(asked.get("imageSetId")))
        self._check_family(maybe_uuid(asked.get("returnFamilyOf")))
        for name in CURATORS_ONLY:
            if asked.get(name) and not self.actor.may_curate:
                raise Forbidden(f"{name} is for tenant admins, annotators and reviewers.")

    def _check_image_set(self, image_set_id: UUID | None) -> None:
        sets = ImageSet.objects.of(self.reach).visible()
        if image_set_id and not sets.filter(pk=image_set_id).exists():
            raise NotFound("Image set not found.")

    def _check_family(self, representative_id: UUID | None) -> None:
        if representative_id and not Damage.objects.of(self.reach).filter(pk=representative_id).exists():
            raise NotFound("Damage not found.")


def _filters(query: dict[str, Any]) -> DamageFilters:
    return DamageFilters(
        image_set_id=query.get("imageSetId"),
        tenant_id=query.get("tenantId"),
        plate=query.get("plate"),
        appraisal_id=query.get("appraisalId"),
        states=query.get("filterByState"),
        is_potential=query["isPotential"],
        is_deleted=query["isDeleted"],
        family_of=query.get("returnFamilyOf"),
        only_representatives=query["returnRepresentatives"],
        sort_by=query["sortBy"],
    )
