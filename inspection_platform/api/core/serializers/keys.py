"""Shapes of API keys."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import shape


class NewKey(serializers.Serializer[Any]):
    """For whom a key is (W6)."""

    userId = serializers.UUIDField(help_text="The user that the key acts as.")
    description = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=200, help_text="What the key is used for."
    )


# --- shapes for the reference ----------------------------------------------------------------------------------------


class KeyValue(serializers.Serializer[Any]):
    """The value of a key."""

    apiKey = serializers.UUIDField(help_text="Send it as `x-api-key`.")


class KeyShape(KeyValue):
    """A key and whose it is."""

    description = serializers.CharField()
    userId = serializers.UUIDField()


KeyCreated = shape(
    "KeyCreated",
    "A fresh key.",
    success=serializers.BooleanField(),
    data=KeyValue(),
    message=serializers.CharField(),
)

KeyFound = shape(
    "KeyFound",
    "A key.",
    success=serializers.BooleanField(),
    data=KeyShape(),
    message=serializers.CharField(),
)
