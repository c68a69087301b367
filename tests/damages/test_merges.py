"""Merging damages, taking merges back, and removing what others follow: the rules are tried out in test_kinship."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from assets.models import Car, ImageSet
from assets.plates import Plate
from damages.models import Action, Damage, DamageDecision, DamageState, ManualProcessing, ManualStatus, Source, Step
from damages.selectors import DamageFilters, damages_select
from damages.services.bulk import DamageChange, damages_update
from damages.services.decisions import damage_decide, damage_delete, damage_draw, damage_undo
from damages.services.deletions import damages_delete, damages_settle
from damages.services.manual import manual_job_lock
from damages.services.merges import damages_merge, damages_unmerge
from damages.services.proposals import damages_propose
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.scope import Reach
from tests import factories
from tests.admin_pages import login, page, said

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
BOX = [(0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.3)]
Ids = list[Damage]


@pytest.fixture
def car(ours: factories.House) -> Car:
    return factories.car(ours.tenant)


def visit(house: factories.House, car: Car | None, day: int, count: int = 1) -> Ids:
    """Damages of a set that was recorded on this day."""
    made = factories.image_set(house.tenant, photos=1, car=car)
    ImageSet.objects.of(house.tenant.pk).filter(pk=made.pk).update(recorded_at=START + timedelta(days=day))
    image = made.images.get()
    return [factories.damage(image, confidence=0.9 - number / 100) for number in range(count)]


def merge(house: factories.House, *rows: Damage, **extra: Any) -> None:
    who: dict[str, Any] = {"user": house.reviewer, "step": Source.REVIEWER} | extra
    damages_merge(ids=[row.pk for row in rows], reach=Reach.only(house.tenant.pk), **who)


def unmerge(house: factories.House, row: Damage) -> Ids:
    reach = Reach.only(house.tenant.pk)
    return damages_unmerge(user=house.reviewer, damage=row, reach=reach, step=Source.REVIEWER)


def delete(house: factories.House, *rows: Damage, with_families: bool = False, **extra: Any) -> list[Any]:
    who: dict[str, Any] = {"user": house.reviewer, "step": Source.REVIEWER} | extra
    ids = [row.pk for row in rows]
    return damages_delete(ids=ids, with_families=with_families, reach=Reach.only(house.tenant.pk), **who)


def decide(house: factories.House, *rows: Damage, state: DamageState) -> None:
    """As a client does; people on the portal's pages do it one by one."""
    changes = [DamageChange(id=row.pk, values={"state": state}) for row in rows]
    reach = Reach.only(house.tenant.pk)
    damages_update(user=house.reviewer, changes=changes, reach=reach, step=Source.REVIEWER)


def ties(*rows: Damage) -> list[tuple[Any, Any]]:
    """Representative and first occurrence of each, as they are now."""
    found = {row.pk: row for row in Damage.objects.all_tenants("a test looks").filter(pk__in=[row.pk for row in rows])}
    return [(found[row.pk].representative_id, found[row.pk].first_damage_id) for row in rows]


def at(image_set: ImageSet, status: ManualStatus) -> None:
    ManualProcessing(
        image_set=image_set, tenant=image_set.tenant, status=status, waiting_since=timezone.now()
    ).save(force_insert=True)  # fmt: skip


ALONE = (None, None)


def test_a_merge_makes_families_within_sets_and_lines_across_them(ours: factories.House, car: Car) -> None:
    late, other = visit(ours, car, 2, 2)
    (early,) = visit(ours, car, 1)
    merge(ours, other, late, early)
    assert ties(early, late, other) == [ALONE, (None, early.pk), (late.pk, early.pk)]


