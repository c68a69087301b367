"""Shapes of capture units."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from inspection_platform.api.core.serializers.capture_sets import MAX_TENANTS
from inspection_platform.api.core.serializers.common import PageMeta, shape


class UnitTenants(serializers.Serializer[Any]):
    """Tenants to assign to a unit or to unassign (W41, W43)."""

    tenants = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=MAX_TENANTS, help_text="Ids of tenants."
    )


class UnitDefault(serializers.Serializer[Any]):
    """The default tenant of a rig's units (W42)."""

    tenant = serializers.UUIDField(allow_null=True, help_text="A tenant's id; null (ours): no default.")


# --- shapes for the reference ----------------------------------------------------------------------------------------


class UnitTenant(serializers.Serializer[Any]):
    """A tenant that a unit records for."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class CaptureUnitShape(serializers.Serializer[Any]):
    """A capture unit (4.2)."""

    balenaId = serializers.CharField(allow_null=True, help_text="The device's id in fleet management.")
    defaultTenant = serializers.UUIDField(allow_null=True, help_text="Who sees passages whose plate nobody owns.")
    id = serializers.UUIDField()
    isVirtual = serializers.BooleanField(help_text="Always false.")
    recCount = serializers.IntegerField(help_text="Recordings it made.")
    tenants = UnitTenant(many=True)


class CaptureUnitListed(CaptureUnitShape):
    """A capture unit of the list."""

    captureSetId = serializers.UUIDField()
    relatedUnit = serializers.UUIDField(allow_null=True, help_text="The other unit of its set.")


CaptureUnitItems = shape("CaptureUnitItems", "Capture units of a page.", items=CaptureUnitListed(many=True))

CaptureUnitList = shape(
    "CaptureUnitList",
    "A page of capture units.",
    success=serializers.BooleanField(),
    data=CaptureUnitItems(),
    meta=PageMeta(),
)

CaptureUnitFound = shape(
    "CaptureUnitFound",
    "One capture unit.",
    success=serializers.BooleanField(),
    data=CaptureUnitShape(),
    message=serializers.CharField(),
)

CaptureUnitPair = shape(
    "CaptureUnitPair",
    "The units of one set.",
    success=serializers.BooleanField(),
    data=CaptureUnitShape(many=True),
    message=serializers.CharField(),
)
