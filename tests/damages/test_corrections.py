"""What was published of other sets of a car goes out corrected when a set or photo goes, comes back or is erased."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from assets.models import ImageSet, Submission
from assets.services.received import received_tell
from damages.models import Damage, ResultCause, ResultVersion
from damages.services.image_sets import image_set_delete, image_set_restore
from damages.services.images import image_delete, image_restore
from damages.services.manual import manual_open
from damages.services.results import CHANGED_EVENT, result_correct, result_publish
from damages.services.retention import image_sets_erase
from inspection_platform import sweep, workflow
from tenants.models import Delivery, Event
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def visits(ours: House) -> list[Damage]:
    """One damage of a car, seen in three sets, each of them published and told to its sender."""
    car = factories.car(ours.tenant)
    seen: list[Damage] = []
    for days in (31, 20, 10):
        row = factories.image_set(ours.tenant, photos=2, car=car)
        row.recorded_at = row.created_at = timezone.now() - timedelta(days=days)
        row.save()
        Submission.objects.of(ours.tenant.pk).update(callback_url="https://client.example/hook")
        image = row.images.get(position=1)
        seen.append(factories.damage(image, first_damage=seen[0] if seen else None))
        manual_open(image_set=row)
        result_publish(image_set=row, cause=ResultCause.MODELS, run=factories.run(row))
    return seen


@pytest.fixture
def hear(drain: Callable[[], int]) -> Callable[[], None]:
    """Let the workers hear of everything, as the sweep of a running platform does."""

    def everything() -> None:
        Event.objects.all_tenants("a test waits for the sweep").update(modified_at=timezone.now() - timedelta(hours=1))
        sweep.events_sweep()
        drain()

    return everything


def versions(visits: list[Damage]) -> list[int]:
    """How many results were published of each visit's set."""
    return [row.image_set.results.count() for row in visits]


def told_first(damage: Damage) -> object:
    """The first occurrence of the damage, as it was published last."""
    latest = damage.image_set.results.latest("version")
    return next(one["first_damage_id"] for one in latest.facts["damages"] if one["id"] == str(damage.pk))


def test_sets_after_a_removed_one_are_told_anew_and_again_when_it_is_back(
    ours: House, visits: list[Damage], hear: Callable[[], None]
) -> None:
    hear()
    before = Delivery.objects.of(ours.tenant.pk).count()
    first, second, third = visits
    image_set_delete(image_set=first.image_set, by=ours.tenant_admin)
    hear()
    assert versions(visits) == [1, 2, 2], "of a removed set nothing is told"
    assert (told_first(second), told_first(third)) == (None, str(second.pk))
    assert {row.cause for row in ResultVersion.objects.of(ours.tenant.pk).filter(version=2)} == {"correction"}
    assert Delivery.objects.of(ours.tenant.pk).count() == before + 2
    image_set_restore(image_set=first.image_set, by=ours.tenant_admin)
    hear()
    assert versions(visits) == [1, 3, 3], "what was published of the set that is back is true again"
    assert (told_first(second), told_first(third)) == (str(first.pk), str(first.pk))


def test_a_set_that_begins_no_line_changes_nothing_elsewhere(
    ours: House, visits: list[Damage], hear: Callable[[], None]
) -> None:
    image_set_delete(image_set=visits[2].image_set, by=ours.tenant_admin)
    assert not Event.objects.of(ours.tenant.pk).filter(kind=CHANGED_EVENT).exists()
    hear()
    assert versions(visits) == [1, 1, 1]


def test_the_news_is_written_with_the_removal_or_not_at_all(ours: House, visits: list[Damage]) -> None:
    image_set_delete(image_set=visits[0].image_set, by=ours.tenant_admin)
    event = Event.objects.of(ours.tenant.pk).get(kind=CHANGED_EVENT)
    assert event.payload == {"image_sets": sorted(str(row.image_set_id) for row in visits[1:])}


def test_a_photo_takes_its_first_occurrence_along(ours: House, visits: list[Damage], hear: Callable[[], None]) -> None:
    first, second, third = visits
    image_delete(image=first.image, by=ours.tenant_admin)
    hear()
    assert versions(visits) == [2, 2, 2], "the set lost a photo, the others their first occurrence"
    assert told_first(third) == str(second.pk)
    image_restore(image=first.image, by=ours.tenant_admin)
    hear()
    assert versions(visits) == [3, 3, 3]
    assert told_first(third) == str(first.pk)


def test_a_photo_without_damages_concerns_its_set_alone(
    ours: House, visits: list[Damage], hear: Callable[[], None]
) -> None:
    image_delete(image=visits[0].image_set.images.get(position=2), by=ours.tenant_admin)
    hear()
    assert versions(visits) == [2, 1, 1]


def test_the_end_of_a_retention_is_told_to_the_sets_that_stay(
    ours: House, visits: list[Damage], hear: Callable[[], None]
) -> None:
    _, second, third = visits
    factories.settings(ours.tenant, expiryAfter=30)
    received_tell(now=timezone.now())
    assert image_sets_erase(now=timezone.now()) == 1
    hear()
    assert versions([second, third]) == [2, 2]
    assert (told_first(second), told_first(third)) == (None, str(second.pk))


def test_news_that_waits_outlives_the_set_it_names_first(
    ours: House, visits: list[Damage], hear: Callable[[], None]
) -> None:
    image_delete(image=visits[0].image, by=ours.tenant_admin)
    Event.objects.of(ours.tenant.pk).filter(kind=CHANGED_EVENT).update(subject_id=visits[0].image_set_id)
    factories.settings(ours.tenant, expiryAfter=30)
    received_tell(now=timezone.now())
    image_sets_erase(now=timezone.now())
    hear()
    assert versions(visits[1:]) == [2, 2]


def test_what_has_not_changed_is_not_told_however_often_somebody_asks(
    ours: House, visits: list[Damage], drain: Callable[[], int]
) -> None:
    row = visits[1].image_set
    for _ in range(2):
        workflow.results_correct([row.pk])
        drain()
    assert versions(visits) == [1, 1, 1]
    Damage.objects.of(ours.tenant.pk).filter(pk=visits[1].pk).update(category="dents")
    for _ in range(2):
        workflow.results_correct([row.pk])
        drain()
    assert versions(visits) == [1, 2, 1]


def test_nothing_is_corrected_that_was_never_published(ours: House) -> None:
    row = factories.image_set(ours.tenant)
    assert result_correct(image_set=row, run=factories.run(row)) is None
    assert not ImageSet.objects.of(ours.tenant.pk).filter(results__isnull=False).exists()
