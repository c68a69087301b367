"""Image sets: list and jobs, creation, claiming, detail, change, removal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import CaptureSet, ImageSet
from assets.querysets import ImageSetQuerySet
from assets.selectors import capture_sets_visible, image_sets_unassigned
from assets.services.inspections import image_set_open
from damages.models import ManualProcessing, Step
from damages.selectors_image_sets import (
    ImageSetFilters,
    image_counts,
    image_sets_by_plate,
    image_sets_freshness,
    image_sets_select,
    plate_groups,
)
from damages.services.image_sets import image_set_delete, image_set_say
from damages.services.manual import manual_job_claim_next
from damages.services.skipped import manual_job_claim_skipped
from damages.standings import ImageSetStanding, image_set_standings
from inspection_platform import workflow
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.authentication import id_token_mint
from inspection_platform.api.core.docs import image_sets as docs
from inspection_platform.api.core.presenters import image_sets as present
from inspection_platform.api.core.presenters.auth import switched
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.auth import maybe_token
from inspection_platform.api.core.serializers.common import is_true, maybe_uuid, query_of
from inspection_platform.api.core.serializers.image_set_edits import (
    ImageSetChange,
    ImageSetClaims,
    ImageSetCreate,
    ImageSetRedirect,
)
from inspection_platform.api.core.serializers.image_sets import (
    ImageSetIds,
    ImageSetQuery,
)
from inspection_platform.api.core.views.capture_units import ids_of
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.idempotency import idempotent
from inspection_platform.api.paging import MAX_LIMIT, page_of
from tenants.errors import Forbidden, Invalid, NotAuthenticated, NotFound
from tenants.models import ANNOTATOR, REVIEWER, AuthSession, Tenant
from tenants.scope import Reach
from tenants.services.sessions import session_find, session_switch

ADDED: Final = "Successfully added new image set"
REMOVED: Final = "The image set is removed"
CHECKED: Final = "Successfully checked if imageSets have new / recent damages"

#: What asks for a job: its step, and the group that does it.
_JOBS: Final[Mapping[str, tuple[Step, str]]] = {
    "forManualAnnotation": (Step.ANNOTATION, ANNOTATOR),
    "forManualReview": (Step.REVIEW, REVIEWER),
}
_WHOSE: Final = {ANNOTATOR: "annotators", REVIEWER: "reviewers"}


class SeenSetsView(CoreView):
    """What the views of image sets share: which sets the asker sees."""

    def sets_seen(self, ids: set[UUID]) -> ImageSetQuerySet:
        """The sets with these ids, tenants' own or waiting for one; NotFound if one of them is not seen."""
        rows = ImageSet.objects.of(self.actor.reach).visible().filter(pk__in=ids)
        own = set(rows.values_list("pk", flat=True))
        missing = ids - own
        if missing and image_sets_unassigned(self.actor.reach).filter(pk__in=missing).count() < len(missing):
            raise NotFound("Image set not found.")
        return ImageSet.objects.of(Reach.every()).visible().filter(pk__in=ids)


