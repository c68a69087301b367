"""API keys of people: W6 (create), W7 (delete), W8 (show)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from tenants.models import ApiKey, Family, Role, User
from tenants.services.keys import core_key_issue
from tenants.services.people import membership_remove, membership_set
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
KEYS, LIST = "/core/v1/auth/apiKey", "/core/v1/imageSets"


def create(client: Client, body: Any, headers: Headers) -> Any:
    return client.post(KEYS, body, content_type="application/json", headers=headers)


def for_person(person: User, **extra: Any) -> dict[str, Any]:
    return {"userId": str(person.pk), **extra}


def masked(answer: dict[str, Any]) -> dict[str, Any]:
    UUID(answer["data"]["apiKey"])
    return answer | {"data": answer["data"] | {"apiKey": "(key)"}}


def test_a_key_is_created_and_acts_as_its_user(client: Client, ours: factories.House, bearer: Bearer) -> None:
    response = create(client, for_person(ours.staff, description="example description"), bearer(ours.global_admin))
    assert response.status_code == 200
    assert masked(response.json()) == golden("api_key_created")
    mine = factories.image_set(ours.tenant, photos=0)
    shown = client.get(LIST, headers={"x-api-key": response.json()["data"]["apiKey"]}).json()
    assert [item["id"] for item in shown["data"]["items"]] == [str(mine.pk)]


def test_a_key_is_for_the_tenant_its_user_works_in(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    User.objects.filter(pk=ours.staff.pk).update(current_tenant=outsider.tenant)
    create(client, for_person(ours.staff), bearer(ours.global_admin))
    key = ApiKey.objects.all_tenants("a test looks for a key").get(user=ours.staff)
    assert (key.tenant, key.name) == (outsider.tenant, "")
    newest = key.history.first()
    assert newest is not None
    assert newest.history_user == ours.global_admin


def test_a_key_is_shown(client: Client, ours: factories.House, bearer: Bearer) -> None:
    person = factories.user(ours.tenant, id=UUID("ac821ae7-c4c5-46cb-bc7a-50ceaee1a43d"))
    issued = core_key_issue(user=person, name="siema eniu")
    response = client.get(f"{KEYS}/{person.pk}", headers=bearer(ours.global_admin))
    assert response.json()["data"]["apiKey"] == issued.value
    assert masked(response.json()) == golden("api_key")
    assert response.headers["Cache-Control"] == "no-store"


def test_a_deleted_key_opens_nothing_and_another_may_be_created(
    client: Client, ours: factories.House, bearer: Bearer
) -> None:
    headers, path = bearer(ours.global_admin), f"{KEYS}/{ours.tenant_admin.pk}"
    response = client.delete(path, headers=headers)
    assert (response.status_code, response.json()) == (200, golden("api_key_deleted"))
    assert client.get(LIST, headers={"x-api-key": ours.keys[Family.CORE]}).status_code == 401
    for again in (client.delete(path, headers=headers), client.get(path, headers=headers)):
        assert (again.status_code, again.json()["message"]) == (404, "API key not found.")
    assert create(client, for_person(ours.tenant_admin), headers).status_code == 200


@pytest.mark.parametrize("who", ["has a key", "works nowhere", "works nowhere, everywhere", "not active"])
def test_who_can_have_no_key_now_is_a_conflict(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer, who: str
) -> None:
    person = {"has a key": ours.tenant_admin, "works nowhere, everywhere": outsider.global_admin}.get(who, ours.staff)
    if who.startswith("works nowhere"):
        membership_remove(user=person, tenant=person.memberships.get().tenant)
    if who == "not active":
        User.objects.filter(pk=person.pk).update(is_active=False)
    response = create(client, for_person(person), bearer(ours.global_admin))
    assert (response.status_code, response.json().keys()) == (409, {"success", "message"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "userId"),
        ({"userId": None}, "userId"),
        ({"userId": "me"}, "userId"),
        ({"userId": ["x"]}, "userId"),
        ({"userId": {"id": 1}}, "userId"),
        ({"userId": -1}, "userId"),
        ({"userId": 2**200}, "userId"),
        ({"userId": 1.5}, "userId"),
        ({"userId": "a\0b"}, "userId"),
    ],
)
def test_a_user_id_that_is_none_is_named(
    client: Client, ours: factories.House, bearer: Bearer, body: Any, field: str
) -> None:
    response = create(client, body, bearer(ours.global_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])


@pytest.mark.parametrize("description", [None, "x" * 201, "a\0b", "\ud800", ["x"], {"a": 1}])
def test_a_description_that_is_none_is_named(
    client: Client, ours: factories.House, bearer: Bearer, description: Any
) -> None:
    body = json.dumps(for_person(ours.staff, description=description))
    response = create(client, body, bearer(ours.global_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, ["description"])
    assert not ApiKey.objects.of(ours.tenant.pk).filter(user=ours.staff).exists()


def test_unknown_people_and_numbers_that_look_like_ids_are_not_there(
    client: Client, ours: factories.House, bearer: Bearer
) -> None:
    headers = bearer(ours.global_admin)
    for unknown in (str(uuid4()), 7):
        response = create(client, {"userId": unknown}, headers)
        assert (response.status_code, response.json()["message"]) == (404, "User not found.")
    for path in (f"{KEYS}/{uuid4()}", f"{KEYS}/me", f"{KEYS}/%00"):
        assert client.get(path, headers=headers).status_code == 404
        assert client.delete(path, headers=headers).status_code == 404


def test_only_global_admins_and_nobody_learns_who_has_a_key(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    for person in (ours.tenant_admin, ours.annotator, ours.staff):
        headers = bearer(person)
        assert create(client, for_person(ours.staff), headers).status_code == 403
        for colleague in (ours.tenant_admin, ours.staff):
            assert client.get(f"{KEYS}/{colleague.pk}", headers=headers).status_code == 403
            assert client.delete(f"{KEYS}/{colleague.pk}", headers=headers).status_code == 403
        stranger = f"{KEYS}/{outsider.tenant_admin.pk}"
        assert client.get(stranger, headers=headers).status_code == 404
        assert client.delete(stranger, headers=headers).status_code == 404
        assert create(client, for_person(outsider.staff), headers).status_code == 404
    assert ApiKey.objects.of(ours.tenant.pk).filter(family=Family.CORE, revoked_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_one_gets_a_key(bearer: Bearer) -> None:
    house = factories.house("Crowded Rental")
    headers = bearer(house.global_admin)

    def ask(_: int) -> int:
        try:
            status: int = create(Client(), for_person(house.staff), headers).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(ask, range(6))) == [200, *[409] * 5]
    assert ApiKey.objects.of(house.tenant.pk).filter(user=house.staff).count() == 1
