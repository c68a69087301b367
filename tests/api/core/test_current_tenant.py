"""Working in another tenant: W9."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from django.test import Client

from tenants.models import Family, Role, Tenant, User
from tenants.services.people import membership_set
from tenants.services.sessions import session_find, session_open
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
SWITCH, LIST = "/core/v1/auth/currentTenant", "/core/v1/imageSets"


def switch(client: Client, headers: Headers, **body: Any) -> Any:
    return client.post(SWITCH, body, content_type="application/json", headers=headers)


@pytest.fixture
def second(ours: factories.House) -> Tenant:
    """Another tenant that our staff member belongs to."""
    tenant = Tenant.objects.create(id=UUID("3bfd3a56-c2ea-41e5-92c3-aa295b24637b"), name="Second Rental")
    membership_set(user=ours.staff, tenant=tenant, role=Role.ADMIN_TENANT)
    return tenant


@pytest.fixture
def token(ours: factories.House) -> str:
    """A refresh token of our staff member."""
    return session_open(user=ours.staff, tenant=ours.tenant)[1]


def test_the_answer_is_the_golden_json_and_its_token_is_for_the_tenant(
    client: Client, ours: factories.House, second: Tenant, token: str, bearer: Bearer
) -> None:
    response = switch(client, bearer(ours.staff), refreshToken=token, tenant=str(second.pk))
    data = response.json()["data"]
    assert response.status_code == 200
    assert response.json() | {"data": data | {"idToken": "(token)"}} == golden("current_tenant")
    assert jwt.decode(data["idToken"], options={"verify_signature": False})["tenant"] == str(second.pk)
    mine = factories.image_set(second, photos=0)
    shown = client.get(LIST, headers={"authorization": f"Bearer {data['idToken']}"}).json()
    assert [item["id"] for item in shown["data"]["items"]] == [str(mine.pk)]


def test_session_and_person_work_there_from_now_on_and_the_history_says_so(
    client: Client, ours: factories.House, second: Tenant, token: str, bearer: Bearer
) -> None:
    switch(client, bearer(ours.staff), refreshToken=token, tenant=str(second.pk))
    session = session_find(token)
    assert session is not None
    assert session.tenant == session.user.current_tenant == second
    newest = ours.staff.history.first()
    assert newest is not None
    assert (newest.current_tenant, newest.history_user) == (second, ours.staff)


def test_a_global_admin_may_work_in_any_active_tenant(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    token = session_open(user=ours.global_admin, tenant=ours.tenant)[1]
    closed = Tenant.objects.create(name="Closed Rental", is_active=False)

    def status(tenant_id: object) -> int:
        found: int = switch(
            client, bearer(ours.global_admin), refreshToken=token, tenant=str(tenant_id)
        ).status_code  # fmt: skip
        return found

    assert [status(tenant_id) for tenant_id in (outsider.tenant.pk, closed.pk, uuid4())] == [200, 404, 404]


def test_a_tenant_one_does_not_belong_to_is_not_there(
    client: Client, ours: factories.House, outsider: factories.House, token: str, bearer: Bearer
) -> None:
    response = switch(client, bearer(ours.staff), refreshToken=token, tenant=str(outsider.tenant.pk))
    assert (response.status_code, response.json()["message"]) == (404, "Tenant not found.")
    assert User.objects.get(pk=ours.staff.pk).current_tenant == ours.tenant


def test_a_key_does_not_lead_out_of_its_tenant(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    token = session_open(user=ours.tenant_admin, tenant=ours.tenant)[1]
    headers = {"x-api-key": ours.keys[Family.CORE]}
    assert switch(client, headers, refreshToken=token, tenant=str(outsider.tenant.pk)).status_code == 404
    assert switch(client, headers, refreshToken=token, tenant=str(ours.tenant.pk)).status_code == 200


@pytest.mark.parametrize("whose", ["a colleague's", "made up", "cut", "half a surrogate"])
def test_a_session_that_is_not_the_askers_switches_nothing(
    client: Client, ours: factories.House, second: Tenant, token: str, bearer: Bearer, whose: str
) -> None:
    tokens = {
        "a colleague's": session_open(user=ours.annotator, tenant=ours.tenant)[1],
        "made up": "x.y",
        "cut": token[:-1],
        "half a surrogate": f"{token.partition('.')[0]}.\ud800",
    }
    # The tenant is unknown as well: 401 comes before 404.
    response = switch(client, bearer(ours.staff), refreshToken=tokens[whose], tenant=str(second.pk))
    expected = (400, None) if whose == "half a surrogate" else (401, "The refresh token is not valid.")
    assert (response.status_code, None if expected[1] is None else response.json()["message"]) == expected
    assert User.objects.get(pk=ours.staff.pk).current_tenant == ours.tenant


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"refreshToken": None}, ["refreshToken"]),
        ({"refreshToken": ""}, ["refreshToken"]),
        ({"refreshToken": ["x"]}, ["refreshToken"]),
        ({"refreshToken": "x" * 2001}, ["refreshToken"]),
        ({"refreshToken": "a\0b"}, ["refreshToken"]),
        ({"tenant": None}, ["tenant"]),
        ({"tenant": "mine"}, ["tenant"]),
        ({"tenant": {}}, ["tenant"]),
        ({"refreshToken": None, "tenant": None}, ["refreshToken", "tenant"]),
    ],
)
def test_what_is_missing_or_odd_is_named(
    client: Client, ours: factories.House, token: str, bearer: Bearer, changes: dict[str, Any], fields: list[str]
) -> None:
    body = {"refreshToken": token, "tenant": str(ours.tenant.pk)} | changes
    response = switch(client, bearer(ours.staff), **body)
    assert (response.status_code, list(response.json()["errors"])) == (400, fields)


def test_nobody_switches_without_credentials(client: Client, ours: factories.House, token: str) -> None:
    assert switch(client, {}, refreshToken=token, tenant=str(ours.tenant.pk)).status_code == 401
