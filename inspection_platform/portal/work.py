"""What the holder of a set does on its page: JSON in, JSON out, each a thin door to one service."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.urls import reverse

from assets.models import Image, ImageSet
from damages.models import Damage, ManualProcessing, Step
from damages.services.decisions import (
    Verdict,
    damage_categorise,
    damage_decide,
    damage_delete,
    damage_draw,
    damage_undo,
    family_decide,
)
from damages.services.manual import (
    damages_undecided,
    manual_job_claim_next,
    manual_job_finish,
    manual_job_renew,
    manual_job_skip,
)
from damages.services.roles import ROLE
from damages.services.weaker import weaker_accept
from inspection_platform import workflow
from inspection_platform.portal.access import Desk, NeedsConfirmation, work_view
from inspection_platform.portal.presenters import damage_payload, damages_shown, lock_payload
from tenants.errors import NotFound
from tenants.models import User


@work_view
def decide(desk: Desk, image_set: ImageSet, step: Step, body: dict[str, Any], damage_id: UUID) -> dict[str, Any]:
    """Accept, reject or reopen a damage (`action`); with `family`, all sightings of it."""
    damage = _damage(image_set, damage_id)
    # The services refuse any other word.
    action = cast("Verdict", body.get("action"))
    if body.get("family") is True:
        rows = family_decide(user=desk.user, damage=damage, action=action, step=ROLE[step])
        return _changed(desk.user, image_set, step, *(row.pk for row in rows))
    damage_decide(user=desk.user, damage=damage, action=action, step=ROLE[step])
    return _changed(desk.user, image_set, step, damage.pk)


@work_view
def categorise(desk: Desk, image_set: ImageSet, step: Step, body: dict[str, Any], damage_id: UUID) -> dict[str, Any]:
    """Give a damage another category (`category`)."""
    damage = _damage(image_set, damage_id)
    damage_categorise(user=desk.user, damage=damage, category=str(body.get("category")), step=ROLE[step])
    return _changed(desk.user, image_set, step, damage.pk)


@work_view
def undo(desk: Desk, image_set: ImageSet, step: Step, _body: dict[str, Any], damage_id: UUID) -> dict[str, Any]:
    """Take back one's last decision on a damage, a removed one included."""
    damage = _damage(image_set, damage_id)
    damage_undo(user=desk.user, damage=damage, step=ROLE[step])
    return _changed(desk.user, image_set, step, damage.pk)


@work_view
def delete(desk: Desk, image_set: ImageSet, step: Step, _body: dict[str, Any], damage_id: UUID) -> dict[str, Any]:
    """Remove a drawn damage."""
    damage = _damage(image_set, damage_id)
    damage_delete(user=desk.user, damage=damage, step=ROLE[step])
    return _changed(desk.user, image_set, step, damage.pk)


@work_view
def draw(desk: Desk, image_set: ImageSet, step: Step, body: dict[str, Any], image_id: UUID) -> dict[str, Any]:
    """Add a damage (`polygon` of [x, y] in 0..1, `category`) to a photo of the set."""
    image = Image.objects.of(_tenant(image_set)).visible().filter(image_set=image_set, pk=image_id).first()
    if image is None:
        raise NotFound("There is no such photo.")
    polygon, category = body.get("polygon") or [], str(body.get("category"))
    damage = damage_draw(user=desk.user, image=image, polygon=polygon, category=category, step=ROLE[step])
    return _changed(desk.user, image_set, step, damage.pk)


@work_view
def weaker_add(
    desk: Desk, image_set: ImageSet, step: Step, _body: dict[str, Any], detection_id: UUID
) -> dict[str, Any]:
    """Make a damage of a weaker proposal of the model."""
    _tenant(image_set)
    damage = weaker_accept(user=desk.user, image_set=image_set, detection_id=detection_id, step=ROLE[step])
    return _changed(desk.user, image_set, step, damage.pk)


@work_view
def renew(desk: Desk, image_set: ImageSet, step: Step, _body: dict[str, Any]) -> dict[str, Any]:
    """Tell how long the set stays with the person; the view around this has renewed it."""
    return {"lock": lock_payload(manual_job_renew(user=desk.user, image_set=image_set, step=step))}


@work_view
def finish(desk: Desk, image_set: ImageSet, step: Step, body: dict[str, Any]) -> dict[str, Any]:
    """End the step; `confirmed` is the number of proposals that stay undecided, `next` asks for another set."""
    left = damages_undecided(image_set=image_set)
    if step is Step.ANNOTATION and left and body.get("confirmed") != left:
        raise NeedsConfirmation(f"{left} proposals are undecided. They stay proposals.", undecided=left)
    manual_job_finish(user=desk.user, image_set=image_set, step=step)
    workflow.manual_finished(image_set=image_set)
    return _leave(desk, step, claims_next=bool(body.get("next")))


@work_view
def skip(desk: Desk, image_set: ImageSet, step: Step, body: dict[str, Any]) -> dict[str, Any]:
    """Take the set out of the manual steps; `next` asks for another set."""
    manual_job_skip(user=desk.user, image_set=image_set, step=step)
    workflow.manual_finished(image_set=image_set)
    return _leave(desk, step, claims_next=bool(body.get("next")))


def _leave(desk: Desk, step: Step, *, claims_next: bool) -> dict[str, Any]:
    """Where the browser goes now: to the next set of the step, or back to the queue."""
    job = manual_job_claim_next(user=desk.user, step=step, reach=desk.reach) if claims_next else None
    if job:
        return {"location": reverse("portal:work", args=[job.image_set_id])}
    return {"location": reverse("portal:queue") + ("?empty=" + step if claims_next else "")}


def _tenant(image_set: ImageSet) -> UUID:
    if image_set.tenant_id is None:
        raise NotFound("This set belongs to nobody yet.")
    return image_set.tenant_id


def _damage(image_set: ImageSet, damage_id: UUID) -> Damage:
    damage = Damage.objects.of(_tenant(image_set)).filter(image_set=image_set, pk=damage_id).first()
    if damage is None:
        raise NotFound("There is no such damage.")
    damage.image_set = image_set
    return damage


def _changed(user: User, image_set: ImageSet, step: Step, *damage_ids: UUID) -> dict[str, Any]:
    """The damages as they are now (None: removed) and what is left of the lock."""
    tenant_id = _tenant(image_set)
    now = {
        row.pk: damage_payload(row, user=user, step=step) for row in damages_shown(tenant_id).filter(pk__in=damage_ids)
    }
    job = ManualProcessing.objects.of(tenant_id).get(image_set=image_set)
    return {"changes": [{"id": pk, "damage": now.get(pk)} for pk in damage_ids], "lock": lock_payload(job)}
