"""Decisions about damages: what they change, what they record, who may make them, and taking them back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assets.models import Image, ImageSet
from damages.models import Action, Damage, DamageDecision, DamageState, ManualProcessing, ManualStatus, Source, Step
from damages.services.decisions import (
    damage_categorise,
    damage_decide,
    damage_delete,
    damage_draw,
    damage_undo,
    family_decide,
)
from damages.services.manual import manual_job_lock
from damages.taxonomy import DamageCategory
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.models import ANNOTATOR
from tests import factories

pytestmark = pytest.mark.django_db

BOX = [(0.1, 0.1), (0.3, 0.1), (0.3, 0.2), (0.1, 0.2)]


@pytest.fixture
def image(ours: factories.House) -> Image:
    return factories.image_set(ours.tenant).images.get()


@pytest.fixture
def proposal(image: Image) -> Damage:
    return factories.damage(image)


def decisions(damage: Damage) -> list[DamageDecision]:
    return list(damage.decisions.order_by("created_at"))


def fresh(damage: Damage) -> Damage:
    return Damage.objects.of(damage.image_set.tenant_id or damage.pk).get(pk=damage.pk)


def at_step(image_set: ImageSet, status: ManualStatus) -> ManualProcessing:
    assert image_set.tenant is not None
    job = ManualProcessing(
        image_set=image_set, tenant=image_set.tenant, status=status, waiting_since=timezone.now(), review_enabled=True
    )
    job.save()
    return job


# --- accept, reject, reopen ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "state", "recorded"),
    [("accept", DamageState.ACCEPTED, Action.ACCEPTED), ("reject", DamageState.REJECTED, Action.REJECTED)],
)
def test_a_verdict_is_written_and_recorded(
    ours: factories.House, proposal: Damage, action: Any, state: DamageState, recorded: Action
) -> None:
    before = timezone.now()
    damage_decide(user=ours.annotator, damage=proposal, action=action, step=Source.ANNOTATOR)
    row = fresh(proposal)
    assert (row.state, row.decided_by) == (state, ours.annotator)
    assert row.decided_at is not None
    assert row.decided_at >= before
    (decision,) = decisions(proposal)
    assert (decision.by, decision.step, decision.action) == (ours.annotator, Source.ANNOTATOR, recorded)
    assert (decision.before["state"], decision.after["state"]) == ("created", state)
    assert decision.created_at >= before


def test_accepting_confirms_the_category_and_rejecting_clears_it(ours: factories.House, proposal: Damage) -> None:
    row = damage_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    assert [word for word, is_true in fresh(row).true_positives.items() if is_true] == ["lineScratches"]
    damage_decide(user=ours.annotator, damage=row, action="reject", step=Source.ANNOTATOR)
    assert not any(fresh(row).true_positives.values())


def test_accepting_a_doubtful_sighting_makes_it_a_full_one_until_undone(ours: factories.House, image: Image) -> None:
    doubtful = factories.damage(image, is_potential=True)
    damage_decide(user=ours.annotator, damage=doubtful, action="reject", step=Source.ANNOTATOR)
    assert fresh(doubtful).is_potential
    damage_decide(user=ours.annotator, damage=doubtful, action="accept", step=Source.ANNOTATOR)
    assert not fresh(doubtful).is_potential
    damage_undo(user=ours.annotator, damage=doubtful, step=Source.ANNOTATOR)
    assert fresh(doubtful).is_potential


def test_reopening_takes_the_decision_back_for_others_to_make(ours: factories.House, proposal: Damage) -> None:
    damage_decide(user=ours.annotator, damage=proposal, action="reject", step=Source.ANNOTATOR)
    damage_decide(user=ours.reviewer, damage=proposal, action="reopen", step=Source.REVIEWER)
    row = fresh(proposal)
    assert (row.state, row.decided_by, row.decided_at) == (DamageState.CREATED, None, None)
    assert [d.action for d in decisions(proposal)] == [Action.REJECTED, Action.REOPENED]


def test_the_same_decision_again_records_nothing_but_anothers_confirmation_does(
    ours: factories.House, proposal: Damage
) -> None:
    for _ in range(2):
        damage_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    assert len(decisions(proposal)) == 1
    damage_decide(user=ours.reviewer, damage=proposal, action="accept", step=Source.REVIEWER)
    assert fresh(proposal).decided_by == ours.reviewer
    assert [d.step for d in decisions(proposal)] == [Source.ANNOTATOR, Source.REVIEWER]


def test_an_unknown_action_is_invalid(ours: factories.House, proposal: Damage) -> None:
    with pytest.raises(Invalid):
        damage_decide(user=ours.annotator, damage=proposal, action="explode", step=Source.ANNOTATOR)  # type: ignore[arg-type]  # as a client would


# --- families ---------------------------------------------------------------------------------------------------------


def test_a_familys_sightings_are_decided_together_and_taken_back_one_by_one(
    ours: factories.House, proposal: Damage
) -> None:
    frame = factories.photo(proposal.image_set, position=2)
    second = factories.damage(frame, representative=proposal)
    gone = factories.damage(frame, representative=proposal, deleted_at=timezone.now())
    other = factories.damage(frame)
    rows = family_decide(user=ours.annotator, damage=second, action="accept", step=Source.ANNOTATOR)
    assert {row.pk for row in rows} == {proposal.pk, second.pk}
    assert [fresh(row).state for row in (proposal, second, gone, other)] == [
        "accepted",
        "accepted",
        "created",
        "created",
    ]
    assert [fresh(row).family_reviewed for row in (proposal, second, other)] == [True, True, False]
    assert [len(decisions(row)) for row in (proposal, second, gone, other)] == [1, 1, 0, 0]
    damage_undo(user=ours.annotator, damage=second, step=Source.ANNOTATOR)
    assert (fresh(second).state, fresh(second).family_reviewed) == ("created", False)
    assert fresh(proposal).state == "accepted"


def test_a_family_decision_marks_what_was_decided_alone_before(ours: factories.House, proposal: Damage) -> None:
    damage_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    when = fresh(proposal).decided_at
    family_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    assert fresh(proposal).family_reviewed
    assert fresh(proposal).decided_at == when
    damage_undo(user=ours.annotator, damage=proposal, step=Source.ANNOTATOR)
    assert not fresh(proposal).family_reviewed
    assert fresh(proposal).state == DamageState.ACCEPTED


# --- category --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", list(DamageCategory))
def test_each_category_can_be_chosen(ours: factories.House, proposal: Damage, category: DamageCategory) -> None:
    damage_categorise(user=ours.annotator, damage=proposal, category=category, step=Source.ANNOTATOR)
    assert fresh(proposal).category == category
    expected = [] if category == "lineScratches" else [("lineScratches", category)]
    assert [(d.before["category"], d.after["category"]) for d in decisions(proposal)] == expected


def test_a_confirmed_damage_keeps_its_flags_in_step_with_its_category(ours: factories.House, proposal: Damage) -> None:
    damage_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    damage_categorise(user=ours.annotator, damage=proposal, category="dents", step=Source.ANNOTATOR)
    assert [word for word, is_true in fresh(proposal).true_positives.items() if is_true] == ["dents"]


@pytest.mark.parametrize("category", ["", "Dents", "scratch", "dents "])
def test_other_words_are_no_categories(ours: factories.House, image: Image, category: str) -> None:
    with pytest.raises(Invalid) as caught:
        damage_categorise(user=ours.annotator, damage=factories.damage(image), category=category, step=Source.ANNOTATOR)
    assert "category" in caught.value.fields
    with pytest.raises(Invalid):
        damage_draw(user=ours.annotator, image=image, polygon=BOX, category=category, step=Source.ANNOTATOR)


# --- drawing and deleting --------------------------------------------------------------------------------------------


def test_a_drawn_damage_is_accepted_at_once_and_has_no_confidence(ours: factories.House, image: Image) -> None:
    drawn = fresh(damage_draw(user=ours.reviewer, image=image, polygon=BOX, category="dents", step=Source.REVIEWER))
    assert (drawn.state, drawn.source, drawn.created_by) == (DamageState.ACCEPTED, Source.REVIEWER, ours.reviewer)
    assert drawn.confidence is None
    assert drawn.model_version is None
    assert (drawn.image_width, drawn.image_height) == (640, 480)
    assert drawn.polygon == [list(point) for point in BOX]
    assert drawn.true_positives["dents"] is True
    (decision,) = decisions(drawn)
    assert (decision.action, decision.before) == (Action.DRAWN, {})
    assert decision.after["polygon"] == drawn.polygon


@pytest.mark.parametrize(
    "polygon",
    [
        [], [(0, 0), (1, 1)], [(0.1, 0.1)] * 4, [(0, 0), (2, 0), (2, 2)], [(0, 0), (math.nan, 0), (1, 1)],
        [(0, 0), (math.inf, 0), (1, 1)], [("a", 0), (1, 0), (1, 1)], [1, 2, 3], [(0, 0, 0), (1, 0, 0), (1, 1, 0)],
        5, None,
    ],
)  # fmt: skip
def test_what_is_no_outline_is_refused_and_leaves_nothing(ours: factories.House, image: Image, polygon: Any) -> None:
    with pytest.raises(Invalid) as caught:
        damage_draw(user=ours.annotator, image=image, polygon=polygon, category="dents", step=Source.ANNOTATOR)
    assert "polygon" in caught.value.fields
    assert not image.damages.exists()


_share = st.floats(0, 1)


@given(a=st.tuples(_share, _share), b=st.tuples(_share, _share))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_box_on_the_photo_is_kept_as_drawn_or_refused(
    ours: factories.House, image: Image, a: tuple[float, float], b: tuple[float, float]
) -> None:
    box = [a, (b[0], a[1]), b, (a[0], b[1])]
    try:
        drawn = damage_draw(user=ours.annotator, image=image, polygon=box, category="dents", step=Source.ANNOTATOR)
    except Invalid:
        assert abs(a[0] - b[0]) * abs(a[1] - b[1]) < 1e-8
    else:
        assert [tuple(point) for point in fresh(drawn).polygon] == box


def test_photos_not_yet_published_or_deleted_cannot_be_drawn_on(ours: factories.House) -> None:
    unseen = factories.image_set(ours.tenant, published=False).images.get()
    gone = factories.image_set(ours.tenant).images.get()
    gone.deleted_at = timezone.now()
    for image in (unseen, gone):
        with pytest.raises(NotFound):
            damage_draw(user=ours.annotator, image=image, polygon=BOX, category="dents", step=Source.ANNOTATOR)


def test_annotators_delete_their_own_drawings_reviewers_anybodys(ours: factories.House, image: Image) -> None:
    mine, other = (
        damage_draw(user=ours.annotator, image=image, polygon=BOX, category="dents", step=Source.ANNOTATOR)
        for _ in range(2)
    )
    stranger = factories.user(ours.tenant, group=ANNOTATOR)
    with pytest.raises(Conflict):
        damage_delete(user=stranger, damage=mine, step=Source.ANNOTATOR)
    damage_delete(user=ours.annotator, damage=mine, step=Source.ANNOTATOR)
    damage_delete(user=ours.reviewer, damage=other, step=Source.REVIEWER)
    assert fresh(mine).deleted_by == ours.annotator
    assert not Damage.objects.of(ours.tenant.pk).visible().exists()
    assert [d.action for d in decisions(other)] == [Action.DRAWN, Action.DELETED]
    with pytest.raises(NotFound):
        damage_decide(user=ours.annotator, damage=mine, action="reject", step=Source.ANNOTATOR)


def test_a_models_proposal_is_never_deleted(ours: factories.House, proposal: Damage) -> None:
    for person, step in [(ours.reviewer, Source.REVIEWER), (ours.tenant_admin, Source.STAFF)]:
        with pytest.raises(Conflict):
            damage_delete(user=person, damage=proposal, step=step)


# --- taking back -----------------------------------------------------------------------------------------------------


def test_undo_restores_what_was_before_step_by_step(ours: factories.House, proposal: Damage) -> None:
    damage_categorise(user=ours.annotator, damage=proposal, category="dents", step=Source.ANNOTATOR)
    accepted = damage_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    damage_decide(user=ours.annotator, damage=proposal, action="reject", step=Source.ANNOTATOR)
    damage_undo(user=ours.annotator, damage=proposal, step=Source.ANNOTATOR)
    row = fresh(proposal)
    assert (row.state, row.category, row.decided_at) == (DamageState.ACCEPTED, "dents", accepted.decided_at)
    assert row.true_positives["dents"] is True
    damage_undo(user=ours.annotator, damage=proposal, step=Source.ANNOTATOR)
    assert (fresh(proposal).state, fresh(proposal).category) == (DamageState.CREATED, "dents")
    damage_undo(user=ours.annotator, damage=proposal, step=Source.ANNOTATOR)
    row = fresh(proposal)
    assert (row.state, row.category, row.decided_by, row.decided_at) == ("created", "lineScratches", None, None)
    with pytest.raises(Conflict, match="nothing to take back"):
        damage_undo(user=ours.annotator, damage=proposal, step=Source.ANNOTATOR)
    assert len(decisions(proposal)) == 6


def test_undo_of_a_drawing_removes_it_and_of_a_removal_brings_it_back(ours: factories.House, image: Image) -> None:
    drawn = damage_draw(user=ours.annotator, image=image, polygon=BOX, category="dents", step=Source.ANNOTATOR)
    damage_delete(user=ours.annotator, damage=drawn, step=Source.ANNOTATOR)
    damage_undo(user=ours.annotator, damage=drawn, step=Source.ANNOTATOR)
    assert fresh(drawn).deleted_at is None
    damage_undo(user=ours.annotator, damage=drawn, step=Source.ANNOTATOR)
    assert fresh(drawn).deleted_at is not None
    assert [d.action for d in decisions(drawn)] == [Action.DRAWN, Action.DELETED, Action.RESTORED, Action.REOPENED]


def test_nobody_takes_back_what_another_decided(ours: factories.House, proposal: Damage) -> None:
    damage_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    with pytest.raises(Conflict, match="somebody else"):
        damage_undo(user=ours.reviewer, damage=proposal, step=Source.REVIEWER)
    damage_decide(user=ours.reviewer, damage=proposal, action="reject", step=Source.REVIEWER)
    with pytest.raises(Conflict, match="somebody else"):
        damage_undo(user=ours.annotator, damage=proposal, step=Source.ANNOTATOR)


_MOVES: dict[str, Callable[[factories.House, Damage], Damage]] = {
    "accept": lambda h, d: damage_decide(user=h.annotator, damage=d, action="accept", step=Source.ANNOTATOR),
    "reject": lambda h, d: damage_decide(user=h.annotator, damage=d, action="reject", step=Source.ANNOTATOR),
    "reopen": lambda h, d: damage_decide(user=h.annotator, damage=d, action="reopen", step=Source.ANNOTATOR),
    "dents": lambda h, d: damage_categorise(user=h.annotator, damage=d, category="dents", step=Source.ANNOTATOR),
    "cracks": lambda h, d: damage_categorise(user=h.annotator, damage=d, category="cracks", step=Source.ANNOTATOR),
}


@given(moves=st.lists(st.sampled_from(sorted(_MOVES)), max_size=6))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undoing_everything_leads_back_to_the_beginning(ours: factories.House, image: Image, moves: list[str]) -> None:
    damage = factories.damage(image)
    columns = ("state", "category", "decided_by_id", "decided_at", "true_positives", "deleted_at")
    states = [tuple(getattr(fresh(damage), name) for name in columns)]
    for move in moves:
        count = len(decisions(damage))
        _MOVES[move](ours, damage)
        if len(decisions(damage)) > count:
            states.append(tuple(getattr(fresh(damage), name) for name in columns))
    for expected in reversed(states[:-1]):
        damage_undo(user=ours.annotator, damage=damage, step=Source.ANNOTATOR)
        assert tuple(getattr(fresh(damage), name) for name in columns) == expected
    with pytest.raises(Conflict):
        damage_undo(user=ours.annotator, damage=damage, step=Source.ANNOTATOR)


# --- who and when ----------------------------------------------------------------------------------------------------

_EDITS: dict[str, Callable[..., Damage]] = {
    "decide": lambda person, damage, step: damage_decide(user=person, damage=damage, action="accept", step=step),
    "family": lambda person, damage, step: family_decide(user=person, damage=damage, action="reject", step=step)[0],
    "categorise": lambda person, damage, step: damage_categorise(
        user=person, damage=damage, category="dents", step=step
    ),
    "draw": lambda person, damage, step: damage_draw(
        user=person, image=damage.image, polygon=BOX, category="dents", step=step
    ),
    "delete": lambda person, damage, step: damage_delete(user=person, damage=damage, step=step),
    "undo": lambda person, damage, step: damage_undo(user=person, damage=damage, step=step),
}


@pytest.mark.parametrize("edit", list(_EDITS.values()), ids=list(_EDITS))
@pytest.mark.parametrize(
    ("person", "step"),
    [
        ("annotator", Source.REVIEWER), ("annotator", Source.STAFF), ("reviewer", Source.ANNOTATOR),
        ("staff", Source.ANNOTATOR), ("staff", Source.REVIEWER), ("staff", Source.STAFF),
        ("tenant_admin", Source.REVIEWER), ("global_admin", Source.MODEL),
    ],
)  # fmt: skip
def test_a_role_that_is_not_ones_own_is_forbidden(
    ours: factories.House, proposal: Damage, edit: Callable[..., Damage], person: str, step: Source
) -> None:
    with pytest.raises(Forbidden):
        edit(getattr(ours, person), proposal, step)
    assert not decisions(proposal)


@pytest.mark.parametrize("edit", list(_EDITS.values()), ids=list(_EDITS))
def test_edits_wait_while_somebody_else_holds_the_set(
    ours: factories.House, proposal: Damage, edit: Callable[..., Damage]
) -> None:
    at_step(proposal.image_set, ManualStatus.ANNOTATION_WAITING)
    manual_job_lock(user=ours.annotator, image_set=proposal.image_set, step=Step.ANNOTATION)
    with pytest.raises(Conflict, match="Somebody else"):
        edit(ours.reviewer, proposal, Source.REVIEWER)
    assert not decisions(proposal)


@pytest.mark.parametrize("edit", list(_EDITS.values()), ids=list(_EDITS))
def test_edits_end_with_the_review(ours: factories.House, proposal: Damage, edit: Callable[..., Damage]) -> None:
    at_step(proposal.image_set, ManualStatus.REVIEWED)
    with pytest.raises(Conflict, match="reopen"):
        edit(ours.reviewer, proposal, Source.REVIEWER)


def test_edits_are_free_while_nobody_holds_the_set(ours: factories.House, proposal: Damage) -> None:
    at_step(proposal.image_set, ManualStatus.ANNOTATION_WAITING)
    damage_decide(user=ours.tenant_admin, damage=proposal, action="accept", step=Source.STAFF)
    assert fresh(proposal).state == DamageState.ACCEPTED


def test_an_edit_renews_the_holders_lock(ours: factories.House, proposal: Damage) -> None:
    job = at_step(proposal.image_set, ManualStatus.ANNOTATION_WAITING)
    first = manual_job_lock(user=ours.annotator, image_set=proposal.image_set, step=Step.ANNOTATION).locked_until
    damage_decide(user=ours.annotator, damage=proposal, action="accept", step=Source.ANNOTATOR)
    job.refresh_from_db()
    assert first is not None
    assert job.locked_until is not None
    assert job.locked_until > first
