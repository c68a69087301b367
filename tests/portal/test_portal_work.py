"""What the holder of a set sends from its page, and what comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from damages.models import Damage, DamageDecision, ManualProcessing, ManualStatus, ResultVersion, Step
from damages.services.manual import manual_job_lock, manual_job_unlock
from inspection_platform import workflow
from tenants.models import ANNOTATOR
from tests import factories
from tests.portal.conftest import Held, Login

pytestmark = pytest.mark.django_db

BOX = [[0.1, 0.1], [0.3, 0.1], [0.3, 0.2], [0.1, 0.2]]


def send(client: Client, url: str, **body: Any) -> tuple[int, dict[str, Any]]:
    response = client.post(url, {"step": "ANNOTATION", **body}, "application/json")
    answer: dict[str, Any] = response.json()
    return response.status_code, answer


def change(client: Client, url: str, **body: Any) -> dict[str, Any]:
    """The one change that was made."""
    status, answer = send(client, url, **body)
    assert status == 200
    (made,) = answer["changes"]
    found: dict[str, Any] = made
    return found


def test_a_family_is_decided_in_one_request(held: Held, login: Login) -> None:
    others = {factories.damage(factories.photo(held.image_set, position=n), representative=held.damage) for n in (2, 3)}
    stranger = factories.damage(held.image)
    url = held.url("decide", damage_id=next(iter(others)).pk)
    status, answer = send(login(held.house.annotator), url, action="reject", family=True)
    assert status == 200
    assert {made["id"] for made in answer["changes"]} == {str(row.pk) for row in {held.damage, *others}}
    assert {made["damage"]["state"] for made in answer["changes"]} == {"rejected"}
    stranger.refresh_from_db()
    assert stranger.state == "created"


def job_of(held: Held) -> ManualProcessing:
    return ManualProcessing.objects.of(held.house.tenant.pk).get(image_set=held.image_set)


def test_a_verdict_comes_back_as_the_damage_it_made(held: Held, login: Login) -> None:
    status, answer = send(login(held.house.annotator), held.url("decide", damage_id=held.damage.pk), action="accept")
    assert status == 200
    (change,) = answer["changes"]
    assert change["id"] == str(held.damage.pk)
    assert (change["damage"]["state"], change["damage"]["decidedBy"]) == ("accepted", "Anna")
    assert change["damage"]["canUndo"] is True
    assert answer["lock"]["seconds"] > 1700


def test_category_drawing_deleting_and_undoing_go_through_the_services(held: Held, login: Login) -> None:
    client = login(held.house.annotator)
    changed = change(client, held.url("category", damage_id=held.damage.pk), category="dents")
    assert changed["damage"]["category"] == "dents"
    drawn = change(client, held.url("draw", image_id=held.image.pk), polygon=BOX, category="cracks")
    assert (drawn["damage"]["polygon"], drawn["damage"]["canDelete"]) == (BOX, True)
    deleted = change(client, held.url("delete", damage_id=drawn["id"]))
    assert (deleted["id"], deleted["damage"]) == (drawn["id"], None)
    restored = change(client, held.url("undo", damage_id=drawn["id"]))
    assert restored["damage"]["id"] == drawn["id"]
    recorded = DamageDecision.objects.of(held.house.tenant.pk).order_by("created_at").values_list("action", flat=True)
    assert list(recorded) == ["category", "drawn", "deleted", "restored"]


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("decide", {}, "action"),
        ("decide", {"action": "explode"}, "action"),
        ("decide", {"action": ["accept"]}, "action"),
        ("category", {"category": "Dents"}, "category"),
        ("category", {}, "category"),
        ("decide", {"action": "accept", "step": "LUNCH"}, "step"),
        ("draw", {"category": "dents"}, "polygon"),
        ("draw", {"category": "dents", "polygon": "no"}, "polygon"),
        ("draw", {"category": "dents", "polygon": {"x": 1}}, "polygon"),
        ("draw", {"category": "dents", "polygon": [[9, 9], [10, 9], [10, 10]]}, "polygon"),
        ("draw", {"category": "rust", "polygon": BOX}, "category"),
    ],
)
def test_wrong_input_is_named(held: Held, login: Login, name: str, body: dict[str, Any], field: str) -> None:
    extra = {"image_id": held.image.pk} if name == "draw" else {"damage_id": held.damage.pk}
    status, answer = send(login(held.house.annotator), held.url(name, **extra), **body)
    assert status == 400
    assert list(answer["fields"]) == [field]
    assert answer["held"] is True


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"null"])
def test_what_is_no_json_object_is_refused(held: Held, login: Login, body: bytes) -> None:
    url = held.url("decide", damage_id=held.damage.pk)
    response = login(held.house.annotator).post(url, body, "application/json")
    assert response.status_code == 400
    assert response.json()["message"]


def test_who_does_not_hold_the_set_changes_nothing(held: Held, login: Login) -> None:
    second = factories.user(held.house.tenant, group=ANNOTATOR)
    client = login(second)
    for name, extra, body in [
        ("decide", {"damage_id": held.damage.pk}, {"action": "accept"}),
        ("draw", {"image_id": held.image.pk}, {"polygon": BOX, "category": "dents"}),
        ("renew", {}, {}),
        ("finish", {}, {"confirmed": 1}),
        ("skip", {}, {}),
    ]:
        status, answer = send(client, held.url(name, **extra), **body)  # type: ignore[arg-type]  # a table of mixed rows
        assert (status, answer["held"]) == (409, False)
    # Free is not held either: the page asks people to take the set first.
    manual_job_unlock(user=held.house.annotator, image_set=held.image_set, step=Step.ANNOTATION)
    status, answer = send(login(held.house.annotator), held.url("decide", damage_id=held.damage.pk), action="accept")
    assert (status, answer["held"]) == (409, False)
    assert not DamageDecision.objects.of(held.house.tenant.pk).exists()
    assert list(Damage.objects.of(held.house.tenant.pk).values_list("state", flat=True)) == ["created"]


def test_finishing_asks_how_many_stay_undecided_and_believes_only_that_number(held: Held, login: Login) -> None:
    client = login(held.house.annotator)
    for confirmed in (None, 0, 2, "1"):
        status, answer = send(client, held.url("finish"), confirmed=confirmed)
        assert (status, answer["undecided"], answer["held"]) == (409, 1, True)
    assert job_of(held).status == ManualStatus.ANNOTATION_WAITING
    status, answer = send(client, held.url("finish"), confirmed=1)
    assert (status, answer) == (200, {"location": "/admin/queue/"})
    assert job_of(held).status == ManualStatus.REVIEW_WAITING


def test_finish_and_next_leads_to_the_next_set_or_says_there_is_none(held: Held, login: Login) -> None:
    other = factories.image_set(held.house.tenant)
    following = ManualProcessing(
        image_set=other, tenant=held.house.tenant, status=ManualStatus.ANNOTATION_WAITING, waiting_since=timezone.now()
    )
    following.save()
    client = login(held.house.annotator)
    assert send(client, held.url("finish"), confirmed=1, next=True)[1] == {"location": f"/admin/queue/{other.pk}/"}
    following.refresh_from_db()
    assert following.holder == held.house.annotator
    url = f"/admin/queue/{other.pk}/finish/"
    assert send(client, url, next=True)[1] == {"location": "/admin/queue/?empty=ANNOTATION"}


def test_the_last_step_publishes_what_people_made_of_the_set(held: Held, login: Login) -> None:
    send(login(held.house.annotator), held.url("finish"), confirmed=1)
    results = ResultVersion.objects.of(held.house.tenant.pk).filter(image_set=held.image_set)
    assert results.count() == 1
    manual_job_lock(user=held.house.reviewer, image_set=held.image_set, step=Step.REVIEW)
    client = login(held.house.reviewer)
    status, answer = send(client, held.url("finish"), step="REVIEW", confirmed=1)
    assert (status, answer["message"]) == (409, "1 proposal is not decided yet.")
    send(client, held.url("decide", damage_id=held.damage.pk), step="REVIEW", action="reject")
    assert send(client, held.url("finish"), step="REVIEW")[0] == 200
    latest = results.order_by("version").last()
    assert latest is not None
    assert (latest.version, latest.cause) == (2, "correction")
    assert latest.facts["damages"] == []


def test_a_finish_that_cannot_publish_did_not_happen(held: Held, login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(**_: object) -> None:
        raise RuntimeError("the storage is away")

    monkeypatch.setattr(workflow, "manual_finished", break_down)
    with pytest.raises(RuntimeError):
        send(login(held.house.annotator), held.url("finish"), confirmed=1)
    assert job_of(held).holder == held.house.annotator


def test_skipping_takes_the_set_out_and_publishes(held: Held, login: Login) -> None:
    status, answer = send(login(held.house.annotator), held.url("skip"))
    assert (status, answer) == (200, {"location": "/admin/queue/"})
    job = job_of(held)
    assert (job.status, job.is_skipped) == (ManualStatus.SKIPPED, True)
    assert ResultVersion.objects.of(held.house.tenant.pk).filter(image_set=held.image_set, version=2).exists()


def test_renewing_gives_the_whole_time_again(held: Held, login: Login) -> None:
    soon = timezone.now() + timedelta(seconds=5)
    ManualProcessing.objects.of(held.house.tenant.pk).filter(image_set=held.image_set).update(locked_until=soon)
    status, answer = send(login(held.house.annotator), held.url("renew"))
    assert status == 200
    assert answer["lock"]["seconds"] > 1700


def test_a_decision_costs_the_same_queries_however_large_the_set_is(held: Held, login: Login) -> None:
    client = login(held.house.annotator)
    counts = []
    for more in (0, 20):
        for _ in range(more):
            factories.damage(held.image)
        damage = factories.damage(held.image)
        with CaptureQueriesContext(connection) as queries:
            send(client, held.url("decide", damage_id=damage.pk), action="accept")
        counts.append(len(queries))
    assert counts[0] == counts[1]
