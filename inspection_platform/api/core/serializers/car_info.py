"""Shapes of car information."""

from __future__ import annotations

import re
from typing import Any, Final

from rest_framework import serializers

from assets.carinfo.prices import MOST_KM
from assets.catalogue import DEFAULT_COUNTRY
from assets.plates import Plate, plate_parse
from inspection_platform.api.core.serializers.common import shape
from tenants.errors import Invalid

_COUNTRY: Final = re.compile(r"[A-Za-z]{1,3}")


class PlateQuery(serializers.Serializer[Any]):
    """What may stand beside a plate (W28)."""

    countryCode = serializers.RegexField(
        _COUNTRY,
        required=False,
        max_length=3,
        error_messages={"invalid": "A country code has one to three letters."},
        help_text=f"Ours: the plate's country, unless it is written `CC#PLATE`; `{DEFAULT_COUNTRY}` if missing.",
    )


class PriceQuery(PlateQuery):
    """What may stand beside a plate when its price is asked for (W29)."""

    km = serializers.IntegerField(min_value=0, max_value=MOST_KM, help_text="The car's mileage in km.")


def plate_of(text: str, country: str | None) -> Plate:
    """The plate in a path; Invalid for one that cannot be."""
    try:
        return plate_parse(text, country)
    except ValueError as error:
        raise Invalid(f"plate: {error}", {"plate": [str(error)]}) from error


# --- shapes for the reference ----------------------------------------------------------------------------------------

CarVin = shape("CoreCarVin", "A car's number.", VIN=serializers.CharField())

CarVinFound = shape(
    "CoreCarVinFound",
    "The car's vehicle identification number.",
    success=serializers.BooleanField(),
    data=CarVin(),
    message=serializers.CharField(),
)


class CarPrice(serializers.Serializer[Any]):
    """What a car costs."""

    priceHigh = serializers.IntegerField()
    priceLow = serializers.IntegerField()
    priceMedio = serializers.IntegerField()


CarPriceFound = shape(
    "CoreCarPriceFound",
    "The car's price.",
    success=serializers.BooleanField(),
    data=CarPrice(),
    message=serializers.CharField(),
)

CarData = shape(
    "CoreCarData",
    "What is known of a car; an empty text is something that is not.",
    VIN=serializers.CharField(),
    color=serializers.CharField(allow_blank=True, help_text="In Norwegian where the word is known: `Grå`."),
    displacement=serializers.CharField(allow_blank=True, help_text="In cm3."),
    fuel=serializers.CharField(allow_blank=True, help_text="In Norwegian where the word is known: `Bensin`."),
    gear=serializers.CharField(allow_blank=True, help_text="In Norwegian where the word is known: `Manuell`."),
    kw=serializers.CharField(allow_blank=True),
    make=serializers.CharField(allow_blank=True, help_text="In capital letters, without accents."),
    year=serializers.CharField(allow_blank=True, help_text="The model year, or that of the first registration."),
)

CarDataFound = shape(
    "CoreCarDataFound",
    "What is known of the car.",
    success=serializers.BooleanField(),
    data=CarData(),
    message=serializers.CharField(),
)
