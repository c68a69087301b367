"""Queries and shapes of image sets."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from assets.models import ImageSetState
from assets.plates import Plate, plate_parse, plate_part
from damages.models import ManualStatus
from inspection_platform.api.core.serializers.common import CommaList, PageMeta, Paging, shape
from inspection_platform.api.paging import MAX_LIMIT

#: Unix seconds: a second later is the last one that a date can name.
_LAST_MOMENT: Final = 253_402_300_798
_MAX_TEXT: Final = 200
#: What a request for one's next job may say beside it.
_BESIDE_A_JOB: Final = frozenset({"limit", "page", "returnImageCount", "isManualProcessingSkipped"})
_JOBS: Final = ("forManualAnnotation", "forManualReview")


def _flag(help_text: str) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, allow_null=True, default=None, help_text=help_text)


def _moment(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, min_value=0, max_value=_LAST_MOMENT, help_text=help_text)


def _words(help_text: str) -> serializers.CharField:
    return serializers.CharField(required=False, max_length=_MAX_TEXT, help_text=help_text)


class ImageSetQuery(Paging):
    """Filters of W54; one that is left out narrows nothing."""

    captureSetLocation = _words("The capture set's location, letter by letter.")
    captureSetName = _words("The capture set's name, letter by letter.")
    countryCode = serializers.CharField(
        required=False, max_length=3, help_text="Country of `registrationNo`; NO if it is not given."
    )
    endDate = _moment("Unix seconds: recorded then or before. Not before `startDate`.")
    externalKey = serializers.CharField(
        required=False, max_length=100, help_text="Ours: the key by which a vendor's client knows the inspection."
    )
    forManualAnnotation = _flag("For annotators: exactly one job, locked for the asker.")
    forManualReview = _flag("For reviewers: exactly one job, locked for the asker.")
    groupByRegistrationNo = _flag(
        "The latest set of each plate, with `imageSetCount`, `lastRecDate`, `damagesInLatestPassage`."
    )
    haveImages = _flag("`true`: only sets with images; `false` narrows nothing.")
    haveNewDamagesDetected = _flag(
        "`true`: only sets with a damage that was first seen within 24 hours; `false` narrows nothing."
    )
    ids = CommaList(serializers.UUIDField(), required=False, help_text="Comma separated ids.")
    isManualProcessingSkipped = _flag("Whether the manual steps were skipped.")
    registrationNo = serializers.CharField(
        required=False, max_length=50, help_text="A plate, in any spelling: spaces, dashes and case do not matter."
    )
    returnImageCount = _flag("`true`: each set also has `imageCount`.")
    searchByCaptureSetLocation = _words("A part of the capture set's location, in any case.")
    searchByCaptureSetName = _words("A part of the capture set's name, in any case.")
    searchByRegistrationNo = _words("A part of the plate, in any spelling.")
    startDate = _moment("Unix seconds: recorded then or later. Not after `endDate`.")
    tenantId = serializers.UUIDField(required=False, help_text="Only sets of this tenant.")
    unassignedItems = _flag("`true`: only sets that wait for their tenant; `false`: only sets that have one.")

    def validate_ids(self, value: list[Any]) -> list[Any]:
        """At most a page of ids."""
        return ids_checked(value)

    def validate_searchByRegistrationNo(self, value: str) -> str:  # noqa: N802 - DRF finds it by the field's name
        """The part as plates are stored; a country before `#` says nothing here."""
        part = plate_part(value)
        if not part:
            raise serializers.ValidationError("Letters or digits are needed.")
        return part

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Dates in order, a plate that can be one, and one kind of job at a time, without other filters."""
        if attrs.get("startDate", 0) > attrs.get("endDate", _LAST_MOMENT):
            raise serializers.ValidationError({"startDate": ["It must not be later than endDate."]})
        if "registrationNo" in attrs:
            attrs["plate"] = plate_checked("registrationNo", attrs["registrationNo"], attrs.get("countryCode"))
        wanted = [name for name in _JOBS if attrs.get(name)]
        if len(wanted) > 1:
            raise serializers.ValidationError({wanted[1]: [f"Not together with {wanted[0]}."]})
        if wanted:
            self._refuse_beside(wanted[0])
        return attrs

    def _refuse_beside(self, job: str) -> None:
        given: Any = self.initial_data
        beside = sorted(set(given) - _BESIDE_A_JOB - set(_JOBS))
        if beside:
            raise serializers.ValidationError({beside[0]: [f"It narrows nothing together with {job}."]})