def test_a_merge_is_recorded_with_who_before_and_after(ours: factories.House, car: Car) -> None:
    (early,), (late,) = visit(ours, car, 1), visit(ours, car, 2)
    version = late.modified_at
    merge(ours, late, early)
    record = late.decisions.get()
    assert (record.action, record.by, record.step) == (Action.MERGED, ours.reviewer, Source.REVIEWER)
    assert record.before == {"first_damage_id": None}
    assert record.after == {"first_damage_id": str(early.pk), "merge": record.after["merge"]}
    kept = early.decisions.get()
    assert (kept.action, kept.before, kept.after) == (Action.MERGED, {}, {"merge": record.after["merge"]})
    late.refresh_from_db()
    assert late.modified_at > version
    merge(ours, early, late)
    assert DamageDecision.objects.of(ours.tenant.pk).count() == 2


def test_damages_of_two_cars_stay_two(ours: factories.House, car: Car) -> None:
    (one,), (other,) = visit(ours, car, 1), visit(ours, factories.car(ours.tenant, "CD54321"), 2)
    with pytest.raises(Conflict, match="different cars") as caught:
        merge(ours, one, other)
    assert set(caught.value.fields) == {str(one.pk), str(other.pk)}
    unknown, unknown_too = visit(ours, None, 1), visit(ours, None, 2)
    with pytest.raises(Conflict, match="not known"):
        merge(ours, *unknown, *unknown_too)
    assert ties(one, other, *unknown, *unknown_too) == [ALONE] * 4


def test_damages_of_one_set_need_no_car(ours: factories.House) -> None:
    one, other = visit(ours, None, 1, 2)
    merge(ours, one, other)
    assert ties(one, other) == [ALONE, (one.pk, None)]


def test_a_merge_needs_two_damages_that_are_there(ours: factories.House, outsider: factories.House, car: Car) -> None:
    (one,) = visit(ours, car, 1)
    (theirs,) = visit(outsider, None, 1)
    (gone,) = visit(ours, car, 2)
    Damage.objects.of(ours.tenant.pk).filter(pk=gone.pk).update(deleted_at=timezone.now())
    for other in (theirs, gone, Damage(pk=uuid4())):
        with pytest.raises(NotFound, match=str(other.pk)):
            merge(ours, one, other)
    with pytest.raises(Invalid):
        merge(ours, one, one)
    with pytest.raises(Forbidden):
        merge(ours, one, one, *visit(ours, car, 3), user=ours.staff)


def test_sets_that_change_must_be_free_and_earlier_ones_need_not(ours: factories.House, car: Car) -> None:
    (early,), (late,) = visit(ours, car, 1), visit(ours, car, 2)
    at(early.image_set, ManualStatus.REVIEWED)
    merge(ours, early, late)
    assert ties(late) == [(None, early.pk)]
    (latest,) = visit(ours, car, 3)
    at(latest.image_set, ManualStatus.ANNOTATION_WAITING)
    manual_job_lock(user=ours.annotator, image_set=latest.image_set, step=Step.ANNOTATION)
    with pytest.raises(Conflict, match="Somebody else") as caught:
        merge(ours, early, latest)
    assert set(caught.value.fields) == {str(latest.pk)}
    with pytest.raises(Conflict, match="reopen"):
        merge(ours, early, *visit(ours, car, 0))


# --- taking back -----------------------------------------------------------------------------------------------------


def test_merges_are_taken_back_one_after_the_other(ours: factories.House, car: Car) -> None:
    first, second = visit(ours, car, 1, 2)
    (later,), (latest,) = visit(ours, car, 2), visit(ours, car, 3)
    merge(ours, first, second)
    merge(ours, later, second)
    merge(ours, latest, later)
    everyone = (first, second, later, latest)
    assert ties(*everyone) == [ALONE, (first.pk, None), (None, first.pk), (None, first.pk)]
    # Any of the damages concerned leads to the last merge.
    assert [row.pk for row in unmerge(ours, first)] == [latest.pk]
    assert [row.pk for row in unmerge(ours, later)] == [later.pk]
    assert ties(*everyone) == [ALONE, (first.pk, None), ALONE, ALONE]
    assert latest.decisions.latest("created_at").action == Action.UNMERGED
    unmerge(ours, second)
    assert ties(*everyone) == [ALONE] * 4
    for row in everyone:
        with pytest.raises(Conflict, match="no merge"):
            unmerge(ours, row)


