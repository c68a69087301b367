"""Shapes of capture sets."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from rest_framework import serializers

from assets.catalogue import LENS_LIMIT, MASKABLE_JOBS, default_lenses
from assets.models.capture import validate_country_code
from assets.services.rigs import MAX_VIRTUAL, SIDES
from inspection_platform.api.core.serializers.common import PageMeta, Paging, shape

#: What the columns take; PostgreSQL's integers end there.
_MAX_SMALL: Final = 32_767
_MAX_INTEGER: Final = 2_147_483_647
#: Tenants that one request may name.
MAX_TENANTS: Final = 1000

LABELS: Final = ("pickup", "return")


class CaptureSetQuery(Paging):
    """Filters of W34."""

    virtual = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only virtual sets, or only others; default both."
    )
    logos = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Adds signed addresses of the tenants' logos."
    )
    fromAllTenants = serializers.BooleanField(default=False, help_text="Sets of every tenant; for global admins.")


class CaptureSetSearch(serializers.Serializer[Any]):
    """Patterns of W36."""

    location = serializers.CharField(required=False, max_length=200, help_text="Part of a location, in any case.")
    name = serializers.CharField(required=False, max_length=200, help_text="Part of a name, in any case.")


class CaptureSetKind(serializers.Serializer[Any]):
    """The query of W35."""

    virtual = serializers.BooleanField(default=False, help_text="A virtual set, which has no `captureUnits`.")


class LensNumber(serializers.FloatField):
    """A JSON number above 0; a whole one stays one."""

    def to_internal_value(self, data: Any) -> float:
        """The number as it was sent. Texts and infinity are none."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if not 0 < data <= LENS_LIMIT:
            raise serializers.ValidationError(f"A number above 0 and at most {LENS_LIMIT} is needed.")
        return data


class Lens(serializers.Serializer[Any]):
    """A lens and the sensor behind it; a number that is not given stays as it is."""

    focalLength = LensNumber(required=False, help_text="Millimetres.")
    sensorResolution = LensNumber(required=False, help_text="Pixels across.")
    sensorSize = LensNumber(required=False, help_text="Millimetres.")


class Lenses(serializers.Serializer[Any]):
    """The three lenses of a camera; one that is not given stays as it is."""

    lens0 = Lens(required=False)
    lens1 = Lens(required=False)
    lens2 = Lens(required=False)

    def to_internal_value(self, data: Any) -> Any:
        """The lenses given; a name that is none of theirs is refused."""
        known = default_lenses()
        for name in sorted(set(data) - set(known)) if isinstance(data, dict) else ():
            raise serializers.ValidationError({name: [f"Only {', '.join(known)} are known."]})
        return super().to_internal_value(data)


class UnitGivenShape(serializers.Serializer[Any]):
    """What is said about the unit on one side."""

    side = serializers.ChoiceField(SIDES)
    unitId = serializers.UUIDField(
        required=False, help_text="An existing unit, which takes this side; without it the one there, or a new one."
    )
    tenantIds = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MAX_TENANTS,
        help_text="For whom it records. Of a new unit default: as the set's other unit, or its owner.",
    )
    balenaId = serializers.CharField(
        required=False, allow_blank=True, max_length=64, help_text="Ours: the device's id in fleet management."
    )


