"""A first occurrence that was rejected, or is doubtful, makes way for the next earliest sighting that stands."""

from django.db import migrations
from django.db.models import Q
from django.utils import timezone

from damages.kinship import Kin, Kinship, Standing, Ties

COLUMNS = (
    "pk", "image_set_id", "image_set__recorded_at", "image_set__created_at", "state", "is_potential", "confidence",
    "deleted_at", "image__deleted_at", "image_set__deleted_at", "representative_id", "first_damage_id",
)  # fmt: skip


def begin_lines_anew(apps, schema_editor):
    """Elect the first occurrence of each line that begins with a damage that does not stand, and keep a record of it."""
    using = schema_editor.connection.alias
    damages = apps.get_model("damages", "Damage").plain.using(using)
    decisions = apps.get_model("damages", "DamageDecision")
    fallen = damages.filter(Q(state="rejected") | Q(is_potential=True), later_sightings__isnull=False)
    for first in list(fallen.order_by("pk").values_list("pk", flat=True).distinct()):
        line = damages.filter(Q(pk=first) | Q(representative=first) | Q(first_damage=first))
        rows = {row.id: row for row in map(_kin, line.order_by("pk").values_list(*COLUMNS))}
        for key, ties in Kinship(rows.values()).changes().items():
            before, after = _as_json(rows[key].ties), _as_json(ties)
            changed = sorted(name for name in after if after[name] != before[name])
            damages.filter(pk=key).update(
                representative=ties.representative, first_damage=ties.first, modified_at=timezone.now()
            )
            decisions.plain.using(using).create(
                damage_id=key, step="staff", action="settled",
                before={name: before[name] for name in changed}, after={name: after[name] for name in changed},
            )  # fmt: skip


def _kin(columns):
    key, image_set, recorded, created, state, is_potential, confidence, *deleted, representative, first = columns
    standing = Standing.STANDS if state != "rejected" else Standing.REJECTED
    if any(deleted):
        standing = Standing.GONE
    elif standing is Standing.STANDS and is_potential:
        standing = Standing.DOUBTFUL
    certainty = 1.0 if confidence is None else confidence
    return Kin(
        id=key, image_set=image_set, moment=(recorded, created, str(image_set)), rank=(-certainty, str(key)),
        standing=standing, ties=Ties(representative, first),
    )  # fmt: skip


def _as_json(ties):
    return {
        "representative_id": str(ties.representative) if ties.representative else None,
        "first_damage_id": str(ties.first) if ties.first else None,
    }


class Migration(migrations.Migration):
    dependencies = [("damages", "0004_finished_steps")]

    operations = [migrations.RunPython(begin_lines_anew, migrations.RunPython.noop)]
