"""Car information: by plate, by VIN, and what a car costs."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from rest_framework.request import Request
from rest_framework.response import Response

from assets.carinfo.vins import vin_parse
from assets.services.car_info import PRICED_BY, KnownCar, car_by_plate, car_by_vin, car_price, car_vin
from inspection_platform.api.core.docs import car_info as docs
from inspection_platform.api.core.presenters import car_info as present
from inspection_platform.api.core.serializers.car_info import PlateQuery, PriceQuery, plate_of
from inspection_platform.api.core.serializers.common import query_of
from inspection_platform.api.core.views.common import Concern, CoreView
from tenants.errors import Invalid

_VIN_ONLY: Final = ("vin",)


class _PlateView(CoreView):
    """A question about the car with a plate; `wanted` names the facts that the answer needs."""

    wanted: ClassVar[tuple[str, ...]] = ()
    #: None for a plate that cannot be one, which the method refuses.
    car: KnownCar | None = None

    def find(self, request: Request, **kwargs: Any) -> Concern:
        """The car, from whoever knows it: 404 for an unknown one, 503 if somebody who may know it does not answer."""
        try:
            plate = plate_of(kwargs["plate"], request.query_params.get("countryCode"))
        except Invalid as error:
            self.refusal = error
        else:
            self.car = car_by_plate(plate=plate, reach=self.actor.reach, wanted=self.wanted)
        return Concern()

    def found(self) -> KnownCar:
        """The car; Invalid for a plate that cannot be one."""
        if self.car is None:
            raise self.refusal
        return self.car


class LicensePlateView(_PlateView):
    """W28."""

    operations = {"GET": "W28"}
    wanted = _VIN_ONLY

    @docs.license_plate
    def get(self, request: Request, plate: str) -> Response:  # noqa: ARG002 - `find` has read it
        """The VIN of the car with a plate."""
        query_of(PlateQuery, request)
        return Response(present.vin(car_vin(car=self.found())))


class PriceView(_PlateView):
    """W29."""

    operations = {"GET": "W29"}
    wanted = PRICED_BY

    @docs.price
    def get(self, request: Request, plate: str) -> Response:  # noqa: ARG002 - `find` has read it
        """What the car with a plate costs at a mileage."""
        query = query_of(PriceQuery, request)
        tenant = self.actor.tenant
        found = car_price(car=self.found(), km=query["km"], tenant_id=tenant.pk if tenant else None)
        return Response(present.price(found))


class VinView(CoreView):
    """W30."""

    operations = {"GET": "W30"}
    car: KnownCar | None = None

    def find(self, request: Request, **kwargs: Any) -> Concern:
        """The car, from whoever knows it; a number that cannot be a VIN is left to the method."""
        try:
            vin = vin_parse(kwargs["vin"])
        except ValueError as error:
            self.refusal = Invalid(f"vin: {error}", {"vin": [str(error)]})
        else:
            self.car = car_by_vin(vin=vin, reach=self.actor.reach)
        return super().find(request, **kwargs)

    @docs.vin
    def get(self, request: Request, vin: str) -> Response:  # noqa: ARG002 - `find` has read them
        """What is known of the car with a VIN."""
        if self.car is None:
            raise self.refusal
        return Response(present.car(self.car.facts))
