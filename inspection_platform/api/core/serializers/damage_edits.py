"""What the calls that change damages take and answer: W48, W50, W51, W52."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rest_framework import serializers

from damages.models import DamageState
from damages.services.merges import FEWEST
from damages.taxonomy import DamageCategory, FalsePositive
from inspection_platform.api.core.serializers.common import CommaList, shape
from inspection_platform.api.core.serializers.damages import Corner, FalsePositives, TruePositives

#: Damages in one call.
MOST: Final = 1000
_CORNERS: Final = 100
_PARTNER_STATES: Final = (DamageState.ACCEPTED.value, DamageState.REJECTED.value)


class Closed(serializers.Serializer[Any]):
    """An object with the keys that are declared and no others: a misspelt one must not look as if it had been heard."""

    def to_internal_value(self, data: Any) -> Any:
        """The values; a ValidationError names unknown keys."""
        if isinstance(data, dict):
            unknown = sorted(str(key)[:40] for key in data.keys() - self.fields.keys())
            if unknown:
                raise serializers.ValidationError({key: ["Unknown key."] for key in unknown})
        return super().to_internal_value(data)


def _told(words: Iterable[str]) -> type[Closed]:
    """Some of the flags."""
    fields = {word: serializers.BooleanField(required=False) for word in words}
    return type("FlagsTold", (Closed,), {**fields, "__doc__": "Those flags that are to change."})


class _TruePositives(_told(word.value for word in DamageCategory)):  # type: ignore[misc]
    """What people confirm."""


class _FalsePositives(_told(word.value for word in FalsePositive)):  # type: ignore[misc]
    """Why it is no damage."""


class Place(Closed):
    """A corner in pixels of `convertedImgSize`."""

    x = serializers.FloatField()
    y = serializers.FloatField()


def _many(form: Any, **extra: Any) -> serializers.ListSerializer[Any]:
    """A list of objects, not longer than one call may bring."""
    made: serializers.ListSerializer[Any] = form(many=True, max_length=MOST, **extra)
    return made


def _points(**extra: Any) -> serializers.ListField:
    return serializers.ListField(
        child=Place(),
        min_length=3,
        max_length=_CORNERS,
        help_text="Corners of the damage's box in pixels of `convertedImgSize`, in any order; one may lie a pixel "
        "outside. The box around them counts.",
        **extra,
    )


class DamagePatch(Closed):
    """What one damage is to become: its id and at least one more property (`modifiedAt` does not count)."""

    id = serializers.UUIDField()
    falsePositives = _FalsePositives(required=False)
    truePositives = _TruePositives(required=False)
    firstDamageId = serializers.UUIDField(required=False, allow_null=True)
    representativeId = serializers.UUIDField(required=False, allow_null=True)
    damageFamilyReviewed = serializers.BooleanField(required=False)
    partnerState = serializers.ChoiceField(_PARTNER_STATES, required=False, allow_null=True)
    points = _points(required=False)
    potentialDamage = serializers.BooleanField(required=False)
    processing = serializers.BooleanField(required=False)
    state = serializers.ChoiceField(DamageState.choices, required=False)
    modifiedAt = serializers.CharField(
        required=False, max_length=40, help_text="Ours: the version that is meant; 409 if it is not the current one."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """At least one property to change."""
        if not attrs.keys() - {"id", "modifiedAt"}:
            raise serializers.ValidationError("At least one property besides the id is needed.")
        return attrs


class DamagesPatch(Closed):
    """The body of W50."""

    damages = _many(DamagePatch, min_length=1)


class DamageNew(Closed):
    """A damage on a photo."""

    carId = serializers.UUIDField(required=False, allow_null=True, help_text="The image set's car, if given.")
    falsePositives = _FalsePositives(required=False)
    truePositives = _TruePositives(required=False)
    firstDamageId = serializers.UUIDField(required=False, allow_null=True)
    imageId = serializers.UUIDField()
    imageSetId = serializers.UUIDField()
    points = _points()
    state = serializers.ChoiceField(DamageState.choices, default=DamageState.ACCEPTED)


class PictogramNew(Closed):
    """A damage on the drawing of a car."""

    def get_fields(self) -> dict[str, Any]:
        """`new` is no name for an attribute that readers would not stumble over."""
        return super().get_fields() | {"new": serializers.BooleanField(default=False)}

    imageSetId = serializers.UUIDField()
    pictogramName = serializers.RegexField(r"^[\w.-]+\Z", max_length=60, help_text="The drawing's file name.")
    x = serializers.FloatField(min_value=0, max_value=1, help_text="0..1 of its width.")
    y = serializers.FloatField(min_value=0, max_value=1, help_text="0..1 of its height.")


class DamagesNew(Closed):
    """The body of W51: at least one of either."""

    damages = _many(DamageNew, required=False)
    pictogramDamages = _many(PictogramNew, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something to create."""
        if not (attrs.get("damages") or attrs.get("pictogramDamages")):
            raise serializers.ValidationError({"damages": ["At least one damage is needed."]})
        return attrs


class DamagesMerge(Closed):
    """The body of W52."""

    damages = serializers.ListField(child=serializers.UUIDField(), min_length=FEWEST, max_length=MOST)


class DamagesDelete(serializers.Serializer[Any]):
    """The query of W48."""

    ids = CommaList(serializers.UUIDField(), help_text=f"Comma list of at most {MOST} damages.")
    deleteRepresentatives = serializers.BooleanField(
        default=False, help_text="Remove the whole families of the representatives among them."
    )

    def validate_ids(self, value: list[Any]) -> list[Any]:
        """Not none, and not too many."""
        if not 1 <= len(value) <= MOST:
            raise serializers.ValidationError(f"1 to {MOST} ids are needed.")
        return value


# --- shapes for the reference ----------------------------------------------------------------------------------------

PatchedPoints = shape(
    "PatchedPoints", "The corners, in an object here as the vendor prints it.", items=Corner(many=True)
)

PatchedDamage = shape(
    "PatchedDamage",
    "A damage after the change.",
    id=serializers.UUIDField(),
    falsePositives=FalsePositives(),
    truePositives=TruePositives(),
    partnerState=serializers.CharField(allow_null=True),
    points=PatchedPoints(),
    potentialDamage=serializers.BooleanField(),
    state=serializers.ChoiceField(DamageState.choices),
    modifiedAt=serializers.CharField(help_text="Ours: its version now."),
)
PatchedItems = shape("PatchedItems", "One for each damage.", items=PatchedDamage(many=True))
Patched = shape(
    "DamagesPatched",
    "All changes were made.",
    success=serializers.BooleanField(),
    data=PatchedItems(),
    message=serializers.CharField(),
)
DeletedIds = shape("DeletedDamageIds", "What was deleted.", ids=serializers.ListField(child=serializers.UUIDField()))
Deleted = shape(
    "DamagesDeleted",
    "They are deleted.",
    success=serializers.BooleanField(),
    data=DeletedIds(),
    message=serializers.CharField(),
)
