"""Capture sets: the list (W34) and one of them (W37)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django import Settings

from assets.models import Logo
from assets.services import rigs
from inspection_platform.api.core.docs.capture_sets import CAPTURE_SET
from tests import factories
from tests.api.core.capture_sets.sets import names
from tests.api.core.conftest import golden
from tests.api.core.rigs import NOBODY, SETS, Gate, Sender, virtual

pytestmark = pytest.mark.django_db
#: The count, the page, its units and their tenants.
LIST_QUERIES = 4


def test_list_and_detail_are_the_golden_json(ask: Sender, ours: factories.House, gate: Gate) -> None:
    listed = ask(ours.staff, "get", SETS).json()
    assert listed == golden("capture_sets")
    assert ask(ours.staff, "get", f"{SETS}/{gate.rig.pk}").json() == golden("capture_set")
    assert listed["data"]["items"][0].keys() == CAPTURE_SET.keys()


def test_a_list_is_of_the_tenant_worked_in_unless_a_global_admin_asks_for_all(
    ask: Sender, ours: factories.House, outsider: factories.House, gate: Gate
) -> None:
    factories.rig(outsider.tenant)
    assert names(ask(ours.global_admin, "get", SETS)) == [gate.rig.name]
    assert len(names(ask(ours.global_admin, "get", f"{SETS}?fromAllTenants=true"))) == 2
    assert len(names(ask(ours.global_admin, "get", f"{SETS}?fromAllTenants=false"))) == 1


@pytest.mark.parametrize("asked", ["true", "1", "TRUE", "true&limit=x"])
def test_all_tenants_are_for_global_admins(ask: Sender, ours: factories.House, asked: str) -> None:
    for person in (ours.tenant_admin, ours.annotator, ours.staff):
        answer = ask(person, "get", f"{SETS}?fromAllTenants={asked}")
        assert (answer.status_code, answer.json()["message"]) == (403, "fromAllTenants is for global admins.")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["My first capture set", "Phone"]),
        ("?virtual=true", ["Phone"]),
        ("?virtual=false", ["My first capture set"]),
        ("?virtual=null", ["My first capture set", "Phone"]),
        ("?limit=1&page=2", ["Phone"]),
        ("?page=9", []),
    ],
)
def test_the_list_is_filtered_and_paged(
    ask: Sender, ours: factories.House, gate: Gate, query: str, found: list[str]
) -> None:
    virtual(ours.tenant)
    answer = ask(ours.staff, "get", SETS + query)
    assert names(answer) == found
    assert answer.json()["meta"]["totalItems"] == (1 if query in {"?virtual=true", "?virtual=false"} else 2)


@pytest.mark.parametrize(
    "query",
    ["virtual=maybe", "logos=2", "limit=0", "limit=x", "page=0", "page=99999999999999999999", "fromAllTenants=x",
     "label=pickup", "virtual=%00"],
)  # fmt: skip
def test_a_wrong_query_is_refused(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.staff, "get", f"{SETS}?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


def test_a_list_costs_the_same_for_one_set_and_for_thirty(ask: Sender, ours: factories.House, gate: Gate) -> None:
    for _ in range(2):
        assert ask.queries(ours.staff, f"{SETS}?limit=100") == LIST_QUERIES
        assert ask.queries(ours.staff, f"{SETS}?limit=100&logos=true") == LIST_QUERIES + 1
        for _ in range(29):
            factories.rig(ours.tenant, open_to=[ours.tenant, gate.insurer])


def test_logos_come_signed_in_both_sizes(
    client: Client, ask: Sender, ours: factories.House, gate: Gate, settings: Settings
) -> None:
    logo = Logo(tenant=gate.rental, size="54x54")
    logo.file.save("published/logos/rental.png", ContentFile(b"png"))
    logos = ask(ours.staff, "get", f"{SETS}?logos=true").json()["data"]["items"][0]["logos"]
    assert logos.keys() == {str(one.pk) for one in (ours.tenant, gate.insurer, gate.rental)}
    assert logos[str(gate.insurer.pk)] == {"54x54": None, "100x100": None}
    address = logos[str(gate.rental.pk)]["54x54"]
    assert logos[str(gate.rental.pk)]["100x100"] is None
    answer: Any = client.get(address.removeprefix(settings.PUBLIC_URL))
    assert b"".join(answer.streaming_content) == b"png"
    assert "logos" not in ask(ours.staff, "get", f"{SETS}?logos=false").json()["data"]["items"][0]


def test_who_has_a_unit_record_for_them_sees_the_set_and_no_other_tenant(
    ask: Sender, ours: factories.House, outsider: factories.House, gate: Gate
) -> None:
    assert ask(outsider.staff, "get", f"{SETS}/{gate.rig.pk}").status_code == 404
    gate.right.tenants.add(outsider.tenant)
    [item] = ask(outsider.staff, "get", f"{SETS}?logos=true").json()["data"]["items"]
    theirs = str(outsider.tenant.pk)
    assert [one["tenantIds"] for one in item["captureUnits"]] == [[], [theirs]]
    assert list(item["logos"]) == [theirs]
    detail = ask(outsider.staff, "get", f"{SETS}/{gate.rig.pk}").json()["data"]
    assert [one["tenantIds"] for one in detail["captureUnits"]] == [[], [theirs]]
    for person in (outsider.tenant_admin, outsider.staff):
        assert ask(person, "patch", f"{SETS}/{gate.rig.pk}", {"name": "Mine"}).status_code == 403


def test_a_deleted_set_is_not_there(ask: Sender, ours: factories.House, gate: Gate) -> None:
    rigs.capture_set_delete(capture_set=gate.rig)
    assert names(ask(ours.global_admin, "get", f"{SETS}?fromAllTenants=true")) == []
    for method in ("get", "patch"):
        assert ask(ours.global_admin, method, f"{SETS}/{gate.rig.pk}", {}).status_code == 404
    assert ask(ours.staff, "get", f"{SETS}/search?name=my").json()["data"]["names"] == []


@pytest.mark.parametrize("id_", [NOBODY, "x", "1" * 300, "%00"])
@pytest.mark.parametrize("method", ["get", "patch"])
def test_a_set_that_is_not_there(ask: Sender, ours: factories.House, method: str, id_: str) -> None:
    answer = ask(ours.tenant_admin, method, f"{SETS}/{id_}", {})
    assert (answer.status_code, answer.json()["message"]) == (404, "Capture set not found.")
