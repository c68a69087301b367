"""Damages: the list, and one alone."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Image, ImageSet
from damages.models import Damage
from damages.selectors import DamageFilters, damage_age, damages_select, is_matched_by_people
from damages.shown import damage_shown, damaged_parts, damages_shown, family_sizes, representative_of
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import damages as docs
from inspection_platform.api.core.presenters import damages as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.serializers.damages import DamageQuery
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.core.views.damage_edits import DamageChangesView
from inspection_platform.api.paging import page_of
from tenants.errors import Forbidden, NotFound
from tenants.rows import id_text
from tenants.scope import Reach

#: Parameters for tenant admins, annotators and reviewers alone (contract section 5).
CURATORS_ONLY: Final = ("filterByState", "isDeleted", "isPotential", "sortBy")
FETCHED: Final = "Successfully fetched damages with related parts"


class DamagesView(DamageChangesView):
    """W48 to W51."""

    operations = {"DELETE": "W48", "GET": "W49", "PATCH": "W50", "POST": "W51"}
    reach: Reach
    closest: Image | None = None

    @docs.damages
    def get(self, request: Request) -> Response:
        """List damages of an image set, a car or a family."""
        self._check(request)
        query = query_of(DamageQuery, request)
        limit, page = query.pop("limit"), query.pop("page")
        rows = damages_select(_filters(query, self.closest), reach=self.reach)
        selected, metadata = page_of(rows, limit=limit, page=page)
        found = damages_shown(selected)
        sizes, parts = family_sizes(found, reach=self.reach), damaged_parts(found, reach=self.reach)
        items = [
            present.damage(row, family_size=sizes[representative_of(row)], parts=parts.get(id_text(row.id), ()))
            for row in found
        ]
        return Response(success({"items": items}, message=FETCHED, metadata=metadata))

    def _check(self, request: Request) -> None:
        """Refuse what must not be answered: 404 for what is out of reach, then 403 for curators' parameters."""
        asked = request.query_params
        self.reach = self.acting_reach(asked.get("masterTenantAction"))
        self.check_tenant(maybe_uuid(asked.get("tenantId")), reach=self.reach)
        self._check_image_set(maybe_uuid(asked.get("imageSetId")))
        self._check_family(maybe_uuid(asked.get("returnFamilyOf")))
        self._find_closest(maybe_uuid(asked.get("closestToImageSetId")), maybe_uuid(asked.get("closestToImageId")))
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

    def _find_closest(self, image_set_id: UUID | None, image_id: UUID | None) -> None:
        """The image that nearness is asked for; one alone of the two is refused by the validation."""
        if image_id is None:
            self._check_image_set(image_set_id)
            return
        rows = Image.objects.of(self.reach).visible().filter(pk=image_id)
        self.closest = (rows.filter(image_set=image_set_id) if image_set_id else rows).first()
        if self.closest is None:
            raise NotFound("Image not found.")


class DamageView(CoreView):
    """W53."""

    operations = {"GET": "W53"}
    damage: Damage

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The damage of the path."""
        shown = ("image", "image_set", "model_version", "first_damage__image_set")
        rows = Damage.objects.of(self.actor.reach).visible().select_related(*shown)
        damage = rows.filter(pk=as_uuid(kwargs["damage_id"], "Damage")).first()
        if damage is None:
            raise NotFound("Damage not found.")
        self.damage = damage
        return Concern()

    @docs.damage
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """One damage in detail."""
        row, reach = damage_shown(self.damage), self.actor.reach
        shown = present.detail(
            row,
            family_size=family_sizes([row], reach=reach)[representative_of(row)],
            parts=damaged_parts([row], reach=reach).get(id_text(row.id), ()),
            age=damage_age(self.damage, now=timezone.now()),
            is_matched=is_matched_by_people(self.damage),
        )
        message = "Fetched damage details successfully"
        return Response(success(shown, message=message), headers={"ETag": present.etag(self.damage)})


def _filters(query: dict[str, Any], closest: Image | None) -> DamageFilters:
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
        closest_to=closest,
    )
