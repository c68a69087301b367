"""Changing damages: W50."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from damages.models import Action, Source
from inspection_platform.api.core.docs.damage_edits import PATCHED
from tests import factories
from tests.api.core.conftest import Scene, golden
from tests.api.core.damage_edits.calls import MERGE, PATH, Bearer, box, drawn, now, patch, post

pytestmark = pytest.mark.django_db


def test_changes_are_the_golden_json(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    head, other = free.representative.pk, free.drawn.pk
    response = patch(
        client, bearer(ours.reviewer),
        {"id": head, "partnerState": "rejected"}, {"id": other, "truePositives": {"dents": True}},
        {"id": other, "state": "accepted"}, {"id": head, "state": "rejected", "points": box(64, 240, 320, 192)},
    )  # fmt: skip
    body = response.json()
    assert response.status_code == 200
    assert [item.pop("modifiedAt") for item in body["data"]["items"]] == [
        item["modifiedAt"]
        for pk in (head, other)
        for item in [client.get(f"{PATH}/{pk}", headers=bearer(ours.staff)).json()["data"]]
    ]
    assert body == golden("damages_patched")
    assert body["data"]["items"][0].keys() | {"modifiedAt"} == PATCHED.keys()


def test_a_state_is_a_decision(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    row = factories.damage(free.image, is_potential=True, false_positives={"notOnVehicle": True})
    assert patch(client, bearer(ours.annotator), {"id": row.pk, "state": "accepted"}).status_code == 200
    record = row.decisions.get()
    assert (record.action, record.by, record.step) == (Action.ACCEPTED, ours.annotator, Source.ANNOTATOR)
    assert (record.before["state"], record.after["state"]) == ("created", "accepted")
    row = now(row)
    assert (row.is_potential, row.decided_by, row.false_positives["notOnVehicle"]) == (False, ours.annotator, False)
    assert row.true_positives["lineScratches"] is True
    # The same again changes nothing, not even the version.
    version = row.modified_at
    assert patch(client, bearer(ours.annotator), {"id": row.pk, "state": "accepted"}).status_code == 200
    assert (now(row).modified_at, row.decisions.count()) == (version, 1)
    patch(
        client,
        bearer(ours.tenant_admin),
        {"id": row.pk, "state": "rejected", "falsePositives": {"fakeScratches": True}},
    )
    row = now(row)
    assert (row.state, any(row.true_positives.values()), row.false_positives["fakeScratches"]) == (
        "rejected",
        False,
        True,
    )
    assert row.decisions.order_by("created_at").last().step == Source.STAFF  # type: ignore[union-attr]


def test_each_property(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    row = factories.damage(free.image)
    headers = bearer(ours.reviewer)
    steps: list[tuple[dict[str, Any], str, Any, Action]] = [
        ({"truePositives": {"dents": True, "cracks": True}}, "category", "cracks", Action.CATEGORY),
        ({"falsePositives": {"notOnVehicle": True}}, "false_positives", {"notOnVehicle": True}, Action.UPDATED),
        ({"partnerState": "accepted"}, "partner_state", "accepted", Action.UPDATED),
        ({"partnerState": None}, "partner_state", "", Action.UPDATED),
        ({"potentialDamage": True}, "is_potential", True, Action.UPDATED),
        ({"processing": True}, "is_processing", True, Action.UPDATED),
        ({"damageFamilyReviewed": True}, "family_reviewed", True, Action.UPDATED),
        ({"points": box(-1, 0, 641, 480)}, "polygon", [[0, 0], [1, 0], [1, 1], [0, 1]], Action.OUTLINE),
    ]
    for number, (said, column, expected, action) in enumerate(steps, start=1):
        assert patch(client, headers, {"id": row.pk, **said}).status_code == 200
        found = getattr(now(row), column)
        if column == "false_positives":
            found = {name: value for name, value in found.items() if value}
        assert found == expected
        assert row.decisions.count() == number
        assert row.decisions.order_by("created_at").last().action == action  # type: ignore[union-attr]
    shown = client.get(f"{PATH}/{row.pk}", headers=headers).json()["data"]
    assert (shown["processing"], shown["potentialDamage"]) == (True, True)
    # To confirm a damage takes back why it was none.
    assert any(now(row).false_positives.values())
    assert not any(now(row).true_positives.values())
    patch(client, headers, {"id": row.pk, "truePositives": {"dents": True}})
    assert not any(now(row).false_positives.values())


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({}, "damages.1"),
        ({"modifiedAt": "1"}, "damages.1"),
        ({"state": "done"}, "damages.1.state"),
        ({"partnerState": "perhaps"}, "damages.1.partnerState"),
        ({"truePositives": {"rust": True}}, "damages.1.truePositives.rust"),
        ({"falsePositives": {"notOnVehicle": "so"}}, "damages.1.falsePositives.notOnVehicle"),
        ({"points": box(0, 0, 642, 10)}, "damages.1.points"),
        ({"points": box(5, 5, 5, 10)}, "damages.1.points"),
        ({"points": box(5, 5, 9, 10)[:2]}, "damages.1.points"),
        ({"points": [{"x": 1}] * 4}, "damages.1.points.0.y"),
        ({"category": "dents"}, "damages.1.category"),
        ({"state": "accepted", "falsePositives": {"notOnVehicle": True}}, "damages.1"),
        ({"state": "rejected", "truePositives": {"dents": True}}, "damages.1"),
        ({"state": "accepted", "potentialDamage": True}, "damages.1"),
    ],
)
def test_bad_values_are_named_and_change_nothing(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer, said: dict[str, Any], path: str
) -> None:
    version = now(free.drawn).modified_at
    good = {"id": free.drawn.pk, "state": "rejected"}
    response = patch(client, bearer(ours.reviewer), good, {"id": free.representative.pk, **said})
    assert (response.status_code, path in response.json()["errors"]) == (400, True)
    assert (now(free.drawn).modified_at, free.drawn.decisions.count()) == (version, 0)


@pytest.mark.parametrize("body", [{}, {"damages": []}, {"damages": {}}, {"damages": ["x"]}, {"damages": [{}]}, []])
def test_bodies_that_say_nothing(client: Client, ours: factories.House, bearer: Bearer, body: Any) -> None:
    headers = bearer(ours.reviewer)
    assert client.patch(PATH, body, content_type="application/json", headers=headers).status_code == 400
    assert post(client, headers, body).status_code == 400
    assert post(client, headers, body, MERGE).status_code == 400


def test_contradicting_what_is_so_is_a_conflict(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer
) -> None:
    response = patch(
        client, bearer(ours.reviewer), {"id": free.representative.pk, "falsePositives": {"notOnVehicle": True}}
    )
    assert response.status_code == 409
    assert list(response.json()["errors"]) == [str(free.representative.pk)]


def test_one_unseen_id_changes_nothing_and_is_named(
    client: Client, ours: factories.House, outsider: factories.House, free: Scene, bearer: Bearer
) -> None:
    theirs = factories.damage(factories.image_set(outsider.tenant, photos=1).images.get())
    good = {"id": free.drawn.pk, "state": "rejected"}
    for key in (theirs.pk, free.removed.pk, uuid4()):
        for bad in ({"id": key, "state": "accepted"}, {"id": free.member.pk, "representativeId": str(key)},
                    {"id": free.member.pk, "firstDamageId": str(key)}):  # fmt: skip
            # 404 comes before 403 and 400.
            for person in (ours.reviewer, ours.staff):
                response = patch(client, bearer(person), good, bad, {"id": free.member.pk})
                assert (response.status_code, str(key) in response.json()["message"]) == (404, True)
    assert not free.drawn.decisions.exists()


def test_who_may(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    item = {"id": free.drawn.pk, "state": "wrong"}
    creation = {"damages": [drawn(free.image, state="wrong")]}
    for person, change, create in (
        (ours.staff, 403, 403), (ours.tenant_admin, 400, 403), (ours.annotator, 400, 400), (ours.reviewer, 400, 400),
        (ours.global_admin, 400, 400),
    ):  # fmt: skip
        headers = bearer(person)
        assert patch(client, headers, item).status_code == change
        assert client.delete(f"{PATH}?ids={free.drawn.pk}&limit=1", headers=headers).status_code == change
        assert post(client, headers, creation).status_code == create
        assert post(client, headers, {"damages": [str(free.drawn.pk)]}, MERGE).status_code == create
