"""Shapes of recordings, which the devices of capture units post (ours)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import shape
from inspection_platform.api.core.serializers.image_set_edits import Moment
from tenants.catalogue import CAMERAS


class RecordingStart(serializers.Serializer[Any]):
    """What a unit is about to send of a passage."""

    passageId = serializers.UUIDField(
        required=False,
        help_text="A UUID that the rig makes for each passage, the same from both units. Without it a new one is made.",
    )
    recDate = Moment(required=False, help_text="Unix seconds as text; ISO 8601 too. Now if it is not given.")
    cameras = serializers.ListField(
        child=serializers.ChoiceField(CAMERAS),
        allow_empty=False,
        max_length=len(CAMERAS),
        help_text="The unit's cameras that a file will come of; each has one.",
    )

    def validate_cameras(self, value: list[str]) -> list[str]:
        """Each camera once."""
        if len(set(value)) < len(value):
            raise serializers.ValidationError("Each camera is named once.")
        return value


# --- shapes for the reference ----------------------------------------------------------------------------------------


class RecordingCamera(serializers.Serializer[Any]):
    """How far the file of one camera has come."""

    camera = serializers.ChoiceField(CAMERAS)
    isStored = serializers.BooleanField(help_text="Whether the whole file is here.")
    offset = serializers.IntegerField(help_text="Bytes that are here; the next one to send.")
    url = serializers.CharField(help_text="Where the file is sent to with PUT, and asked after with GET or HEAD.")


class RecordingShape(serializers.Serializer[Any]):
    """A unit's recording of a passage."""

    passageId = serializers.UUIDField()
    recDate = serializers.IntegerField(help_text="Unix seconds, as the unit that was first said.")
    isComplete = serializers.BooleanField(help_text="Whether the unit has said that all of its files are here.")
    cameras = RecordingCamera(many=True)


RecordingFound = shape(
    "RecordingFound",
    "A unit's recording of a passage.",
    success=serializers.BooleanField(),
    data=RecordingShape(),
)

RecordingCameraFound = shape(
    "RecordingCameraFound",
    "How far the file of one camera has come.",
    success=serializers.BooleanField(),
    data=RecordingCamera(),
)
