"""Reference of car information."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.car_info import (
    CarDataFound,
    CarPriceFound,
    CarVinFound,
    PlateQuery,
    PriceQuery,
)

TAG: Final = "core: car information"
#: The vendor's samples; a number that can be a VIN stands for theirs, which cannot.
_VIN: Final = "TMBJG7NE5C0123456"
CAR: Final[dict[str, Any]] = {
    "VIN": _VIN,
    "color": "Grå",
    "displacement": "1598",
    "fuel": "Diesel",
    "gear": "Manuell",
    "kw": "77",
    "make": "SKODA",
    "year": "2012",
}
PRICE: Final[dict[str, Any]] = {"priceHigh": 105986, "priceLow": 93988, "priceMedio": 99987}

_PLATE: Final = OpenApiParameter(
    "plate",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="`AB12345`, `ab 12345`, or with its country `NO#AB12345` (`#` sent as `%23`).",
)
_WHO_IS_ASKED: Final = (
    "Ours: the answer comes from your own register of cars; what that does not hold, from the other system that the "
    "installation is connected to, if any (503 when it is needed and does not answer). Another tenant's car is not "
    "known here."
)

license_plate = extend_schema(
    operation_id="core_car_info_license_plate",
    tags=[TAG],
    summary="Find a car's VIN by its plate",
    description=f"{_WHO_IS_ASKED} A car whose VIN nobody knows is a 404. {callers_text('W28')}",
    parameters=[_PLATE, PlateQuery],
    responses={
        200: answer(
            CarVinFound,
            "The VIN.",
            {"success": True, "data": {"VIN": _VIN}, "message": "Vehicle identification number found"},
        ),
        **refusals(400, 401, 404, 503),
    },
)

price = extend_schema(
    operation_id="core_car_info_price",
    tags=[TAG],
    summary="Show what a car costs at a mileage",
    description=(
        "From the price points that the car's tenant keeps for its make, model and year: joined by straight lines over "
        "km, and for a year without points over the years around it. Ours: nothing is guessed beyond the points; the "
        f"404 then says for which mileages and years there is a price. {_WHO_IS_ASKED} {callers_text('W29')}"
    ),
    parameters=[_PLATE, PriceQuery],
    responses={
        200: answer(CarPriceFound, "The price.", {"success": True, "data": PRICE, "message": "Vehicle found"}),
        **refusals(400, 401, 404, 503),
    },
)

vin = extend_schema(
    operation_id="core_car_info_vin",
    tags=[TAG],
    summary="Show what is known of a car by its VIN",
    description=(
        "Every value is a text, empty where it is not known. Upper and lower case are alike. Ours: a VIN has 17 "
        "characters without I, O and Q; its check digit binds where the first character is 1 to 5 (North America). A "
        "VIN that nobody holds is answered with the make that it names itself, and with the model year where makers "
        f"write it there. {_WHO_IS_ASKED} {callers_text('W30')}"
    ),
    parameters=[OpenApiParameter("vin", OpenApiTypes.STR, OpenApiParameter.PATH)],
    responses={
        200: answer(CarDataFound, "What is known.", {"success": True, "data": CAR, "message": "Vehicle found"}),
        **refusals(400, 401, 404, 503),
    },
)
