"""The list of image sets: W54's filters, its groups by plate, and the jobs that it hands out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Car, ImageSet
from damages.models import ManualProcessing, ManualStatus
from tenants.models import Tenant, User
from tests import factories
from tests.api.conftest import Headers

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
LIST = "/core/v1/imageSets"


class Asker:
    """Asks for the list as one person."""

    def __init__(self, client: Client, headers: Headers) -> None:
        self.client, self.headers = client, headers

    def __call__(self, **asked: object) -> Any:
        """The answer."""
        return self.client.get(LIST, {name: str(value) for name, value in asked.items()}, headers=self.headers)

    def items(self, **asked: object) -> list[dict[str, Any]]:
        """The items of an answer that is fine."""
        response = self(**asked)
        assert response.status_code == 200, response.content
        found: list[dict[str, Any]] = response.json()["data"]["items"]
        return found

    def ids(self, **asked: object) -> list[str]:
        """Their ids."""
        return [item["id"] for item in self.items(**asked)]


@pytest.fixture
def ask(client: Client, ours: factories.House, bearer: Bearer) -> Callable[[str], Asker]:
    """Asks as somebody of our house."""
    return lambda name: Asker(client, bearer(getattr(ours, name)))


@pytest.fixture
def staff(ask: Callable[[str], Asker]) -> Asker:
    """Asks as a plain member."""
    return ask("staff")


def made(tenant: Tenant, *, hours: float = 0, **extra: Any) -> ImageSet:
    """A set recorded so many hours ago."""
    row = factories.image_set(tenant, **{"photos": 0, **extra})
    row.recorded_at = timezone.now() - timedelta(hours=hours)
    row.save()
    return row


def keys(*sets: ImageSet) -> list[str]:
    return [str(one.pk) for one in sets]


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(ours: factories.House) -> dict[str, ImageSet]:
    """Sets that differ in one thing each, the latest first."""
    tenant = ours.tenant
    lane = factories.rig(tenant, location="Bærum, Norway", label="pickup")
    gate = factories.rig(tenant, location="Italy")
    car = factories.car(tenant)
    sets = {
        "lane": made(tenant, hours=1, capture_set=lane),
        "gate": made(tenant, hours=2, capture_set=gate),
        "car": made(tenant, hours=3, car=car),
        "plate": made(tenant, hours=4, plate="XY98765", country_code="DK"),
        "photo": made(tenant, hours=5, photos=1),
        "skipped": made(tenant, hours=6),
    }
    ManualProcessing(
        image_set=sets["skipped"], tenant=tenant, status=ManualStatus.SKIPPED, is_skipped=True,
        waiting_since=timezone.now(),
    ).save()  # fmt: skip
    return sets


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["lane", "gate", "car", "plate", "photo", "skipped"]),
        ({"captureSetLocation": "Italy"}, ["gate"]),
        ({"captureSetLocation": "ital"}, []),
        ({"searchByCaptureSetLocation": "ITAL"}, ["gate"]),
        ({"searchByCaptureSetLocation": "BÆRUM"}, ["lane"]),
        ({"searchByCaptureSetLocation": "%"}, []),
        ({"searchByCaptureSetName": "lane"}, ["lane", "gate"]),
        ({"searchByCaptureSetName": "lane", "searchByCaptureSetLocation": "it"}, ["gate"]),
        ({"registrationNo": "ab-12 345"}, ["car"]),
        ({"registrationNo": "AB12345", "countryCode": "no"}, ["car"]),
        ({"registrationNo": "AB12345", "countryCode": "DK"}, []),
        ({"registrationNo": "DK#XY98765"}, ["plate"]),
        ({"searchByRegistrationNo": "b12"}, ["car"]),
        ({"searchByRegistrationNo": "y 98"}, ["plate"]),
        ({"isManualProcessingSkipped": "true"}, ["skipped"]),
        ({"isManualProcessingSkipped": "false"}, ["lane", "gate", "car", "plate", "photo"]),
        ({"haveImages": "true"}, ["photo"]),
        ({"haveImages": "false"}, ["lane", "gate", "car", "plate", "photo", "skipped"]),
        ({"unassignedItems": "true"}, []),
        ({"unassignedItems": "false"}, ["lane", "gate", "car", "plate", "photo", "skipped"]),
        ({"haveNewDamagesDetected": "true"}, []),
        ({"limit": "2", "page": "2"}, ["car", "plate"]),
    ],
)
def test_filters(staff: Asker, fleet: dict[str, ImageSet], asked: dict[str, str], found: list[str]) -> None:
    assert staff.ids(**asked) == keys(*(fleet[name] for name in found))


def test_a_name_is_met_letter_by_letter(staff: Asker, fleet: dict[str, ImageSet]) -> None:
    rig = fleet["lane"].capture_set
    assert rig
    assert staff.ids(captureSetName=rig.name) == keys(fleet["lane"])
    assert staff.ids(captureSetName=rig.name.lower()) == []


def test_dates_are_met_to_the_second_on_both_ends(staff: Asker, ours: factories.House) -> None:
    row = made(ours.tenant)
    row.recorded_at = datetime.fromisoformat("2026-03-01T08:00:00.900+00:00")
    row.save()
    second = int(row.recorded_at.timestamp())
    for start, end, is_found in [
        (second, second, True), (second + 1, second + 9, False), (0, second - 1, False), (second - 5, second + 5, True),
    ]:  # fmt: skip
        assert (staff.ids(startDate=start, endDate=end) == keys(row)) is is_found
    assert staff.ids(startDate=second) == keys(row)
    assert staff.ids(endDate=253402300798) == keys(row)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"startDate": 2, "endDate": 1}, "startDate"),
        ({"startDate": -1}, "startDate"),
        ({"endDate": "tomorrow"}, "endDate"),
        ({"endDate": 10**30}, "endDate"),
        ({"registrationNo": "!"}, "registrationNo"),
        ({"registrationNo": "AB1", "countryCode": "1"}, "registrationNo"),
        ({"searchByRegistrationNo": "--"}, "searchByRegistrationNo"),
        ({"searchByCaptureSetName": "x" * 201}, "searchByCaptureSetName"),
        ({"captureSetName": "\x00"}, "captureSetName"),
        ({"unassignedItems": "maybe"}, "unassignedItems"),
        ({"groupByRegistrationNo": "2"}, "groupByRegistrationNo"),
    ],
)
def test_wrong_values_are_named(staff: Asker, asked: dict[str, object], field: str) -> None:
    response = staff(**asked)
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])


@pytest.mark.parametrize(("hours", "is_new"), [(1, True), (23, True), (25, False)])
def test_new_damages_count_from_their_first_occurrence(
    staff: Asker, ours: factories.House, hours: float, *, is_new: bool
) -> None:
    car = factories.car(ours.tenant)
    first, later = made(ours.tenant, hours=hours, photos=1, car=car), made(ours.tenant, photos=1, car=car)
    damage = factories.damage(first.images.get())
    factories.damage(later.images.get(), first_damage=damage)
    assert staff.ids(haveNewDamagesDetected="true") == (keys(later, first) if is_new else [])


@pytest.mark.parametrize("hidden", [{"state": "rejected"}, {"is_potential": True}, {"deleted_at": timezone.now()}])
def test_damages_that_do_not_stand_are_not_new(staff: Asker, ours: factories.House, hidden: dict[str, Any]) -> None:
    factories.damage(made(ours.tenant, photos=1).images.get(), **hidden)
    assert staff.ids(haveNewDamagesDetected="true") == []


def test_image_counts_come_on_demand(staff: Asker, fleet: dict[str, ImageSet]) -> None:
    counts = {item["id"]: item["imageCount"] for item in staff.items(returnImageCount="true")}
    assert counts == {str(row.pk): int(name == "photo") for name, row in fleet.items()}
    assert "imageCount" not in staff.items()[0]


# --- sets without a tenant -------------------------------------------------------------------------------------------


def test_waiting_sets_are_seen_by_the_default_tenant_of_their_units(
    client: Client, bearer: Bearer, ours: factories.House, outsider: factories.House
) -> None:
    waiting = factories.recording(factories.rig(outsider.tenant, default=ours.tenant), photos=1)
    nobodys = factories.recording(factories.rig(outsider.tenant))
    mine, theirs, admins = (
        Asker(client, bearer(person)) for person in (ours.staff, outsider.staff, outsider.global_admin)
    )
    assert mine.ids(unassignedItems="true") == keys(waiting)
    assert mine.ids(unassignedItems="true", tenantId=ours.tenant.pk) == keys(waiting)
    assert mine.ids() == mine.ids(unassignedItems="false") == theirs.ids(unassignedItems="true") == []
    assert set(admins.ids(unassignedItems="true")) == set(keys(waiting, nobodys))
    assert admins.ids(unassignedItems="true", tenantId=ours.tenant.pk) == keys(waiting)
    [item] = mine.items(unassignedItems="true", returnImageCount="true")
    assert (item["tenantId"], item["hasImages"], item["imageCount"]) == (None, True, 1)
    path = f"{LIST}/{waiting.pk}"
    assert client.get(path, headers=mine.headers).json()["data"]["hasImages"] is True
    assert client.get(path, headers=theirs.headers).status_code == 404


# --- groups ----------------------------------------------------------------------------------------------------------


def test_each_plate_is_there_once_with_its_latest_set(staff: Asker, ours: factories.House) -> None:
    car = factories.car(ours.tenant)
    made(ours.tenant, hours=9, car=car, photos=1)
    latest = made(ours.tenant, hours=2, car=car, photos=1)
    made(ours.tenant, hours=5, car=car)
    other = made(ours.tenant, hours=1, plate="AB12345", country_code="DK")
    made(ours.tenant, hours=3)
    image = latest.images.get()
    representative = factories.damage(image)
    factories.damage(image, representative=representative)
    factories.damage(image, state="rejected")
    grouped = staff(groupByRegistrationNo="true").json()
    facts = [
        (item["id"], item["imageSetCount"], item["lastRecDate"], item["damagesInLatestPassage"])
        for item in grouped["data"]["items"]
    ]
    assert facts == [
        (str(other.pk), 1, int(other.recorded_at.timestamp()), 0),
        (str(latest.pk), 3, int(latest.recorded_at.timestamp()), 1),
    ]
    assert grouped["meta"]["totalItems"] == 2
    assert staff.ids(groupByRegistrationNo="true", limit=1, page=2) == keys(latest)
    assert staff.ids(groupByRegistrationNo="true", limit=1, page=3) == []
    [filtered] = staff.items(groupByRegistrationNo="true", haveImages="true")
    assert filtered["imageSetCount"] == 2, "a group is of what the filters leave"


# --- jobs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def jobs(ours: factories.House) -> list[ImageSet]:
    """Three sets that wait for annotation, in the queue's order, and one for review."""
    now = timezone.now()
    sets = [made(ours.tenant) for _ in range(4)]
    for age, row in enumerate(sets):
        status = ManualStatus.REVIEW_WAITING if age == 3 else ManualStatus.ANNOTATION_WAITING
        waiting_since = now - timedelta(hours=9 - age)
        ManualProcessing(image_set=row, tenant=ours.tenant, status=status, waiting_since=waiting_since).save()
    return sets


