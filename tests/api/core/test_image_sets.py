"""Image sets of the core family: W54 (list) and W60 (detail)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from assets.models import ImageSet
from damages.models import ManualProcessing, ManualStatus
from imaging.models import JobRun, JobState, PipelineRun, RunState
from inspection_platform.api.core.docs.image_sets import IMAGE_SET
from inspection_platform.api.core.presenters.image_sets import pipeline
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import Scene, golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
LIST = "/core/v1/imageSets"
#: Queries for who asks, then for the list (count, sets, runs with their jobs, drawings) or one set (itself first).
AUTH_QUERIES = 1
LIST_QUERIES = 4


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["data"]["items"]]


def with_people(shown: dict[str, Any], house: factories.House) -> dict[str, Any]:
    """The golden JSON with the ids that a test cannot choose."""
    shown["tenantId"] = str(house.tenant.pk)
    if shown["manualProcessing"]["lastAnnotatorId"]:
        shown["manualProcessing"]["lastAnnotatorId"] = str(house.annotator.pk)
    return shown


def test_list_is_the_golden_json(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    response = client.get(LIST, headers=bearer(ours.staff))
    expected = golden("image_sets")
    with_people(expected["data"]["items"][0], ours)
    assert response.status_code == 200
    assert response.json() == expected


def test_detail_is_the_golden_json(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    response = client.get(f"{LIST}/{scene.image_set.pk}", headers=bearer(ours.reviewer))
    expected = golden("image_set")
    with_people(expected["data"], ours)
    assert response.status_code == 200
    assert response.json() == expected


def test_set_that_only_a_client_sent_keeps_every_key(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    bare = factories.image_set(ours.tenant, photos=0, state="open")
    shown = client.get(f"{LIST}/{bare.pk}", headers=bearer(ours.staff)).json()["data"]
    expected = with_people(golden("image_set_bare")["data"], ours)
    changing = {"id": str(bare.pk), "externalKey": shown["externalKey"]}
    assert shown == expected | changing | {name: shown[name] for name in ("createdAt", "recDate")}
    assert abs(shown["recDate"] - timezone.now().timestamp()) < 60


def test_keys_are_those_of_the_vendors_sample(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    shown = client.get(LIST, headers=bearer(ours.staff)).json()["data"]["items"][0]
    assert shown.keys() == IMAGE_SET.keys()
    for name in ("carInfo", "limitedTenantFields", "manualProcessing", "mlProcessing", "origin"):
        assert shown[name].keys() == IMAGE_SET[name].keys()


def test_vendors_key_leads_to_the_set(client: Client, ours: factories.House, bearer: Bearer) -> None:
    wanted = factories.image_set(ours.tenant, external_key="in1")
    factories.image_set(ours.tenant, external_key="in2")
    found = client.get(LIST, {"externalKey": "in1"}, headers=bearer(ours.staff)).json()
    assert ids_of(found) == [str(wanted.pk)]
    assert found["meta"]["totalItems"] == 1
    assert ids_of(client.get(LIST, {"externalKey": "in3"}, headers=bearer(ours.staff)).json()) == []


def test_ids_and_tenant_narrow_the_list(client: Client, ours: factories.House, bearer: Bearer) -> None:
    one, two, _ = (factories.image_set(ours.tenant, photos=0) for _ in range(3))
    asked = {"ids": f" {one.pk},{two.pk},", "tenantId": str(ours.tenant.pk)}
    found = client.get(LIST, asked, headers=bearer(ours.staff)).json()
    assert set(ids_of(found)) == {str(one.pk), str(two.pk)}


def test_deleted_sets_are_gone(client: Client, ours: factories.House, bearer: Bearer) -> None:
    gone = factories.image_set(ours.tenant, photos=0, deleted_at=timezone.now())
    assert ids_of(client.get(LIST, headers=bearer(ours.staff)).json()) == []
    assert client.get(f"{LIST}/{gone.pk}", headers=bearer(ours.staff)).status_code == 404


def test_deleted_photos_are_no_images(client: Client, ours: factories.House, bearer: Bearer) -> None:
    image_set = factories.image_set(ours.tenant, photos=1)
    image_set.images.update(deleted_at=timezone.now())
    assert client.get(f"{LIST}/{image_set.pk}", headers=bearer(ours.staff)).json()["data"]["hasImages"] is False


def test_outsider_sees_nothing_and_the_global_admin_everything(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    our_set = factories.image_set(ours.tenant, photos=0, external_key="same")
    their_set = factories.image_set(outsider.tenant, photos=0, external_key="same")
    asked = {"externalKey": "same"}
    assert ids_of(client.get(LIST, asked, headers=bearer(outsider.staff)).json()) == [str(their_set.pk)]
    assert set(ids_of(client.get(LIST, asked, headers=bearer(ours.global_admin)).json())) == {
        str(our_set.pk), str(their_set.pk),
    }  # fmt: skip
    assert client.get(f"{LIST}/{their_set.pk}", headers=bearer(ours.global_admin)).status_code == 200


def test_latest_recording_comes_first_and_pages_follow(client: Client, ours: factories.House, bearer: Bearer) -> None:
    now = timezone.now()
    sets = [factories.image_set(ours.tenant, photos=0) for _ in range(5)]
    for age, image_set in enumerate(sets):
        ImageSet.objects.of(ours.tenant.pk).filter(pk=image_set.pk).update(recorded_at=now - timedelta(hours=age))
    pages = [
        client.get(LIST, {"limit": "2", "page": str(page)}, headers=bearer(ours.staff)).json() for page in (1, 2, 3, 4)
    ]
    assert [pk for page in pages for pk in ids_of(page)] == [str(image_set.pk) for image_set in sets]
    assert pages[1]["meta"] == {
        "currentItemsPerPage": 2, "currentPage": 2, "lastPage": 3, "maxPerPage": 100, "totalItems": 5,
    }  # fmt: skip
    assert pages[3]["data"] == {"items": []}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1" * 2000}, "limit"),
        ({"page": "0"}, "page"),
        ({"page": "1e3"}, "page"),
        ({"page": "9" * 30}, "page"),
        ({"ids": "not-an-id"}, "ids"),
        ({"externalKey": "k" * 101}, "externalKey"),
        ({"externalKey": "in\x00"}, "externalKey"),
        ({"tenantId": "42"}, "tenantId"),
        ({"registrationNumber": "AB12345"}, "registrationNumber"),
    ],
)
def test_bad_values_are_named(
    client: Client, ours: factories.House, bearer: Bearer, asked: dict[str, str], field: str
) -> None:
    response = client.get(LIST, asked, headers=bearer(ours.staff))
    assert response.status_code == 400
    body = response.json()
    assert body["success"] is False
    assert list(body["errors"]) == [field]
    assert body["message"].startswith(f"{field}: ")


def test_more_than_a_hundred_is_a_hundred(client: Client, ours: factories.House, bearer: Bearer) -> None:
    meta = client.get(LIST, {"limit": "5000", "page": ""}, headers=bearer(ours.staff)).json()["meta"]
    assert (meta["currentItemsPerPage"], meta["currentPage"]) == (100, 1)


@pytest.mark.parametrize("path", ["xx", "00000000-0000-4000-8000-00000000000", "1", "%00"])
def test_malformed_ids_do_not_exist(client: Client, ours: factories.House, bearer: Bearer, path: str) -> None:
    response = client.get(f"{LIST}/{path}", headers=bearer(ours.staff))
    assert (response.status_code, response.json()["success"]) == (404, False)
    assert client.get(f"{LIST}/{path}").status_code == 401


def test_number_of_queries_does_not_grow(
    client: Client,
    ours: factories.House,
    scene: Scene,
    bearer: Bearer,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    headers = bearer(ours.staff)
    with django_assert_num_queries(AUTH_QUERIES + LIST_QUERIES):
        client.get(LIST, headers=headers)
    for _ in range(4):
        further = factories.image_set(ours.tenant, photos=1)
        factories.run(further)
        ManualProcessing(image_set=further, tenant=ours.tenant, waiting_since=timezone.now()).save()
        for image in further.images.all():
            factories.damage(image, source="annotator", model_version=None, confidence=None)
    with django_assert_num_queries(AUTH_QUERIES + LIST_QUERIES):
        assert len(ids_of(client.get(LIST, headers=headers).json())) == 5
    with django_assert_num_queries(AUTH_QUERIES + LIST_QUERIES):
        client.get(f"{LIST}/{scene.image_set.pk}", headers=headers)


def job(run: PipelineRun, name: str, state: JobState, **extra: Any) -> None:
    JobRun(run=run, name=name, cluster="ml", order=0, state=state, **extra).save()


def shown_ml(client: Client, image_set: ImageSet, headers: Headers) -> dict[str, Any]:
    shown: dict[str, Any] = client.get(f"{LIST}/{image_set.pk}", headers=headers).json()["data"]
    return shown


@pytest.mark.parametrize(
    ("run_state", "job_state", "finished", "processing"),
    [
        (RunState.RUNNING, JobState.QUEUED, False, True),
        (RunState.RUNNING, JobState.RUNNING, False, True),
        (RunState.RUNNING, JobState.DONE, False, False),
        (RunState.DONE, JobState.DONE, True, False),
        (RunState.DONE, JobState.SKIPPED, True, False),
        (RunState.FAILED, JobState.FAILED, True, False),
    ],
)
def test_ml_processing_follows_the_rows(
    client: Client, ours: factories.House, bearer: Bearer, run_state: str, job_state: str, *, finished: bool,
    processing: bool,
) -> None:  # fmt: skip
    image_set = factories.image_set(ours.tenant, photos=0)
    run = PipelineRun(image_set=image_set, state=run_state)
    run.save()
    job(run, "damage_detection", JobState(job_state), finished_at=timezone.now())
    shown = shown_ml(client, image_set, bearer(ours.staff))["mlProcessing"]
    assert (shown["damageIdentificationFinished"], shown["dmgDetectProcessing"]) == (finished, processing)
    assert (shown["dmgDetectTimestamp"] is not None) == (job_state == JobState.DONE)


def test_a_new_run_counts_not_the_old_one(client: Client, ours: factories.House, bearer: Bearer) -> None:
    image_set = factories.image_set(ours.tenant, photos=0)
    job(factories.run(image_set), "damage_detection", JobState.DONE, finished_at=timezone.now())
    again = PipelineRun(image_set=image_set, number=2, state=RunState.RUNNING)
    again.save()
    job(again, "damage_detection", JobState.WAITING)
    shown = shown_ml(client, image_set, bearer(ours.staff))["mlProcessing"]
    assert shown == {
        "damageIdentificationFinished": False, "dmgDetectProcessing": True, "dmgDetectTimestamp": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "reason", "job_state", "job_reason", "told"),
    [
        ("rejected", "No photo can be decoded.", JobState.DONE, "", "No photo can be decoded."),
        ("ready", "", JobState.SKIPPED, "The tenant switched it off.", "The tenant switched it off."),
        ("ready", "", JobState.SKIPPED, "", "Damage detection is switched off."),
        ("ready", "", JobState.DONE, "", ""),
    ],
)
def test_reason_says_why_nothing_was_found(
    client: Client, ours: factories.House, bearer: Bearer, state: str, reason: str, job_state: str, job_reason: str,
    told: str,
) -> None:  # fmt: skip
    image_set = factories.image_set(ours.tenant, photos=0, state=state, reason=reason)
    job(factories.run(image_set), "damage_detection", JobState(job_state), reason=job_reason)
    shown = shown_ml(client, image_set, bearer(ours.staff))
    assert (shown["status"], shown["reason"]) == (state, told)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], {("start", 0): None}),
        (
            ["fetch", "quality", "damage_identification"],
            {
                ("fetch", 1): [("start", 0)],
                ("quality", 1): [("fetch", 1)],
                ("damage_identification", 1): [("quality", 1)],
                ("start", 0): None,
            },
        ),
    ],
)
def test_pipeline_is_a_python_mapping_without_what_is_off(jobs: list[str], expected: dict[Any, Any]) -> None:
    assert ast.literal_eval(pipeline(tuple(jobs))) == expected


def test_pipeline_of_one_job_is_the_vendors_sample() -> None:
    assert pipeline(("damage_identification",)) == IMAGE_SET["pipeline"]


@pytest.mark.parametrize(
    ("status", "held_by", "minutes", "who", "expected"),
    [
        (ManualStatus.ANNOTATION_WAITING, None, 0, "annotator", (True, False)),
        (ManualStatus.REVIEW_WAITING, None, 0, "reviewer", (False, True)),
        (ManualStatus.REVIEW_WAITING, "reviewer", 10, "reviewer", (False, True)),
        (ManualStatus.REVIEW_WAITING, "reviewer", 10, "annotator", (False, False)),
        (ManualStatus.REVIEW_WAITING, "reviewer", -1, "annotator", (False, True)),
        (ManualStatus.REVIEWED, None, 0, "reviewer", (False, False)),
    ],
)
def test_which_step_could_begin_now(
    client: Client, ours: factories.House, bearer: Bearer, status: int, held_by: str | None, minutes: int, who: str,
    expected: tuple[bool, bool],
) -> None:  # fmt: skip
    image_set = factories.image_set(ours.tenant, photos=0)
    now = timezone.now()
    ManualProcessing(
        image_set=image_set, tenant=ours.tenant, status=status, waiting_since=now,
        holder=getattr(ours, held_by) if held_by else None, locked_until=now + timedelta(minutes=minutes),
    ).save()  # fmt: skip
    shown = shown_ml(client, image_set, bearer(getattr(ours, who)))["manualProcessing"]
    assert (shown["manualAnnotationAvailable"], shown["manualReviewAvailable"]) == expected
    assert shown["status"] == status


def test_what_a_client_said_fills_the_car(client: Client, ours: factories.House, bearer: Bearer) -> None:
    said = {"model": "Subaru Outback", "kW": 351, "vin": "6EXVZHHV7LN1UEH3Z"}
    image_set = factories.image_set(ours.tenant, photos=0, car_info=said, plate="ABC123", country_code="DK")
    shown = shown_ml(client, image_set, bearer(ours.staff))["carInfo"]
    assert shown == {
        "color": "", "displacement": 0, "fuel": "", "gear": "", "kW": 351, "mileage": 0, "model": "Subaru Outback",
        "registrationNo": "DK#ABC123", "vin": "6EXVZHHV7LN1UEH3Z", "year": 0,
    }  # fmt: skip