class ImageSetIds(serializers.Serializer[Any]):
    """The sets of W58."""

    ids = CommaList(serializers.UUIDField(), help_text="Comma separated ids.")

    def validate_ids(self, value: list[Any]) -> list[Any]:
        """One at least, and at most a page."""
        if not value:
            raise serializers.ValidationError("At least one id is needed.")
        return ids_checked(value)


def ids_checked(value: list[Any]) -> list[Any]:
    """Ids, not more than fit on a page; ValidationError otherwise."""
    if len(value) > MAX_LIMIT:
        raise serializers.ValidationError(f"At most {MAX_LIMIT} ids.")
    return value


def plate_checked(name: str, number: str, country: str | None = None) -> Plate:
    """A plate of a request, normalised; ValidationError about the field otherwise."""
    try:
        return plate_parse(number, country)
    except ValueError as error:
        raise serializers.ValidationError({name: [str(error)]}) from error


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


class ImageSetListed(ImageSetShape):
    """An image set in a list."""

    imageCount = serializers.IntegerField(required=False, help_text="With `returnImageCount`. The name is ours.")
    imageSetCount = serializers.IntegerField(required=False, help_text="With `groupByRegistrationNo`: of this plate.")
    lastRecDate = serializers.IntegerField(required=False, help_text="With `groupByRegistrationNo`.")
    damagesInLatestPassage = serializers.IntegerField(
        required=False, help_text="With `groupByRegistrationNo`: how many stand on this set, families counted once."
    )


class ImageSetDetailShape(ImageSetShape):
    """An image set asked for by id."""

    manualProcessing = ManualProcessingDetail()


ImageSetItems = shape("ImageSetItems", "Image sets of a page.", items=ImageSetListed(many=True))

ImageSetList = shape(
    "ImageSetList",
    "A page of image sets.",
    success=serializers.BooleanField(),
    data=ImageSetItems(),
    meta=PageMeta(),
)

ImageSetFound = shape("ImageSetFound", "One image set.", success=serializers.BooleanField(), data=ImageSetDetailShape())

ImageSetKey = shape("ImageSetKey", "An image set by its id.", id=serializers.UUIDField())

ImageSetKeys = shape("ImageSetKeys", "Image sets by their ids.", items=ImageSetKey(many=True))

ImageSetAdded = shape(
    "ImageSetAdded",
    "The set is there and waits for images.",
    success=serializers.BooleanField(),
    data=ImageSetKeys(),
    message=serializers.CharField(),
)

ImageSetChanged = shape("ImageSetChanged", "It was done.", success=serializers.BooleanField(), data=ImageSetKey())

ImageSetRemoved = shape(
    "ImageSetRemoved",
    "It was done.",
    success=serializers.BooleanField(),
    data=ImageSetKey(),
    message=serializers.CharField(),
)


class ImageSetClaimed(serializers.Serializer[Any]):
    """A set and its plate."""

    id = serializers.UUIDField()
    registrationNo = serializers.CharField(help_text="`NO#ABC123`.")


ImageSetsClaimed = shape(
    "ImageSetsClaimed",
    "The sets are the tenant's now.",
    success=serializers.BooleanField(),
    data=ImageSetClaimed(many=True),
)


class NewDamages(serializers.Serializer[Any]):
    """How new the damages of a set are."""

    hasNewDamages = serializers.BooleanField(help_text="One was first seen within 24 hours.")
    hasRecentDamages = serializers.BooleanField(help_text="One was first seen within 120 hours.")


NewDamagesFound = shape(
    "NewDamagesFound",
    "By the ids of the sets.",
    success=serializers.BooleanField(),
    data=serializers.DictField(child=NewDamages()),
    message=serializers.CharField(),
)