def job_of(image_set: ImageSet) -> ManualProcessing:
    return ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).get(image_set=image_set)


def test_a_job_is_claimed_and_asking_again_resumes_it(
    ask: Callable[[str], Asker], ours: factories.House, jobs: list[ImageSet]
) -> None:
    annotator = ask("annotator")
    for _ in range(2):
        response = annotator(forManualAnnotation="true", limit=50)
        assert response.headers["Cache-Control"] == "no-store"
        assert [item["id"] for item in response.json()["data"]["items"]] == keys(jobs[0])
        assert response.json()["meta"]["totalItems"] == 1
    assert job_of(jobs[0]).holder == ours.annotator
    assert ask("global_admin").ids(forManualAnnotation="true") == keys(jobs[1])
    assert ask("reviewer").ids(forManualReview="true") == keys(jobs[3])


def test_nothing_waits_nothing_comes(ask: Callable[[str], Asker]) -> None:
    response = ask("annotator")(forManualAnnotation="true")
    assert (response.status_code, response.json()["data"], response.json()["meta"]["totalItems"]) == (
        200, {"items": []}, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("person", "asked"),
    [
        ("staff", {"forManualAnnotation": "true"}),
        ("tenant_admin", {"forManualAnnotation": "1"}),
        ("reviewer", {"forManualAnnotation": "true"}),
        ("annotator", {"forManualReview": "true"}),
        ("staff", {"forManualReview": "true", "limit": "x"}),
    ],
)
def test_jobs_are_for_their_group(
    ask: Callable[[str], Asker], jobs: list[ImageSet], person: str, asked: dict[str, str]
) -> None:
    assert ask(person)(**asked).status_code == 403
    assert not ManualProcessing.objects.of(jobs[0].tenant_id or jobs[0].pk).filter(holder__isnull=False).exists()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"forManualAnnotation": "true", "forManualReview": "true"}, "forManualReview"),
        ({"forManualAnnotation": "true", "captureSetName": "x"}, "captureSetName"),
        ({"forManualReview": "true", "groupByRegistrationNo": "true"}, "groupByRegistrationNo"),
    ],
)
def test_a_job_comes_alone(
    ask: Callable[[str], Asker], jobs: list[ImageSet], asked: dict[str, str], field: str
) -> None:
    response = ask("global_admin")(**asked)
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])
    assert job_of(jobs[0]).holder is None


