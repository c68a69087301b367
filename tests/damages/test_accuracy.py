"""How right the model is in use: each definition by example, within reach, in a fixed number of queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Image
from damages import selectors_accuracy
from damages.models import Damage, DamageState, ManualProcessing, ManualStatus, Source
from damages.selectors_accuracy import Accuracy, AccuracyFilters, Cell, Tally, accuracy
from imaging.models import Detection, JobRun, ModelVersion, PipelineRun
from tenants.scope import Reach
from tests import factories

pytestmark = pytest.mark.django_db

Box = list[list[float]]


def box(left: float, top: float = 0.4, size: float = 0.1) -> Box:
    return [[left, top], [left + size, top], [left + size, top + size], [left, top + size]]


class Set:
    """A set of one photo at which a model has looked; its threshold is 0.5."""

    def __init__(self, house: factories.House, *, reviewed: bool = True, camera: str = "", version: str = "1") -> None:
        self.house = house
        self.image_set = factories.image_set(house.tenant)
        self.image: Image = self.image_set.images.get()
        if camera:
            self.image.camera = camera
            self.image.save()
        self.version = ModelVersion.objects.get_or_create(
            name="damage_detector", version=version, sha256=version * 64, card={"thresholds": {"score": 0.5}}
        )[0]
        self.run = self.look()
        status = ManualStatus.REVIEWED if reviewed else ManualStatus.REVIEW_WAITING
        self.work = ManualProcessing(
            image_set=self.image_set, tenant=house.tenant, status=status, waiting_since=timezone.now()
        )
        self.work.save()

    def look(self, version: ModelVersion | None = None) -> PipelineRun:
        run = factories.run(self.image_set)
        JobRun(
            run=run, name="damage_detection", cluster="ml", order=1, state="done", finished_at=timezone.now(),
            model_version=version or self.version,
        ).save()  # fmt: skip
        return run

    def sees(self, place: Box, score: float = 0.8, run: PipelineRun | None = None) -> Detection:
        found = Detection.objects.of(self.house.tenant.pk)
        return found.create(
            run=run or self.run, image=self.image, model_version=self.version, ordinal=found.count(), label="scratch",
            score=score, polygon=place, image_width=640, image_height=480,
        )  # fmt: skip

    def proposes(self, place: Box, state: str = "created", score: float = 0.8, **extra: Any) -> Damage:
        values = {"detection": self.sees(place, score), "model_version": self.version, "confidence": score}
        return factories.damage(self.image, polygon=place, state=state, **(values | extra))

    def draws(self, place: Box, **extra: Any) -> Damage:
        values = {"source": Source.REVIEWER, "model_version": None, "confidence": None, "state": DamageState.ACCEPTED}
        return factories.damage(self.image, polygon=place, **(values | extra))


@pytest.fixture
def seen(ours: factories.House) -> Set:
    return Set(ours)


def counted(**filters: Any) -> Accuracy:
    return accuracy(AccuracyFilters(**filters), reach=Reach.every())


def total(**filters: Any) -> tuple[int, int, int, int]:
    tally = counted(**filters).total
    return tally.accepted, tally.rejected, tally.found, tally.missed


def test_nothing_decided_is_nothing_counted(seen: Set) -> None:
    seen.proposes(box(0.1))
    assert total() == (0, 0, 0, 0)
    assert counted().total.precision.value is None


def test_accepted_proposals_are_right_and_rejected_ones_wrong(seen: Set) -> None:
    seen.proposes(box(0.1), "accepted")
    seen.proposes(box(0.3), "accepted")
    seen.proposes(box(0.5), "rejected")
    assert total() == (2, 1, 2, 0)


def test_changes_of_an_accepted_proposal_leave_it_right(seen: Set) -> None:
    damage = seen.proposes(box(0.1), "accepted", category="dents")
    damage.polygon, damage.category = box(0.7), "cracks"
    damage.save()
    assert counted().cells == {Cell(seen.version.pk, "cracks", ""): Tally(accepted=1, found=1)}


def test_a_drawn_damage_that_nothing_matches_was_missed(seen: Set) -> None:
    seen.sees(box(0.1))
    seen.draws(box(0.7))
    assert total() == (0, 0, 0, 1)


def test_a_drawn_damage_that_a_finding_matches_was_found(seen: Set) -> None:
    # The reviewer found the outline poor: they rejected it and drew a better one.
    seen.proposes(box(0.1), "rejected")
    seen.draws(box(0.12))
    assert total() == (0, 1, 1, 0)


def test_a_finding_is_used_once(seen: Set) -> None:
    seen.sees(box(0.1))
    seen.draws(box(0.11))
    seen.draws(box(0.12))
    assert total() == (0, 0, 1, 1)


def test_an_accepted_proposal_stands_for_no_second_damage(seen: Set) -> None:
    seen.proposes(box(0.1), "accepted")
    seen.draws(box(0.12))
    assert total() == (1, 0, 1, 1)


def test_what_was_below_the_threshold_is_no_proposal(seen: Set) -> None:
    seen.proposes(box(0.1), "rejected", score=0.49, is_potential=True)
    seen.sees(box(0.3), score=0.49)
    seen.draws(box(0.3))
    assert total() == (0, 0, 0, 1)


def test_a_doubtful_sighting_that_is_accepted_was_missed_at_this_threshold(seen: Set) -> None:
    # Accepting it makes it a full one (`verdict_set`), yet the model had not proposed it.
    seen.proposes(box(0.1), "accepted", score=0.3, is_potential=False)
    assert total() == (0, 0, 0, 1)
    seen.sees(box(0.1), score=0.5)
    assert total() == (0, 0, 1, 0), "another finding stood for it"


def test_only_reviewed_sets_count_for_recall(ours: factories.House) -> None:
    waiting = Set(ours, reviewed=False)
    waiting.proposes(box(0.1), "accepted")
    waiting.draws(box(0.7))
    assert total() == (1, 0, 0, 0)
    ManualProcessing.objects.of(ours.tenant.pk).update(status=ManualStatus.REVIEWED)
    assert total() == (1, 0, 1, 1)


def test_what_is_gone_counts_nowhere(seen: Set) -> None:
    now = timezone.now()
    seen.draws(box(0.7), deleted_at=now)
    seen.draws(box(0.7), state=DamageState.REJECTED)
    seen.proposes(box(0.1), "accepted", deleted_at=now)
    assert total() == (0, 0, 0, 0)
    seen.draws(box(0.3))
    Image.objects.of(seen.house.tenant.pk).update(deleted_at=now)
    assert total() == (0, 0, 0, 0)


def test_damages_drawn_where_no_model_had_looked_count_nowhere(seen: Set) -> None:
    JobRun.objects.of(seen.house.tenant.pk).update(state="skipped", model_version=None)
    seen.draws(box(0.7))
    assert total() == (0, 0, 0, 0)


def test_a_miss_is_the_version_s_that_had_looked_before_it_was_drawn(seen: Set) -> None:
    drawn = seen.draws(box(0.7))
    later = ModelVersion.objects.create(name="damage_detector", version="2", sha256="2" * 64, card={})
    again = seen.look(later)
    JobRun.objects.of(seen.house.tenant.pk).filter(run=again).update(finished_at=drawn.created_at + timedelta(hours=1))
    assert counted().cells == {Cell(seen.version.pk, drawn.category, ""): Tally(missed=1)}
    # What a later run sees there does not make the earlier one right.
    seen.sees(box(0.7), run=again)
    assert total() == (0, 0, 0, 1)


def test_counts_by_category_camera_and_version(ours: factories.House) -> None:
    first, second = Set(ours, camera="topLeft"), Set(ours, version="2")
    first.proposes(box(0.1), "accepted", category="dents")
    first.draws(box(0.7), category="cracks")
    second.proposes(box(0.1), "rejected", category="dents")
    found = counted()
    assert found.by_category() == [("dents", Tally(1, 1, 1, 0)), ("cracks", Tally(missed=1))]
    assert found.by_camera() == [("topLeft", Tally(1, 0, 1, 1)), ("", Tally(rejected=1))]
    assert found.by_version() == [
        ("damage_detector 1", Tally(1, 0, 1, 1)), ("damage_detector 2", Tally(rejected=1))
    ]  # fmt: skip


def test_filters_leave_what_fits(ours: factories.House) -> None:
    first, second = Set(ours, camera="topLeft"), Set(ours, version="2")
    first.proposes(box(0.1), "accepted", category="dents")
    second.proposes(box(0.1), "rejected", category="cracks")
    assert total(category="dents") == (1, 0, 1, 0)
    assert total(camera="topLeft") == (1, 0, 1, 0)
    assert total(camera="-") == (0, 1, 0, 0)
    assert total(version_id=second.version.pk) == (0, 1, 0, 0)
    now = timezone.now()
    assert total(since=now + timedelta(minutes=1)) == (0, 0, 0, 0)
    assert total(until=now - timedelta(days=1)) == (0, 0, 0, 0)
    assert total(since=now - timedelta(days=1), until=now + timedelta(minutes=1)) == (1, 1, 1, 0)


def test_each_version_has_its_own_threshold(ours: factories.House) -> None:
    first, second = Set(ours), Set(ours, version="2")
    second.version.card = {"thresholds": {"score": 0.9}}
    second.version.save()
    first.proposes(box(0.1), "accepted", score=0.6)
    second.proposes(box(0.1), "accepted", score=0.6)
    assert total() == (1, 0, 1, 1)


def test_nothing_beyond_reach_is_counted(ours: factories.House, outsider: factories.House) -> None:
    for house in (ours, outsider):
        one = Set(house)
        one.proposes(box(0.1), "accepted")
        one.draws(box(0.7))
    tally = accuracy(AccuracyFilters(), reach=Reach.only(ours.tenant.pk)).total
    assert (tally.accepted, tally.found, tally.missed) == (1, 1, 1)
    assert accuracy(AccuracyFilters(), reach=Reach.some(())).cells == {}


def test_the_number_of_queries_does_not_grow(ours: factories.House) -> None:
    counts = []
    for sets in (2, 8):
        for _ in range(sets):
            one = Set(ours)
            one.proposes(box(0.1), "accepted")
            one.proposes(box(0.3), "rejected")
            one.draws(box(0.32))
            one.draws(box(0.7))
        with CaptureQueriesContext(connection) as queries:
            assert counted().total.found
        counts.append(len(queries))
    assert counts == [5, 5]
    assert total() == (10, 10, 20, 10)


def test_of_too_many_recall_is_that_of_whole_later_sets(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [timezone.now() - timedelta(days=days) for days in (3, 2, 1)]
    for recorded_at in times:
        one = Set(ours)
        one.image_set.recorded_at = recorded_at
        one.image_set.save()
        one.proposes(box(0.1), "accepted")
        one.draws(box(0.5))
        one.draws(box(0.7))
    monkeypatch.setattr(selectors_accuracy, "MOST_MATCHED", 6)
    assert counted().recall_after is None
    assert total() == (3, 0, 3, 6)
    monkeypatch.setattr(selectors_accuracy, "MOST_MATCHED", 3)
    assert counted().recall_after == times[1], "of its two drawn damages one did not fit"
    assert total() == (3, 0, 1, 2), "precision is that of all"


def test_photos_that_are_matched_together_do_not_mix(ours: factories.House) -> None:
    # More than are matched at once; the same outlines lie on every photo.
    for number in range(60):
        one = Set(ours, version=str(number % 2))
        one.draws(box(0.1))
        if number % 3 == 0:
            one.sees(box(0.1))
            one.sees(box(0.11))
    assert total() == (0, 0, 20, 40)


def test_outlines_are_read_as_they_are_stored(seen: Set) -> None:
    # Whole numbers, tiny ones, and outlines of different lengths in one photo.
    seen.sees([[0, 0], [1, 0], [1, 1e-7], [0, 0.1], [0.01, 0.05]])
    seen.sees([[0.5, 0.5], [0.6, 0.5], [0.6, 0.6]])
    seen.draws([[0, 0], [1, 0], [1, 0.1]])
    seen.draws([[0.5, 0.5], [0.6, 0.5], [0.6, 0.6], [0.5, 0.6]])
    seen.draws(box(0.8))
    assert total() == (0, 0, 2, 1)
