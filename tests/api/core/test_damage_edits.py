"""Changing damages through the core family: W48, W50, W51, W52."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from assets.models import ImageSet
from damages.models import (
    Action,
    Damage,
    DamageDecision,
    ManualProcessing,
    ManualStatus,
    PictogramDamage,
    ResultCause,
    ResultVersion,
    Source,
    Step,
)
from damages.services.manual import manual_job_lock
from inspection_platform import workflow
from inspection_platform.api.core.docs.damage_edits import CREATE, PATCHED
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import Scene, golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
PATH = "/core/v1/damages"
MERGE = "/core/v1/damages/merge"


@pytest.fixture
def free(ours: factories.House, scene: Scene) -> Scene:
    """The scene once nobody needs to work on it any more."""
    ManualProcessing.objects.of(ours.tenant.pk).update(status=ManualStatus.ANNOTATED)
    return scene


def patch(client: Client, headers: Headers, *items: dict[str, Any], **extra: str) -> Any:
    body = {"damages": [item | {"id": str(item["id"])} for item in items]}
    return client.patch(PATH, body, content_type="application/json", headers={**headers, **extra})


def post(client: Client, headers: Headers, body: Any, path: str = PATH) -> Any:
    return client.post(path, body, content_type="application/json", headers=headers)


def box(left: float, top: float, right: float, bottom: float) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x in (right, left) for y in (top, bottom)]


def drawn(image: Any, **extra: Any) -> dict[str, Any]:
    points = box(64, 48, 320, 96)
    return {"imageSetId": str(image.image_set_id), "imageId": str(image.pk), "points": points} | extra


def now(row: Damage) -> Damage:
    return Damage.objects.all_tenants("a test looks").get(pk=row.pk)


# --- changing --------------------------------------------------------------------------------------------------------


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


# --- two people at once ----------------------------------------------------------------------------------------------


def test_a_stale_version_is_refused_with_the_current_one(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer
) -> None:
    first, second = bearer(ours.annotator), bearer(ours.reviewer)
    tag = client.get(f"{PATH}/{free.drawn.pk}", headers=first).headers["ETag"]
    said = {"id": free.drawn.pk, "state": "rejected"}
    changed = patch(client, first, said, **{"if-match": tag})
    assert changed.status_code == 200
    current = changed.json()["data"]["items"][0]["modifiedAt"]
    assert changed.headers["ETag"] == f'"{current}"'
    for refused in (
        patch(client, second, said | {"state": "accepted"}, **{"if-match": tag}),
        patch(
            client, second, {"id": free.member.pk, "state": "accepted"},
            said | {"state": "accepted", "modifiedAt": tag.strip('"')},
        ),
    ):  # fmt: skip
        assert refused.status_code == 409
        assert refused.json()["errors"] == {str(free.drawn.pk): [current]}
    assert (now(free.drawn).state, now(free.member).state) == ("rejected", "created")
    assert patch(client, second, said | {"state": "accepted", "modifiedAt": current}).status_code == 200
    assert patch(client, second, said, **{"if-match": "*"}).status_code == 200


def test_if_match_is_for_one(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    items = [{"id": row.pk, "state": "accepted"} for row in (free.drawn, free.member)]
    for wrong in (patch(client, bearer(ours.reviewer), *items, **{"if-match": '"1"'}),
                  patch(client, bearer(ours.reviewer), items[0], **{"if-match": '"1", "2"'})):  # fmt: skip
        assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["If-Match"])


def test_a_held_or_reviewed_set_is_left_alone(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    manual_job_lock(user=ours.reviewer, image_set=scene.image_set, step=Step.REVIEW)
    headers, row = bearer(ours.annotator), scene.representative
    calls: list[Callable[[Headers], Any]] = [
        lambda headers: patch(client, headers, {"id": row.pk, "state": "rejected"}),
        lambda headers: post(client, headers, {"damages": [drawn(scene.image)]}),
        lambda headers: post(client, headers, {"damages": [str(row.pk), str(scene.drawn.pk)]}, MERGE),
        lambda headers: client.delete(f"{PATH}?ids={scene.drawn.pk}", headers=headers),
    ]
    for call in calls:
        assert call(headers).status_code == 409
    assert calls[0](bearer(ours.reviewer)).status_code == 200
    ManualProcessing.objects.of(ours.tenant.pk).update(status=ManualStatus.REVIEWED, holder=None, locked_until=None)
    for call in calls:
        assert call(bearer(ours.reviewer)).status_code == 409


# --- families and first occurrences ----------------------------------------------------------------------------------


def test_representatives_and_first_occurrences(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer
) -> None:
    early = factories.image_set(ours.tenant, photos=1, car=free.car)
    ImageSet.objects.of(ours.tenant.pk).filter(pk=early.pk).update(recorded_at=datetime(2026, 1, 1, tzinfo=UTC))
    first = factories.damage(early.images.get())
    headers = bearer(ours.reviewer)
    said = {
        "id": free.member.pk, "representativeId": str(free.member.pk), "firstDamageId": str(first.pk),
        "damageFamilyReviewed": True,
    }  # fmt: skip
    assert patch(client, headers, said).status_code == 200
    assert (now(free.member).representative_id, now(free.member).first_damage_id) == (None, first.pk)
    assert now(free.representative).representative_id == free.member.pk
    assert (now(free.representative).first_damage_id, now(free.representative).family_reviewed) == (first.pk, True)
    assert patch(client, headers, {"id": free.member.pk, "firstDamageId": None}).status_code == 200
    assert (now(free.representative).first_damage_id, now(free.member).first_damage_id) == (None, None)
    for wrong in (
        {"id": first.pk, "firstDamageId": str(free.member.pk)},
        {"id": first.pk, "representativeId": str(free.member.pk)},
        {"id": free.drawn.pk, "firstDamageId": str(free.member.pk)},
    ):
        response = patch(client, headers, wrong)
        assert (response.status_code, list(response.json()["errors"])) == (409, [str(wrong["id"])])
    stranger = factories.damage(
        factories.image_set(ours.tenant, photos=1, car=factories.car(ours.tenant, "ZZ1")).images.get()
    )
    assert patch(client, headers, {"id": stranger.pk, "firstDamageId": str(first.pk)}).status_code == 409


def test_merge_and_delete(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    headers = bearer(ours.reviewer)
    merged = post(client, headers, {"damages": [str(free.drawn.pk), str(free.member.pk)]}, MERGE)
    assert (merged.status_code, merged.json()) == (
        200,
        {"success": True, "message": "Successfully merged unique damages"},
    )
    assert now(free.drawn).representative_id == free.representative.pk
    ids = [str(free.representative.pk)]
    deleted = client.delete(f"{PATH}?ids={ids[0]}", headers=headers)
    assert deleted.json() == {"success": True, "data": {"ids": ids}, "message": "Successfully deleted damages"}
    assert {now(free.drawn).representative_id, now(free.member).representative_id} == {None, free.drawn.pk}
    again = client.delete(f"{PATH}?ids={free.drawn.pk}&deleteRepresentatives=true", headers=headers)
    assert again.json()["data"]["ids"] == [str(free.drawn.pk), str(free.member.pk)]
    assert client.get(f"{PATH}?imageSetId={free.image_set.pk}", headers=headers).json()["data"] == {"items": []}
    for query, status in (
        ("", 400),
        ("?ids=", 400),
        ("?ids=42", 400),
        (f"?ids={uuid4()}", 404),
        (f"?ids={ids[0]}", 404),
    ):
        assert client.delete(f"{PATH}{query}", headers=headers).status_code == status


# --- creating --------------------------------------------------------------------------------------------------------


def test_what_a_person_drew_is_accepted(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    before = set(Damage.objects.of(ours.tenant.pk).values_list("pk", flat=True))
    mark = {**CREATE["pictogramDamages"][0], "imageSetId": str(free.image_set.pk)}
    items = [
        drawn(
            free.image, carId=str(free.car.pk), truePositives={"dents": True}, falsePositives={"notOnVehicle": False}
        ),
        drawn(free.image, state="created"),
        drawn(free.image, points=box(0, 0, 40, 30), state="rejected", falsePositives={"fakeScratches": True}),
    ]
    response = post(client, bearer(ours.annotator), {"damages": items, "pictogramDamages": [mark]})
    assert (response.status_code, response.json()) == (
        200,
        {"success": True, "message": "Successfully created damages"},
    )
    dent, proposal, fake = Damage.objects.of(ours.tenant.pk).exclude(pk__in=before).order_by("created_at")
    assert (dent.state, dent.category, dent.source, dent.created_by) == (
        "accepted",
        "dents",
        "annotator",
        ours.annotator,
    )
    assert (dent.car_id, dent.decided_by, dent.confidence) == (free.car.pk, ours.annotator, None)
    assert (proposal.state, proposal.category, proposal.decided_by) == ("created", "lineScratches", None)
    assert (fake.state, fake.category, fake.false_positives["fakeScratches"]) == ("rejected", "areaScratches", True)
    assert [row.decisions.get().action for row in (dent, proposal, fake)] == [Action.DRAWN] * 3
    stored = PictogramDamage.objects.of(ours.tenant.pk).get()
    assert (stored.name, stored.x, stored.y, stored.is_new) == ("car_front_180.png", 0.12, 0.34, True)
    assert (stored.image_set, stored.created_by) == (free.image_set, ours.annotator)


def test_creating_is_all_or_nothing(
    client: Client, ours: factories.House, outsider: factories.House, free: Scene, bearer: Bearer
) -> None:
    other = factories.image_set(ours.tenant, photos=1).images.get()
    theirs = factories.image_set(outsider.tenant, photos=1).images.get()
    mark = {"imageSetId": str(free.image_set.pk), "pictogramName": "car_left.png", "x": 0.5, "y": 0.5}
    headers, good = bearer(ours.reviewer), drawn(free.image)
    cases: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
        (404, drawn(theirs), mark),
        (404, drawn(other, imageSetId=str(free.image_set.pk)), mark),
        (404, drawn(free.image, firstDamageId=str(uuid4())), mark),
        (404, drawn(free.image, carId=str(uuid4())), mark),
        (404, good, mark | {"imageSetId": str(theirs.image_set_id)}),
        (400, drawn(other, carId=str(free.car.pk)), mark),
        (400, drawn(free.image, points=box(0, 0, 900, 9)), mark),
        (400, drawn(free.image, falsePositives={"notOnVehicle": True}), mark),
        (400, good, mark | {"x": 1.1}),
        (400, good, mark | {"pictogramName": "../car.png"}),
        (409, drawn(free.image, firstDamageId=str(free.drawn.pk)), mark),
    ]
    count = Damage.objects.of(ours.tenant.pk).count()
    for status, item, pictogram in cases:
        response = post(client, headers, {"damages": [good, item], "pictogramDamages": [pictogram]})
        assert response.status_code == status, (item, pictogram)
    assert Damage.objects.of(ours.tenant.pk).count() == count
    assert not PictogramDamage.objects.of(ours.tenant.pk).exists()


def test_creation_is_not_repeated(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    headers = {**bearer(ours.reviewer), "Idempotency-Key": "once"}
    count = Damage.objects.of(ours.tenant.pk).count()
    for _ in range(2):
        assert post(client, headers, {"damages": [drawn(free.image)]}).status_code == 200
    assert Damage.objects.of(ours.tenant.pk).count() == count + 1


def test_a_new_damage_may_name_its_first_occurrence(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer
) -> None:
    late = factories.image_set(ours.tenant, photos=1, car=free.car).images.get()
    items = [drawn(late, firstDamageId=str(free.member.pk)), drawn(late, points=box(0, 0, 9, 9))]
    assert post(client, bearer(ours.reviewer), {"damages": items}).status_code == 200
    found = Damage.objects.of(ours.tenant.pk).filter(image=late).order_by("created_at")
    assert [row.first_damage_id for row in found] == [free.representative.pk, None]


# --- what was published ----------------------------------------------------------------------------------------------


def versions(image_set: ImageSet) -> list[str]:
    rows = ResultVersion.objects.all_tenants("a test looks").filter(image_set=image_set)
    return list(rows.order_by("version").values_list("cause", flat=True))


def test_a_change_of_published_facts_makes_a_corrected_version(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer, drain: Callable[[], int]
) -> None:
    workflow.publish(free.image_set, ResultCause.MODELS, free.image_set.runs.get())
    drain()
    headers = bearer(ours.tenant_admin)
    patch(client, headers, {"id": free.drawn.pk, "processing": True, "partnerState": "accepted"})
    drain()
    assert versions(free.image_set) == ["models"]
    patch(client, headers, {"id": free.drawn.pk, "state": "accepted"})
    drain()
    assert versions(free.image_set) == ["models", "correction"]
    client.delete(f"{PATH}?ids={free.drawn.pk}", headers=headers)
    drain()
    post(client, bearer(ours.reviewer), {"damages": [drawn(free.image)]})
    post(client, bearer(ours.reviewer), {"damages": [drawn(free.image, points=box(0, 0, 9, 9))]})
    post(client, bearer(ours.reviewer), {"damages": [str(free.representative.pk), str(free.member.pk)]}, MERGE)
    drain()
    assert versions(free.image_set) == ["models", "correction", "correction", "correction"], "both drawings in one"
    facts = ResultVersion.objects.of(ours.tenant.pk).order_by("version").last().facts  # type: ignore[union-attr]
    assert len(facts["damages"]) == 4


def test_a_set_that_waits_for_people_is_published_by_them(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer, drain: Callable[[], int]
) -> None:
    workflow.publish(scene.image_set, ResultCause.MODELS, scene.image_set.runs.get())
    patch(client, bearer(ours.reviewer), {"id": scene.drawn.pk, "state": "accepted"})
    drain()
    assert versions(scene.image_set) == ["models"]


# --- many ------------------------------------------------------------------------------------------------------------


def test_a_thousand_changes_in_a_bounded_number_of_queries(
    client: Client,
    ours: factories.House,
    free: Scene,
    bearer: Bearer,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    rows = many(free, 1000)
    items: list[dict[str, Any]] = [{"id": pk, "state": "accepted", "damageFamilyReviewed": True} for pk in rows]
    # SQLite takes 999 parameters with a statement: what is written comes in batches of some hundred rows.
    with django_assert_max_num_queries(120):
        response = patch(client, bearer(ours.reviewer), *items)
    assert [item["id"] for item in response.json()["data"]["items"]] == [str(pk) for pk in rows]
    assert Damage.objects.of(ours.tenant.pk).filter(pk__in=rows, state="accepted", family_reviewed=True).count() == 1000
    assert DamageDecision.objects.of(ours.tenant.pk).filter(damage__in=rows).count() == 2000
    assert patch(client, bearer(ours.reviewer), *items, items[0]).status_code == 400


@pytest.mark.parametrize("count", [3, 60])
def test_number_of_queries_does_not_grow(
    client: Client,
    ours: factories.House,
    free: Scene,
    bearer: Bearer,
    count: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    rows = many(free, count)
    headers = bearer(ours.reviewer)
    with django_assert_max_num_queries(16):
        assert patch(client, headers, *({"id": pk, "state": "accepted"} for pk in rows)).status_code == 200
    with django_assert_max_num_queries(24):
        assert post(client, headers, {"damages": [drawn(free.image) for _ in range(count)]}).status_code == 200


def many(scene: Scene, count: int) -> list[UUID]:
    """Ids of so many proposals on the scene's photo."""
    one = factories.damage(scene.image)
    same = {
        field.attname: getattr(one, field.attname)
        for field in Damage._meta.concrete_fields
        if field.name not in {"id", "created_at", "modified_at"}
    }
    copies = [Damage(**same) for _ in range(count - 1)]
    Damage.objects.of(scene.car.tenant_id).bulk_create(copies)
    return [one.pk, *(row.pk for row in copies)]
