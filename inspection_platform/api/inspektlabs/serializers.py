"""What a request of this family has to look like; what it has to mean is in `rules`."""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.validators import RegexValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.services.submissions import IncomingUrl, SubmissionDetails
from inspection_platform.api.inspektlabs.errors import PAIR_SIZE, Refused

#: A session we issued, or one that a client brings: a name that may stand in a file name and in an address.
SESSION: Final = RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z", "is not a session id")
MAX_METADATA_BYTES: Final = 100_000


def _optional(max_length: int) -> serializers.CharField:
    return serializers.CharField(max_length=max_length, required=False, allow_blank=True, allow_null=True)


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.JSONField):
    """A free JSON object; what it may hold is checked by its serializer."""


class UploadSerializer(serializers.Serializer[Any]):
    """The fields that both forms of an upload share."""

    session = serializers.CharField(max_length=100, validators=[SESSION], help_text="From `authenticate`, or your own.")
    case_id = serializers.CharField(max_length=200, help_text="Your id of the inspection.")
    email_id = serializers.EmailField(max_length=254, required=False, allow_blank=True, allow_null=True)
    callback_url = _optional(2000)
    agent_id = _optional(200)
    agent_name = _optional(200)

    def details(self) -> SubmissionDetails:
        """The validated values in the domain's words."""
        given = self.validated_data
        return SubmissionDetails(
            case_id=given["case_id"],
            callback_url=given.get("callback_url") or "",
            email=given.get("email_id") or "",
            agent_id=given.get("agent_id") or "",
            agent_name=given.get("agent_name") or "",
            metadata=given.get("inputMetaData") or {},
            fetch_auth=given.get("auth") or "",
        )


class FilesSerializer(UploadSerializer):
    """An upload by files (I1). The files themselves are judged by `rules`."""

    type = serializers.ChoiceField(["file"])
    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), allow_empty=False)


class UrlsSerializer(UploadSerializer):
    """An upload by addresses (I2)."""

    type = serializers.ChoiceField(["urls"])
    urls = serializers.ListField(child=serializers.CharField(max_length=2000), required=False, allow_null=True)
    url_pairs = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(max_length=2000)), required=False, allow_null=True
    )
    original_Id = serializers.ListField(
        child=serializers.CharField(max_length=255, allow_blank=True), required=False, allow_null=True
    )
    original_pair_Id = serializers.ListField(
        child=serializers.CharField(max_length=255, allow_blank=True), required=False, allow_null=True
    )
    auth = _optional(4000)
    inputMetaData = ObjectField(required=False, allow_null=True)

    def validate_url_pairs(self, value: list[list[str]] | None) -> list[list[str]] | None:
        """Pairs are lists of two."""
        if any(len(pair) != 2 for pair in value or []):  # noqa: PLR2004 - a pair is two
            raise Refused(PAIR_SIZE)
        return value

    def validate_inputMetaData(self, value: object) -> object:  # noqa: N802 - DRF's name for the field's check
        """An object that every database can hold."""
        if value is not None and not isinstance(value, dict):
            raise serializers.ValidationError("must be an object")
        try:
            size = len(json.dumps(value, ensure_ascii=False).encode())
        except UnicodeEncodeError as error:
            raise serializers.ValidationError("must be Unicode text") from error
        if size > MAX_METADATA_BYTES or "\\u0000" in json.dumps(value):
            raise serializers.ValidationError(f"must be at most {MAX_METADATA_BYTES} bytes without NUL characters")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something to fetch, and as many names as addresses where there are names."""
        urls, pairs = attrs.get("urls") or [], attrs.get("url_pairs") or []
        if not urls and not pairs:
            raise serializers.ValidationError({"urls": ["urls or url_pairs is needed"]}, code="required")
        for names, things in (("original_Id", urls), ("original_pair_Id", pairs)):
            if attrs.get(names) and len(attrs[names]) != len(things):
                raise serializers.ValidationError({names: ["must be as long as what it names"]})
        return attrs

    def addresses(self) -> list[IncomingUrl]:
        """The single addresses, then those of the pairs, in the client's order."""
        given = self.validated_data
        urls, pairs = given.get("urls") or [], given.get("url_pairs") or []
        names = given.get("original_Id") or [""] * len(urls)
        pair_names = given.get("original_pair_Id") or [""] * len(pairs)
        single = [IncomingUrl(url, original_id=name) for url, name in zip(urls, names, strict=True)]
        paired = zip(pairs, pair_names, strict=True)
        return single + [
            IncomingUrl(url, name, number) for number, (pair, name) in enumerate(paired, 1) for url in pair
        ]


class KeySerializer(serializers.Serializer[Any]):
    """An API key to be exchanged for tokens."""

    key = serializers.CharField(max_length=500)
    client_id = serializers.CharField(max_length=200, required=False, allow_blank=True, allow_null=True)


class RefreshSerializer(serializers.Serializer[Any]):
    """A token to be renewed, of either kind, under any of three names."""

    refresh_token = _optional(4000)
    access_token = _optional(4000)
    refresh = _optional(4000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the names must be there."""
        given = next(
            (value for name in ("refresh_token", "refresh", "access_token") if (value := attrs.get(name))), None
        )
        if given is None:
            raise serializers.ValidationError({"refresh_token": ["a token is needed"]}, code="required")
        return {"token": given}