def test_a_merge_that_moved_followers_is_taken_back_for_all(ours: factories.House, car: Car) -> None:
    (later,), (latest,), (early,) = visit(ours, car, 2), visit(ours, car, 3), visit(ours, car, 1)
    merge(ours, later, latest)
    merge(ours, later, early)
    assert ties(early, later, latest) == [ALONE, (None, early.pk), (None, early.pk)]
    assert latest.decisions.latest("created_at").action == Action.MATCHED
    unmerge(ours, early)
    assert ties(early, later, latest) == [ALONE, ALONE, (None, later.pk)]


def test_decisions_and_merges_are_taken_back_apart(ours: factories.House, car: Car) -> None:
    (early,), (late,) = visit(ours, car, 1), visit(ours, car, 2)
    damage_decide(user=ours.reviewer, damage=late, action="accept", step=Source.REVIEWER)
    merge(ours, early, late)
    damage_undo(user=ours.reviewer, damage=late, step=Source.REVIEWER)
    late.refresh_from_db()
    assert (late.state, late.first_damage_id) == ("created", early.pk)
    unmerge(ours, late)
    assert ties(late) == [ALONE]


def test_what_was_matched_since_is_in_the_way(ours: factories.House, car: Car) -> None:
    (early,), (late,), (latest,) = visit(ours, car, 1), visit(ours, car, 2), visit(ours, car, 3)
    merge(ours, early, late)
    change = DamageChange(id=latest.pk, values={"first_damage": early.pk})
    damages_update(user=ours.reviewer, changes=[change], reach=Reach.only(ours.tenant.pk), step=Source.REVIEWER)
    with pytest.raises(Conflict, match="otherwise"):
        unmerge(ours, late)


def test_what_merely_followed_since_is_not_in_the_way(ours: factories.House, car: Car) -> None:
    one, other, third = visit(ours, car, 1, 3)
    merge(ours, one, other, third)
    delete(ours, one)
    unmerge(ours, other)
    assert ties(one, other, third) == [ALONE, ALONE, ALONE]


def test_a_merge_is_taken_back_whoever_came_first_since(ours: factories.House, car: Car) -> None:
    (one,), (two,), (three,), (four,) = (visit(ours, car, day) for day in (1, 2, 3, 4))
    merge(ours, one, two)
    merge(ours, three, four)
    merge(ours, two, three)
    for row in (one, two):
        damage_decide(user=ours.reviewer, damage=row, action="reject", step=Source.REVIEWER)
    assert ties(one, two, three, four) == [(None, three.pk), (None, three.pk), ALONE, (None, three.pk)]
    unmerge(ours, four)
    assert ties(one, two, three, four) == [ALONE, (None, one.pk), ALONE, (None, three.pk)]


def test_a_reviewed_set_keeps_its_merges(ours: factories.House, car: Car) -> None:
    (early,), (late,) = visit(ours, car, 1), visit(ours, car, 2)
    merge(ours, early, late)
    at(late.image_set, ManualStatus.REVIEWED)
    with pytest.raises(Conflict, match="reopen"):
        unmerge(ours, early)
    assert ties(late) == [(None, early.pk)]


