"""Shapes of profiles."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import CommaList, PageMeta, Paging, shape

#: People that one request may name.
MAX_USERS: Final = 100


class ProfileQuery(Paging):
    """Filters of W1."""

    tenant = serializers.UUIDField(required=False, help_text="Only the members of this tenant.")
    searchBy = serializers.CharField(
        required=False,
        max_length=100,
        help_text="Part of first name, last name, both, or the phone number, in any case.",
    )


class NamesQuery(serializers.Serializer[Any]):
    """Whom W2 asks for."""

    users = CommaList(serializers.UUIDField(), help_text=f"Comma list of user ids, {MAX_USERS} at most.", required=True)

    def validate_users(self, value: list[Any]) -> list[Any]:
        """At least one, and not more than a page holds."""
        if not value:
            raise serializers.ValidationError("This field is required.")
        if len(value) > MAX_USERS:
            raise serializers.ValidationError(f"At most {MAX_USERS} ids may be named.")
        return value


# --- shapes for the reference ----------------------------------------------------------------------------------------


class PersonShape(serializers.Serializer[Any]):
    """A person's name and addresses."""

    email = serializers.CharField()
    firstName = serializers.CharField()
    id = serializers.UUIDField()
    lastName = serializers.CharField()
    phone = serializers.CharField(help_text="With country code; the user name at login.")


class ProfileShape(PersonShape):
    """A person in the list of profiles."""

    created = serializers.CharField(help_text="Unix seconds with a fraction, as text.")
    modified = serializers.CharField(help_text="Unix seconds with a fraction, as text.")


class OwnProfileShape(serializers.Serializer[Any]):
    """One person's profile."""

    email = serializers.CharField()
    firstName = serializers.CharField()
    lastName = serializers.CharField()
    partnerId = serializers.CharField(help_text="The person's id in a partner's system; empty without one.")
    phone = serializers.CharField()


ProfileList = shape(
    "ProfileList",
    "A page of profiles.",
    success=serializers.BooleanField(),
    data=shape("ProfileItems", "Profiles of a page.", items=ProfileShape(many=True))(),
    meta=PageMeta(),
)

NameList = shape(
    "NameList",
    "The people who were asked for.",
    success=serializers.BooleanField(),
    data=shape("NameItems", "People, without paging.", items=PersonShape(many=True))(),
)

ProfileFound = shape(
    "ProfileFound",
    "A profile.",
    success=serializers.BooleanField(),
    data=OwnProfileShape(),
)

TenantIdList = shape(
    "TenantIdList",
    "Tenants of a person.",
    success=serializers.BooleanField(),
    data=shape("TenantIdItems", "Ids of tenants.", items=serializers.ListField(child=serializers.UUIDField()))(),
)
