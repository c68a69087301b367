"""Capture sets: list, creation, search, detail, change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BooleanField

from assets.models import CaptureSet, CaptureUnit, Logo
from assets.selectors import capture_set_words, capture_sets_visible, capture_units_visible
from assets.services.rigs import SIDES, UnitGiven, capture_set_create, capture_set_update
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import capture_sets as docs
from inspection_platform.api.core.presenters import capture_sets as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.capture_sets import (
    CaptureSetChange,
    CaptureSetCreate,
    CaptureSetKind,
    CaptureSetQuery,
    CaptureSetSearch,
)
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.views.capture_units import ids_of, tenants_seen
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.idempotency import idempotent
from inspection_platform.api.paging import page_of
from tenants.errors import Forbidden, Invalid, NotFound
from tenants.models import Tenant
from tenants.scope import Reach

CREATED: Final = "New capture set created"
FOUND: Final = "Get capture set details"
UPDATED: Final = "Capture set updated"

#: The contract's name of a value to the column it is stored in.
_COLUMNS: Final[Mapping[str, str]] = {
    "camerasCount": "cameras_count",
    "countryCode": "country_code",
    "label": "label",
    "lenses": "lenses",
    "location": "location",
    "minLicensePlateArea": "min_license_plate_area",
    "name": "name",
    "pipelineMask": "pipeline_mask",
    "priority": "priority",
}


@dataclass(slots=True)
class UnitsNamed:
    """The units that a body names, by id, and the tenants concerned by what it says about units."""

    units: dict[UUID, CaptureUnit]
    tenant_ids: set[UUID]


class CaptureSetWriteView(CoreView):
    """What creating and changing have in common."""

    named: UnitsNamed

    def find_units(self, rig: CaptureSet | None) -> UnitsNamed:
        """The units named, and the tenants whom a unit is to record for from now on or no more.

        NotFound for units and tenants that the asker cannot see; those that the rig's units have already are seen.
        """
        entries = [one for one in _listed(self.body.get("captureUnits")) if isinstance(one, dict)][: len(SIDES)]
        units = self._units_seen(set(ids_of([one.get("unitId") for one in entries])))
        own = {unit.side: unit for unit in rig.units.all()} if rig else {}
        named, changed = set[UUID](), set[UUID]()
        for one in entries:
            unit_id = maybe_uuid(one.get("unitId"))
            unit = units[unit_id] if unit_id else own.get(str(one.get("side")))
            present = {tenant.pk for tenant in unit.tenants.all()} if unit else set()
            if "tenantIds" in one:
                wanted = set(ids_of(one["tenantIds"]))
                named |= wanted - present
                changed |= wanted ^ present
        tenants_seen(self, named)
        return UnitsNamed(units, changed | {unit.capture_set.tenant_id for unit in units.values()})

    def units_given(self, values: Mapping[str, Any]) -> list[UnitGiven]:
        """What the body says about units, for the service."""
        return [_unit_given(one, self.named.units) for one in values.get("captureUnits", ())]

    def _units_seen(self, wanted: set[UUID]) -> dict[UUID, CaptureUnit]:
        if not wanted:
            return {}
        rows = capture_units_visible(self.actor.reach).filter(pk__in=wanted)
        units = {unit.pk: unit for unit in rows.select_related("capture_set").prefetch_related("tenants")}
        if units.keys() != wanted:
            raise NotFound("Capture unit not found.")
        return units


class CaptureSetsView(CaptureSetWriteView):
    """W34 and W35."""

    operations = {"GET": "W34", "POST": "W35"}
    owner: Tenant | None

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """For a new set its owner, and the units and tenants it names."""
        if request.method != "POST":
            return Concern()
        self.owner = self.seen_tenant(maybe_uuid(self.body.get("tenantId"))) or self.actor.tenant
        self.named = self.find_units(None)
        owners = {self.owner.pk} if self.owner else set()
        return Concern(tenants=tuple(owners | self.named.tenant_ids))

    @docs.capture_sets
    def get(self, request: Request) -> Response:
        """List capture sets by name."""
        everywhere = request.query_params.get("fromAllTenants", "").strip().lower()
        if everywhere in BooleanField.TRUE_VALUES and not self.actor.is_global_admin:
            raise Forbidden("fromAllTenants is for global admins.")
        query = query_of(CaptureSetQuery, request)
        rows = capture_sets_visible(self._reach(everywhere=query["fromAllTenants"]))
        if query["virtual"] is not None:
            rows = rows.filter(is_virtual=query["virtual"])
        page, meta = page_of(_with_units(rows), limit=query["limit"], page=query["page"])
        found = list(page)
        items = [present.capture_set(row, reach=self.actor.reach) for row in found]
        if query["logos"]:
            for item, logos in zip(items, self._logos(found), strict=True):
                item["logos"] = logos
        return Response(success({"items": items}, meta=meta))

    @docs.capture_set_create
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a capture set."""
        is_virtual = query_of(CaptureSetKind, request)["virtual"]
        values = self.validated(CaptureSetCreate)
        if self.owner is None:
            raise Invalid("You work in no tenant.", {"tenantId": ["Needed, since you work in no tenant."]})
        capture_set_create(
            tenant=self.owner,
            values=_columns(values),
            units=self.units_given(values),
            is_virtual=is_virtual,
            by=self.user,
        )
        return Response(success(message=CREATED))

    def _reach(self, *, everywhere: bool) -> Reach:
        """Every tenant's sets on request, or those of the tenant worked in."""
        if everywhere:
            return Reach.every()
        return Reach.some([self.actor.tenant.pk] if self.actor.tenant else ())

    def _logos(self, rigs: Iterable[CaptureSet]) -> list[dict[str, Any]]:
        """For each rig the addresses of its tenants' logos, by tenant; one query for all."""
        wanted = [present.logo_tenants(rig, reach=self.actor.reach) for rig in rigs]
        by_tenant: dict[UUID, dict[str, Logo]] = {}
        for logo in Logo.objects.of(Reach.some(set[UUID]().union(*wanted))):
            by_tenant.setdefault(logo.tenant_id, {})[logo.size] = logo
        return [
            {str(pk): present.logo_urls(by_tenant.get(pk, {})) for pk in sorted(tenant_ids)} for tenant_ids in wanted
        ]


