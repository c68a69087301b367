"""Shapes of damages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rest_framework import serializers

from assets.plates import plate_parse
from damages.models import DamageState, Source
from damages.selectors import SORTS
from damages.taxonomy import DamageCategory, FalsePositive
from inspection_platform.api.core.serializers.common import CommaList, PageMeta, Paging, master_tenant_action, shape

_CLOSEST: Final = ("closestToImageSetId", "closestToImageId")


class DamageQuery(Paging):
    """Filters of W49 that are served."""

    appraisalId = serializers.CharField(required=False, max_length=100)
    imageSetId = serializers.UUIDField(required=False)
    closestToImageSetId = serializers.UUIDField(
        required=False, help_text="Together with `closestToImageId`: potentially closest damages first."
    )
    closestToImageId = serializers.UUIDField(required=False, help_text="An image of `closestToImageSetId`.")
    tenantId = serializers.UUIDField(required=False, help_text="With a plate: whose car it is.")
    countryCode = serializers.CharField(required=False, max_length=3, help_text="Of the plate; `NO` if missing.")
    registrationNo = serializers.CharField(
        required=False, max_length=30, help_text="First occurrences on this car; needs `tenantId`."
    )
    filterByState = CommaList(
        serializers.ChoiceField(DamageState.choices),
        required=False,
        help_text="Comma list of created, accepted, rejected (default created,accepted). Not for plain users.",
    )
    isPotential = serializers.BooleanField(default=False, help_text="Below the threshold. Not for plain users.")
    isDeleted = serializers.BooleanField(default=False, help_text="Deleted damages. Not for plain users.")
    returnRepresentatives = serializers.BooleanField(default=True, help_text="One sighting per damage family.")
    returnFamilyOf = serializers.UUIDField(required=False, help_text="All sightings of this representative's family.")
    sortBy = serializers.ChoiceField(
        sorted(SORTS), default="createdAt", help_text="Default createdAt. Not for plain users."
    )
    masterTenantAction = master_tenant_action()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Adds `plate`; a car's damages need the tenant too, nearness both ids (contract section 5, rules 1 and 2)."""
        for name, other in (_CLOSEST, _CLOSEST[::-1]):
            if name in attrs and other not in attrs:
                raise serializers.ValidationError({other: [f"Needed together with {name}."]})
        number = attrs.pop("registrationNo", None)
        country = attrs.pop("countryCode", None)
        if number is None:
            return attrs
        if "tenantId" not in attrs:
            raise serializers.ValidationError({"tenantId": ["Needed together with registrationNo."]})
        try:
            return {**attrs, "plate": plate_parse(number, country)}
        except ValueError as error:
            raise serializers.ValidationError({"registrationNo": [str(error)]}) from error


# --- shapes for the reference ----------------------------------------------------------------------------------------


class Corner(serializers.Serializer[Any]):
    """A corner in pixels of `convertedImgSize`."""

    x = serializers.IntegerField()
    y = serializers.IntegerField()


class LimitedDamageFields(serializers.Serializer[Any]):
    """Fixed: nothing is withheld."""

    isAvailable = serializers.BooleanField()


class DamageSize(serializers.Serializer[Any]):
    """Millimetres; 0 where it was not measured."""

    height = serializers.FloatField()
    width = serializers.FloatField()


class DamagedPartShape(serializers.Serializer[Any]):
    """The part of the car that a damage is on."""

    cameraLocation = serializers.CharField()
    cameraSide = serializers.CharField()
    carEnd = serializers.CharField()
    certainty = serializers.FloatField()
    id = serializers.UUIDField()
    imageId = serializers.UUIDField()
    name = serializers.CharField()
    pictogram = serializers.DictField(help_text="`name`, `path`, and `x`, `y` in 0..1; empty when there is none.")
    points = Corner(many=True)


def _flags(name: str, words: Iterable[str], doc: str) -> type[serializers.Serializer[Any]]:
    """A shape of one boolean for each word."""
    return shape(name, doc, **{str(word): serializers.BooleanField() for word in words})


