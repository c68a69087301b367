"""Queries, and the shapes that every answer shares."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from inspection_platform.api.paging import DEFAULT_LIMIT, MAX_LIMIT, MAX_PAGE
from tenants.errors import Invalid


class Paging(serializers.Serializer[Any]):
    """`limit` and `page` of a list."""

    limit = serializers.IntegerField(
        default=DEFAULT_LIMIT,
        min_value=1,
        help_text=f"Items on a page; more than {MAX_LIMIT} is taken for {MAX_LIMIT}.",
    )
    page = serializers.IntegerField(
        default=1, min_value=1, max_value=MAX_PAGE, help_text="From 1; a page behind the end is empty."
    )

    def validate_limit(self, value: int) -> int:
        """The limit in effect."""
        return min(value, MAX_LIMIT)


def master_tenant_action() -> serializers.BooleanField:
    """The flag by which a power tenant acts for the members of its groups."""
    return serializers.BooleanField(
        default=False, help_text="Also for the members of the groups whose power tenant the tenant worked in is."
    )


@extend_schema_field(OpenApiTypes.STR)
class CommaList(serializers.Field[list[Any], str, str, Any]):
    """A comma separated list, each item read by the field `child`."""

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.child = child

    def to_internal_value(self, data: str) -> list[Any]:
        """The items, without blanks and repetitions."""
        items = [item.strip() for item in data.split(",")]
        return list(dict.fromkeys(self.child.run_validation(item) for item in items if item))

    def to_representation(self, value: list[Any]) -> str:
        """The items with commas between them."""
        return ",".join(map(str, value))


def query_of(serializer_class: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated query parameters; an empty one counts as absent. Raises Invalid naming each wrong one.

    Unknown names are refused: a filter that was misspelt or is not served must not look as if it had been applied.
    """
    given = {name: value for name, value in request.query_params.dict().items() if str(value).strip()}
    serializer = serializer_class(data=given)
    unknown = sorted(given.keys() - serializer.fields.keys())
    if unknown:
        reasons = {name: ["This parameter is not known here."] for name in unknown}
        raise Invalid(f"{unknown[0]}: {reasons[unknown[0]][0]}", reasons)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


_ID: Final = serializers.UUIDField()


def maybe_uuid(value: object) -> UUID | None:
    """The id of a query or body, if the check of the whole will take it for one; what is malformed is found there."""
    try:
        found: UUID = _ID.run_validation(value)
    except serializers.ValidationError:
        return None
    return found


_FLAG: Final = serializers.BooleanField()


def is_true(value: object) -> bool:
    """Whether a flag of the query or body is on, as the check of the whole will read it."""
    try:
        return bool(_FLAG.run_validation(value))
    except serializers.ValidationError:
        return False


# --- shapes for the reference ----------------------------------------------------------------------------------------


def shape(name: str, doc: str, /, **fields: serializers.Field[Any, Any, Any, Any]) -> type[serializers.Serializer[Any]]:
    """A serializer class for the reference; for shapes whose keys would hide a Serializer's own attributes."""
    return type(name, (serializers.Serializer,), {**fields, "__doc__": doc})


Done = shape(
    "CoreDone",
    "It was done; `message` says what.",
    success=serializers.BooleanField(),
    message=serializers.CharField(),
)

Updated = shape(
    "CoreUpdated",
    "It was done.",
    success=serializers.BooleanField(),
    data=serializers.CharField(help_text="`Updated`."),
)

Refused = shape(
    "CoreRefused",
    "A refusal; `errors` names each wrong field with its reasons. The form is ours: the vendor documents none.",
    success=serializers.BooleanField(),
    message=serializers.CharField(),
    errors=serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False),
)


class PageMeta(serializers.Serializer[Any]):
    """Where a page stands in its list."""

    currentItemsPerPage = serializers.IntegerField(help_text="The limit in effect.")
    currentPage = serializers.IntegerField()
    lastPage = serializers.IntegerField()
    maxPerPage = serializers.IntegerField()
    totalItems = serializers.IntegerField()
