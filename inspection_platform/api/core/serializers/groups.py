"""Shapes of the platform's groups."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tenants.models import GROUPS


class GroupChange(serializers.Serializer[Any]):
    """Who joins or leaves which group (W10, W11)."""

    groupName = serializers.ChoiceField(
        GROUPS, error_messages={"invalid_choice": f"One of {', '.join(GROUPS)} is needed."}
    )
    userId = serializers.UUIDField()
