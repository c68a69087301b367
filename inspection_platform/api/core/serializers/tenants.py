"""Shapes of tenants, and of who belongs to them."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import PageMeta, shape
from inspection_platform.api.core.serializers.tenant_groups import TenantName
from tenants.catalogue import CAMERAS, DEFAULT_FRAME_LIMITS
from tenants.models import GROUPS, Role
from tenants.services.settings import printable_key

#: Tenants that one request may assign or unassign.
MAX_TENANTS: Final = 100


class NewTenant(serializers.Serializer[Any]):
    """A tenant's name (W20)."""

    name = serializers.CharField(max_length=200)


class SettingsChange(serializers.Serializer[Any]):
    """Settings by key (W25); what a key accepts is the settings' own rule."""

    settings = serializers.DictField(help_text="What is named changes, the rest stays; nested as in the answer of GET.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Nothing beside `settings`: what would be ignored must not look as if it had been changed."""
        unknown = self.initial_data.keys() - self.fields.keys()
        if unknown:
            raise serializers.ValidationError({printable_key(key): ["Unknown key."] for key in sorted(unknown)})
        return attrs


class TenantNamed(serializers.Serializer[Any]):
    """A tenant to leave (W22); the vendor's `role` is ignored."""

    tenantId = serializers.UUIDField()


class TenantRole(TenantNamed):
    """A tenant to join and the role in it (W21)."""

    role = serializers.ChoiceField(
        Role.values, error_messages={"invalid_choice": f"One of {', '.join(Role.values)} is needed."}
    )


def _each_once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items; one tenant in two of them would leave open which counts."""
    if len({item["tenantId"] for item in items}) < len(items):
        raise serializers.ValidationError("A tenant is named twice.")
    return items


class Assignment(serializers.Serializer[Any]):
    """Who joins which tenants (W21)."""

    user = serializers.UUIDField()
    tenants = serializers.ListField(child=TenantRole(), allow_empty=False, max_length=MAX_TENANTS)

    def validate_tenants(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each tenant once."""
        return _each_once(items)


class Unassignment(serializers.Serializer[Any]):
    """Who leaves which tenants (W22)."""

    user = serializers.UUIDField()
    tenants = serializers.ListField(child=TenantNamed(), allow_empty=False, max_length=MAX_TENANTS)

    def validate_tenants(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each tenant once."""
        return _each_once(items)


# --- shapes for the reference ----------------------------------------------------------------------------------------

TenantItems = shape("TenantItems", "Tenants of a page.", items=TenantName(many=True))

TenantList = shape(
    "TenantList",
    "A page of tenants.",
    success=serializers.BooleanField(),
    data=TenantItems(),
    expiresIn=serializers.IntegerField(),
    meta=PageMeta(),
)


class MembershipSettings(serializers.Serializer[Any]):
    """Two of the tenant's settings."""

    expiryAfter = serializers.IntegerField(help_text="Days; 0: never.")
    manualAnnotationEnabled = serializers.BooleanField()


class MembershipShape(serializers.Serializer[Any]):
    """A person's place in a tenant."""

    availableRoles = serializers.ListField(child=serializers.CharField(), help_text=f"{', '.join(Role.values)}.")
    name = serializers.CharField(help_text="The tenant's.")
    role = serializers.ChoiceField(Role.values)
    settings = MembershipSettings()


class Memberships(serializers.Serializer[Any]):
    """A person's tenants."""

    tenants = serializers.DictField(child=MembershipShape(), help_text="By the tenant's id.")


class PersonMemberships(Memberships):
    """A person's tenants and groups."""

    groups = serializers.ListField(child=serializers.CharField(), help_text=f"Of {', '.join(GROUPS)}.")


MembershipsFound = shape(
    "MembershipsFound",
    "A person's tenants, as far as the asker may know them.",
    success=serializers.BooleanField(),
    data=serializers.DictField(child=Memberships(), help_text="By the user's id."),
)

PeopleMemberships = shape(
    "PeopleMemberships",
    "People's tenants, as far as the asker may know them, and their groups.",
    success=serializers.BooleanField(),
    data=serializers.DictField(child=PersonMemberships(), help_text="By the user's id."),
)

FaceBlur = shape(
    "FaceBlur", "Whether faces are blurred, by camera.", **{name: serializers.BooleanField() for name in CAMERAS}
)
FrameLimits = shape(
    "FrameLimits",
    "Frames kept of a video, by camera.",
    **{name: serializers.IntegerField() for name in DEFAULT_FRAME_LIMITS},
)


class Turnaround(serializers.Serializer[Any]):
    """When a passage is a turnaround."""

    isEnabled = serializers.BooleanField()
    threshold = serializers.IntegerField(help_text="Seconds between pickup and return.")


class TenantSettingsShape(serializers.Serializer[Any]):
    """All settings of a tenant (4.1)."""

    damageDetectionServiceEnabled = serializers.BooleanField()
    expiryAfter = serializers.IntegerField(help_text="Days after which photos as received are deleted; 0: never.")
    faceblurServiceEnabled = FaceBlur()
    isHandicapped = serializers.BooleanField()
    manualAnnotationEnabled = serializers.BooleanField()
    manualReviewEnabled = serializers.BooleanField()
    maxFramesForCameras = FrameLimits()
    minDamagesForManualProcessing = serializers.IntegerField()
    newDamageNotification = serializers.BooleanField()
    turnaroundConfiguration = Turnaround()


class TenantDetail(TenantName):
    """A tenant with its settings."""

    settings = TenantSettingsShape()


TenantFound = shape(
    "TenantFound",
    "A tenant.",
    success=serializers.BooleanField(),
    data=TenantDetail(),
)