class ImageSetsView(SeenSetsView):
    """W54, W55 and W56."""

    operations = {"GET": "W54", "POST": "W55", "PUT": "W56"}
    tenant: Tenant | None = None
    rig: CaptureSet | None = None

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """The tenants, sets and the capture set that are named."""
        if request.method == "POST":
            return self._find_for_new()
        if request.method == "PUT":
            entries = self.body.get("imageSets")
            named = [one.get("id") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
            self._waiting(set(ids_of(named, most=MAX_LIMIT)))
        else:
            self.check_tenant(maybe_uuid(request.query_params.get("tenantId")))
        return Concern()

    @docs.image_sets
    def get(self, request: Request) -> Response:
        """List image sets, the latest recorded first, or hand out a job."""
        for name, (_, group) in _JOBS.items():
            is_allowed = group in self.actor.groups or self.actor.is_global_admin
            if is_true(request.query_params.get(name)) and not is_allowed:
                raise Forbidden(f"{name} is for {_WHOSE[group]}.")
        query = query_of(ImageSetQuery, request)
        step = next((step for name, (step, _) in _JOBS.items() if query[name]), None)
        if step is not None:
            return self._job(query, step, is_asked=request.method == "GET")
        rows = image_sets_select(_filters(query), reach=self.actor.reach, now=timezone.now())
        if not query["groupByRegistrationNo"]:
            page, meta = page_of(rows, limit=query["limit"], page=query["page"])
            return self._listed(query, image_set_standings(page, reach=Reach.every()), meta)
        page, meta = page_of(image_sets_by_plate(rows), limit=query["limit"], page=query["page"])
        groups = plate_groups(page)
        latest = ImageSet.objects.of(Reach.every()).filter(pk__in=groups)
        standings = {one.key: one for one in image_set_standings(latest, reach=Reach.every())}
        facts = {str(pk): present.group_facts(standings[str(pk)], group) for pk, group in groups.items()}
        return self._listed(query, [standings[key] for key in facts], meta, facts)

    @docs.image_set_create
    @idempotent
    def post(self, _request: Request) -> Response:
        """Add a set for images that come later."""
        values = self.validated(ImageSetCreate)
        if self.tenant is None:
            raise TypeError("A body that names no tenant is refused before.")
        image_set = image_set_open(
            tenant=self.tenant,
            plate=values["plate"],
            capture_set=self.rig,
            recorded_at=values.get("recDate"),
            vin=values.get("vin", ""),
        )
        return Response(success({"items": [{"id": str(image_set.pk)}]}, message=ADDED))

    @docs.image_sets_claim
    def put(self, _request: Request) -> Response:
        """Take sets that wait for their tenant into the one worked in."""
        entries = self.validated(ImageSetClaims)["imageSets"]
        if self.actor.tenant is None:
            raise Invalid("You work in no tenant.")
        claims = {one["id"]: one["registrationNo"] for one in entries}
        workflow.claim(tenant=self.actor.tenant, claims=claims, by=self.user)
        return Response(success([{"id": str(pk), "registrationNo": str(plate)} for pk, plate in claims.items()]))

    def _find_for_new(self) -> Concern:
        tenant_id = maybe_uuid(self.body.get("tenantId"))
        if tenant_id is None:
            return Concern()
        self.check_tenant(tenant_id)
        self.tenant = Tenant.objects.get(pk=tenant_id)
        rig_id = maybe_uuid(self.body.get("deviceSetId"))
        if rig_id is not None:
            self.rig = capture_sets_visible(Reach.only(tenant_id)).filter(pk=rig_id).first()
            if self.rig is None:
                raise NotFound("Capture set not found.")
        return Concern(tenants=(tenant_id,))

    def _waiting(self, ids: set[UUID]) -> None:
        if image_sets_unassigned(self.actor.reach).filter(pk__in=ids).count() < len(ids):
            raise NotFound("Image set not found.")

    def _job(self, query: Mapping[str, Any], step: Step, *, is_asked: bool) -> Response:
        """The asker's next job in the tenant worked in, locked; a HEAD asks for nothing and gets nothing."""
        reach = Reach.some([self.actor.tenant.pk] if self.actor.tenant else ())
        job: ManualProcessing | None = None
        if is_asked:
            claim = manual_job_claim_skipped if query["isManualProcessingSkipped"] else manual_job_claim_next
            job = claim(user=self.user, step=step, reach=reach)
        rows = ImageSet.objects.of(reach).filter(pk__in=[job.image_set_id] if job else [])
        page, meta = page_of(rows, limit=query["limit"], page=1, total=1 if job else 0)
        return self._listed(query, image_set_standings(page, reach=reach) if job else [], meta)

    def _listed(
        self,
        query: Mapping[str, Any],
        standings: list[ImageSetStanding],
        meta: Mapping[str, Any],
        facts: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Response:
        items = [{**present.image_set(one), **(facts or {}).get(one.key, {})} for one in standings]
        if query["returnImageCount"]:
            counts = image_counts([one.key for one in standings])
            for item, one in zip(items, standings, strict=True):
                item["imageCount"] = counts.get(one.key, 0)
        return Response(success({"items": items}, meta=meta))


class ImageSetsNewDamagesView(SeenSetsView):
    """W58."""

    operations = {"GET": "W58"}
    rows: ImageSetQuerySet

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """The sets that are named."""
        named = request.query_params.get("ids", "").split(",")
        self.rows = self.sets_seen(set(ids_of([one.strip() for one in named], most=MAX_LIMIT)))
        return Concern()

    @docs.image_sets_new_damages
    def get(self, request: Request) -> Response:
        """Tell how new the damages of sets are."""
        ids = query_of(ImageSetIds, request)["ids"]
        found = image_sets_freshness(self.rows, now=timezone.now())
        return Response(success(present.freshness({pk: found[pk] for pk in ids}), message=CHECKED))


class ImageSetsRedirectView(CoreView):
    """W59."""

    operations = {"POST": "W59"}
    session: AuthSession | None = None
    tenant: Tenant | None = None

    def find(self, request: Request, **_kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The asker's own session, NotAuthenticated for any other; then a tenant of theirs that sees all the sets."""
        token = maybe_token(self.body.get("refreshToken"))
        if token is not None:
            self.session = session_find(token)
            if self.session is None or self.session.user_id != self.user.pk:
                raise NotAuthenticated("The refresh token is not valid.")
        ids = set(ids_of(self.body.get("imageSetIds"), most=MAX_LIMIT))
        if ids:
            self.tenant = self._tenant_that_sees(ids)
        return Concern()

    @docs.image_sets_redirect
    def post(self, _request: Request) -> Response:
        """Work in a tenant that sees these sets from now on."""
        self.validated(ImageSetRedirect)
        if self.session is None or self.tenant is None:
            raise TypeError("A body that names no session or no set is refused before.")
        session_switch(session=self.session, tenant=self.tenant, by=self.user)
        return Response(switched(id_token_mint(self.session.user, self.tenant), tenant_id=self.tenant.pk))

    def _tenant_that_sees(self, ids: set[UUID]) -> Tenant:
        """The one worked in if it sees all of them; NotFound if none of the asker's does."""
        own = ImageSet.objects.of(self.own_reach).visible().filter(pk__in=ids)
        owners = dict(own.order_by().values_list("pk", "tenant"))
        seen_by = {tenant_id for tenant_id in owners.values() if tenant_id is not None}
        candidates = list(seen_by) if seen_by else list(self.own_roles)
        if self.actor.tenant is not None and (self.actor.tenant.pk in seen_by or not seen_by):
            candidates = [self.actor.tenant.pk, *candidates]
        for tenant_id in dict.fromkeys(candidates):
            if self._sees_all(tenant_id, ids, {pk for pk, owner in owners.items() if owner is not None}):
                return Tenant.objects.select_related("settings").get(pk=tenant_id)
        raise NotFound("Image set not found.")

    def _sees_all(self, tenant_id: UUID, ids: set[UUID], assigned: set[UUID]) -> bool:
        reach = Reach.every() if self.actor.is_global_admin else Reach.only(tenant_id)
        seen = set(ImageSet.objects.of(reach).visible().filter(pk__in=ids).values_list("pk", flat=True))
        waiting = ids - assigned - seen
        return ids <= seen | set(image_sets_unassigned(reach).filter(pk__in=waiting).values_list("pk", flat=True))


class ImageSetView(SeenSetsView):
    """W60, W61 and W33."""

    operations = {"GET": "W60", "PATCH": "W61", "DELETE": "W33"}
    image_set: ImageSet

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The set, if the asker sees it; the role in its tenant counts, and one that waits for a tenant has none."""
        pk = as_uuid(kwargs["image_set_id"], "Image set")
        own = ImageSet.objects.of(self.actor.reach).visible().filter(pk=pk)
        waiting = image_sets_unassigned(self.actor.reach).filter(pk=pk)
        found = own.first() or waiting.first()
        if found is None:
            raise NotFound("Image set not found.")
        self.image_set = found
        return Concern(tenants=(found.tenant_id,) if found.tenant_id else ())

    @docs.image_set
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show one image set."""
        row = ImageSet.objects.of(Reach.every()).filter(pk=self.image_set.pk)
        (standing,) = image_set_standings(row, reach=Reach.every())
        return Response(success(present.image_set_detail(standing, user_id=self.user.pk, now=timezone.now())))

    @docs.image_set_update
    def patch(self, _request: Request, **_kwargs: Any) -> Response:
        """Change what is said of one image set."""
        values = self.validated(ImageSetChange)
        said = dict(values.get("carInfo", {}))
        plate = said.pop("registrationNo", None)
        image_set_say(image_set=self.image_set, car_info=said, plate=plate, partner_state=values.get("partnerState"))
        return Response(success({"id": str(self.image_set.pk)}))

    @docs.image_set_delete
    def delete(self, _request: Request, **_kwargs: Any) -> Response:
        """Remove one image set with its damages."""
        image_set_delete(image_set=self.image_set, by=self.user)
        workflow.changes_hand_on()
        return Response(success({"id": str(self.image_set.pk)}, message=REMOVED))


def _filters(query: Mapping[str, Any]) -> ImageSetFilters:
    return ImageSetFilters(
        ids=query.get("ids"),
        tenant_id=query.get("tenantId"),
        external_key=query.get("externalKey", ""),
        plate=query.get("plate"),
        plate_part=query.get("searchByRegistrationNo", ""),
        is_unassigned=query["unassignedItems"],
        is_skipped=query["isManualProcessingSkipped"],
        has_images=bool(query["haveImages"]),
        has_new_damages=bool(query["haveNewDamagesDetected"]),
        since=_moment(query.get("startDate")),
        until=_moment(query.get("endDate"), later=timedelta(seconds=1)),
        location=query.get("captureSetLocation", ""),
        name=query.get("captureSetName", ""),
        location_part=query.get("searchByCaptureSetLocation", ""),
        name_part=query.get("searchByCaptureSetName", ""),
    )


def _moment(value: int | None, *, later: timedelta = timedelta(0)) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC) + later