class CaptureSetChange(serializers.Serializer[Any]):
    """What W38 may change; what is not named stays."""

    name = serializers.CharField(required=False, max_length=200)
    camerasCount = serializers.IntegerField(required=False, min_value=0, max_value=_MAX_SMALL)
    captureUnits = serializers.ListField(
        child=UnitGivenShape(), required=False, max_length=2, help_text="One for each side, two at most."
    )
    countryCode = serializers.CharField(
        required=False, max_length=3, help_text="One to three letters, stored in capitals."
    )
    label = serializers.ChoiceField(LABELS, required=False)  # type: ignore[assignment]  # no attribute, but a field
    lenses = Lenses(required=False, help_text="Only what differs; the rest stays, or gets the defaults.")
    location = serializers.CharField(required=False, allow_blank=True, max_length=200)
    minLicensePlateArea = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=_MAX_INTEGER,
        help_text="Smallest plate, in pixels, by which a car is recognised.",
    )
    pipelineMask = serializers.ListField(
        child=serializers.ChoiceField(MASKABLE_JOBS), required=False, help_text="Jobs switched off for this set."
    )
    priority = serializers.IntegerField(
        required=False,
        min_value=-_MAX_INTEGER,
        max_value=_MAX_INTEGER,
        help_text="Sets of a higher priority are annotated first.",
    )

    def validate_countryCode(self, value: str) -> str:  # noqa: N802 - DRF finds it by the field's name
        """The code in capitals."""
        code = value.upper()
        try:
            validate_country_code(code)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return code

    def validate_pipelineMask(self, value: list[str]) -> list[str]:  # noqa: N802 - as above
        """Each job once."""
        return list(dict.fromkeys(value))

    def validate_captureUnits(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:  # noqa: N802 - as above
        """One for each side."""
        if len({one["side"] for one in value}) < len(value):
            raise serializers.ValidationError("Each side has one unit of its own.")
        return value


class CaptureSetCreate(CaptureSetChange):
    """A new capture set (W35)."""

    minLicensePlateArea = None  # type: ignore[assignment]  # DRF's way to leave a field of the base out
    name = serializers.CharField(max_length=200)
    tenantId = serializers.UUIDField(
        required=False, help_text="Ours: the tenant that owns the set; default the one worked in."
    )


# --- shapes for the reference ----------------------------------------------------------------------------------------


class CaptureSetUnit(serializers.Serializer[Any]):
    """A unit of a set."""

    side = serializers.ChoiceField(SIDES)
    tenantIds = serializers.ListField(child=serializers.UUIDField(), help_text="For whom it records.")
    unitId = serializers.UUIDField()


class LensShown(serializers.Serializer[Any]):
    """A lens and the sensor behind it."""

    focalLength = serializers.FloatField(help_text="Millimetres.")
    sensorResolution = serializers.FloatField(help_text="Pixels across.")
    sensorSize = serializers.FloatField(help_text="Millimetres.")


LensesShown = shape("LensesShown", "The lenses of a set.", lens0=LensShown(), lens1=LensShown(), lens2=LensShown())


def _url() -> serializers.URLField:
    return serializers.URLField(allow_null=True)


LogoUrls = shape(
    "LogoUrls", "Signed addresses of a tenant's logo; null where there is none.", **{"54x54": _url(), "100x100": _url()}
)

CaptureSetShape = shape(
    "CaptureSetShape",
    "A capture set (4.2).",
    id=serializers.UUIDField(),
    name=serializers.CharField(),
    label=serializers.CharField(allow_blank=True, help_text="`pickup`, `return`, or empty."),
    location=serializers.CharField(allow_blank=True),
    countryCode=serializers.CharField(),
    camerasCount=serializers.IntegerField(),
    captureUnits=CaptureSetUnit(many=True, help_text=f"Empty for a virtual set; a tenant has {MAX_VIRTUAL} at most."),
    isVirtual=serializers.BooleanField(),
    lenses=LensesShown(),
    pipelineMask=serializers.ListField(child=serializers.ChoiceField(MASKABLE_JOBS)),
    priority=serializers.IntegerField(),
    createdAt=serializers.IntegerField(),
    modifiedAt=serializers.IntegerField(),
)


class CaptureSetWithLogos(CaptureSetShape):  # type: ignore[misc,valid-type]  # a class made by `shape`
    """A capture set of the list."""

    logos = serializers.DictField(
        child=LogoUrls(), required=False, help_text="With `logos=true`, by tenant; valid for an hour. The form is ours."
    )


class CaptureSetDetail(CaptureSetShape):  # type: ignore[misc,valid-type]  # as above
    """A capture set asked for by id."""

    minLicensePlateArea = serializers.IntegerField()


CaptureSetItems = shape("CaptureSetItems", "Capture sets of a page.", items=CaptureSetWithLogos(many=True))

CaptureSetList = shape(
    "CaptureSetList",
    "A page of capture sets.",
    success=serializers.BooleanField(),
    data=CaptureSetItems(),
    meta=PageMeta(),
)

CaptureSetFound = shape(
    "CaptureSetFound",
    "One capture set.",
    success=serializers.BooleanField(),
    data=CaptureSetDetail(),
    message=serializers.CharField(),
)

CaptureSetWords = shape(
    "CaptureSetWords",
    "What was found; each value once, in alphabetical order.",
    locations=serializers.ListField(child=serializers.CharField()),
    names=serializers.ListField(child=serializers.CharField()),
)

CaptureSetWordsFound = shape(
    "CaptureSetWordsFound", "Answer of a search.", success=serializers.BooleanField(), data=CaptureSetWords()
)
