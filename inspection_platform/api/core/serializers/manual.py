"""Queries, bodies and shapes of people's work on image sets."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from damages.models import ManualStatus, Step
from inspection_platform.api.core.serializers.common import shape
from inspection_platform.api.core.serializers.image_set_edits import refuse_unknown

#: What may stand beside `isSkipped: true`: the end of a step, or that the set is skipped.
_BESIDE_SKIPPED: Final = frozenset({ManualStatus.ANNOTATED, ManualStatus.REVIEWED, ManualStatus.SKIPPED})
_MEANINGS: Final = "; ".join(f"{status.value} {status.label}" for status in ManualStatus)


def _counted(help_text: str) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, default=False, help_text=help_text)


class CountQuery(serializers.Serializer[Any]):
    """What W57 is to count."""

    forManualAnnotation = _counted("`true`: count annotation jobs.")
    forManualReview = _counted("`true`: count review jobs.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """At least one of them."""
        if not any(attrs.values()):
            reason = "forManualAnnotation or forManualReview has to be true."
            raise serializers.ValidationError({"forManualAnnotation": [reason]})
        return attrs


class ManualProcessBody(serializers.Serializer[Any]):
    """The step to lock or unlock an image set for (W62, W64)."""

    manualProcess = serializers.ChoiceField(Step.choices)

    def to_internal_value(self, data: Any) -> Any:
        """The step; a key that is unknown is refused."""
        refuse_unknown(self, data)
        return super().to_internal_value(data)


class ManualStatusBody(serializers.Serializer[Any]):
    """What an image set is to become (W63)."""

    isSkipped = serializers.BooleanField(
        required=False, help_text="`true` skips the set, `false` lets a skipped one wait again."
    )
    status = serializers.IntegerField(
        required=False,
        min_value=min(ManualStatus.values),
        max_value=max(ManualStatus.values),
        help_text=f"{_MEANINGS}. The meanings are ours.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """What is asked for; a key that is unknown is refused."""
        refuse_unknown(self, data)
        return super().to_internal_value(data)

    def validate_status(self, value: int) -> ManualStatus:
        """The status by its name."""
        return ManualStatus(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something has to change, and both have to mean the same."""
        status, is_skipped = attrs.get("status"), attrs.get("isSkipped")
        if not attrs:
            raise serializers.ValidationError("isSkipped or status is needed.")
        if is_skipped and status is not None and status not in _BESIDE_SKIPPED:
            allowed = ", ".join(str(one.value) for one in sorted(_BESIDE_SKIPPED))
            raise serializers.ValidationError({"status": [f"With isSkipped it is one of {allowed}."]})
        if is_skipped is False and status == ManualStatus.SKIPPED:
            raise serializers.ValidationError({"isSkipped": [f"It contradicts status {status.value}."]})
        return attrs


# --- shapes for the reference ----------------------------------------------------------------------------------------


class JobCounts(serializers.Serializer[Any]):
    """The jobs of one step."""

    isLockedByCurrentUser = serializers.BooleanField(help_text="The asker holds one of them.")
    locked = serializers.IntegerField(help_text="Being worked on, by the asker or others.")
    unlocked = serializers.IntegerField(help_text="Free to be claimed.")


ImageSetsCounted = shape(
    "ImageSetsCounted",
    "The counts that were asked for, at the top level.",
    success=serializers.BooleanField(),
    forManualAnnotation=JobCounts(required=False),
    forManualReview=JobCounts(required=False),
    message=serializers.CharField(),
)
