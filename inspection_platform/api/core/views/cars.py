"""Cars: the list, and who is assigned which plates."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Car
from assets.plates import Plate, plate_parse
from assets.querysets import CarQuerySet
from assets.selectors import passages_seen, passages_unfit
from assets.services.cars import car_release, cars_assign
from damages.selectors import cars_by_damages
from inspection_platform import workflow
from inspection_platform.api.core.docs import cars as docs
from inspection_platform.api.core.presenters import cars as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.cars import (
    MAX_IDS,
    CarDeletion,
    CarQuery,
    CarsAdded,
    CarsReplaced,
    CarsScope,
)
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.idempotency import idempotent
from inspection_platform.api.paging import page_of
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant
from tenants.scope import Reach
from tenants.selectors import tenants_within
from tenants.services.tenant_groups import acting_reach

DELETED: Final = "Car successfully deleted"
ASSIGNED: Final = "Car assignments have been updated"
MASTER: Final = "masterTenantAction"


class CarsView(CoreView):
    """W44, W45, W46 and W47."""

    operations = {"DELETE": "W44", "GET": "W45", "POST": "W46", "PUT": "W47"}
    car: Car | None = None

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """What the query names: the car to be deleted, or the tenant, cars and passages asked about."""
        if request.method == "DELETE":
            self.car = self._car_named(request)
        elif request.method in {"GET", "HEAD"}:
            self.check_tenant(maybe_uuid(request.query_params.get("tenantId")))
            self._check_all_seen(Car.objects.of(self.actor.reach), "carIds", "Car not found.")
            self._check_all_seen(passages_seen(self.actor.reach), "passageIds", "Passage not found.")
        return Concern()

    @docs.cars
    def get(self, request: Request) -> Response:
        """List the cars of a tenant by country and plate."""
        query = query_of(CarQuery, request)
        rows = Car.objects.of(self._listed_reach(query.get("tenantId"))).assigned()
        if "plate" in query:
            rows = self._fitting(rows.with_plate(query["plate"]), query.get("passageIds", []))
        if "carIds" in query:
            rows = rows.filter(pk__in=query["carIds"])
        if query["hasDamages"] is not None:
            rows = cars_by_damages(rows, has_damages=query["hasDamages"], reach=self.actor.reach)
        page, meta = page_of(rows.order_by("country_code", "plate"), limit=query["limit"], page=query["page"])
        return Response(success({"items": [present.car(row) for row in page]}, meta=meta))

    @docs.car_delete
    def delete(self, request: Request) -> Response:
        """Take a car off its tenant's list."""
        plate = query_of(CarDeletion, request)["plate"]
        if self.car is None:
            raise TypeError("A plate that is none is refused before.")
        car_release(car=self.car, by=self.user)
        return Response(success(plate.number, message=DELETED))

    @docs.cars_add
    @idempotent
    def post(self, request: Request) -> Response:
        """Assign plates."""
        return self._assign(request, CarsAdded, replace=False)

    @docs.cars_replace
    def put(self, request: Request) -> Response:
        """Assign exactly these plates."""
        return self._assign(request, CarsReplaced, replace=True)

    def _assign(self, request: Request, form: type[CarsReplaced], *, replace: bool) -> Response:
        is_master = query_of(CarsScope, request)[MASTER]
        listed = self.validated(form)["listed"]
        tenants = self._acting_tenants(is_master=is_master)
        outcomes = cars_assign(tenants=tenants, listed=listed, replace=replace, by=self.user)
        workflow.route_waiting(plate for outcome in outcomes.values() for plate in outcome.assigned)
        return Response(success(present.assignments(outcomes), message=ASSIGNED))

    def _acting_tenants(self, *, is_master: bool) -> list[Tenant]:
        """The tenant worked in, and for a master action the members of its groups after it."""
        tenant = self.actor.tenant
        if tenant is None:
            raise Conflict("You work in no tenant; choose one first.")
        if not is_master:
            return [tenant]
        return [tenant, *tenants_within(acting_reach(tenant)).exclude(pk=tenant.pk)]

    def _car_named(self, request: Request) -> Car | None:
        """The car to be deleted, if the asker reaches it; a plate that is none is left to the validation."""
        asked = request.query_params
        try:
            plate: Plate = plate_parse(asked.get("registrationNo", ""), asked.get("countryCode"))
        except ValueError:
            return None
        rows = Car.objects.of(self.acting_reach(asked.get(MASTER))).assigned()
        car = rows.with_plate(plate).first()
        if car is None:
            raise NotFound("Car not found.")
        return car

    def _check_all_seen(self, rows: Any, name: str, refusal: str) -> None:
        """NotFound unless the asker sees all that this parameter names."""
        texts = self.request.query_params.get(name, "").split(",")[: MAX_IDS + 1]
        wanted = {found for text in texts if (found := maybe_uuid(text.strip())) is not None}
        if wanted and rows.filter(pk__in=wanted).count() < len(wanted):
            raise NotFound(refusal)

    def _listed_reach(self, tenant_id: UUID | None) -> Reach:
        """Whose cars are listed; a global admin who works in no tenant sees everybody's."""
        own = tenant_id or (self.actor.tenant.pk if self.actor.tenant else None)
        return Reach.only(own) if own else self.actor.reach

    def _fitting(self, rows: CarQuerySet, passage_ids: Collection[UUID]) -> CarQuerySet:
        """The car, if it may be assigned to all of these passages."""
        car = rows.first()
        if car is None or not passage_ids:
            return rows
        passages = passages_seen(self.actor.reach).filter(pk__in=passage_ids)
        return rows.none() if passages_unfit(passages, car=car).exists() else rows