FalsePositives = _flags("FalsePositives", FalsePositive, "Why it is no damage.")
TruePositives = _flags("TruePositives", DamageCategory, "What people confirmed.")

#: What the list and the detail share.
_COMMON: Final[dict[str, Any]] = {
    "id": serializers.UUIDField(),
    "appraisalId": serializers.CharField(allow_null=True),
    "carId": serializers.UUIDField(allow_null=True),
    "category": serializers.ChoiceField([category.value for category in DamageCategory]),
    "convertedImgSize": serializers.CharField(help_text="`1920x1200`: the pixels that `points` count."),
    "createdAt": serializers.IntegerField(),
    "damagedParts": DamagedPartShape(many=True),
    "falsePositives": FalsePositives(),
    "familySize": serializers.IntegerField(help_text="Sightings of the same damage in this set, whatever their state."),
    "fileName": serializers.CharField(),
    "firstDamageId": serializers.UUIDField(allow_null=True, help_text="Null: this is the first occurrence."),
    "imageId": serializers.UUIDField(),
    "imageSetId": serializers.UUIDField(),
    "points": serializers.ListField(
        child=Corner(), help_text="Four corners of the damage's box: left top, right top, left bottom, right bottom."
    ),
    "potentialDamage": serializers.BooleanField(),
    "processing": serializers.BooleanField(
        help_text="Its image set is in the pipeline again, or a client said that it is at work on it."
    ),
    "proxPosCamera": serializers.IntegerField(help_text="0: the image's camera; 1: another one. 0 if nobody asked."),
    "proxPosFrame": serializers.IntegerField(help_text="Frames (photos: places in the set) between the two."),
    "proxPosSide": serializers.IntegerField(help_text="0: the image's side of the rig; 1: another one."),
    "representativeId": serializers.UUIDField(help_text="Its own id for a representative."),
    "size": DamageSize(),
    "state": serializers.ChoiceField(DamageState.choices),
    "timestamp": serializers.IntegerField(help_text="When its image set was recorded."),
    "truePositives": TruePositives(),
    "confidence": serializers.FloatField(allow_null=True, help_text="Ours: the model's score, 0..1; null when drawn."),
    "modelVersion": serializers.CharField(allow_null=True, help_text="Ours: the model that saw it."),
    "polygon": serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        help_text="Ours: the outline, [x, y] in 0..1 of the photo.",
    ),
    "source": serializers.ChoiceField(Source.choices, help_text="Ours: who put it there."),
    "modifiedAt": serializers.CharField(help_text="Ours: its version, opaque; another one after each change."),
}

DamageShape = shape(
    "DamageShape",
    "A damage (4.3): one sighting on one photo.",
    damageFamilyReviewed=serializers.BooleanField(),
    limitedTenantFields=LimitedDamageFields(many=True),
    partnerState=serializers.CharField(allow_null=True),
    **_COMMON,
)

DamageDetailShape = shape(
    "DamageDetailShape",
    "A damage in detail: without the family's review and the partner's state, as the vendor prints it.",
    isManualMatchingExecuted=serializers.BooleanField(
        help_text="A person said what it is one with, or that its family is right."
    ),
    isNew=serializers.BooleanField(help_text="First seen within 24 hours."),
    isRecent=serializers.BooleanField(help_text="First seen within 120 hours."),
    limitedTenantFields=LimitedDamageFields(),
    **_COMMON,
)

DamageDetail = shape(
    "DamageDetail",
    "One damage.",
    success=serializers.BooleanField(),
    data=DamageDetailShape(),
    message=serializers.CharField(),
)

DamageItems = shape("DamageItems", "Damages of a page.", items=DamageShape(many=True))

DamageList = shape(
    "DamageList",
    "A page of damages: paging is under `metadata` here, as the vendor prints it.",
    success=serializers.BooleanField(),
    data=DamageItems(),
    message=serializers.CharField(),
    metadata=PageMeta(),
)
