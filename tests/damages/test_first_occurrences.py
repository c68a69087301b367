"""A first occurrence that people reject makes way for the next earliest, and returns when that is taken back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Car, ImageSet
from assets.plates import Plate
from damages.models import Action, Damage, DamageDecision, ManualStatus, ResultCause, Source
from damages.selectors import DamageFilters, damages_select
from damages.selectors_image_sets import image_sets_freshness
from damages.services.bulk import DamageChange, damages_update
from damages.services.decisions import damage_decide, damage_undo, family_decide
from damages.services.manual import manual_open
from damages.services.matching import rows_lock
from damages.services.results import result_publish
from inspection_platform import workflow
from tenants.errors import Conflict
from tenants.scope import Reach
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(ours: House) -> list[Damage]:
    """One damage of a car, seen six days ago, three days ago and today."""
    car = factories.car(ours.tenant)
    seen: list[Damage] = []
    for days in (6, 3, 0):
        row = factories.image_set(ours.tenant, car=car)
        ImageSet.objects.of(ours.tenant.pk).filter(pk=row.pk).update(recorded_at=timezone.now() - timedelta(days=days))
        seen.append(factories.damage(row.images.get(), first_damage=seen[0] if seen else None))
    return seen


def firsts(line: list[Damage]) -> list[int | None]:
    """What each sighting's first occurrence is, as its place in the line."""
    places = {row.pk: place for place, row in enumerate(line)}
    for row in line:
        row.refresh_from_db()
    return [None if row.first_damage_id is None else places[row.first_damage_id] for row in line]


def listed(ours: House) -> list[Damage]:
    """The car's list as clients get it by default."""
    car = Car.objects.of(ours.tenant.pk).get()
    filters = DamageFilters(tenant_id=ours.tenant.pk, plate=Plate(car.country_code, car.plate))
    return list(damages_select(filters, reach=Reach.only(ours.tenant.pk)))


def by_client(ours: House, damage: Damage, **values: object) -> None:
    change = DamageChange(id=damage.pk, values=values)
    damages_update(user=ours.reviewer, changes=[change], reach=Reach.only(ours.tenant.pk), step=Source.REVIEWER)


def by_client_reject(ours: House, damage: Damage) -> None:
    by_client(ours, damage, state="rejected")


def on_the_page(ours: House, damage: Damage) -> None:
    damage_decide(user=ours.reviewer, damage=damage, action="reject", step=Source.REVIEWER)


def with_its_family(ours: House, damage: Damage) -> None:
    family_decide(user=ours.reviewer, damage=damage, action="reject", step=Source.REVIEWER)


def by_client_doubt(ours: House, damage: Damage) -> None:
    by_client(ours, damage, is_potential=True)


def by_client_reopen(ours: House, damage: Damage) -> None:
    by_client(ours, damage, state="created", is_potential=False)


def by_client_accept(ours: House, damage: Damage) -> None:
    by_client(ours, damage, state="accepted")


def accepted_on_the_page(ours: House, damage: Damage) -> None:
    damage_decide(user=ours.reviewer, damage=damage, action="accept", step=Source.REVIEWER)


Door = Callable[[House, Damage], None]


@pytest.mark.parametrize("reject", [by_client_reject, on_the_page, with_its_family, by_client_doubt])
@pytest.mark.parametrize("take_back", [by_client_reopen, by_client_accept, accepted_on_the_page])
def test_whoever_decides_the_earliest_that_stands_comes_first(
    ours: House, line: list[Damage], reject: Door, take_back: Door
) -> None:
    assert listed(ours) == [line[0]]
    reject(ours, line[0])
    assert firsts(line) == [1, None, 1]
    assert listed(ours) == [line[1]], "what was seen again is not hidden by what was rejected"
    assert DamageDecision.objects.of(ours.tenant.pk).filter(damage=line[2], action=Action.SETTLED).count() == 1
    take_back(ours, line[0])
    assert firsts(line) == [None, 0, 0]
    assert listed(ours) == [line[0]]


def test_a_rejection_that_is_undone_on_the_page(ours: House, line: list[Damage]) -> None:
    on_the_page(ours, line[0])
    damage_undo(user=ours.reviewer, damage=line[0], step=Source.REVIEWER)
    assert firsts(line) == [None, 0, 0]