def test_staff_take_merges_back_in_the_admin(ours: factories.House, outsider: factories.House, car: Car) -> None:
    (early,), (late,), (latest,) = visit(ours, car, 1), visit(ours, car, 2), visit(ours, car, 3)
    merge(ours, early, late)
    merge(ours, early, latest)
    address = page(Damage, "change", early.pk).replace("change/", "unmerge_this/")
    login(outsider.tenant_admin).post(address)
    assert ties(latest) == [(None, early.pk)]
    client = login(ours.tenant_admin)
    assert "Take back the last merge of this damage" in client.get(address).content.decode()
    assert "merge taken back" in said(client.post(address, follow=True))
    assert ties(late, latest) == [(None, early.pk), ALONE]
    assert latest.decisions.get(action=Action.UNMERGED).by == ours.tenant_admin
    chosen = {"_selected_action": [str(late.pk), str(latest.pk)], "confirmed": "yes", "action": "unmerge"}
    answer = said(client.post(page(Damage, "changelist"), chosen, follow=True))
    assert ("There is no merge to take back." in answer, ties(late)) == (True, [ALONE])


# --- removing --------------------------------------------------------------------------------------------------------


def test_a_family_stays_when_its_representative_goes(ours: factories.House, car: Car) -> None:
    one, other, third = visit(ours, car, 1, 3)
    (later,) = visit(ours, car, 2)
    merge(ours, one, other, third, later)
    assert delete(ours, one) == [one.pk]
    assert ties(other, third, later) == [ALONE, (other.pk, None), (None, other.pk)]
    record = one.decisions.get(action=Action.DELETED)
    assert (record.by, record.after["deleted_by_id"]) == (ours.reviewer, str(ours.reviewer.pk))


def test_a_family_goes_with_its_representative_on_demand(ours: factories.House, car: Car) -> None:
    one, other, alone = visit(ours, car, 1, 3)
    (later,), (latest,) = visit(ours, car, 2), visit(ours, car, 3)
    merge(ours, one, other, later, latest)
    assert delete(ours, alone, one, with_families=True) == [alone.pk, one.pk, other.pk]
    assert ties(later, latest) == [ALONE, (None, later.pk)]
    assert delete(ours, latest, with_families=True) == [latest.pk]


def test_one_that_comes_back_is_the_first_occurrence_again(ours: factories.House, car: Car) -> None:
    (later,) = visit(ours, car, 2)
    image = visit(ours, car, 1)[0].image
    drawn = damage_draw(user=ours.reviewer, image=image, polygon=BOX, category="dents", step=Source.REVIEWER)
    merge(ours, later, drawn)
    damage_delete(user=ours.reviewer, damage=drawn, step=Source.REVIEWER)
    assert ties(later) == [ALONE]
    damage_undo(user=ours.reviewer, damage=drawn, step=Source.REVIEWER)
    assert ties(drawn, later) == [ALONE, (None, drawn.pk)]


def test_a_set_that_goes_and_comes_back(ours: factories.House, car: Car) -> None:
    (early,), (later,) = visit(ours, car, 1), visit(ours, car, 2)
    merge(ours, early, later)
    sets = ImageSet.objects.of(ours.tenant.pk).filter(pk=early.image_set_id)
    sets.update(deleted_at=timezone.now())
    damages_settle(ids=[early.pk], user=ours.tenant_admin)
    assert ties(later) == [ALONE]
    assert later.decisions.latest("created_at").by == ours.tenant_admin
    sets.update(deleted_at=None)
    damages_settle(ids=[early.pk], user=ours.tenant_admin)
    assert ties(early, later) == [ALONE, (None, early.pk)]


def test_what_people_judged_outlives_the_proposals_around_it(ours: factories.House, car: Car) -> None:
    head, judged = visit(ours, car, 1, 2)
    rows = Damage.objects.of(ours.tenant.pk)
    rows.filter(pk=judged.pk).update(representative=head)
    damage_decide(user=ours.reviewer, damage=judged, action="accept", step=Source.REVIEWER)
    damages_propose(run=factories.run(head.image_set))
    assert [row.pk for row in rows.visible()] == [judged.pk]
    assert ties(judged) == [ALONE]


