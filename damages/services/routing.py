"""What follows in `damages` when a set gets its car late."""

from __future__ import annotations

from assets.models import ImageSet
from damages.models import Damage


def damages_car_note(*, image_set: ImageSet) -> int:
    """Write the set's car on its damages that do not name it yet; returns how many.

    A recording's damages may be found before its plate is known, or while it is being read.
    """
    if image_set.car_id is None:
        return 0
    rows = Damage.objects.all_tenants("damages follow their set").filter(image_set=image_set)
    return rows.exclude(car=image_set.car_id).update(car=image_set.car_id)
