"""What the staff pages show, to whom, and at what price."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image as Picture

from assets.models import ImageSetState, Upload, UploadState
from damages.models import Damage, ManualProcessing, ManualStatus, Step
from damages.services.manual import manual_job_finish
from damages.taxonomy import DamageCategory
from imaging.models import JobRun
from imaging.services.pictures import picture_publish
from inspection_platform.portal.navigation import sidebar
from inspection_platform.portal.presenters import CATEGORY_LABELS
from tenants.models import ANNOTATOR, DeliveryState, User
from tests import factories, media
from tests.portal.conftest import Held, Login

pytestmark = pytest.mark.django_db


def text_of(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def payload_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="inspection-data" type="application/json">(.*?)</script>', page)
    assert found
    payload: dict[str, Any] = json.loads(found[1])
    return payload


def waiting(house: factories.House, count: int) -> None:
    for _ in range(count):
        ManualProcessing(
            image_set=factories.image_set(house.tenant, photos=0), tenant=house.tenant,
            status=ManualStatus.ANNOTATION_WAITING, waiting_since=timezone.now(),
        ).save()  # fmt: skip


# --- the queue -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "offers", "not_offers"),
    [
        ("annotator", ["Annotate next"], ["Review next"]),
        ("reviewer", ["Review next"], ["Annotate next"]),
        ("global_admin", ["Annotate next", "Review next"], []),
        ("staff", ["neither annotator nor reviewer"], ["Annotate next", "Review next"]),
    ],
)
def test_the_queue_offers_each_person_their_step(
    ours: factories.House, login: Login, person: str, offers: list[str], not_offers: list[str]
) -> None:
    waiting(ours, 1)
    page = text_of(login(getattr(ours, person)), "/admin/queue/")
    assert all(words in page for words in offers)
    assert not any(words in page for words in not_offers)


def test_an_empty_queue_says_so(ours: factories.House, login: Login) -> None:
    assert "Nothing waits." in text_of(login(ours.annotator), "/admin/queue/")


def test_the_queue_shows_what_i_hold_and_nothing_of_other_tenants(
    held: Held, outsider: factories.House, login: Login
) -> None:
    key = str(held.image_set.submission)
    mine = text_of(login(held.house.annotator), "/admin/queue/")
    assert "Held by you" in mine
    assert key in mine
    waiting(held.house, 2)
    theirs = text_of(login(outsider.annotator), "/admin/queue/")
    assert "Our Rental" not in theirs
    assert "Nothing waits." in theirs


def test_the_queue_costs_the_same_queries_however_much_waits(ours: factories.House, login: Login) -> None:
    client = login(ours.annotator)
    counts = []
    for more in (1, 9):
        waiting(ours, more)
        client.get("/admin/queue/")
        with CaptureQueriesContext(connection) as queries:
            text_of(client, "/admin/queue/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_next_leads_to_the_set_and_an_empty_queue_back_with_a_word(ours: factories.House, login: Login) -> None:
    client = login(ours.annotator)
    response = client.post("/admin/queue/next/", {"step": "ANNOTATION"}, follow=True)
    assert "Nothing waits for annotation." in response.content.decode()
    waiting(ours, 1)
    job = ManualProcessing.objects.of(ours.tenant.pk).get()
    response = client.post("/admin/queue/next/", {"step": "ANNOTATION"})
    assert response["Location"] == f"/admin/queue/{job.image_set_id}/"
    for step, words in [("REVIEW", "Only members of REVIEWER"), ("LUNCH", "Choose annotation or review")]:
        response = client.post("/admin/queue/next/", {"step": step}, follow=True)
        assert words in response.content.decode()


# --- a set that people work on ---------------------------------------------------------------------------------------


def test_the_work_page_carries_photos_damages_and_the_lock(held: Held, login: Login) -> None:
    payload = payload_of(text_of(login(held.house.annotator), held.url("work")))
    assert payload["step"] == "ANNOTATION"
    assert payload["lock"]["seconds"] > 1700
    (photo,) = payload["photos"]
    assert photo["url"] == held.url("photo", image_id=held.image.pk)
    (damage,) = payload["damages"]
    assert (damage["id"], damage["confidence"], damage["state"]) == (str(held.damage.pk), 0.8, "created")
    assert (damage["canUndo"], damage["canDelete"]) == (False, False)


def test_a_held_set_is_a_conflict_for_others_and_free_again_after_its_lock(held: Held, login: Login) -> None:
    client = login(factories.user(held.house.tenant, group=ANNOTATOR))
    assert "Anna is working on this set" in text_of(client, held.url("work"), 409)
    past = timezone.now() - timedelta(seconds=1)
    ManualProcessing.objects.of(held.house.tenant.pk).filter(image_set=held.image_set).update(locked_until=past)
    response = client.get(held.url("work"))
    assert response["Location"] == held.url("inspection")
    assert "Annotate this set" in text_of(client, held.url("inspection"))
    assert client.post(held.url("lock"))["Location"] == held.url("work")
    assert payload_of(text_of(client, held.url("work")))["step"] == "ANNOTATION"


def test_reading_the_work_page_takes_nothing(held: Held, login: Login) -> None:
    job = ManualProcessing.objects.of(held.house.tenant.pk).get(image_set=held.image_set)
    before = (job.holder_id, job.locked_until, job.modified_at)
    for person in (held.house.annotator, held.house.reviewer, held.house.global_admin):
        login(person).get(held.url("work"))
        login(person).get(held.url("inspection"))
    job.refresh_from_db()
    assert (job.holder_id, job.locked_until, job.modified_at) == before


def test_people_of_another_step_get_the_page_to_look_at(held: Held, login: Login) -> None:
    for person in (held.house.reviewer, held.house.staff):
        client = login(person)
        assert client.get(held.url("work"))["Location"] == held.url("inspection")
        assert "does not wait for you" in client.post(held.url("lock"), follow=True).content.decode()


def test_a_released_set_waits_again(held: Held, login: Login) -> None:
    page = login(held.house.annotator).post(held.url("unlock"), follow=True).content.decode()
    assert "waits in the queue again" in page
    assert ManualProcessing.objects.of(held.house.tenant.pk).get().holder is None


@pytest.mark.parametrize("name", ["work", "inspection"])
def test_a_page_costs_the_same_queries_however_large_the_set_is(held: Held, login: Login, name: str) -> None:
    client = login(held.house.annotator)
    counts = []
    for more in (1, 6):
        for position in range(more):
            image = factories.photo(held.image_set, position=10 * more + position)
            for _ in range(3):
                factories.damage(image)
        client.get(held.url(name))
        with CaptureQueriesContext(connection) as queries:
            text_of(client, held.url(name))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_text_of_clients_cannot_break_out_of_the_page(held: Held, login: Login) -> None:
    held.image.name = "</script><script>alert(1)</script>.jpg"
    held.image.save()
    Upload.objects.of(held.house.tenant.pk).update(state=UploadState.REFUSED, reason="<img src=x onerror=alert(1)>")
    page = text_of(login(held.house.annotator), held.url("inspection"))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert payload_of(page)["photos"][0]["name"] == held.image.name


def test_every_category_has_words() -> None:
    assert set(CATEGORY_LABELS) == set(DamageCategory)
    assert len(set(CATEGORY_LABELS.values())) == len(DamageCategory)


# --- an inspection to look at ----------------------------------------------------------------------------------------


def test_an_inspection_shows_how_it_was_processed_and_what_was_told(held: Held, login: Login) -> None:
    run = held.image_set.runs.get()
    JobRun(run=run, name="damage_detection", cluster="ml", order=1, state="failed", reason="no such model").save()
    Upload(
        image_set=held.image_set, position=2, url="https://x.example/a.jpg", state=UploadState.REFUSED, reason="404"
    ).save()
    page = text_of(login(held.house.staff), held.url("inspection"))
    for words in [
        "damage_detection",
        "no such model",
        "https://x.example/a.jpg",
        "404",
        "Version 1",
        "Anna is working",
    ]:
        assert words in page
    assert held.delivery.target in page
    assert payload_of(page)["step"] is None


def test_an_inspection_tells_who_decided_what(held: Held, login: Login) -> None:
    client = login(held.house.annotator)
    for name, body in {"category": {"category": "dents"}, "decide": {"action": "accept"}}.items():
        url = held.url(name, damage_id=held.damage.pk)
        assert client.post(url, {"step": "ANNOTATION", **body}, "application/json").status_code == 200
    page = text_of(client, held.url("inspection"))
    assert "category changed: Line scratch → Dent" in page
    assert page.index(">accepted<") < page.index(">category changed")


@pytest.mark.parametrize("state", ImageSetState.values)
def test_sets_in_any_state_can_be_looked_at(ours: factories.House, login: Login, state: str) -> None:
    image_set = factories.image_set(ours.tenant, photos=0, state=state, reason="because")
    page = text_of(login(ours.tenant_admin), f"/admin/inspections/{image_set.pk}/")
    assert "No photo has arrived yet." in page
    assert ("Run again" in page) is (state in {"ready", "rejected", "failed"})


def test_a_result_is_shown_as_it_was_frozen(held: Held, login: Login) -> None:
    client = login(held.house.staff)
    assert client.get(held.url("result", version=1)).json() == {"schema": 1, "damages": []}
    assert client.get(held.url("result", version=9)).status_code == 404


def test_admins_send_again_what_was_given_up(held: Held, login: Login) -> None:
    held.delivery.state = DeliveryState.FAILED
    held.delivery.save()
    client = login(held.house.tenant_admin)
    page = client.post(held.url("send-again", delivery_id=held.delivery.pk), follow=True).content.decode()
    assert "It goes to https://client.example/hook again." in page
    held.delivery.refresh_from_db()
    assert held.delivery.state == DeliveryState.WAITING


def test_admins_run_a_set_again_unless_somebody_is_at_it(held: Held, login: Login) -> None:
    client = login(held.house.tenant_admin)
    assert "Somebody is working" in client.post(held.url("run-again"), follow=True).content.decode()
    login(held.house.annotator).post(held.url("unlock"))
    assert "in the pipeline again" in client.post(held.url("run-again"), follow=True).content.decode()
    held.image_set.refresh_from_db()
    assert held.image_set.state == ImageSetState.PROCESSING


def test_people_of_the_step_reopen_a_finished_set(held: Held, login: Login) -> None:
    manual_job_finish(user=held.house.annotator, image_set=held.image_set, step=Step.ANNOTATION)
    job = ManualProcessing.objects.of(held.house.tenant.pk).get()
    job.status = ManualStatus.REVIEWED
    job.save()
    assert "Reopen for review" not in text_of(login(held.house.staff), held.url("inspection"))
    client = login(held.house.reviewer)
    page = text_of(client, held.url("inspection"))
    assert "Reopen for review" in page
    assert "Reopen for annotation" not in page
    assert "Only members of ANNOTATOR" in reopened(client, held, "ANNOTATION")
    assert "Choose annotation or review" in reopened(client, held, "")
    assert "waits for review again" in reopened(client, held, "REVIEW")
    job.refresh_from_db()
    assert job.status == ManualStatus.REVIEW_WAITING


def reopened(client: Client, held: Held, step: str) -> str:
    return client.post(held.url("reopen"), {"step": step}, follow=True).content.decode()


def test_times_are_those_of_the_stations(held: Held, login: Login) -> None:
    factories.settings(held.house.tenant, timeZone="Asia/Kathmandu")
    held.image_set.recorded_at = held.image_set.recorded_at.replace(year=2026, month=3, day=1, hour=12, minute=0)
    held.image_set.save()
    for name in ("inspection", "work"):
        assert "1 Mar 2026, 17:45" in text_of(login(held.house.annotator), held.url(name))


# --- photos ----------------------------------------------------------------------------------------------------------


def test_the_published_photo_is_streamed_and_kept_by_that_browser_only(held: Held, login: Login) -> None:
    response = login(held.house.staff).get(held.url("photo", image_id=held.image.pk))
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "private, max-age=3600"
    assert response["X-Content-Type-Options"] == "nosniff"
    with held.image.published.open("rb") as file:
        assert b"".join(response) == file.read()


def test_the_strip_of_photos_shows_thumbnails(held: Held, outsider: factories.House, login: Login) -> None:
    client = login(held.house.annotator)
    (photo,) = payload_of(text_of(client, held.url("work")))["photos"]
    with held.image.published.open("rb") as file:
        assert b"".join(client.get(photo["thumb"])) == file.read()
    picture_publish(image=held.image, data=media.jpeg(640, 480), faces_blurred_at=None)
    held.image.save()
    response = client.get(photo["thumb"])
    assert response["Content-Type"] == "image/webp"
    assert Picture.open(io.BytesIO(b"".join(response))).size == (320, 240)
    assert login(outsider.annotator).get(photo["thumb"]).status_code == 404


def test_unpublished_and_lost_photos_are_not_found(held: Held, login: Login) -> None:
    client = login(held.house.staff)
    unseen = factories.photo(held.image_set, position=9, published=False)
    assert client.get(held.url("photo", image_id=unseen.pk)).status_code == 404
    default_storage.delete(str(held.image.published.name))
    assert client.get(held.url("photo", image_id=held.image.pk)).status_code == 404
    payload = payload_of(text_of(client, held.url("inspection")))
    assert [photo["url"] == "" for photo in payload["photos"]] == [False, True]


# --- the sidebar -----------------------------------------------------------------------------------------------------


def titles(user: User) -> set[str]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return {item["title"] for group in sidebar(request) for item in group["items"]}


def test_the_sidebar_leads_each_person_to_what_they_may_view(ours: factories.House, login: Login) -> None:
    assert {"Queue", "Inspections", "Keys", "Jobs"} <= titles(ours.global_admin)
    assert {"Queue", "Inspections"} <= titles(ours.annotator)
    assert not {"Keys", "Webhooks", "People"} & titles(ours.annotator)
    client = login(ours.global_admin)
    request = RequestFactory().get("/admin/")
    request.user = ours.global_admin
    for group in sidebar(request):
        for item in group["items"]:
            assert client.get(item["link"]).status_code == 200


def test_damages_drawn_by_people_are_told_apart(held: Held, login: Login) -> None:
    factories.damage(held.image, source="annotator", created_by=held.house.annotator, confidence=None)
    payload = payload_of(text_of(login(held.house.annotator), held.url("work")))
    drawn = [damage for damage in payload["damages"] if damage["isDrawn"]]
    assert [(damage["author"], damage["canDelete"]) for damage in drawn] == [("Anna", True)]
    assert Damage.objects.of(held.house.tenant.pk).count() == 2
