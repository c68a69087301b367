"""Reference of cars."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.cars import (
    MAX_PLATES,
    CarAssignments,
    CarDeleted,
    CarDeletion,
    CarQuery,
    CarsAdded,
    CarsFound,
    CarsReplaced,
    CarsScope,
)

TAG: Final = "core: cars"

#: The vendor's samples (its ids completed to full length).
CAR: Final[dict[str, Any]] = {
    "createdAt": 1694092081,
    "deviceSetId": "12345678-abcd-abcd-abcd-123456789012",
    "inUse": True,
    "registrationNo": "NO#ABCDE",
    "tenantId": "12345678-abcd-abcd-abcd-123456789012",
}
GIVEN: Final[dict[str, Any]] = {
    "cars": [
        {
            "carGroup": "sedan",
            "fuel": "PETROL",
            "licensePlate": "DE#AB1234",
            "make": "Audi",
            "model": "A3",
            "modelCode": "8Y",
            "pictogram": "car_front_180.png",
            "vin": "VIN45678912345678",
        }
    ]
}
PLATES: Final[dict[str, Any]] = {
    "registrationNumbersByCountryCode": {"DE": ["AB1234", "CD1234"], "NO": ["WX1234", "YZ1234"]}
}
ASSIGNED: Final[dict[str, Any]] = {
    "d1fdd0e3-b5fc-4148-afd6-c07ca800dd74": {
        "assigned": [],
        "belongsElsewhere": ["DE#AB1234", "DE#CD1234"],
        "errors": [],
    },
    "dc49101e-49d1-4ce2-82c6-4f6b1824fe02": {
        "assigned": ["NO#WX1234"],
        "belongsElsewhere": ["NO#YZ1234"],
        "errors": [],
    },
    "df2ede50-0717-408e-8c94-225139d839dd": {
        "assigned": [],
        "belongsElsewhere": [],
        "errors": ["No capture sets"],
    },
}
_META: Final = {"currentItemsPerPage": 100, "currentPage": 1, "lastPage": 1, "maxPerPage": 100, "totalItems": 1}

_RELEASE: Final = (
    "A car that leaves a tenant is released (ours): its image sets, damages and history stay with that tenant, another "
    "tenant may be assigned the plate and starts with a car of its own, and the tenant itself gets its old car back."
)
_PLATES: Final = (
    f"At most {MAX_PLATES:,} plates in one request, which may have 2.6 MB: enough for all of them in the short form, "
    "and for about 14,000 `cars` with everything filled in (ours). Case, spaces and dashes do not matter, a country "
    "before `#` wins over the key, and of entries for one plate the last counts. `cars` that hold nothing do not "
    "hide the other field (ours)."
)
_ANSWER: Final = (
    "`assigned` are plates that are the tenant's now, new or not; `belongsElsewhere` are another tenant's and stay "
    "there, without a word whose they are; `errors` name what is no plate, and `No capture sets` for a tenant to which "
    "nothing can be assigned since it neither owns a capture set nor is recorded for. The rest of the list is carried "
    "out, and the answer is 200 (ours). A new car belongs to the tenant's oldest capture set, one in its country "
    "first (ours). Passages and image sets that waited for one of the plates are routed at once."
)
_MASTER: Final = (
    "With `masterTenantAction=true` the tenant worked in acts for the members of the groups whose power tenant it is "
    "as well, and the answer has an entry for each tenant that something came of. A plate that one of them has stays "
    "there; a new one goes to the tenant with a capture set in its country, the one worked in before others; where "
    "there is none, or more than one member, `errors` says so. How plates are shared out is ours."
)


def _assigned(description: str) -> Any:
    example = {"success": True, "data": ASSIGNED, "message": "Car assignments have been updated"}
    return answer(CarAssignments, description, example)


cars = extend_schema(
    operation_id="core_cars_list",
    tags=[TAG],
    summary="List cars",
    description=(
        "The cars that are assigned to a tenant, by country and plate (ours). With `hasDamages` only those on which "
        "damages stand (proposed or accepted, not deleted), or only those without; `carIds` narrows the question to "
        "these. With `passageIds` and `registrationNo` the car is listed if it may be assigned to all of these "
        "passages (ours: each is the tenant's or nobody's, has no other car and no other plate that was entered, and "
        f"was recorded by units that record for the tenant); otherwise the list is empty. {callers_text('W45')}"
    ),
    parameters=[CarQuery],
    responses={
        200: answer(CarsFound, "A page of cars.", {"success": True, "data": {"items": [CAR]}, "meta": _META}),
        **refusals(400, 401, 404),
    },
)

car_delete = extend_schema(
    operation_id="core_cars_delete",
    tags=[TAG],
    summary="Delete a car",
    description=(
        f"Takes a car off its tenant's list. {_RELEASE} A plate that nobody has, or another tenant, is not found. With "
        "`masterTenantAction=true` a car of a member of the groups whose power tenant the tenant worked in is may be "
        f"deleted too. {callers_text('W44')}"
    ),
    parameters=[CarDeletion],
    responses={
        200: answer(CarDeleted, "Done.", {"success": True, "data": "ZZZZZZZ", "message": "Car successfully deleted"}),
        **refusals(400, 401, 403, 404),
    },
)

_EXAMPLES: Final = [
    OpenApiExample("Plates", PLATES, request_only=True),
    OpenApiExample("Cars", GIVEN, request_only=True),
]

cars_add = extend_schema(
    operation_id="core_cars_create",
    tags=[TAG],
    summary="Assign cars",
    description=(
        f"Assigns plates to the tenant worked in. An empty list is refused. A car that is assigned already is left as "
        f"it is. {_ANSWER}\n\n{_PLATES}\n\n{_MASTER} {callers_text('W46')}"
    ),
    parameters=[CarsScope],
    request=CarsAdded,
    responses={200: _assigned("What came of each plate."), **refusals(400, 401, 403, 409)},
    examples=_EXAMPLES,
)

cars_replace = extend_schema(
    operation_id="core_cars_replace",
    tags=[TAG],
    summary="Replace the assigned cars",
    description=(
        "Makes the list the tenant's whole list, in one transaction: what is not on it is released, and an empty list "
        "releases everything. What is said of a car that is assigned already is written (ours). A list that holds "
        "nothing but what can be no plate changes nothing, and a tenant that is told `No capture sets` keeps its cars "
        f"(both ours). {_RELEASE}\n\n{_ANSWER}\n\n{_PLATES}\n\n{_MASTER} {callers_text('W47')}"
    ),
    parameters=[CarsScope],
    request=CarsReplaced,
    responses={200: _assigned("What came of each plate."), **refusals(400, 401, 403, 409)},
    examples=_EXAMPLES,
)
