"""Changes of damages: what each call is about, and the services behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Car, Image, ImageSet
from damages.models import Damage, DamageState, Source
from damages.services.bulk import DamageChange, damages_update
from damages.services.deletions import damages_delete
from damages.services.drawing import Drawing, PictogramMark, damages_create
from damages.services.edits import Whereabouts, damages_find, listed
from damages.services.merges import damages_merge
from inspection_platform import workflow
from inspection_platform.api.core.docs import damage_edits as docs
from inspection_platform.api.core.presenters import damages as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.serializers.damage_edits import (
    MOST,
    DamagesDelete,
    DamagesMerge,
    DamagesNew,
    DamagesPatch,
)
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.idempotency import idempotent
from tenants.errors import Invalid, NotFound
from tenants.models import ANNOTATOR, REVIEWER

#: From what a request may say about a damage to the service's word for it.
_VALUES: Final[Mapping[str, str]] = {
    "damageFamilyReviewed": "family_reviewed",
    "falsePositives": "false_positives",
    "firstDamageId": "first_damage",
    "partnerState": "partner_state",
    "points": "corners",
    "potentialDamage": "is_potential",
    "processing": "is_processing",
    "representativeId": "representative",
    "state": "state",
    "truePositives": "true_positives",
}


def concern_of(tenants: Iterable[UUID | None]) -> Concern:
    """A concern of objects of these tenants; None is that of a set which belongs to nobody yet.

    Such a set is reached by global admins alone, who may whatever their roles are.
    """
    found = set(tenants)
    return Concern(tenants=tuple(sorted(key for key in found if key)) if found else None)


class DamageEditView(CoreView):
    """What all views share that change damages."""

    def concern(self, *named: tuple[str, QuerySet[Any], Iterable[object], str]) -> Concern:
        """The tenants of the objects named: (word for them, where they are, ids as they came, path to the tenant).

        NotFound names those that the asker does not see. Values that are no ids are left to the validation.
        """
        tenants: set[UUID | None] = set()
        for what, rows, values, path in named:
            ids = list(dict.fromkeys(key for key in map(maybe_uuid, values) if key))
            found = dict(rows.filter(pk__in=ids).order_by().values_list("pk", path)) if ids else {}
            missing = [key for key in ids if key not in found]
            if missing:
                raise NotFound(f"{what} not found: {listed(missing)}.")
            tenants.update(found.values())
        return concern_of(tenants)

    def damages_named(self, values: Iterable[object]) -> tuple[str, QuerySet[Any], Iterable[object], str]:
        """Damages, for `concern`."""
        return "Damages", Damage.objects.of(self.actor.reach).visible(), values, "image_set__tenant"

    def step(self) -> Source:
        """The role in which the asker acts: a reviewer's first, then a tenant admin's, then an annotator's."""
        if REVIEWER in self.actor.groups:
            return Source.REVIEWER
        return Source.STAFF if self.actor.is_tenant_admin else Source.ANNOTATOR

    def drawing_step(self) -> Source:
        """The same, but who annotates and administers draws as an annotator."""
        return Source.ANNOTATOR if ANNOTATOR in self.actor.groups and self.step() == Source.STAFF else self.step()


