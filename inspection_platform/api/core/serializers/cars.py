"""Shapes of cars."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from assets.plates import plate_parse
from assets.services.cars import CarList
from inspection_platform.api.core.serializers.common import CommaList, PageMeta, Paging, master_tenant_action, shape
from inspection_platform.api.paging import MAX_LIMIT

#: Plates that one request may list.
MAX_PLATES: Final = 50_000
#: Cars or passages that one query may name.
MAX_IDS: Final = 100
_MAX_NUMBER: Final = 30
_LISTS: Final = ("cars", "registrationNumbersByCountryCode")

#: What is said of a car: the contract's name to the column it is stored in.
_COLUMNS: Final = {
    "carGroup": "car_group",
    "fuel": "fuel",
    "make": "make",
    "model": "model",
    "modelCode": "model_code",
    "pictogram": "pictogram",
    "vin": "vin",
}


class IdList(CommaList):
    """Ids, so many at most."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(serializers.UUIDField(), required=False, **kwargs)

    def to_internal_value(self, data: str) -> list[Any]:
        """The ids, each once."""
        found = super().to_internal_value(data)
        if len(found) > MAX_IDS:
            raise serializers.ValidationError(f"At most {MAX_IDS} ids are taken.")
        return found


class CarQuery(Paging):
    """Filters of W45."""

    limit = serializers.IntegerField(
        default=MAX_LIMIT,
        min_value=1,
        help_text=f"Items on a page; more than {MAX_LIMIT} is taken for {MAX_LIMIT}.",
    )
    hasDamages = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only cars with standing damages, or only others."
    )
    carIds = IdList(help_text=f"Comma list of at most {MAX_IDS} ids: only these cars.")
    passageIds = IdList(
        help_text=f"Comma list of at most {MAX_IDS} ids: the car of `registrationNo` is listed if it may be assigned "
        "to all of these passages."
    )
    countryCode = serializers.CharField(required=False, max_length=3, help_text="Of the plate; `NO` if missing.")
    registrationNo = serializers.CharField(required=False, max_length=_MAX_NUMBER, help_text="Only this car.")
    tenantId = serializers.UUIDField(required=False, help_text="Default: the tenant worked in.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Adds `plate`; passages are checked for a car, and a country says nothing without a number."""
        number, country = attrs.pop("registrationNo", None), attrs.pop("countryCode", None)
        if number is not None:
            return {**attrs, "plate": _plate(number, country)}
        for name in ("passageIds", "countryCode"):
            if attrs.get(name) or (name == "countryCode" and country):
                raise serializers.ValidationError({"registrationNo": [f"Needed together with {name}."]})
        return attrs


class CarDeletion(serializers.Serializer[Any]):
    """The query of W44."""

    registrationNo = serializers.CharField(max_length=_MAX_NUMBER, help_text="The plate in any spelling.")
    countryCode = serializers.CharField(
        required=False, max_length=3, help_text="In capital or small letters; `NO` if missing."
    )
    masterTenantAction = master_tenant_action()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Adds `plate`."""
        return {**attrs, "plate": _plate(attrs["registrationNo"], attrs.get("countryCode"))}


class CarsScope(serializers.Serializer[Any]):
    """The query of W46 and W47."""

    masterTenantAction = master_tenant_action()


def _said(most: int) -> serializers.CharField:
    return serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=most)


class CarGiven(serializers.Serializer[Any]):
    """A car with what is known of it."""

    carGroup = _said(50)
    fuel = _said(30)
    licensePlate = serializers.CharField(max_length=_MAX_NUMBER, help_text="`CC#PLATE`; without a country `NO`.")
    make = _said(100)
    model = _said(100)
    modelCode = _said(50)
    pictogram = _said(100)
    vin = _said(17)


class CarsReplaced(serializers.Serializer[Any]):
    """The cars of a tenant, all of them (W47)."""

    cars = CarGiven(
        many=True, required=False, allow_null=True, help_text="If it holds any, the other field is ignored."
    )
    registrationNumbersByCountryCode = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=_MAX_NUMBER, allow_blank=True)),
        required=False,
        allow_null=True,
        help_text="Country code to plates, in any spelling.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Makes `listed` of whichever field is used."""
        cars, numbers = (attrs.get(name) for name in _LISTS)
        if cars is None and numbers is None:
            raise serializers.ValidationError({_LISTS[1]: ["This field is required."]})
        total = len(cars) if cars else sum(map(len, (numbers or {}).values()))
        if total > MAX_PLATES:
            raise serializers.ValidationError(
                {_LISTS[0 if cars else 1]: [f"At most {MAX_PLATES:,} plates are taken in one request."]}
            )
        return {"listed": _listed(cars or [], numbers or {})}


class CarsAdded(CarsReplaced):
    """Cars to be assigned (W46)."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As for W47, but an empty list is refused."""
        values = super().validate(attrs)
        listed: CarList = values["listed"]
        if not listed.cars and not listed.malformed:
            raise serializers.ValidationError({_LISTS[1]: ["This list may not be empty."]})
        return values


def _listed(cars: list[dict[str, Any]], numbers: dict[str, list[str]]) -> CarList:
    made = CarList()
    for car in cars:
        said = {column: car[name] for name, column in _COLUMNS.items() if car.get(name) is not None}
        made.add(car["licensePlate"], details=said)
    if not cars:
        for country, plates in numbers.items():
            for plate in plates:
                made.add(plate, country)
    return made


def _plate(number: str, country: str | None) -> Any:
    try:
        return plate_parse(number, country)
    except ValueError as error:
        raise serializers.ValidationError({"registrationNo": [str(error)]}) from error


# --- shapes for the reference ----------------------------------------------------------------------------------------


class CarShape(serializers.Serializer[Any]):
    """A car that is assigned to a tenant."""

    createdAt = serializers.IntegerField()
    deviceSetId = serializers.UUIDField(allow_null=True, help_text="The capture set that it belongs to.")
    inUse = serializers.BooleanField()
    registrationNo = serializers.CharField(help_text="`CC#PLATE`")
    tenantId = serializers.UUIDField()


CarItems = shape("CarItems", "Cars of a page.", items=CarShape(many=True))

CarsFound = shape(
    "CarsFound",
    "A page of cars.",
    success=serializers.BooleanField(),
    data=CarItems(),
    meta=PageMeta(),
)

CarDeleted = shape(
    "CarDeleted",
    "The car is off the list.",
    success=serializers.BooleanField(),
    data=serializers.CharField(help_text="The plate."),
    message=serializers.CharField(),
)


CarAssignments = shape(
    "CarAssignments",
    "What came of the plates, by tenant id.",
    success=serializers.BooleanField(),
    data=serializers.DictField(
        child=shape(
            "CarAssignment",
            "What came of the plates for one tenant.",
            assigned=serializers.ListField(child=serializers.CharField(), help_text="Its own, now or before already."),
            belongsElsewhere=serializers.ListField(
                child=serializers.CharField(), help_text="Another tenant's: left there."
            ),
            errors=serializers.ListField(child=serializers.CharField(), help_text="What went wrong, in words."),
        )()
    ),
    message=serializers.CharField(),
)
