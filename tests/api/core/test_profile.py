"""Profiles of the core family: W1 (list), W2 (names), W3 (one person), W4 (a person's tenants)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inspection_platform.api.core.docs.profile import DETAIL, NAME, PROFILE
from inspection_platform.api.core.presenters.profile import seconds_text
from tenants.models import Family, Role, Tenant, User
from tenants.services.keys import api_key_issue
from tenants.services.people import membership_set
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import fixed_id, golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
LIST = "/core/v1/profile"
NAMES = f"{LIST}/names"
#: Who asks.
AUTH_QUERIES = 1
#: The roles in all of the asker's tenants.
ROLE_QUERIES = 1
#: Those, the count and the page.
LIST_QUERIES = ROLE_QUERIES + 2
CREATED = datetime(2020, 11, 30, 14, 56, 48, 535424, tzinfo=UTC)
MODIFIED = datetime(2020, 11, 30, 14, 58, 18, 86604, tzinfo=UTC)


@dataclass(slots=True)
class Office:
    """A tenant of three: its admin, who is called like nobody who is looked for, and the vendor's two people."""

    tenant: Tenant
    boss: User
    maren: User
    silje: User


@pytest.fixture
def office(ours: factories.House) -> Office:
    """The two people of the vendor's sample, and nobody else but a boss."""
    tenant = Tenant.objects.create(id=fixed_id(20), name="Lillehammer")
    maren = factories.user(
        tenant, id=fixed_id(21), email="maren.lundby@wenn.no", first_name="Maren", last_name="Lundby",
        partner_id="f7ba8034-64a6-425c-8629-b283eac794fe",
    )  # fmt: skip
    silje = factories.user(
        tenant, id=fixed_id(22), email="silje.opseth@wenn.no", first_name="Silje", last_name="Opseth"
    )
    User.objects.filter(pk=maren.pk).update(phone="+4766655544", created_at=CREATED, modified_at=MODIFIED)
    User.objects.filter(pk=silje.pk).update(
        phone="+4766655545", created_at=CREATED, modified_at=MODIFIED.replace(microsecond=0)
    )
    boss = factories.user(tenant, role=Role.ADMIN_TENANT, first_name="Zoe", last_name="Zander")
    return Office(tenant, boss, maren, silje)


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["data"]["items"]]


def ids(*people: User) -> list[str]:
    return [str(person.pk) for person in people]


# --- W1 --------------------------------------------------------------------------------------------------------------


def test_list_is_the_golden_json(client: Client, office: Office, bearer: Bearer) -> None:
    response = client.get(LIST, headers=bearer(office.boss))
    expected = golden("profiles")
    assert response.status_code == 200
    answer = response.json()
    assert ids_of(answer) == ids(office.maren, office.silje, office.boss)
    del answer["data"]["items"][2]
    answer["meta"]["totalItems"] -= 1
    assert answer == expected


def test_keys_are_those_of_the_vendors_samples(client: Client, office: Office, bearer: Bearer) -> None:
    headers = bearer(office.boss)
    assert client.get(LIST, headers=headers).json()["data"]["items"][0].keys() == PROFILE.keys()
    named = client.get(NAMES, {"users": str(office.maren.pk)}, headers=headers).json()
    assert named["data"]["items"][0].keys() == NAME.keys()
    assert client.get(f"{LIST}/{office.maren.pk}", headers=headers).json()["data"].keys() == DETAIL.keys()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Maren", "maren"),
        ("mAREN", "maren"),
        ("lund", "maren"),
        ("maren lundby", "maren"),
        ("  Maren   Lundby ", "maren"),
        ("Lundby Maren", ""),
        ("+4766655544", "maren"),
        ("66655544", "maren"),
        ("+47 666 55 544", "maren"),
        ("0047 666-55-544", "maren"),
        ("(666) 55.54", "maren silje"),
        ("6665554", "maren silje"),
        ("wenn.no", ""),
        ("%", ""),
        ("_", ""),
        (".*", ""),
        ("++47", ""),
    ],
)
def test_search_by_name_and_phone(client: Client, office: Office, bearer: Bearer, text: str, found: str) -> None:
    answer = client.get(LIST, {"searchBy": text}, headers=bearer(office.boss)).json()
    assert ids_of(answer) == ids(*(getattr(office, name) for name in found.split()))
    assert answer["meta"]["totalItems"] == len(found.split())