class CaptureSetSearchView(CoreView):
    """W36."""

    operations = {"GET": "W36"}

    @docs.capture_set_search
    def get(self, request: Request) -> Response:
        """Find locations and names by a part of them."""
        query = query_of(CaptureSetSearch, request)
        found = {
            f"{column}s": capture_set_words(self.actor.reach, column=column, pattern=query[column])
            if column in query
            else []
            for column in ("location", "name")
        }
        return Response(success(found))


class CaptureSetView(CaptureSetWriteView):
    """W37 and W38."""

    operations = {"GET": "W37", "PATCH": "W38"}
    rig: CaptureSet

    def find(self, request: Request, **kwargs: Any) -> Concern:
        """The set, if the asker sees it, and for a change the units and tenants it names; its owner's role counts."""
        rows = _with_units(capture_sets_visible(self.actor.reach))
        rig = rows.filter(pk=as_uuid(kwargs["capture_set_id"], "Capture set")).first()
        if rig is None:
            raise NotFound("Capture set not found.")
        self.rig = rig
        if request.method != "PATCH":
            return Concern(tenants=(rig.tenant_id,))
        self.named = self.find_units(rig)
        return Concern(tenants=tuple({rig.tenant_id} | self.named.tenant_ids))

    @docs.capture_set
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show one capture set."""
        return Response(success(present.capture_set_detail(self.rig, reach=self.actor.reach), message=FOUND))

    @docs.capture_set_update
    def patch(self, _request: Request, **_kwargs: Any) -> Response:
        """Change a capture set."""
        values = self.validated(CaptureSetChange)
        capture_set_update(capture_set=self.rig, values=_columns(values), units=self.units_given(values), by=self.user)
        return Response(success(message=UPDATED))


def _with_units(rows: QuerySet[CaptureSet]) -> QuerySet[CaptureSet]:
    return rows.prefetch_related("units__tenants")


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {column: values[name] for name, column in _COLUMNS.items() if name in values}


def _unit_given(one: Mapping[str, Any], units: Mapping[UUID, CaptureUnit]) -> UnitGiven:
    return UnitGiven(
        side=one["side"],
        unit=units[one["unitId"]] if "unitId" in one else None,
        tenant_ids=frozenset(one["tenantIds"]) if "tenantIds" in one else None,
        balena_id=one.get("balenaId"),
    )
