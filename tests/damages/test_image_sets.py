"""Image sets that people remove and restore, and what follows for damages, work and pipeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from assets.models import ImageSet, ImageSetState
from assets.plates import Plate
from assets.services.inspections import image_set_dispute, image_set_open, image_set_settle
from damages.models import Action, Damage, DamageDecision, ManualProcessing, Step
from damages.services.image_sets import REMOVED, RESTORED, image_set_delete, image_set_restore
from damages.services.manual import manual_job_claim_next, manual_job_lock, manual_open
from imaging.models import PipelineRun, RunState
from inspection_platform import workflow
from tenants.errors import Conflict, Invalid, NotFound
from tenants.scope import Reach
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(ours: House) -> list[Damage]:
    """One damage of a car, seen in three sets a day apart; the first one is its first occurrence."""
    car = factories.car(ours.tenant)
    seen: list[Damage] = []
    for days in (3, 2, 1):
        row = factories.image_set(ours.tenant, car=car)
        ImageSet.objects.of(ours.tenant.pk).filter(pk=row.pk).update(recorded_at=timezone.now() - timedelta(days=days))
        seen.append(factories.damage(row.images.get(), first_damage=seen[0] if seen else None))
    return seen


def firsts(line: list[Damage]) -> list[object]:
    """What each sighting's first occurrence is, as its place in the line."""
    places = {row.pk: place for place, row in enumerate(line)}
    for row in line:
        row.refresh_from_db()
    return [row.first_damage_id and places[row.first_damage_id] for row in line]


def test_a_set_goes_with_its_damages_and_both_come_back(ours: House) -> None:
    row = factories.image_set(ours.tenant)
    standing, gone = factories.damage(row.images.get()), factories.damage(row.images.get(), deleted_at=timezone.now())
    before = gone.deleted_at
    removed = image_set_delete(image_set=row, by=ours.tenant_admin)
    standing.refresh_from_db()
    assert (removed.deleted_by, standing.deleted_at, standing.deleted_by) == (
        ours.tenant_admin, removed.deleted_at, ours.tenant_admin,
    )  # fmt: skip
    assert not ImageSet.objects.of(ours.tenant.pk).visible().exists()
    restored = image_set_restore(image_set=row, by=ours.global_admin)
    standing.refresh_from_db()
    gone.refresh_from_db()
    assert (restored.deleted_at, restored.deleted_by, standing.deleted_at, gone.deleted_at) == (
        None,
        None,
        None,
        before,
    )
    told = DamageDecision.objects.of(ours.tenant.pk).filter(damage=standing).values_list("action", "by")
    assert list(told) == [(Action.DELETED, ours.tenant_admin.pk), (Action.RESTORED, ours.global_admin.pk)]
    logged = LogEntry.objects.filter(object_id=str(row.pk)).order_by("action_time")
    assert [(one.user, one.get_change_message()) for one in logged] == [
        (ours.tenant_admin, REMOVED), (ours.global_admin, RESTORED),
    ]  # fmt: skip


def test_a_line_begins_with_the_next_earliest_until_its_first_comes_back(ours: House, line: list[Damage]) -> None:
    first = line[0].image_set
    image_set_delete(image_set=first, by=ours.tenant_admin)
    assert firsts(line)[1:] == [None, 1]
    image_set_restore(image_set=first, by=ours.tenant_admin)
    assert firsts(line) == [None, 0, 0]


def test_what_is_gone_is_gone_once_and_what_stands_is_not_restored(ours: House) -> None:
    row = factories.image_set(ours.tenant)
    with pytest.raises(NotFound):
        image_set_restore(image_set=row, by=ours.tenant_admin)
    image_set_delete(image_set=row, by=ours.tenant_admin)
    with pytest.raises(NotFound):
        image_set_delete(image_set=row, by=ours.tenant_admin)


def test_nobody_removes_what_somebody_else_works_on(ours: House) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True)
    row = factories.image_set(ours.tenant)
    manual_open(image_set=row)
    manual_job_lock(user=ours.annotator, image_set=row, step=Step.ANNOTATION)
    with pytest.raises(Conflict, match="working on this set"):
        image_set_delete(image_set=row, by=ours.tenant_admin)
    ManualProcessing.objects.of(ours.tenant.pk).update(locked_until=timezone.now())
    image_set_delete(image_set=row, by=ours.tenant_admin)
    assert ManualProcessing.objects.of(ours.tenant.pk).get().holder is None
    reach = Reach.only(ours.tenant.pk)
    assert manual_job_claim_next(user=ours.annotator, step=Step.ANNOTATION, reach=reach) is None
    image_set_restore(image_set=row, by=ours.tenant_admin)
    assert manual_job_claim_next(user=ours.annotator, step=Step.ANNOTATION, reach=reach)


def test_the_pipeline_stops_and_the_set_can_run_again_after_its_return(ours: House, drain: Callable[[], int]) -> None:
    row = factories.image_set(ours.tenant, state=ImageSetState.OPEN, published=False)
    workflow.start(row)
    image_set_delete(image_set=row, by=ours.tenant_admin)
    drain()
    run = PipelineRun.objects.of(ours.tenant.pk).get()
    assert (run.state, run.reason) == (RunState.FAILED, REMOVED)
    restored = image_set_restore(image_set=row, by=ours.tenant_admin)
    assert restored.state == ImageSetState.FAILED
    workflow.run_again(image_set=restored)
    restored.refresh_from_db()
    assert restored.state == ImageSetState.PROCESSING


def test_a_disputed_set_stays_until_the_dispute_is_over(ours: House) -> None:
    row = factories.image_set(ours.tenant)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            image_set_dispute(image_set=row, reason=reason, by=ours.tenant_admin)
    with pytest.raises(Conflict, match="not under dispute"):
        image_set_settle(image_set=row, reason="r", by=ours.tenant_admin)
    disputed = image_set_dispute(image_set=row, reason=" The customer denies it. ", by=ours.tenant_admin)
    assert (disputed.under_dispute, disputed.dispute_reason) == (True, "The customer denies it.")
    with pytest.raises(Conflict, match="already"):
        image_set_dispute(image_set=row, reason="again", by=ours.tenant_admin)
    with pytest.raises(Conflict, match="under dispute"):
        image_set_delete(image_set=row, by=ours.tenant_admin)
    settled = image_set_settle(image_set=row, reason="Paid.", by=ours.global_admin)
    assert (settled.under_dispute, settled.dispute_reason) == (False, "")
    said = [one.get_change_message() for one in LogEntry.objects.order_by("action_time")]
    assert said == ["Under dispute: The customer denies it.", "Dispute over: Paid."]
    image_set_delete(image_set=row, by=ours.tenant_admin)


def test_a_set_that_was_entered_before_its_car_is_linked_when_the_car_is_registered(
    ours: House, outsider: House
) -> None:
    plate = Plate("NO", "AB12345")
    entered, theirs = (image_set_open(tenant=house.tenant, plate=plate) for house in (ours, outsider))
    misread = factories.image_set(ours.tenant, plate="AB12345", plate_is_read=True)
    damage = factories.damage(factories.photo(entered, position=1))
    car = factories.car(ours.tenant)
    for _ in range(2):
        workflow.route_waiting([plate, Plate("DK", "AB12345")])
    for row in (entered, theirs, misread, damage):
        row.refresh_from_db()
    assert entered.passage
    assert (entered.car, entered.passage.car, damage.car) == (car, car, car)
    assert (theirs.car, theirs.tenant, misread.car) == (None, outsider.tenant, None)
