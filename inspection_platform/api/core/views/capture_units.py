"""Capture units: list, detail, and the tenants they record for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import CaptureUnit
from assets.selectors import capture_units_visible
from assets.services.rigs import capture_unit_assign, capture_unit_default_set, capture_unit_unassign
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import capture_units as docs
from inspection_platform.api.core.presenters import capture_units as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.capture_sets import MAX_TENANTS
from inspection_platform.api.core.serializers.capture_units import UnitDefault, UnitTenants
from inspection_platform.api.core.serializers.common import Paging, maybe_uuid, query_of
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.paging import page_of
from tenants.errors import NotFound
from tenants.models import Tenant
from tenants.selectors import tenants_within

FETCHED: Final = "Fetched capture unit details successfully"
ASSIGNED: Final = "Assigned tenants to capture unit successfully"
UNASSIGNED: Final = "Unassigned tenants to capture unit successfully"
DEFAULT_SET: Final = "The capture units default tenant is set successfully"


def ids_of(value: object, *, most: int = MAX_TENANTS) -> list[UUID]:
    """The ids in a list of a body. What is malformed, or too much, is found when the whole body is checked."""
    items = value if isinstance(value, list) and len(value) <= most else []
    return [found for item in items if (found := maybe_uuid(item)) is not None]


def tenants_seen(view: CoreView, ids: Collection[UUID]) -> list[Tenant]:
    """The tenants with these ids, in one query; NotFound if the asker may not know one of them."""
    wanted = set(ids)
    tenants = list(tenants_within(view.own_reach).filter(pk__in=wanted)) if wanted else []
    if len(tenants) < len(wanted):
        raise NotFound("Tenant not found.")
    return tenants


class CaptureUnitsView(CoreView):
    """W39."""

    operations = {"GET": "W39"}

    @docs.capture_units
    def get(self, request: Request) -> Response:
        """List capture units by their set's name and their side."""
        query = query_of(Paging, request)
        rows = _with_tenants(capture_units_visible(self.actor.reach)).prefetch_related("capture_set__units")
        page, meta = page_of(rows, limit=query["limit"], page=query["page"])
        items = [present.capture_unit_listed(row, reach=self.actor.reach) for row in page]
        return Response(success({"items": items}, meta=meta))


class OneUnitView(CoreView):
    """A view about one unit, whom the path names, and perhaps tenants, whom the body names."""

    unit: CaptureUnit
    tenants: list[Tenant]

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The unit and the tenants, if the asker sees them."""
        rows = _with_tenants(capture_units_visible(self.actor.reach))
        unit = rows.filter(pk=as_uuid(kwargs["unit_id"], "Capture unit")).first()
        if unit is None:
            raise NotFound("Capture unit not found.")
        self.unit = unit
        self.tenants = tenants_seen(self, self._named())
        return Concern(tenants=(unit.capture_set.tenant_id,))

    def _named(self) -> list[UUID]:
        """Ids of the tenants that the body names."""
        return []

    def shown(self) -> dict[str, Any]:
        """The unit as it is now."""
        fresh = _with_tenants(capture_units_visible(self.actor.reach)).get(pk=self.unit.pk)
        return present.capture_unit(fresh, reach=self.actor.reach)


class CaptureUnitView(OneUnitView):
    """W40."""

    operations = {"GET": "W40"}

    @docs.capture_unit
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show one capture unit."""
        return Response(success(present.capture_unit(self.unit, reach=self.actor.reach), message=FETCHED))


class UnitTenantsView(OneUnitView):
    """A view that takes a list of tenants."""

    def _named(self) -> list[UUID]:
        return ids_of(self.body.get("tenants"))


class AssignView(UnitTenantsView):
    """W41."""

    operations = {"POST": "W41"}

    @docs.capture_unit_assign
    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Let the unit record for more tenants."""
        self.validated(UnitTenants)
        capture_unit_assign(unit=self.unit, tenants=self.tenants, by=self.user)
        return Response(success(self.shown(), message=ASSIGNED))


class UnassignView(UnitTenantsView):
    """W43."""

    operations = {"POST": "W43"}

    @docs.capture_unit_unassign
    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Let the unit record for fewer tenants."""
        self.validated(UnitTenants)
        capture_unit_unassign(unit=self.unit, tenants=self.tenants, by=self.user)
        return Response(success(self.shown(), message=UNASSIGNED))


class DefaultView(OneUnitView):
    """W42."""

    operations = {"PUT": "W42"}

    def _named(self) -> list[UUID]:
        return ids_of([self.body.get("tenant")])

    @docs.capture_unit_default
    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Set, or clear, the default tenant of both units of the set."""
        self.validated(UnitDefault)
        tenant = self.tenants[0] if self.tenants else None
        capture_unit_default_set(unit=self.unit, tenant=tenant, by=self.user)
        rows = _with_tenants(capture_units_visible(self.actor.reach)).filter(capture_set=self.unit.capture_set_id)
        pair = sorted(rows, key=lambda row: (row.pk != self.unit.pk, row.side))
        items = [present.capture_unit(row, reach=self.actor.reach) for row in pair]
        return Response(success(items, message=DEFAULT_SET))


def _with_tenants(rows: QuerySet[CaptureUnit]) -> QuerySet[CaptureUnit]:
    return rows.select_related("capture_set").prefetch_related("tenants")
