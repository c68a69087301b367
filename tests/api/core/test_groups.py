"""The platform's groups: W10 (assign), W11 (unassign, by both methods)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from tenants.models import GLOBAL_ADMIN, GROUPS, User
from tenants.services.people import group_assign, group_unassign, user_groups
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
ASSIGN, UNASSIGN = "/core/v1/auth/groups/assign", "/core/v1/auth/groups/unassign"
FLAGS = {"GLOBAL_ADMIN": "isGlobalAdmin", "ANNOTATOR": "isAnnotator", "REVIEWER": "isReviewer"}
#: Method and path of each way to change a group.
WAYS = [("post", ASSIGN), ("post", UNASSIGN), ("delete", UNASSIGN)]


def change(client: Client, way: tuple[str, str], body: Any, headers: Headers) -> Any:
    method, path = way
    return getattr(client, method)(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_answers_in_the_vendors_words(
    client: Client, ours: factories.House, bearer: Bearer, way: tuple[str, str]
) -> None:
    person = factories.user(ours.tenant, id=UUID("6eff1dac-e72e-49bd-b269-049650625906"))
    body = {"groupName": "ANNOTATOR", "userId": str(person.pk)}
    response = change(client, way, body, bearer(ours.global_admin))
    assert (response.status_code, response.json()) == (200, golden("group_changed"))


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("method", ["post", "delete"])
def test_people_join_and_leave_as_often_as_it_is_said(
    client: Client, ours: factories.House, bearer: Bearer, group: str, method: str
) -> None:
    headers, body = bearer(ours.global_admin), {"groupName": group, "userId": str(ours.staff.pk)}
    told = f"Modified (POST) group {FLAGS[group]} for {ours.staff.pk}"
    for way, wanted in ((("post", ASSIGN), {group}), ((method, UNASSIGN), set())):
        for _ in range(2):
            assert change(client, way, body, headers).json()["message"] == told
            assert user_groups(ours.staff) == wanted
    reasons = list(ours.staff.history.filter(history_user=ours.global_admin).values_list("history_change_reason"))
    assert reasons == [(f"left {group}",), (f"joined {group}",)]


def test_the_last_global_admin_cannot_leave(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    group_unassign(user=outsider.global_admin, group=GLOBAL_ADMIN)
    body = {"groupName": GLOBAL_ADMIN, "userId": str(ours.global_admin.pk)}
    refused = change(client, ("post", UNASSIGN), body, bearer(ours.global_admin))
    assert (refused.status_code, refused.json()["success"]) == (409, False)
    group_assign(user=ours.staff, group=GLOBAL_ADMIN)
    assert change(client, ("post", UNASSIGN), body, bearer(ours.global_admin)).status_code == 200
    assert change(client, ("post", UNASSIGN), body, bearer(ours.global_admin)).status_code == 403


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("groupName", "isAnnotator"), ("groupName", "annotator"), ("groupName", None), ("groupName", ""),
        ("groupName", "x" * 5000), ("groupName", ["ANNOTATOR"]), ("groupName", "\ud800"), ("groupName", "A\0"),
        ("userId", "me"), ("userId", None), ("userId", []),
    ],
)  # fmt: skip
def test_what_is_no_group_or_no_id_is_named(
    client: Client, ours: factories.House, bearer: Bearer, way: tuple[str, str], name: str, value: Any
) -> None:
    body = {"groupName": "ANNOTATOR", "userId": str(ours.staff.pk)} | {name: value}
    response = change(client, way, body, bearer(ours.global_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, [name])
    assert user_groups(ours.staff) == frozenset()


@pytest.mark.parametrize("way", WAYS)
def test_only_global_admins_and_only_about_people_they_may_know(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer, way: tuple[str, str]
) -> None:
    def status(asker: User, user_id: object) -> int:
        # The group is wrong as well: 404 and 403 come before 400.
        found: int = change(client, way, {"groupName": "none", "userId": str(user_id)}, bearer(asker)).status_code
        return found

    for person in (ours.tenant_admin, ours.annotator, ours.reviewer, ours.staff):
        assert status(person, ours.staff.pk) == 403
        assert status(person, outsider.staff.pk) == 404
    assert status(ours.global_admin, uuid4()) == 404
    assert status(ours.global_admin, outsider.staff.pk) == 400
    assert change(client, way, {}, {}).status_code == 401
