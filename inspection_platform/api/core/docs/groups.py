"""Reference of the platform's groups."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.common import Done
from inspection_platform.api.core.serializers.groups import GroupChange

TAG: Final = "core: auth"
_EXAMPLES: Final = [
    OpenApiExample(
        "An annotator",
        {"groupName": "ANNOTATOR", "userId": "582d4140-bfd1-4afc-bb47-420a9694e3fc"},
        request_only=True,
    )
]
_CHANGED: Final = answer(
    Done,
    "It is so.",
    {
        "success": True,
        "message": "Modified (POST) group isAnnotator for 6eff1dac-e72e-49bd-b269-049650625906",
    },
)
_UNASSIGN: Final[dict[str, Any]] = {
    "tags": [TAG],
    "request": GroupChange,
    "responses": {200: _CHANGED, **refusals(400, 401, 403, 404, 409)},
    "examples": _EXAMPLES,
}

group_assign = extend_schema(
    operation_id="core_auth_groups_assign",
    tags=[TAG],
    summary="Put a person into a group",
    description=(
        "The groups are GLOBAL_ADMIN, ANNOTATOR and REVIEWER. Somebody who is in it already stays so (ours). "
        f"{callers_text('W10')}"
    ),
    request=GroupChange,
    responses={200: _CHANGED, **refusals(400, 401, 403, 404)},
    examples=_EXAMPLES,
)

group_unassign = extend_schema(
    operation_id="core_auth_groups_unassign",
    summary="Take a person out of a group",
    description=(
        "Somebody who is not in it stays so; the last global admin cannot leave: 409 (both ours). The message says "
        f"POST, as the vendor's does. {callers_text('W11')}"
    ),
    **_UNASSIGN,
)

group_unassign_delete = extend_schema(
    operation_id="core_auth_groups_unassign_delete",
    summary="Take a person out of a group (DELETE)",
    description=(
        "As the POST, with the same body `{groupName, userId}`: the vendor's page has lost the method, so both are "
        f"served (ours). {callers_text('W11')}"
    ),
    **_UNASSIGN,
)
