"""What lists show of damages: one plain row each, with what it needs of its photo, set and model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Count

from damages.models import Damage, DamagedPart
from damages.querysets import DamageQuerySet
from tenants.rows import AmongIds, id_text, plain_rows
from tenants.scope import Reach

Id = UUID | str


class DamageShown(NamedTuple):
    """A damage as shown. Ids, times and JSON may be as the driver gives them: `tenants.rows` reads either form.

    `near_...` are those of a list by nearness (`DamageQuerySet.by_nearness`), 0 in others.
    """

    id: Id
    appraisal_id: str
    camera: str
    car_id: Id | None
    category: str
    confidence: float | None
    created_at: datetime
    false_positives: Any
    family_reviewed: bool
    first_damage_id: Id | None
    frame: int
    height_mm: float | None
    image_height: int
    image_id: Id
    image_name: str
    image_set_id: Id
    image_set_state: str
    image_width: int
    is_potential: bool
    is_processing: bool
    model_name: str | None
    model_version: str | None
    modified_at: datetime
    partner_state: str
    polygon: Any
    position: int
    recorded_at: datetime
    representative_id: Id | None
    source: str
    state: str
    true_positives: Any
    width_mm: float | None
    near_camera: int = 0
    near_side: int = 0
    near_frame: int = 0


#: Where a field is not the damage's own of the same name.
_ELSEWHERE: Final = {
    "appraisal_id": "image_set__appraisal_id",
    "camera": "image__camera",
    "frame": "image__frame",
    "image_name": "image__name",
    "image_set_state": "image_set__state",
    "model_name": "model_version__name",
    "model_version": "model_version__version",
    "position": "image__position",
    "recorded_at": "image_set__recorded_at",
}
_NEARNESS: Final = ("near_camera", "near_side", "near_frame")
_PATHS: Final = tuple(_ELSEWHERE.get(name, name) for name in DamageShown._fields if name not in _NEARNESS)


def damages_shown(rows: DamageQuerySet) -> list[DamageShown]:
    """The rows (filtered, ordered, sliced) in one query."""
    nearness = _NEARNESS if _NEARNESS[0] in rows.query.annotations else ()
    return [DamageShown(*row) for row in plain_rows(rows.values_list(*_PATHS, *nearness))]


def damage_shown(damage: Damage) -> DamageShown:
    """One that was read already, with its photo, set and model."""
    return DamageShown(*(_follow(damage, path) for path in _PATHS))


def _follow(damage: Damage, path: str) -> Any:
    if path.startswith("model_version__") and damage.model_version is None:
        return None
    return attrgetter(path.replace("__", "."))(damage)


def family_sizes(damages: Collection[DamageShown], *, reach: Reach) -> dict[str, int]:
    """Representative's id as text to the number of visible sightings in its family, in one query."""
    representatives = {representative_of(damage) for damage in damages}
    others = Damage.objects.of(reach).visible().filter(AmongIds("representative", representatives)).order_by()
    counted = plain_rows(others.values_list("representative").annotate(Count("pk")))
    return dict.fromkeys(representatives, 1) | {id_text(pk): 1 + members for pk, members in counted}


def representative_of(damage: DamageShown) -> str:
    """The id of its family's representative, as text."""
    return id_text(damage.representative_id or damage.id)


def damaged_parts(damages: Collection[DamageShown], *, reach: Reach) -> dict[str, Sequence[DamagedPart]]:
    """Damage's id as text to the parts of the car it is on, of those that have any, in one query."""
    rows = DamagedPart.objects.of(reach).filter(AmongIds("damage", [damage.id for damage in damages]))
    found: defaultdict[str, list[DamagedPart]] = defaultdict(list)
    for part in rows.order_by("created_at", "id"):
        found[str(part.damage_id)].append(part)
    return dict(found)