class DamageChangesView(DamageEditView):
    """W48, W50 and W51, the calls that change damages under the list's route."""

    known: Mapping[UUID, Whereabouts]

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """The damages to change, or what new ones are to be on."""
        finders: dict[str, Callable[[Request], Concern]] = {
            "DELETE": self._find_deleted, "PATCH": self._find_changed, "POST": self._find_new,
        }  # fmt: skip
        finder = finders.get(str(request.method))
        return finder(request) if finder else Concern()

    @docs.damages_delete
    def delete(self, request: Request) -> Response:
        """Delete damages."""
        query = query_of(DamagesDelete, request)
        gone = damages_delete(
            user=self.user, ids=query["ids"], with_families=query["deleteRepresentatives"], reach=self.actor.reach,
            step=self.step(),
        )  # fmt: skip
        workflow.changes_hand_on()
        return Response(success({"ids": [str(key) for key in gone]}, message="Successfully deleted damages"))

    @docs.damages_patch
    def patch(self, request: Request) -> Response:
        """Change damages."""
        items = self.validated(DamagesPatch)["damages"]
        changes = [_change(item, f"damages.{place}") for place, item in enumerate(items)]
        if "If-Match" in request.headers:
            changes = [_matching(changes, request.headers["If-Match"])]
        rows, news = damages_update(
            user=self.user, changes=changes, reach=self.actor.reach, step=self.step(), known=self.known
        )
        if news is not None:
            workflow.changes_hand_on()
        shown = [present.patched(row) for row in rows]
        headers = {"ETag": present.etag(rows[0])} if len(rows) == 1 else {}
        return Response(success({"items": shown}, message="Successfully updated damages"), headers=headers)

    @docs.damages_create
    @idempotent
    def post(self, _request: Request) -> Response:
        """Create damages."""
        body = self.validated(DamagesNew)
        damages_create(
            user=self.user, reach=self.actor.reach, step=self.drawing_step(),
            drawings=[_drawing(item, f"damages.{place}") for place, item in enumerate(body.get("damages", []))],
            marks=[_mark(item) for item in body.get("pictogramDamages", [])],
        )  # fmt: skip
        workflow.changes_hand_on()
        return Response(success(message="Successfully created damages"))

    def _find_deleted(self, request: Request) -> Concern:
        return self.concern(self.damages_named(request.query_params.get("ids", "").split(",")[:MOST]))

    def _find_changed(self, _request: Request) -> Concern:
        names = ("id", "firstDamageId", "representativeId")
        values = [maybe_uuid(item.get(name)) for item in self._items("damages") for name in names]
        self.known = damages_find(list(dict.fromkeys(key for key in values if key)), self.actor.reach)
        return concern_of(where.tenant_id for where in self.known.values())

    def _find_new(self, _request: Request) -> Concern:
        damages, pictograms, reach = self._items("damages"), self._items("pictogramDamages"), self.actor.reach
        sets = [item.get("imageSetId") for item in (*damages, *pictograms)]
        images = Image.objects.of(reach).visible()
        return self.concern(
            ("Image sets", ImageSet.objects.of(reach).visible(), sets, "tenant"),
            ("Images", images, [item.get("imageId") for item in damages], "image_set__tenant"),
            ("Cars", Car.objects.of(reach), [item.get("carId") for item in damages], "tenant"),
            self.damages_named(item.get("firstDamageId") for item in damages),
        )

    def _items(self, name: str) -> list[dict[str, Any]]:
        """The objects of a list in the body; no more than the validation will let through."""
        values = self.body.get(name)
        return [item for item in values[:MOST] if isinstance(item, dict)] if isinstance(values, list) else []


class DamagesMergeView(DamageEditView):
    """W52."""

    operations = {"POST": "W52"}

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The damages to merge."""
        values = self.body.get("damages")
        return self.concern(self.damages_named(values[:MOST] if isinstance(values, list) else []))

    @docs.damages_merge
    def post(self, _request: Request) -> Response:
        """Merge damages."""
        ids = self.validated(DamagesMerge)["damages"]
        damages_merge(user=self.user, ids=ids, reach=self.actor.reach, step=self.drawing_step())
        workflow.changes_hand_on()
        return Response(success(message="Successfully merged unique damages"))


def _change(item: Mapping[str, Any], place: str) -> DamageChange:
    values = {word: item[name] for name, word in _VALUES.items() if name in item}
    if "corners" in values:
        values["corners"] = _corners(values["corners"])
    if "partner_state" in values:
        values["partner_state"] = values["partner_state"] or ""
    return DamageChange(id=item["id"], values=values, version=item.get("modifiedAt"), place=place)


def _matching(changes: list[DamageChange], header: str) -> DamageChange:
    """The one change, meant for the version of an If-Match header; Invalid for several changes or versions."""
    tags = [tag.removeprefix("W/").strip('"') for tag in parse_etags(header)]
    if len(changes) != 1 or len(tags) != 1:
        reason = "It speaks of one version of one damage; use modifiedAt for several."
        raise Invalid(f"If-Match: {reason}", {"If-Match": [reason]})
    change = changes[0]
    version = change.version if tags[0] == "*" else tags[0]
    return DamageChange(id=change.id, values=change.values, version=version, place=change.place)


def _drawing(item: Mapping[str, Any], place: str) -> Drawing:
    flags = {_VALUES[name]: item[name] for name in ("truePositives", "falsePositives") if name in item}
    return Drawing(
        image_set=item["imageSetId"], image=item["imageId"], corners=_corners(item["points"]),
        state=DamageState(item["state"]), flags=flags, car=item.get("carId"), first_damage=item.get("firstDamageId"),
        place=place,
    )  # fmt: skip


def _mark(item: Mapping[str, Any]) -> PictogramMark:
    return PictogramMark(
        image_set=item["imageSetId"], name=item["pictogramName"], x=item["x"], y=item["y"], is_new=item["new"]
    )


def _corners(points: Iterable[Mapping[str, float]]) -> list[tuple[float, float]]:
    return [(point["x"], point["y"]) for point in points]
