"""Weaker proposals: kept, shown to those who ask, and made damages by people."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from damages.models import Action, Damage, DamageState, Source, Step
from damages.services.decisions import damage_delete, damage_undo
from damages.services.manual import manual_job_lock, manual_open
from damages.services.proposals import damages_propose
from damages.services.weaker import weaker_accept, weaker_of
from imaging.detections import is_proposal, is_weaker
from imaging.models import Detection, ModelVersion, PipelineRun
from tenants.errors import Conflict, Forbidden, NotFound
from tests import factories

pytestmark = pytest.mark.django_db


class Seen:
    """A set with a photo on which the model saw three things: sure of one, unsure of two."""

    def __init__(self, house: factories.House) -> None:
        factories.settings(house.tenant, manualAnnotationEnabled=True)
        self.house = house
        self.image_set = factories.image_set(house.tenant)
        self.image = self.image_set.images.get()
        self.run = factories.run(self.image_set)
        self.sure, self.unsure, self.least = (
            factories.detection(self.image, run=self.run, ordinal=ordinal, score=score)
            for ordinal, score in enumerate((0.5, 0.49, 0.1))
        )

    def hold(self) -> None:
        """Let our annotator take the set."""
        manual_open(image_set=self.image_set)
        manual_job_lock(user=self.house.annotator, image_set=self.image_set, step=Step.ANNOTATION)

    def accept(self, row: Detection, **changes: Any) -> Damage:
        asked: dict[str, Any] = {
            "user": self.house.annotator,
            "image_set": self.image_set,
            "step": Source.ANNOTATOR,
        } | changes
        return weaker_accept(detection_id=row.pk, **asked)


@pytest.fixture
def seen(ours: factories.House) -> Seen:
    made = Seen(ours)
    made.hold()
    return made


def rows(run: PipelineRun) -> list[Damage]:
    return list(Damage.objects.of(run.image_set.tenant_id or run.pk).visible().filter(image_set=run.image_set))


@pytest.mark.parametrize(
    "card", [{}, {"thresholds": {}}, {"thresholds": {"grow": 0.4}}, {"thresholds": {"score": 0.1}}]
)
def test_without_a_threshold_all_findings_are_proposals(ours: factories.House, card: dict[str, Any]) -> None:
    seen = Seen(ours)
    ModelVersion.objects.update(card=card)
    assert seen.run.detections.filter(is_proposal()).count() == 3
    assert not seen.run.detections.filter(is_weaker()).exists()


def test_every_finding_is_one_or_the_other_as_its_own_card_says(seen: Seen) -> None:
    assert list(seen.run.detections.filter(is_proposal())) == [seen.sure]
    assert list(seen.run.detections.filter(is_weaker())) == [seen.unsure, seen.least]
    strict = ModelVersion.objects.create(
        name="damage_detector", version="2", sha256="1" * 64, card={"thresholds": {"score": 0.9}}
    )
    seen.run.detections.filter(pk=seen.sure.pk).update(model_version=strict)
    assert not seen.run.detections.filter(is_proposal()).exists()
    for row in seen.run.detections.select_related("model_version"):
        assert (row.score >= row.model_version.threshold) == (row in seen.run.detections.filter(is_proposal()))


def test_only_what_the_model_is_sure_of_becomes_a_damage(seen: Seen) -> None:
    (made,) = damages_propose(run=seen.run)
    assert made.detection == seen.sure
    assert rows(seen.run) == [made]
    assert damages_propose(run=seen.run) == [made]
    assert seen.run.detections.count() == 3


def test_weaker_ones_come_best_first_without_what_is_a_damage_already(seen: Seen) -> None:
    assert weaker_of(seen.image_set) == [seen.unsure, seen.least]
    factories.damage(seen.image, polygon=seen.unsure.polygon)
    assert weaker_of(seen.image_set) == [seen.least]


def test_weaker_ones_of_an_earlier_run_and_of_deleted_photos_are_not_shown(seen: Seen) -> None:
    factories.run(seen.image_set)
    assert weaker_of(seen.image_set) == []
    seen.image_set.runs.order_by("-number")[0].delete()
    seen.image.deleted_at = timezone.now()
    seen.image.save()
    assert weaker_of(seen.image_set) == []


def test_a_set_without_a_run_has_none(ours: factories.House) -> None:
    assert weaker_of(factories.image_set(ours.tenant)) == []


def test_the_number_of_queries_does_not_grow(seen: Seen) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            weaker_of(seen.image_set)
        return len(queries)

    few = asked()
    for ordinal in range(3, 12):
        factories.detection(seen.image, run=seen.run, ordinal=ordinal, score=0.3)
        factories.damage(seen.image)
    assert asked() == few


def test_a_person_makes_a_damage_of_one(seen: Seen) -> None:
    made = seen.accept(seen.unsure)
    made.refresh_from_db()
    assert (made.state, made.source, made.created_by) == (DamageState.ACCEPTED, Source.ANNOTATOR, seen.house.annotator)
    assert (made.detection, made.polygon, made.confidence) == (seen.unsure, seen.unsure.polygon, None)
    assert made.true_positives[made.category] is True
    decision = made.decisions.get()
    assert (decision.action, decision.after["detection"]) == (Action.DRAWN, str(seen.unsure.pk))
    assert weaker_of(seen.image_set) == [seen.least]


def test_once_more_changes_nothing(seen: Seen) -> None:
    assert seen.accept(seen.unsure) == seen.accept(seen.unsure)
    assert len(rows(seen.run)) == 1
    assert rows(seen.run)[0].decisions.count() == 1


@pytest.mark.parametrize("remove", [damage_undo, damage_delete])
def test_what_was_removed_is_a_weaker_proposal_again_and_may_come_back(seen: Seen, remove: Any) -> None:
    made = seen.accept(seen.unsure)
    remove(user=seen.house.annotator, damage=made, step=Source.ANNOTATOR)
    assert weaker_of(seen.image_set) == [seen.unsure, seen.least]
    again = seen.accept(seen.unsure)
    assert again == made
    assert rows(seen.run) == [made]
    assert again.decisions.order_by("created_at").last().action == Action.RESTORED  # type: ignore[union-attr]


def test_a_new_run_leaves_it_alone_and_proposes_it_no_more(seen: Seen) -> None:
    made = seen.accept(seen.unsure)
    later = factories.run(seen.image_set)
    factories.detection(seen.image, run=later, ordinal=1, score=0.9)
    assert damages_propose(run=later) == []
    assert rows(later) == [made]


def test_a_proposal_proper_is_none(seen: Seen) -> None:
    with pytest.raises(NotFound):
        seen.accept(seen.sure)


def test_a_proposal_of_another_set_is_not_found(seen: Seen, outsider: factories.House) -> None:
    for house in (seen.house, outsider):
        strange = Seen(house)
        with pytest.raises(NotFound):
            seen.accept(strange.unsure)


def test_only_the_holder_in_their_role_may(seen: Seen) -> None:
    with pytest.raises(Conflict):
        seen.accept(seen.unsure, user=seen.house.reviewer, step=Source.REVIEWER)
    with pytest.raises(Forbidden):
        seen.accept(seen.unsure, user=seen.house.staff)
    assert rows(seen.run) == []
