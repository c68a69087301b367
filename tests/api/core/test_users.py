"""The end of an account: W27."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.test import Client

from tenants.models import GLOBAL_ADMIN, Family, User
from tenants.services.people import group_unassign
from tenants.services.sessions import session_open
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
USERS, LIST = "/core/v1/auth/users", "/core/v1/imageSets"


def test_a_global_admin_deletes_an_account_once(client: Client, ours: factories.House, bearer: Bearer) -> None:
    person = factories.user(ours.tenant, id=UUID("b1d9f509-d468-4595-ba23-ca40e4d5d256"))
    headers, path = bearer(ours.global_admin), f"{USERS}/{person.pk}"
    response = client.delete(path, headers=headers)
    assert (response.status_code, response.json()) == (200, golden("user_deleted"))
    again = client.delete(path, headers=headers)
    assert (again.status_code, again.json()["message"]) == (404, "User not found.")
    assert client.get(f"/core/v1/profile/{person.pk}", headers=headers).status_code == 404
    newest = person.history.first()
    assert newest is not None
    assert newest.history_user == ours.global_admin


def test_ones_own_account_and_everything_that_it_opened_ends_at_once(
    client: Client, ours: factories.House, bearer: Bearer
) -> None:
    person, headers, key = ours.tenant_admin, bearer(ours.tenant_admin), {"x-api-key": ours.keys[Family.CORE]}
    phone, token = person.phone, session_open(user=person, tenant=ours.tenant)[1]
    assert client.delete(f"{USERS}/{person.pk}", headers=headers).status_code == 200
    assert client.get(LIST, headers=headers).status_code == 401
    assert client.get(LIST, headers=key).status_code == 401
    assert client.delete(f"{USERS}/{person.pk}", headers=headers).status_code == 401
    for path, body in (
        ("login", {"username": phone, "password": factories.PASSWORD}),
        ("token/refresh", {"username": phone, "refreshToken": token}),
    ):
        assert client.post(f"/core/v1/auth/{path}", body, content_type="application/json").status_code == 401


def test_a_key_may_end_the_account_it_acts_as(client: Client, ours: factories.House) -> None:
    headers = {"x-api-key": ours.keys[Family.CORE]}
    assert client.delete(f"{USERS}/{ours.tenant_admin.pk}", headers=headers).status_code == 200
    assert client.get(LIST, headers=headers).status_code == 401


def test_nobody_else_may_and_strangers_are_not_there(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    for person in (ours.tenant_admin, ours.annotator, ours.reviewer):
        assert client.delete(f"{USERS}/{ours.staff.pk}", headers=bearer(person)).status_code == 403
        assert client.delete(f"{USERS}/{outsider.staff.pk}", headers=bearer(person)).status_code == 404
    assert client.delete(f"{USERS}/{ours.staff.pk}").status_code == 401
    for path in (f"{USERS}/{uuid4()}", f"{USERS}/me"):
        assert client.delete(path, headers=bearer(ours.global_admin)).status_code == 404
    assert not User.objects.filter(deleted_at__isnull=False).exists()


def test_the_last_global_admin_stays(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    group_unassign(user=outsider.global_admin, group=GLOBAL_ADMIN)
    headers = bearer(ours.global_admin)
    response = client.delete(f"{USERS}/{ours.global_admin.pk}", headers=headers)
    assert (response.status_code, response.json()["success"]) == (409, False)
    assert client.get(LIST, headers=headers).status_code == 200
