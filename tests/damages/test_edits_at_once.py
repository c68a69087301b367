"""Two people change one damage, or one car's damages, at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from damages.models import Damage, Source
from damages.services.bulk import DamageChange, damages_update
from damages.services.merges import damages_merge
from damages.services.records import version_of
from tenants.errors import Conflict, NotFound
from tenants.scope import Reach
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def together(*works: Callable[[], object]) -> list[Exception | None]:
    """What each ran into, all starting at once in a thread and a connection of their own."""
    start = Barrier(len(works))

    def one(work: Callable[[], object]) -> Exception | None:
        try:
            start.wait(timeout=30)
            work()
        except (Conflict, NotFound) as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(one, works))


def test_one_of_two_gets_a_conflict_with_the_current_version(ours: factories.House) -> None:
    damage = factories.damage(factories.image_set(ours.tenant, photos=1).images.get())
    version = version_of(damage)

    def save(state: str) -> None:
        change = DamageChange(id=damage.pk, values={"state": state}, version=version)
        reach = Reach.only(ours.tenant.pk)
        damages_update(user=ours.reviewer, changes=[change], reach=reach, step=Source.REVIEWER)

    outcomes = together(lambda: save("accepted"), lambda: save("rejected"))
    refused = [error for error in outcomes if error is not None]
    damage.refresh_from_db()
    assert len(refused) == 1
    assert isinstance(refused[0], Conflict)
    assert refused[0].fields == {str(damage.pk): [version_of(damage)]}
    assert damage.state == ("rejected" if outcomes[0] else "accepted")
    assert damage.decisions.count() == 1


def test_merges_of_one_car_follow_one_another(ours: factories.House) -> None:
    car = factories.car(ours.tenant)
    rows = [factories.damage(factories.image_set(ours.tenant, photos=1, car=car).images.get()) for _ in range(4)]

    def merge(*numbers: int) -> None:
        ids = [rows[number].pk for number in numbers]
        damages_merge(user=ours.reviewer, ids=ids, reach=Reach.only(ours.tenant.pk), step=Source.REVIEWER)

    assert together(lambda: merge(3, 2), lambda: merge(2, 1), lambda: merge(1, 0)) == [None] * 3
    first = min(rows, key=lambda row: row.image_set.recorded_at)
    found = Damage.objects.of(ours.tenant.pk).order_by("image_set__recorded_at")
    assert [row.first_damage_id for row in found] == [None, first.pk, first.pk, first.pk]
