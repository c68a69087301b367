"""People who say whose car a waiting recording shows, several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from assets.models import ImageSet, Passage
from assets.plates import Plate
from inspection_platform import workflow
from tenants.errors import Conflict, NotFound
from tenants.models import Event
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("plates", [("AB12345", "AB12345"), ("AB12345", "BB22222")])
def test_of_several_people_at_once_one_gets_the_set(ours: House, plates: tuple[str, str]) -> None:
    for plate in set(plates):
        factories.car(ours.tenant, plate)
    waiting = factories.recording(factories.rig(ours.tenant, open_to=[ours.tenant], default=ours.tenant))

    def claim(number: int) -> str:
        plate = Plate("NO", plates[number % 2])
        try:
            workflow.claim(tenant=ours.tenant, claims={waiting.pk: plate}, by=ours.staff)
        except (Conflict, NotFound):
            return ""
        else:
            return plate.number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        [winner] = filter(None, pool.map(claim, range(4)))
    row = ImageSet.objects.of(ours.tenant.pk).select_related("car").get()
    assert row.car
    assert (row.plate, row.car.plate) == (winner, winner)
    assert Passage.objects.of(ours.tenant.pk).get().car == row.car
    assert Event.objects.of(ours.tenant.pk).filter(subject_id=row.pk).count() == 1