def test_a_head_claims_nothing(client: Client, ours: factories.House, bearer: Bearer, jobs: list[ImageSet]) -> None:
    response = client.head(LIST, {"forManualAnnotation": "true"}, headers=bearer(ours.annotator))
    assert response.status_code == 200
    assert all(job_of(row).holder is None for row in jobs)


def test_jobs_are_of_the_tenant_worked_in(
    ask: Callable[[str], Asker], outsider: factories.House, jobs: list[ImageSet], client: Client, bearer: Bearer
) -> None:
    assert Asker(client, bearer(outsider.annotator)).ids(forManualAnnotation="true") == []
    assert Asker(client, bearer(outsider.global_admin)).ids(forManualAnnotation="true") == []


def test_a_skipped_job_comes_when_it_is_asked_for(
    ask: Callable[[str], Asker], ours: factories.House, fleet: dict[str, ImageSet]
) -> None:
    annotator, skipped = ask("annotator"), {"forManualAnnotation": "true", "isManualProcessingSkipped": "true"}
    assert annotator.ids(forManualAnnotation="true") == []
    for _ in range(2):
        assert annotator.ids(**skipped) == keys(fleet["skipped"])
    job = job_of(fleet["skipped"])
    assert (job.holder, job.status, job.is_skipped) == (ours.annotator, ManualStatus.ANNOTATION_WAITING, False)
    assert ask("global_admin").ids(**skipped) == []


# --- cost ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"groupByRegistrationNo": "true", "returnImageCount": "true"},
        {"registrationNo": "AB12345", "searchByCaptureSetName": "lane", "haveNewDamagesDetected": "true"},
        {"unassignedItems": "true"},
    ],
)
def test_a_list_costs_the_same_for_three_sets_and_for_sixty(
    staff: Asker, ours: factories.House, asked: dict[str, str]
) -> None:
    rig = factories.rig(ours.tenant, default=ours.tenant)
    counts = []
    for number in range(60):
        car = factories.car(ours.tenant, plate=f"AB{12345 + number}")
        row = made(ours.tenant, photos=1 if number < 6 else 0, car=car, capture_set=rig)
        for image in row.images.all():
            factories.damage(image)
        factories.recording(rig)
        if number in (2, 59):
            with CaptureQueriesContext(connection) as queries:
                staff.items(**asked, limit=100)
            counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Car.objects.of(ours.tenant.pk).count() == 60
