"""Removing damages (softly), and what that means for their families and for later sightings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assets.models import Image, ImageSet
from damages.models import Action, Damage, Source
from damages.querysets import DamageQuerySet
from damages.services.edits import Edit, conflict_about
from damages.services.matching import cars_lock, kin_ids, kinship_of, rows_lock, ties_settle, ties_write
from damages.services.records import Ledger
from tenants.models import User
from tenants.scope import Reach


def damages_delete(*, user: User, ids: Sequence[UUID], with_families: bool, reach: Reach, step: Source) -> list[UUID]:
    """Remove damages, all or none, and return the ids of what was removed, those asked for first.

    A family whose representative goes is represented by its best other sighting; `with_families` removes the families
    of representatives whole. Later sightings of what was a first occurrence begin with the next earliest. Annotators
    remove what they drew themselves, reviewers and admins anything: on the portal's pages a model's proposal is
    rejected instead, this is for clients that want it gone. Raises NotFound, Forbidden, Conflict.
    """
    with transaction.atomic():
        edit = Edit.begin(user=user, ids=ids, reach=reach, step=step, is_matching=True)
        rows = rows_lock(kin_ids(edit.ids))
        kinship = kinship_of(rows.values())
        heads = [key for key in edit.ids if rows[key].representative_id is None] if with_families else []
        family = (key for head in heads for key in sorted(kinship.family_of(head)))
        doomed = [rows[key] for key in dict.fromkeys([*edit.ids, *family]) if rows[key].deleted_at is None]
        if step == Source.ANNOTATOR:
            _refuse_others_work(doomed, user=user)
        _remove(doomed, user=user, ledger=edit.ledger)
        ties_write(kinship_of(rows.values()).changes(), rows, ledger=edit.ledger, action=Action.SETTLED)
        edit.finish()
    return [row.pk for row in doomed]


def damages_settle(*, ids: Collection[UUID], user: User | None, step: Source = Source.STAFF) -> None:
    """Put families and first occurrences in order after these damages, their photo or their set went or came back.

    For services that remove or restore photos and sets; call it inside their transaction, once the rows are written. A
    line whose first occurrence went begins with the next earliest; one that comes back is the first again. What was
    published of other sets of the line is told to be outdated.
    """
    _settle(ids, ledger=Ledger(user=user, step=step))


def damages_follow(*, holder: Image | ImageSet, damages: DamageQuerySet, by: User, action: Action) -> None:
    """Let damages go or come back with the photo or set they are on, then put families and lines in order.

    `damages` are those to change; whatever else is on the holder is put in order with them. Call it in the transaction
    that removes or restores the holder.
    """
    ledger = Ledger(user=by, step=Source.STAFF)
    for damage in damages.select_for_update(of=("self",)).order_by("id"):
        ledger.watch(damage)
        damage.deleted_at, damage.deleted_by = holder.deleted_at, holder.deleted_by
        ledger.record(damage, action)
    ledger.write()
    everywhere = Damage.objects.all_tenants("the damages of a photo or set that was reached already")
    place = {"image_set": holder} if isinstance(holder, ImageSet) else {"image": holder}
    ids = set(everywhere.filter(**place).order_by().values_list("pk", flat=True))
    if ids:
        _settle(ids, ledger=ledger)


def _settle(ids: Collection[UUID], *, ledger: Ledger) -> None:
    with transaction.atomic():
        rows = Damage.objects.all_tenants("the damages of what was just removed or restored").filter(pk__in=ids)
        cars_lock(rows.order_by().values_list("car", flat=True).distinct())
        ties_settle(ids, ledger=ledger)


def _refuse_others_work(rows: Iterable[Damage], *, user: User) -> None:
    others = [row for row in rows if row.source == Source.MODEL or row.created_by_id != user.pk]
    if others:
        raise conflict_about("An annotator deletes only what they drew themselves.", others)


def _remove(rows: Iterable[Damage], *, user: User, ledger: Ledger) -> None:
    now = timezone.now()
    for row in rows:
        ledger.watch(row)
        row.deleted_at, row.deleted_by = now, user
        ledger.record(row, Action.DELETED)
