"""Query and shapes of the statistics about annotators' jobs."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import shape

#: The first second of the last day that a date can name, less what the window adds.
_LAST_MOMENT: Final = 253_370_764_800


def _moment(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, min_value=0, max_value=_LAST_MOMENT, help_text=help_text)


class StatisticsQuery(serializers.Serializer[Any]):
    """The time that W31 looks at."""

    startDate = _moment("Unix seconds: done then or later. Not after `endDate`.")
    endDate = _moment("Unix seconds: done then or before.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The dates in order."""
        if attrs.get("startDate", 0) > attrs.get("endDate", _LAST_MOMENT):
            raise serializers.ValidationError({"startDate": ["It must not be later than endDate."]})
        return attrs


# --- shapes for the reference ----------------------------------------------------------------------------------------


class PersonsJobs(serializers.Serializer[Any]):
    """What one person did."""

    annotated = serializers.IntegerField()
    reviewed = serializers.IntegerField()


class Statistics(serializers.Serializer[Any]):
    """What everybody did."""

    numberOfStrayAnnotatedJobs = serializers.IntegerField()
    numberOfStrayReviewedJobs = serializers.IntegerField()
    result = serializers.DictField(child=PersonsJobs(), help_text="By the ids of people; nobody who did nothing.")


StatisticsFound = shape(
    "StatisticsFound",
    "The statistics.",
    success=serializers.BooleanField(),
    data=Statistics(),
    message=serializers.CharField(),
)