def test_annotators_remove_what_they_drew_and_nothing_else(ours: factories.House, car: Car) -> None:
    (proposal,) = visit(ours, car, 1)
    drawn = damage_draw(user=ours.annotator, image=proposal.image, polygon=BOX, category="dents", step=Source.ANNOTATOR)
    with pytest.raises(Conflict, match="drew themselves") as caught:
        delete(ours, drawn, proposal, user=ours.annotator, step=Source.ANNOTATOR)
    assert set(caught.value.fields) == {str(proposal.pk)}
    assert delete(ours, drawn, user=ours.annotator, step=Source.ANNOTATOR) == [drawn.pk]
    assert delete(ours, proposal, user=ours.tenant_admin, step=Source.STAFF) == [proposal.pk]


def test_all_or_nothing_is_removed(ours: factories.House, car: Car) -> None:
    (one,), (held,) = visit(ours, car, 1), visit(ours, car, 2)
    at(held.image_set, ManualStatus.REVIEWED)
    with pytest.raises(Conflict) as caught:
        delete(ours, one, held)
    assert set(caught.value.fields) == {str(held.pk)}
    with pytest.raises(NotFound):
        delete(ours, one, Damage(pk=uuid4()))
    assert Damage.objects.of(ours.tenant.pk).visible().count() == 2


@pytest.mark.parametrize("count", [3, 60])
def test_the_number_of_queries_does_not_grow(
    ours: factories.House, car: Car, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [*visit(ours, car, 1, count), *visit(ours, car, 2, count)]
    # Savepoints, what is there, the role, the car, the jobs, kin in up to three steps, the rows, published results; and
    # what is written, in the batches that SQLite takes.
    with django_assert_max_num_queries(14):
        merge(ours, *rows)
    with django_assert_max_num_queries(20):
        delete(ours, rows[0], with_families=True)


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("merge"), st.sets(st.integers(0, 6), min_size=2, max_size=3)),
            st.tuples(st.just("delete"), st.sets(st.integers(0, 6), min_size=1, max_size=2)),
            st.tuples(st.just("unmerge"), st.sets(st.integers(0, 6), min_size=1, max_size=1)),
            st.tuples(st.just("reject"), st.sets(st.integers(0, 6), min_size=1, max_size=3)),
            st.tuples(st.just("reopen"), st.sets(st.integers(0, 6), min_size=1, max_size=3)),
        ),
        max_size=6,
    )
)
def test_stored_families_obey_the_rules(ours: factories.House, steps: list[tuple[str, set[int]]]) -> None:
    car = factories.car(ours.tenant, f"AB{Car.objects.of(ours.tenant.pk).count():05d}")
    rows = [*visit(ours, car, 3, 3), *visit(ours, car, 1, 2), *visit(ours, car, 2, 2)]
    doing: dict[str, Callable[..., object]] = {
        "merge": merge, "delete": delete, "unmerge": unmerge, "reject": partial(decide, state=DamageState.REJECTED),
        "reopen": partial(decide, state=DamageState.CREATED),
    }  # fmt: skip
    for what, numbers in steps:
        try:
            doing[what](ours, *(rows[number] for number in sorted(numbers)))
        except (Conflict, NotFound):
            continue
        living = {row.pk: row for row in Damage.objects.of(ours.tenant.pk).visible().filter(car=car)}
        for row in living.values():
            head = living[row.representative_id or row.pk]
            first = living[head.first_damage_id or head.pk]
            assert head.representative_id is None
            assert (head.image_set_id, head.first_damage_id) == (row.image_set_id, row.first_damage_id)
            assert (first.representative_id, first.first_damage_id) == ALONE
            if row.state != DamageState.REJECTED:
                assert first.image_set.recorded_at <= row.image_set.recorded_at
        listed = set(
            damages_select(DamageFilters(plate=Plate(car.country_code, car.plate)), reach=Reach.only(ours.tenant.pk))
        )
        lines = {
            row.first_damage_id or row.representative_id or row.pk for row in living.values() if row.state != "rejected"
        }
        assert len(listed) == len(lines), "a car's list shows each damage that stands, once"