def test_other_sightings_may_be_rejected_and_a_line_may_be_rejected_whole(ours: House, line: list[Damage]) -> None:
    on_the_page(ours, line[1])
    assert firsts(line) == [None, 0, 0]
    by_client_reject(ours, line[0])
    assert firsts(line) == [2, 2, None]
    on_the_page(ours, line[2])
    assert firsts(line) == [None, 0, 0], "where nothing stands the earliest is the first again"
    assert listed(ours) == []


def test_a_family_is_an_occurrence_while_one_of_its_sightings_stands(ours: House, line: list[Damage]) -> None:
    other = factories.damage(line[0].image, representative=line[0])
    on_the_page(ours, line[0])
    assert firsts(line) == [None, 0, 0]
    assert listed(ours) == [other]
    by_client_reject(ours, other)
    assert firsts(line) == [1, None, 1]
    with_its_family(ours, line[0])
    accepted_on_the_page(ours, other)
    assert firsts(line) == [None, 0, 0]


def test_a_damage_is_new_from_the_first_sighting_that_stands(ours: House, line: list[Damage]) -> None:
    sets = ImageSet.objects.of(ours.tenant.pk).filter(pk=line[2].image_set_id)

    def freshness() -> tuple[bool, bool]:
        found = image_sets_freshness(sets, now=timezone.now())[line[2].image_set_id]
        return found.has_new, found.has_recent

    assert freshness() == (False, False)
    on_the_page(ours, line[0])
    assert freshness() == (False, True), "three days"
    on_the_page(ours, line[1])
    assert freshness() == (True, True)
    by_client_reopen(ours, line[0])
    assert freshness() == (False, False)


def test_what_was_published_of_the_other_sets_goes_out_corrected(
    ours: House, line: list[Damage], drain: Callable[[], int]
) -> None:
    for row in line:
        manual_open(image_set=row.image_set)
        result_publish(image_set=row.image_set, cause=ResultCause.MODELS, run=factories.run(row.image_set))
    on_the_page(ours, line[0])
    workflow.changes_hand_on()
    drain()
    latest = [row.image_set.results.latest("version") for row in line]
    assert [result.version for result in latest] == [2, 2, 2]
    told = [result.facts["damages"] for result in latest]
    assert [[one["first_damage_id"] for one in damages] for damages in told] == [[], [None], [str(line[1].pk)]]


def test_a_first_occurrence_that_was_rejected_cannot_be_named(ours: House, line: list[Damage]) -> None:
    on_the_page(ours, line[0])
    with pytest.raises(Conflict, match="was rejected or is doubtful"):
        by_client(ours, line[1], first_damage=line[0].pk)


def test_both_may_be_said_at_once(ours: House, line: list[Damage]) -> None:
    on_the_page(ours, line[0])
    changes = [
        DamageChange(id=line[0].pk, values={"state": "accepted"}),
        DamageChange(id=line[1].pk, values={"first_damage": line[0].pk}),
    ]
    damages_update(user=ours.reviewer, changes=changes, reach=Reach.only(ours.tenant.pk), step=Source.REVIEWER)
    assert firsts(line) == [None, 0, 0]


def test_a_decision_made_meanwhile_is_a_conflict(
    ours: House, line: list[Damage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(ids: Collection[UUID]) -> dict[UUID, Damage]:
        """Somebody rejects the damage after it was looked at, and before it is locked."""
        Damage.objects.of(ours.tenant.pk).filter(pk=line[0].pk).update(state="rejected")
        return rows_lock(ids)

    monkeypatch.setattr("damages.services.bulk.rows_lock", late)
    with pytest.raises(Conflict, match="Somebody else"):
        by_client_accept(ours, line[0])


def test_sets_of_others_need_not_be_free(ours: House, line: list[Damage]) -> None:
    job = manual_open(image_set=line[2].image_set)
    job.status = ManualStatus.REVIEWED
    job.save()
    on_the_page(ours, line[0])
    assert firsts(line) == [1, None, 1], "what follows is nobody's edit of the later set"


def test_only_a_change_that_may_turn_a_line_costs_more_queries(ours: House, line: list[Damage]) -> None:
    with CaptureQueriesContext(connection) as few:
        by_client_accept(ours, line[0])
    with CaptureQueriesContext(connection) as more:
        by_client_reject(ours, line[0])
    assert not [
        one for one in few if '"first_damage_id" IN' in one["sql"] or "assets_car" in one["sql"].split("WHERE")[0]
    ]
    assert len(more) <= len(few) + 6