@pytest.mark.parametrize("text", ["Åse", "åse", "ÅSE", "åse ødegård", "ÅSE ØDEGÅRD", "ødeg"])
def test_search_knows_the_case_of_all_letters(client: Client, office: Office, bearer: Bearer, text: str) -> None:
    person = factories.user(office.tenant, first_name="Åse", last_name="Ødegård (jr.)")
    assert ids_of(client.get(LIST, {"searchBy": text}, headers=bearer(office.boss)).json()) == ids(person)
    assert ids_of(client.get(LIST, {"searchBy": "ødegård (jr.)"}, headers=bearer(office.boss)).json()) == ids(person)
    assert ids_of(client.get(LIST, {"searchBy": "ødegård .jr.."}, headers=bearer(office.boss)).json()) == []


def test_pages_follow_each_other_and_end(client: Client, office: Office, bearer: Bearer) -> None:
    headers = bearer(office.boss)
    pages = [client.get(LIST, {"limit": "2", "page": str(page)}, headers=headers).json() for page in (1, 2, 3)]
    assert [ids_of(page) for page in pages] == [ids(office.maren, office.silje), ids(office.boss), []]
    assert [page["meta"] for page in pages] == [
        {"currentItemsPerPage": 2, "currentPage": page, "lastPage": 2, "maxPerPage": 100, "totalItems": 3}
        for page in (1, 2, 3)
    ]


def test_namesakes_keep_their_order(client: Client, office: Office, bearer: Bearer) -> None:
    twins = sorted((factories.user(office.tenant, first_name="A", last_name="A") for _ in range(4)), key=lambda u: u.pk)
    seen = [
        ids_of(client.get(LIST, {"limit": "1", "page": str(page)}, headers=bearer(office.boss)).json())[0]
        for page in range(1, 5)
    ]
    assert seen == ids(*twins)


def test_the_dead_are_not_listed(client: Client, office: Office, bearer: Bearer) -> None:
    User.objects.filter(pk=office.maren.pk).update(deleted_at=timezone.now())
    headers = bearer(office.boss)
    assert ids_of(client.get(LIST, headers=headers).json()) == ids(office.silje, office.boss)
    assert ids_of(client.get(NAMES, {"users": str(office.maren.pk)}, headers=headers).json()) == []
    assert client.get(f"{LIST}/{office.maren.pk}", headers=headers).status_code == 404
    assert client.get(f"{LIST}/{office.maren.pk}/tenants", headers=headers).status_code == 404


def test_global_admins_see_everybody(
    client: Client, ours: factories.House, outsider: factories.House, office: Office, bearer: Bearer
) -> None:
    alone = User.objects.create_user("+4740000001", None, first_name="Nobody's")
    answer = client.get(LIST, {"limit": "100"}, headers=bearer(ours.global_admin)).json()
    assert set(ids_of(answer)) == {str(pk) for pk in User.objects.values_list("pk", flat=True)}
    assert str(alone.pk) in ids_of(answer)
    one = client.get(LIST, {"tenant": str(office.tenant.pk)}, headers=bearer(ours.global_admin)).json()
    assert ids_of(one) == ids(office.maren, office.silje, office.boss)


