"""What the calls about logos take and answer: W68 and W69."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import CommaList, shape
from inspection_platform.api.paging import MAX_LIMIT

#: Extension to the type that is declared in the form.
LOGO_TYPES: Final = {".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_MAX_NAME: Final = 200


class LogosQuery(serializers.Serializer[Any]):
    """Whose logos W68 lists."""

    tenantIds = CommaList(serializers.UUIDField(), help_text="Comma separated ids.")

    def validate_tenantIds(self, value: list[Any]) -> list[Any]:  # noqa: N802 - DRF finds it by the field's name
        """At least one, at most a page of ids."""
        if not 1 <= len(value) <= MAX_LIMIT:
            raise serializers.ValidationError(f"1 to {MAX_LIMIT} ids are needed.")
        return value


class LogoNew(serializers.Serializer[Any]):
    """The logo that W69 prepares. The contract names the tenant in two ways; either is taken."""

    fileName = serializers.CharField(max_length=_MAX_NAME, help_text="A PNG, JPEG or WebP of 54x54 or 100x100 pixels.")
    tenantId = serializers.UUIDField(required=False, help_text="The tenant worked in if it is not given.")
    tenant = serializers.UUIDField(required=False, help_text="The same.")

    def validate_fileName(self, value: str) -> str:  # noqa: N802 - DRF finds it by the field's name
        """A name without folders and with a known extension."""
        name = PurePosixPath(value.replace("\\", "/")).name
        if PurePosixPath(name).suffix.lower() not in LOGO_TYPES:
            raise serializers.ValidationError(f"The extension is not one of {', '.join(LOGO_TYPES)}.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One tenant, however it is named."""
        if len({attrs[name] for name in ("tenant", "tenantId") if name in attrs}) > 1:
            raise serializers.ValidationError({"tenant": ["It is another one than tenantId."]})
        return attrs


# --- shapes for the reference ----------------------------------------------------------------------------------------

LogoList = shape(
    "LogoList",
    "Logos and names by tenant.",
    success=serializers.BooleanField(),
    data=shape(
        "LogosByTenant",
        "By tenant.",
        items=serializers.DictField(
            child=serializers.DictField(child=serializers.CharField(allow_null=True)),
            help_text="Tenant to size to a signed address; null where there is none.",
        ),
        tenantNames=serializers.DictField(child=serializers.CharField()),
    )(),
    message=serializers.CharField(),
)
_FIELDS: Final[dict[str, serializers.Field[Any, Any, Any, Any]]] = {
    name: serializers.CharField()
    for name in ("AWSAccessKeyId", "Content-Type", "acl", "key", "policy", "signature", "x-amz-security-token")
}
LogoForm = shape(
    "LogoForm",
    "A form to post as multipart/form-data: the fields as they are, then `file`.",
    success=serializers.BooleanField(),
    data=shape(
        "LogoFormData", "The form.", fields=shape("LogoFormFields", "Signed.", **_FIELDS)(), url=serializers.CharField()
    )(),
    message=serializers.CharField(),
)
