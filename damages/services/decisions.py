"""What people decide about damages. Every change leaves a `DamageDecision` with who, when, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from django.db import transaction
from django.utils import timezone

from assets.models import Image
from damages.geometry import Point, PolygonError, polygon_checked
from damages.models import Action, Damage, DamageDecision, DamageState, Source
from damages.models.damage import no_false_positives, no_true_positives
from damages.services.locks import tenant_of
from damages.services.manual import edit_begin
from damages.services.matching import cars_lock, stands, ties_settle
from damages.services.records import FACTS, MATCHING, Ledger, facts_of, facts_restore
from damages.services.roles import role_permit
from damages.taxonomy import DamageCategory
from imaging.models import Detection
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import User

Verdict = Literal["accept", "reject", "reopen"]

_VERDICTS: Final[dict[str, tuple[DamageState, Action]]] = {
    "accept": (DamageState.ACCEPTED, Action.ACCEPTED),
    "reject": (DamageState.REJECTED, Action.REJECTED),
    "reopen": (DamageState.CREATED, Action.REOPENED),
}


def damage_decide(*, user: User, damage: Damage, action: Verdict, step: Source) -> Damage:
    """Accept or reject a damage, or take the decision about it back (`reopen`), in the role `step`.

    Accepting confirms the category: it becomes the one true `true_positives`, and a doubtful sighting becomes a full
    one. A first occurrence that is rejected makes way for the next earliest, and takes its place again when that is
    taken back. The same decision by the same person again changes and records nothing. Raises Invalid, Forbidden,
    NotFound, Conflict (see `edit_begin`).
    """
    _action_checked(action)
    with transaction.atomic():
        cars_lock([damage.car_id])
        row = _row_to_change(damage, user=user, step=step)
        if _decide(row, action=action, user=user, step=step):
            ties_settle([row.pk], ledger=Ledger(user=user, step=step))
    return row


def family_decide(*, user: User, damage: Damage, action: Verdict, step: Source) -> list[Damage]:
    """Make one decision about every sighting of a damage in its set, and mark the family as reviewed.

    Each sighting keeps a record of its own, so that each can be taken back. Returns the sightings, decided before or
    now. Raises as `damage_decide` does.
    """
    _action_checked(action)
    with transaction.atomic():
        cars_lock([damage.car_id])
        head = _row_to_change(damage, user=user, step=step)
        sightings = Damage.objects.of(tenant_of(head.image_set)).visible().family(head.representative_id or head.pk)
        # In the order of their ids: two people deciding at once wait for one another instead of locking crosswise.
        rows = list(sightings.filter(image_set=head.image_set).select_for_update(of=("self",)).order_by("id"))
        for row in rows:
            row.image_set = head.image_set
        turned = [row.pk for row in rows if _decide(row, action=action, user=user, step=step, is_family=True)]
        if turned:
            ties_settle(turned, ledger=Ledger(user=user, step=step))
    return rows


def damage_categorise(*, user: User, damage: Damage, category: str, step: Source) -> Damage:
    """Give a damage another of the ten categories. Raises Invalid, Forbidden, NotFound, Conflict."""
    word = _category_checked(category)
    with transaction.atomic():
        row = _row_to_change(damage, user=user, step=step)
        before = facts_of(row)
        if row.category == word:
            return row
        row.category = word
        row.true_positives = _flags(row)
        _record(row, before=before, action=Action.CATEGORY, user=user, step=step)
    return row


def damage_draw(
    *,
    user: User,
    image: Image,
    polygon: Iterable[Point],
    category: str,
    step: Source,
    detection: Detection | None = None,
) -> Damage:
    """Add a damage that a person saw: accepted at once, in their role, without a confidence.

    `polygon` is normalised to the photo (0..1). `detection`: the weaker proposal of a model that showed it to them.
    Raises Invalid, Forbidden, NotFound (deleted photo), Conflict.
    """
    image_set = image.image_set
    tenant_id = tenant_of(image_set)
    role_permit(user=user, role=step, tenant_id=tenant_id)
    if image.deleted_at or not (image.width and image.height):
        raise NotFound("There is no such photo to draw on.")
    points = _polygon_checked(polygon, image)
    with transaction.atomic():
        edit_begin(user=user, image_set=image_set)
        row = Damage(
            image_set=image_set, image=image, car_id=image_set.car_id, source=step, created_by=user,
            category=_category_checked(category), polygon=points, image_width=image.width, image_height=image.height,
            state=DamageState.ACCEPTED, decided_by=user, decided_at=timezone.now(), detection=detection,
        )  # fmt: skip
        row.true_positives = _flags(row)
        row.save()
        origin = {"detection": str(detection.pk)} if detection else {}
        _decision(row, action=Action.DRAWN, user=user, step=step, before={}, after=facts_of(row) | origin)
    return row


def damage_delete(*, user: User, damage: Damage, step: Source) -> Damage:
    """Remove (softly) a damage that a person drew: annotators their own, reviewers and admins anybody's.

    What a model proposed is rejected, not deleted: Conflict. Raises Forbidden, NotFound, Conflict.
    """
    with transaction.atomic():
        cars_lock([damage.car_id])
        row = _row_to_change(damage, user=user, step=step)
        if row.source == Source.MODEL:
            raise Conflict("A model's proposal is rejected, not deleted.")
        if step == Source.ANNOTATOR and row.created_by_id != user.pk:
            raise Conflict("An annotator deletes only what they drew themselves.")
        before = facts_of(row)
        row.deleted_at, row.deleted_by = timezone.now(), user
        _record(row, before=before, action=Action.DELETED, user=user, step=step)
        ties_settle([row.pk], ledger=Ledger(user=user, step=step))
    return row


def damage_undo(*, user: User, damage: Damage, step: Source) -> Damage:
    """Take back one's last decision on a damage that is not taken back yet; again for the one before.

    A deleted damage comes back, a drawn one goes. Raises Conflict when there is nothing of one's own to take back, or
    somebody else decided since; Forbidden, NotFound.
    """
    with transaction.atomic():
        cars_lock([damage.car_id])
        row = _row_to_change(damage, user=user, step=step, with_deleted=True)
        last = decision_standing(row.decisions.order_by("-created_at", "-id"))
        if last is None:
            raise Conflict("There is nothing to take back.")
        if last.by_id != user.pk:
            raise Conflict("The last decision about this damage is somebody else's.")
        before = facts_of(row)
        if last.action == Action.DRAWN:
            row.deleted_at, row.deleted_by = timezone.now(), user
        else:
            facts_restore(row, last.before)
        action = Action.RESTORED if last.action == Action.DELETED else Action.REOPENED
        _record(row, before=before, action=action, user=user, step=step, undoes=last)
        if before["deleted_at"] != facts_of(row)["deleted_at"] or _has_turned(row, before):
            ties_settle([row.pk], ledger=Ledger(user=user, step=step))
    return row


def _action_checked(action: object) -> None:
    if not isinstance(action, str) or action not in _VERDICTS:
        raise Invalid("Unknown action.", {"action": [f"One of {', '.join(_VERDICTS)}."]})


def _decide(row: Damage, *, action: Verdict, user: User, step: Source, is_family: bool = False) -> bool:
    """Write a verdict and its record, unless the same person has made it already; whether its line must be settled."""
    state, recorded = _VERDICTS[action]
    before = facts_of(row)
    row.family_reviewed = is_family or row.family_reviewed
    verdict_set(row, state=state, user=user)
    if facts_of(row) != before:
        _record(row, before=before, action=recorded, user=user, step=step)
    return _has_turned(row, before)


def _has_turned(row: Damage, before: Mapping[str, Any]) -> bool:
    """Whether the damage ceased to stand, or stands again, since these were its facts."""
    stood = stands(before["state"], is_potential=before["is_potential"])
    return stood != stands(row.state, is_potential=row.is_potential)


def verdict_set(row: Damage, *, state: DamageState, user: User) -> None:
    """Give a row its state and the flags that follow from it; the same state by the same person changes nothing.

    The row is not saved: every service that decides goes through here, and records the change.
    """
    is_reopened = state == DamageState.CREATED
    row.family_reviewed = row.family_reviewed and not is_reopened
    if row.state == state and (is_reopened or row.decided_by_id == user.pk):
        return
    row.state = state
    row.is_potential = row.is_potential and state != DamageState.ACCEPTED
    row.decided_by, row.decided_at = (None, None) if is_reopened else (user, timezone.now())
    row.true_positives = _flags(row)
    if state != DamageState.REJECTED and any(row.false_positives.values()):
        row.false_positives = no_false_positives()


def decision_standing(decisions: Iterable[DamageDecision]) -> DamageDecision | None:
    """Of a damage's decisions, newest first, the newest that is no undo and was not undone: what undo takes back.

    What a damage was matched with is not among them: `damages_unmerge` takes that back, for all concerned.
    """
    undone: set[str] = set()
    for decision in decisions:
        if decision.action in MATCHING:
            continue
        if "undoes" in decision.after:
            undone.add(decision.after["undoes"])
        elif str(decision.pk) not in undone:
            return decision
    return None


def _row_to_change(damage: Damage, *, user: User, step: Source, with_deleted: bool = False) -> Damage:
    """The damage, locked for this transaction, once the person may change it in this role."""
    image_set = damage.image_set
    tenant_id = tenant_of(image_set)
    role_permit(user=user, role=step, tenant_id=tenant_id)
    edit_begin(user=user, image_set=image_set)
    rows = Damage.objects.of(tenant_id).filter(pk=damage.pk)
    row = (rows if with_deleted else rows.visible()).select_for_update(of=("self",)).first()
    if row is None:
        raise NotFound("There is no such damage.")
    row.image_set = image_set
    return row


def _flags(row: Damage) -> dict[str, bool]:
    """The ten flags: a person's confirmation makes the category's one true."""
    return no_true_positives() | ({row.category: True} if row.state == DamageState.ACCEPTED else {})


def _category_checked(category: str) -> DamageCategory:
    if category not in set(DamageCategory):
        raise Invalid("Unknown category.", {"category": [f"One of {', '.join(DamageCategory)}."]})
    return DamageCategory(category)


def _polygon_checked(polygon: Iterable[Point], image: Image) -> list[list[float]]:
    try:
        points = polygon_checked(polygon, width=image.width, height=image.height)
    except (PolygonError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, PolygonError) else "A polygon is a list of [x, y] points."
        raise Invalid(reason, {"polygon": [reason]}) from error
    return [[x, y] for x, y in points]


# --- the record ------------------------------------------------------------------------------------------------------


def _record(
    row: Damage,
    *,
    before: dict[str, Any],
    action: Action,
    user: User,
    step: Source,
    undoes: DamageDecision | None = None,
) -> None:
    """Save the damage's changed columns and the decision that changed them."""
    after = facts_of(row)
    changed = [name for name in FACTS if before[name] != after[name]]
    row.save(update_fields=[*(name.removesuffix("_id") for name in changed), "modified_at"])
    _decision(
        row, action=action, user=user, step=step,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed} | ({"undoes": str(undoes.pk)} if undoes else {}),
    )  # fmt: skip


def _decision(
    row: Damage, *, action: Action, user: User, step: Source, before: dict[str, Any], after: dict[str, Any]
) -> None:
    DamageDecision(damage=row, by=user, step=step, action=action, before=before, after=after).save()
