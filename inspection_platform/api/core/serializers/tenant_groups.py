"""Shapes of groups of tenants."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import PageMeta, shape

#: Members that one request may name.
MAX_MEMBERS: Final = 1000


class NewTenantGroup(serializers.Serializer[Any]):
    """A group as it begins (W17)."""

    name = serializers.CharField(max_length=200)
    members = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=MAX_MEMBERS, help_text="Ids of tenants."
    )
    powerTenantId = serializers.UUIDField(
        required=False, default=None, allow_null=True, help_text="The tenant that may act for the members."
    )


class TenantGroupChange(serializers.Serializer[Any]):
    """What of a group changes (W18)."""

    name = serializers.CharField(max_length=200, required=False)
    members = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MAX_MEMBERS,
        help_text="Ids of tenants: all members from now on.",
    )
    powerTenantId = serializers.UUIDField(required=False, allow_null=True, help_text="Null takes the power away.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something has to change."""
        if not attrs:
            raise serializers.ValidationError(f"Name at least one of {', '.join(self.fields)}.")
        return attrs


# --- shapes for the reference ----------------------------------------------------------------------------------------


class TenantName(serializers.Serializer[Any]):
    """A tenant by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class TenantGroupShape(TenantName):
    """A group of tenants."""

    members = TenantName(many=True)
    powerTenantId = serializers.UUIDField(allow_null=True)


TenantGroupItems = shape("TenantGroupItems", "Groups of a page.", items=TenantGroupShape(many=True))

TenantGroupList = shape(
    "TenantGroupList",
    "A page of groups of tenants.",
    success=serializers.BooleanField(),
    data=TenantGroupItems(),
    expiresIn=serializers.IntegerField(),
    meta=PageMeta(),
)