def test_a_tenant_admin_sees_the_tenants_they_administer(
    client: Client, ours: factories.House, outsider: factories.House, office: Office, bearer: Bearer
) -> None:
    membership_set(user=office.boss, tenant=ours.tenant, role=Role.USER)
    membership_set(user=office.boss, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    headers = bearer(office.boss)
    seen = set(ids_of(client.get(LIST, {"limit": "100"}, headers=headers).json()))
    assert seen == {
        str(pk)
        for pk in User.objects.filter(memberships__tenant__in=[office.tenant, outsider.tenant]).values_list(
            "pk", flat=True
        )
    }
    narrowed = client.get(LIST, {"tenant": str(outsider.tenant.pk)}, headers=headers).json()
    assert set(ids_of(narrowed)) < seen
    assert str(office.maren.pk) not in ids_of(narrowed)
    # Seen, but only as a user there.
    assert client.get(LIST, {"tenant": str(ours.tenant.pk)}, headers=headers).status_code == 403


def test_a_person_of_two_tenants_is_listed_once(
    client: Client, outsider: factories.House, office: Office, bearer: Bearer
) -> None:
    membership_set(user=office.boss, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    membership_set(user=office.maren, tenant=outsider.tenant, role=Role.USER)
    answer = client.get(LIST, {"searchBy": "lundby"}, headers=bearer(office.boss)).json()
    assert ids_of(answer) == ids(office.maren)
    assert answer["meta"]["totalItems"] == 1


def test_a_key_lists_its_own_tenant_alone(client: Client, outsider: factories.House, office: Office) -> None:
    membership_set(user=office.boss, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    key = api_key_issue(tenant=office.tenant, family=Family.CORE, name="test", user=office.boss).value
    headers = {"x-api-key": key}
    assert ids_of(client.get(LIST, headers=headers).json()) == ids(office.maren, office.silje, office.boss)
    assert client.get(LIST, {"tenant": str(outsider.tenant.pk)}, headers=headers).status_code == 404
    assert client.get(f"{LIST}/{outsider.staff.pk}", headers=headers).status_code == 404


def test_the_role_counts_in_the_tenant_that_is_named(
    client: Client, ours: factories.House, office: Office, bearer: Bearer
) -> None:
    membership_set(user=ours.staff, tenant=office.tenant, role=Role.ADMIN_TENANT)
    headers = bearer(ours.staff)
    assert client.get(LIST, headers=headers).status_code == 403
    assert client.get(LIST, {"tenant": str(office.tenant.pk)}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": "x"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"page": "0"}, "page"),
        ({"page": "10000000000"}, "page"),
        ({"tenant": "mine"}, "tenant"),
        ({"searchBy": "x" * 101}, "searchBy"),
        ({"searchBy": "a\0b"}, "searchBy"),
        ({"serchBy": "x"}, "serchBy"),
    ],
)
def test_wrong_queries_are_named(
    client: Client, office: Office, bearer: Bearer, query: dict[str, str], named: str
) -> None:
    response = client.get(LIST, query, headers=bearer(office.boss))
    assert response.status_code == 400
    assert response.json()["errors"].keys() == {named}


def test_refusals_come_in_order(client: Client, ours: factories.House, office: Office, bearer: Bearer) -> None:
    wrong = {"limit": "x", "tenant": str(uuid4())}
    assert client.get(LIST, wrong).status_code == 401
    assert client.get(LIST, wrong, headers=bearer(ours.staff)).status_code == 404
    assert client.get(LIST, {"limit": "x"}, headers=bearer(ours.staff)).status_code == 403
    assert client.get(LIST, {"limit": "x"}, headers=bearer(ours.tenant_admin)).status_code == 400
    assert client.get(LIST, wrong, headers=bearer(ours.global_admin)).status_code == 404


def test_a_page_costs_the_same_for_three_and_for_sixty(
    client: Client, office: Office, bearer: Bearer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    headers = bearer(office.boss)
    with django_assert_num_queries(AUTH_QUERIES + LIST_QUERIES):
        assert len(ids_of(client.get(LIST, {"limit": "100"}, headers=headers).json())) == 3
    for _ in range(57):
        factories.user(office.tenant)
    with django_assert_num_queries(AUTH_QUERIES + LIST_QUERIES):
        assert len(ids_of(client.get(LIST, {"limit": "100"}, headers=headers).json())) == 60


# --- W2 --------------------------------------------------------------------------------------------------------------


def test_names_are_the_golden_json(client: Client, outsider: factories.House, office: Office, bearer: Bearer) -> None:
    wanted = [outsider.staff.pk, office.maren.pk, uuid4(), office.maren.pk]
    response = client.get(NAMES, {"users": ",".join(map(str, wanted))}, headers=bearer(office.silje))
    assert response.status_code == 200
    assert response.json() == golden("profile_names")


def test_names_of_everybody_for_global_admins_and_oneself_for_all(
    client: Client, ours: factories.House, outsider: factories.House, office: Office, bearer: Bearer
) -> None:
    users = f"{outsider.staff.pk}, {office.maren.pk},"
    seen = client.get(NAMES, {"users": users}, headers=bearer(ours.global_admin)).json()
    assert set(ids_of(seen)) == set(ids(outsider.staff, office.maren))
    alone = User.objects.create_user("+4740000001", None)
    assert ids_of(client.get(NAMES, {"users": f"{users}{alone.pk}"}, headers=bearer(alone)).json()) == ids(alone)


@pytest.mark.parametrize(
    "query",
    [{}, {"users": ""}, {"users": " , "}, {"users": "x"}, {"users": f"{uuid4()},x"},
     {"users": ",".join(str(fixed_id(number)) for number in range(101))}, {"users": str(fixed_id(1)), "limit": "1"}],
)  # fmt: skip
def test_wrong_ids_are_refused(client: Client, office: Office, bearer: Bearer, query: dict[str, str]) -> None:
    response = client.get(NAMES, query, headers=bearer(office.silje))
    assert response.status_code == 400
    assert response.json()["errors"].keys() == {"limit" if "limit" in query else "users"}


def test_a_hundred_names_in_as_many_queries_as_one(
    client: Client, office: Office, bearer: Bearer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    people = [factories.user(office.tenant) for _ in range(60)]
    wanted = [str(person.pk) for person in people] + [str(uuid4()) for _ in range(40)]
    for users, found in ((wanted[:1], 1), (wanted, 60)):
        with django_assert_num_queries(AUTH_QUERIES + ROLE_QUERIES + 1):
            answer = client.get(NAMES, {"users": ",".join(users)}, headers=bearer(office.silje)).json()
        assert len(ids_of(answer)) == found


# --- W3 and W4 -------------------------------------------------------------------------------------------------------


def test_profile_is_the_golden_json(client: Client, office: Office, bearer: Bearer) -> None:
    response = client.get(f"{LIST}/{office.maren.pk}", headers=bearer(office.silje))
    assert response.status_code == 200
    assert response.json() == golden("profile")


def test_tenants_are_the_golden_json(client: Client, office: Office, bearer: Bearer) -> None:
    response = client.get(f"{LIST}/{office.maren.pk}/tenants", headers=bearer(office.silje))
    assert response.status_code == 200
    assert response.json() == golden("profile_tenants")


def test_tenants_that_both_may_know(
    client: Client, ours: factories.House, outsider: factories.House, office: Office, bearer: Bearer
) -> None:
    membership_set(user=office.maren, tenant=outsider.tenant, role=Role.USER)
    path = f"{LIST}/{office.maren.pk}/tenants"

    def seen(person: User) -> list[str]:
        items: list[str] = client.get(path, headers=bearer(person)).json()["data"]["items"]
        return items

    both = [str(office.tenant.pk), str(outsider.tenant.pk)]
    assert seen(office.silje) == both[:1]
    assert seen(outsider.staff) == both[1:]
    assert seen(office.maren) == both
    assert seen(ours.global_admin) == both
    assert client.get(path, headers=bearer(ours.staff)).status_code == 404


@pytest.mark.parametrize("tail", ["", "/tenants"])
def test_the_unknown_the_malformed_and_strangers_are_not_found(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer, tail: str
) -> None:
    for user_id in (uuid4(), "x", "namesake", outsider.staff.pk):
        response = client.get(f"{LIST}/{user_id}{tail}", headers=bearer(ours.tenant_admin))
        assert (response.status_code, response.json()["message"]) == (404, "User not found.")
    alone = User.objects.create_user("+4740000001", None)
    assert client.get(f"{LIST}/{alone.pk}{tail}", headers=bearer(alone)).status_code == 200
    assert client.get(f"{LIST}/{ours.staff.pk}{tail}", headers=bearer(alone)).status_code == 404


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (CREATED, "1606748208.535424"),
        (CREATED.replace(microsecond=0), "1606748208.000000"),
        (CREATED.replace(microsecond=7), "1606748208.000007"),
        (datetime(2106, 2, 7, 6, 28, 15, 999999, tzinfo=UTC), "4294967295.999999"),
    ],
)
def test_times_keep_their_six_decimals(moment: datetime, text: str) -> None:
    assert seconds_text(moment) == text
