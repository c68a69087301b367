"""Shapes of image sets."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from assets.models import ImageSetState
from damages.models import ManualStatus
from inspection_platform.api.core.serializers.common import CommaList, PageMeta, Paging, shape
from inspection_platform.api.paging import MAX_LIMIT


class ImageSetQuery(Paging):
    """Filters of W54 that are served."""

    externalKey = serializers.CharField(
        required=False, max_length=100, help_text="Ours: the key by which a vendor's client knows the inspection."
    )
    ids = CommaList(serializers.UUIDField(), required=False, help_text="Comma separated ids.")
    tenantId = serializers.UUIDField(required=False, help_text="Only sets of this tenant.")

    def validate_ids(self, value: list[Any]) -> list[Any]:
        """At most a page of ids."""
        if len(value) > MAX_LIMIT:
            raise serializers.ValidationError(f"At most {MAX_LIMIT} ids.")
        return value


# --- shapes for the reference ----------------------------------------------------------------------------------------


class CarInfo(serializers.Serializer[Any]):
    """What is known of the car; "" and 0 where nothing is."""

    color = serializers.CharField()
    displacement = serializers.FloatField()
    fuel = serializers.CharField()
    gear = serializers.CharField()
    kW = serializers.FloatField()
    mileage = serializers.FloatField()
    model = serializers.CharField()
    registrationNo = serializers.CharField(help_text="`NO#ABC123`.")
    vin = serializers.CharField()
    year = serializers.IntegerField()


class LimitedTenantFields(serializers.Serializer[Any]):
    """Fixed: nothing is withheld."""

    isAvailable = serializers.BooleanField()
    isTriggered = serializers.BooleanField()


class ManualProcessingShape(serializers.Serializer[Any]):
    """The manual steps. Times are Unix seconds, null for what has not happened."""

    annotationEnabled = serializers.BooleanField()
    annotationTime = serializers.IntegerField(allow_null=True)
    annotatorDamagesDeletedByReviewer = serializers.ListField(child=serializers.UUIDField())
    createdAt = serializers.IntegerField(allow_null=True)
    damagesAddedByAnnotator = serializers.ListField(child=serializers.UUIDField())
    damagesAddedByReviewer = serializers.ListField(child=serializers.UUIDField())
    isSkipped = serializers.BooleanField()
    lastAnnotationLockTime = serializers.IntegerField(allow_null=True)
    lastAnnotatorId = serializers.UUIDField(allow_null=True)
    lastReviewLockTime = serializers.IntegerField(allow_null=True)
    lastReviewerId = serializers.UUIDField(allow_null=True)
    reviewEnabled = serializers.BooleanField()
    reviewTime = serializers.IntegerField(allow_null=True)
    status = serializers.IntegerField(
        help_text="; ".join(f"{status.value} {status.label}" for status in ManualStatus) + ". The meanings are ours."
    )


class ManualProcessingDetail(ManualProcessingShape):
    """The manual steps, and which of them the asker could begin now."""

    manualAnnotationAvailable = serializers.BooleanField()
    manualReviewAvailable = serializers.BooleanField()


class MlProcessing(serializers.Serializer[Any]):
    """How far the models are."""

    damageIdentificationFinished = serializers.BooleanField(help_text="True when the run has ended, whatever it held.")
    dmgDetectProcessing = serializers.BooleanField()
    dmgDetectTimestamp = serializers.IntegerField(allow_null=True)


Origin = shape(
    "Origin",
    "The rig a set came from; empty for a set that a client sent.",
    id=serializers.UUIDField(allow_null=True),
    label=serializers.CharField(),
    location=serializers.CharField(),
    name=serializers.CharField(),
    type=serializers.CharField(help_text="`device` or `virtual`."),
)


class ImageSetShape(serializers.Serializer[Any]):
    """An image set (4.4)."""

    id = serializers.UUIDField()
    appraisalId = serializers.CharField(allow_null=True)
    carId = serializers.UUIDField(allow_null=True)
    carInfo = CarInfo()
    createdAt = serializers.IntegerField()
    hasImages = serializers.BooleanField()
    limitedTenantFields = LimitedTenantFields()
    manualProcessing = ManualProcessingShape()
    mlProcessing = MlProcessing()
    origin = Origin()
    passageId = serializers.UUIDField(allow_null=True)
    pipeline = serializers.CharField(help_text="A Python mapping of (job, step) to its predecessors, as text.")
    recDate = serializers.IntegerField()
    relatedImageSetId = serializers.UUIDField(allow_null=True)
    tenantId = serializers.UUIDField(allow_null=True)
    externalKey = serializers.CharField(allow_null=True, help_text="Ours: the vendor's key of the inspection.")
    status = serializers.ChoiceField(ImageSetState.choices, help_text="Ours: where the inspection stands.")
    reason = serializers.CharField(help_text="Ours: why it was rejected, failed, or not inspected.")


class ImageSetDetailShape(ImageSetShape):
    """An image set asked for by id."""

    manualProcessing = ManualProcessingDetail()


ImageSetItems = shape("ImageSetItems", "Image sets of a page.", items=ImageSetShape(many=True))

ImageSetList = shape(
    "ImageSetList",
    "A page of image sets.",
    success=serializers.BooleanField(),
    data=ImageSetItems(),
    meta=PageMeta(),
)

ImageSetFound = shape("ImageSetFound", "One image set.", success=serializers.BooleanField(), data=ImageSetDetailShape())
