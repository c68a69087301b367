"""What the public reference says of keys, groups, tenants and accounts, against the answers themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.models import User
from tenants.services.sessions import session_open
from tenants.services.tenant_groups import tenant_group_create
from tests import factories
from tests.api.conftest import Headers
from tests.api.test_reference import reference, validator

pytestmark = pytest.mark.django_db
PREFIX = "/core/v1/auth"

#: Method, path as in the reference, and body; words in angle brackets stand for ids of the scene.
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("post", "/apiKey", {"userId": "<staff>"}),
    ("post", "/apiKey", {"userId": "<tenant_admin>"}),
    ("post", "/apiKey", {}),
    ("get", "/apiKey/{user_id}", {}),
    ("delete", "/apiKey/{user_id}", {}),
    ("post", "/currentTenant", {"refreshToken": "<token>", "tenant": "<tenant>"}),
    ("post", "/currentTenant", {"refreshToken": "x", "tenant": "<tenant>"}),
    ("post", "/groups/assign", {"groupName": "REVIEWER", "userId": "<staff>"}),
    ("post", "/groups/unassign", {"groupName": "REVIEWER", "userId": "<staff>"}),
    ("delete", "/groups/unassign", {"groupName": "nobody", "userId": "<staff>"}),
    ("get", "/tenantGroups", {}),
    ("post", "/tenantGroups", {"name": "New", "members": ["<tenant>"]}),
    ("post", "/tenantGroups", {"name": "Both"}),
    ("patch", "/tenantGroups/{group_id}", {"powerTenantId": None}),
    ("patch", "/tenantGroups/{group_id}", {}),
    ("get", "/tenants", {}),
    ("post", "/tenants", {"name": "New"}),
    ("get", "/tenants/{tenant_id}", {}),
    ("patch", "/tenants/{tenant_id}", {"settings": {"expiryAfter": 1}}),
    ("patch", "/tenants/{tenant_id}", {"settings": {"expiryAfter": -1}}),
    ("post", "/tenants/assign", {"user": "<staff>", "tenants": [{"tenantId": "<tenant>", "role": "USER"}]}),
    ("post", "/tenants/unassign", {"user": "<staff>", "tenants": [{"tenantId": "<tenant>"}]}),
    ("delete", "/tenants/unassign", {"user": "<global_admin>", "tenants": [{"tenantId": "<other>"}]}),
    ("get", "/tenants/users?users=<staff>,<annotator>", {}),
    ("get", "/tenants/users", {}),
    ("delete", "/users/{user_id}", {}),
]


@pytest.fixture
def ids(ours: factories.House, outsider: factories.House) -> dict[str, str]:
    """The words of the table with what they stand for."""
    group = tenant_group_create(name="Both", members=[ours.tenant, outsider.tenant], power_tenant=ours.tenant)
    people = {f"<{who}>": str(getattr(ours, who).pk) for who in ("staff", "tenant_admin", "annotator", "global_admin")}
    return people | {
        "<token>": session_open(user=ours.global_admin, tenant=ours.tenant)[1],
        "<tenant>": str(ours.tenant.pk),
        "<other>": str(outsider.tenant.pk),
        "{user_id}": str(ours.tenant_admin.pk),
        "{tenant_id}": str(ours.tenant.pk),
        "{group_id}": str(group.pk),
    }


def filled(value: Any, ids: dict[str, str]) -> Any:
    """The value with ids in place of the table's words."""
    if isinstance(value, dict):
        return {key: filled(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids) for inner in value]
    for word, found in ids.items():
        value = value.replace(word, found) if isinstance(value, str) else value
    return value


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_answers_fit_the_reference(
    client: Client,
    ours: factories.House,
    ids: dict[str, str],
    bearer: Callable[[User], Headers],
    method: str,
    path: str,
    body: dict[str, Any],
) -> None:
    extra = {"data": filled(body, ids), "content_type": "application/json"} if method != "get" else {}
    response = getattr(client, method)(PREFIX + filled(path, ids), headers=bearer(ours.global_admin), **extra)
    described = reference()["paths"][PREFIX + path.partition("?")[0]][method]["responses"][str(response.status_code)]
    schema = described["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(response.json())] == []
