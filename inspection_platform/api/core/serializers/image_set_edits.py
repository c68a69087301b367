"""What clients say of image sets: new ones, sets claimed, sets to look at, and changes."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.carinfo.vins import vin_parse
from assets.plates import Plate, plate_parse
from inspection_platform.api.core.serializers.image_sets import plate_checked
from inspection_platform.api.paging import MAX_LIMIT

#: More than any number about a car.
_MOST: Final = 1_000_000_000
_MAX_TOKEN: Final = 2000
_MOMENT_TEXT: Final = serializers.CharField(max_length=40)
_UNIX: Final = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)


@extend_schema_field(OpenApiTypes.STR)
class Moment(serializers.Field[datetime, Any, str, Any]):
    """A moment as text: Unix seconds, perhaps with a fraction, or ISO 8601 with its offset."""

    def to_internal_value(self, data: Any) -> datetime:
        """The moment in UTC."""
        text = _MOMENT_TEXT.run_validation(data)
        try:
            moment = datetime.fromtimestamp(float(text), UTC) if _UNIX.fullmatch(text) else datetime.fromisoformat(text)
            # A time of no zone would be taken for the server's.
            found = moment.astimezone(UTC) if moment.tzinfo else None
        except (ValueError, OverflowError, OSError):
            found = None
        if found is None:
            raise serializers.ValidationError("Unix seconds or ISO 8601 with an offset are needed.")
        return found

    def to_representation(self, value: datetime) -> str:
        """Unix seconds as text."""
        return str(int(value.timestamp()))


class ImageSetCreate(serializers.Serializer[Any]):
    """A set for photos that come later (W55)."""

    tenantId = serializers.UUIDField(help_text="Whose set it is.")
    countryCode = serializers.CharField(required=False, max_length=3, help_text="NO if it is not given.")
    deviceSetId = serializers.UUIDField(required=False, allow_null=True, help_text="A capture set, virtual or not.")
    recDate = Moment(required=False, help_text="Unix seconds as text; ISO 8601 too (ours). Now if it is not given.")
    registrationNo = serializers.CharField(required=False, allow_blank=True, max_length=50)
    vin = serializers.CharField(required=False, allow_blank=True, max_length=50)

    def validate_vin(self, value: str) -> str:
        """The number in upper case."""
        return _vin(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A plate that can be one."""
        number = attrs.get("registrationNo")
        attrs["plate"] = plate_checked("registrationNo", number, attrs.get("countryCode")) if number else None
        return attrs


class ImageSetClaim(serializers.Serializer[Any]):
    """A set and the plate of the car on it."""

    id = serializers.UUIDField()
    registrationNo = serializers.CharField(max_length=50, help_text="`NO#ABC123`.")

    def validate_registrationNo(self, value: str) -> Plate:  # noqa: N802 - DRF finds it by the field's name
        """The plate, normalised."""
        try:
            return plate_parse(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class ImageSetClaims(serializers.Serializer[Any]):
    """Sets that wait for their tenant, with their plates (W56)."""

    imageSets = serializers.ListField(child=ImageSetClaim(), min_length=1, max_length=MAX_LIMIT)

    def validate_imageSets(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:  # noqa: N802 - as above
        """Each set once."""
        if len({one["id"] for one in value}) < len(value):
            raise serializers.ValidationError("Each image set once.")
        return value


class ImageSetRedirect(serializers.Serializer[Any]):
    """Sets to look at, and whose session is to move (W59)."""

    imageSetIds = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MAX_LIMIT)
    refreshToken = serializers.CharField(max_length=_MAX_TOKEN)


class CarNumber(serializers.FloatField):
    """A number about a car: finite and not negative; text and truth values are none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=_MOST, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        """The number."""
        if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
            raise serializers.ValidationError("A number is needed.")
        return data


def _said(**kwargs: Any) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, allow_null=True, **kwargs)


class CarInfoChange(serializers.Serializer[Any]):
    """What is said of the car on a set; null takes back what was said."""

    color = _said(max_length=50)
    displacement = CarNumber(required=False, allow_null=True)
    fuel = _said(max_length=30)
    gear = _said(max_length=30)
    kW = CarNumber(required=False, allow_null=True)
    mileage = CarNumber(required=False, allow_null=True)
    model = _said(max_length=100)
    registrationNo = serializers.CharField(required=False, max_length=50, help_text="`NO#ABC123`.")
    vin = _said(max_length=50)
    year = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=9999)

    def to_internal_value(self, data: Any) -> Any:
        """What is said; a key that is unknown is refused, so that nothing is lost in silence."""
        refuse_unknown(self, data)
        return super().to_internal_value(data)

    def validate_vin(self, value: str | None) -> str | None:
        """The number in upper case."""
        return None if value is None else _vin(value)

    def validate_registrationNo(self, value: str) -> Plate:  # noqa: N802 - DRF finds it by the field's name
        """The plate, normalised."""
        try:
            return plate_parse(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class ImageSetChange(serializers.Serializer[Any]):
    """What W61 may change; what is not named stays."""

    carInfo = CarInfoChange(required=False)
    partnerState = serializers.CharField(
        required=False, allow_blank=True, max_length=50, help_text="A word of yours, for example `reviewed`."
    )

    def to_internal_value(self, data: Any) -> Any:
        """What is to change; a key that is unknown is refused."""
        refuse_unknown(self, data)
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something has to change."""
        if not attrs:
            raise serializers.ValidationError("carInfo or partnerState is needed.")
        return attrs


def refuse_unknown(form: serializers.Serializer[Any], data: Any) -> None:
    """ValidationError for a key that the form does not have."""
    for name in sorted(map(str, set(data) - set(form.fields))) if isinstance(data, dict) else ():
        raise serializers.ValidationError({name: [f"Only {', '.join(form.fields)} are known."]})


def _vin(value: str) -> str:
    try:
        return vin_parse(value) if value else ""
    except ValueError as error:
        raise serializers.ValidationError(str(error)) from error
