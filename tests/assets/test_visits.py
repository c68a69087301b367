"""Pickups and returns of a car: which belong together, and which were turnarounds."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from django.utils import timezone

from assets.models import Car, ImageSet, PassageKind
from assets.plates import Plate
from assets.services.inspections import image_set_open
from assets.services.routing import image_set_route
from assets.services.visits import visits_pair
from damages.services.image_sets import image_set_delete, image_set_restore
from tenants.models import Tenant
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db
START = datetime.fromisoformat("2026-03-01T08:00:00+00:00")
LIMIT = 3600


@pytest.fixture
def car(ours: House) -> Car:
    """A car of a tenant that wants to know turnarounds."""
    factories.settings(ours.tenant, turnaroundConfiguration={"isEnabled": True, "threshold": LIMIT})
    return factories.car(ours.tenant)


def visit(tenant: Tenant, label: str, seconds: float) -> ImageSet:
    """A set that a client enters, so many seconds after the start."""
    rig = factories.rig(tenant, label=label)
    moment = START + timedelta(seconds=seconds)
    return image_set_open(tenant=tenant, plate=Plate("NO", "AB12345"), capture_set=rig, recorded_at=moment)


def story(tenant: Tenant) -> list[tuple[str, str | None]]:
    """In the order of time: what each passage was, and the label of the related set."""
    rows = ImageSet.objects.of(tenant.pk).visible().order_by("recorded_at")
    told = []
    for row in rows.select_related("passage", "related_image_set__capture_set"):
        assert row.passage
        related = row.related_image_set
        assert related is None or related.related_image_set_id == row.pk, "they name each other"
        rig = related.capture_set if related else None
        told.append((str(row.passage.kind), rig.label if rig else None))
    return told


RENTAL, TURNAROUND = PassageKind.RENTAL.value, PassageKind.TURNAROUND.value


@pytest.mark.parametrize(
    ("seconds", "kind"), [(LIMIT - 1, TURNAROUND), (LIMIT - 0.5, TURNAROUND), (LIMIT, RENTAL), (LIMIT + 1, RENTAL)]
)
def test_the_threshold_itself_is_not_below_it(ours: House, car: Car, seconds: float, kind: str) -> None:
    visit(ours.tenant, "pickup", 0)
    visit(ours.tenant, "return", seconds)
    assert story(ours.tenant) == [(kind, "return"), (kind, "pickup")]


def test_who_does_not_want_to_know_has_rentals_only(ours: House, car: Car) -> None:
    factories.settings(ours.tenant, turnaroundConfiguration={"isEnabled": False})
    visit(ours.tenant, "pickup", 0)
    visit(ours.tenant, "return", 5)
    assert story(ours.tenant) == [(RENTAL, "return"), (RENTAL, "pickup")]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_in_which_they_come_does_not_matter(ours: House, car: Car, order: tuple[int, ...]) -> None:
    visits = [("pickup", 0), ("pickup", 9000), ("return", 9010), ("return", 9020)]
    for number in order:
        visit(ours.tenant, *visits[number])
    assert story(ours.tenant) == [(RENTAL, None), (TURNAROUND, "return"), (TURNAROUND, "pickup"), (RENTAL, None)]


def test_a_return_before_its_pickup_is_none(ours: House, car: Car) -> None:
    visit(ours.tenant, "return", 0)
    visit(ours.tenant, "pickup", 5)
    visit(ours.tenant, "", 6)
    assert story(ours.tenant) == [(RENTAL, None)] * 3


def test_cars_are_kept_apart(ours: House, car: Car) -> None:
    visit(ours.tenant, "pickup", 0)
    other = factories.car(ours.tenant, "BB22222")
    rig = factories.rig(ours.tenant, label="return")
    plate = Plate(other.country_code, other.plate)
    image_set_open(tenant=ours.tenant, plate=plate, capture_set=rig, recorded_at=START + timedelta(seconds=5))
    assert story(ours.tenant) == [(RENTAL, None)] * 2


def test_a_removed_set_leaves_its_pair_and_comes_back(ours: House, car: Car) -> None:
    visit(ours.tenant, "pickup", 0)
    middle = visit(ours.tenant, "return", 100)
    visit(ours.tenant, "return", 200)
    before = story(ours.tenant)
    image_set_delete(image_set=middle, by=ours.tenant_admin)
    assert story(ours.tenant) == [(TURNAROUND, "return"), (TURNAROUND, "pickup")]
    middle.refresh_from_db()
    assert middle.related_image_set is None
    image_set_restore(image_set=middle, by=ours.tenant_admin)
    assert story(ours.tenant) == before


def test_a_recording_that_is_routed_finds_its_pickup(ours: House, car: Car) -> None:
    visit(ours.tenant, "pickup", (timezone.now() - START).total_seconds() - 60)
    recorded = factories.recording(factories.rig(ours.tenant, open_to=[ours.tenant], label="return"))
    image_set_route(image_set=recorded, plate=Plate("NO", "AB12345"))
    assert story(ours.tenant) == [(TURNAROUND, "return"), (TURNAROUND, "pickup")]


def test_pairing_again_changes_nothing(ours: House, car: Car) -> None:
    for label, seconds in (("pickup", 0), ("return", 5)):
        row = visit(ours.tenant, label, seconds)
    stamps = list(ImageSet.objects.of(ours.tenant.pk).order_by("pk").values_list("modified_at", flat=True))
    visits_pair(image_set=row)
    assert stamps == list(ImageSet.objects.of(ours.tenant.pk).order_by("pk").values_list("modified_at", flat=True))
