"""Whose a recording is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from assets.models import CaptureSet, ImageSet, Passage
from assets.plates import Plate
from assets.selectors import image_sets_unassigned
from assets.services.routing import ROUTED_EVENT, Route, Standing, image_set_route, route_standing, waiting_route
from tenants.models import Event, Tenant
from tenants.scope import Reach
from tests import factories

PLATE = Plate("NO", "AB12345")


@pytest.fixture
def lane(ours: factories.House, outsider: factories.House) -> CaptureSet:
    """A rig of ours that records for both tenants."""
    return factories.rig(ours.tenant, open_to=[ours.tenant, outsider.tenant])


def fresh(image_set: ImageSet) -> ImageSet:
    return ImageSet.objects.of(Reach.every()).select_related("passage", "tenant", "car").get(pk=image_set.pk)


def passage_of(image_set: ImageSet) -> Passage:
    passage = fresh(image_set).passage
    assert passage is not None
    return passage


def passage_set(image_set: ImageSet, **values: object) -> None:
    Passage.objects.of(Reach.every()).filter(image_sets=image_set).update(**values)


def events(tenant: Tenant | None = None) -> list[Event]:
    reach = Reach.only(tenant.pk) if tenant else Reach.every()
    return list(Event.objects.of(reach).filter(kind=ROUTED_EVENT))


def route(image_set: ImageSet, plate: Plate = PLATE) -> Route:
    return image_set_route(image_set=fresh(image_set), plate=plate, evidence={"photos": 3})


def untouched(image_set: ImageSet) -> bool:
    passage = passage_of(image_set)
    row = fresh(image_set)
    return row.tenant is None and row.car is None and passage.tenant_id is None and passage.car_id is None


def test_a_known_plate_hands_set_and_passage_to_its_tenant(lane: CaptureSet, outsider: factories.House) -> None:
    car = factories.car(outsider.tenant)
    image_set = factories.recording(lane)
    made = route(image_set)
    assert made.standing is Standing.ROUTED
    assert [one.pk for one in made.image_sets] == [image_set.pk]
    row, passage = fresh(image_set), passage_of(image_set)
    assert (row.tenant, row.car, row.plate, row.country_code) == (outsider.tenant, car, "AB12345", "NO")
    assert (passage.tenant_id, passage.car_id, passage.plate) == (outsider.tenant.pk, car.pk, "AB12345")
    assert row.plate_is_read
    assert passage.plate_is_read
    told = events(outsider.tenant)
    assert [event.subject_id for event in told] == [image_set.pk]
    assert told[0].payload == {
        "plate": "NO#AB12345", "car": str(car.pk), "passage": str(passage.pk), "photos": 3,
    }  # fmt: skip


def test_a_second_time_changes_nothing(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant)
    image_set = factories.recording(lane)
    route(image_set)
    before = fresh(image_set)
    again = route(image_set)
    assert again == Route(Standing.ROUTED)
    assert fresh(image_set).modified_at == before.modified_at
    assert len(events()) == 1


def test_an_unknown_plate_waits_for_its_car(lane: CaptureSet, ours: factories.House) -> None:
    image_set = factories.recording(lane)
    assert route(image_set) == Route(Standing.UNKNOWN)
    assert untouched(image_set)
    assert (fresh(image_set).plate, passage_of(image_set).plate) == ("AB12345", "AB12345")
    assert not events()
    other = factories.recording(lane)
    route(other, Plate("NO", "CD54321"))
    car = factories.car(ours.tenant)
    assert [one.pk for one in waiting_route(plates=[PLATE, Plate("SE", "CD54321")])] == [image_set.pk]
    assert (fresh(image_set).car, fresh(image_set).tenant) == (car, ours.tenant)
    assert untouched(other), "a plate of another country"
    assert waiting_route(plates=[PLATE]) == []
    assert len(events()) == 1


def test_a_tenant_the_units_do_not_record_for_gets_nothing(ours: factories.House, outsider: factories.House) -> None:
    factories.car(outsider.tenant)
    lane = factories.rig(ours.tenant, open_to=[ours.tenant])
    image_set = factories.recording(lane)
    assert route(image_set) == Route(Standing.ELSEWHERE)
    assert untouched(image_set)
    assert waiting_route(plates=[PLATE]) == []
    lane.units.get(side="left").tenants.add(outsider.tenant)
    assert waiting_route(plates=[PLATE]) == [], "the right unit does not record for them"
    lane.units.get(side="right").tenants.add(outsider.tenant)
    assert [one.pk for one in waiting_route(plates=[PLATE])] == [image_set.pk]


def test_the_country_is_part_of_the_plate(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant, country_code="SE")
    image_set = factories.recording(lane)
    assert route(image_set).standing is Standing.UNKNOWN
    assert route(image_set, Plate("SE", "AB12345")).standing is Standing.ROUTED


def test_a_set_of_a_client_stays_where_it_is(ours: factories.House, outsider: factories.House) -> None:
    """A plate that another tenant owns is only a reading there."""
    factories.car(outsider.tenant)
    lane = factories.rig(ours.tenant, open_to=[ours.tenant, outsider.tenant])
    submitted = factories.image_set(ours.tenant, photos=0, capture_set=lane)
    assert route(submitted) == Route(Standing.ENTERED)
    without = factories.recording(lane)
    without.passage.recordings.all().delete()  # type: ignore[union-attr]
    assert route(without) == Route(Standing.ENTERED)
    assert (fresh(submitted).tenant, fresh(submitted).car, fresh(submitted).plate) == (ours.tenant, None, "")
    assert (untouched(without), fresh(without).plate) == (True, "")


def test_what_a_person_decided_stays(lane: CaptureSet, ours: factories.House, outsider: factories.House) -> None:
    factories.car(outsider.tenant)
    own = factories.car(ours.tenant, "CD54321")
    claimed, assigned = factories.recording(lane), factories.recording(lane)
    ImageSet.objects.of(Reach.every()).filter(pk=claimed.pk).update(tenant=ours.tenant)
    passage_set(assigned, tenant=ours.tenant, car=own)
    ImageSet.objects.of(Reach.every()).filter(pk=assigned.pk).update(tenant=ours.tenant, car=own)
    assert route(claimed) == route(assigned) == Route(Standing.DECIDED)
    assert (fresh(claimed).tenant, fresh(claimed).car) == (ours.tenant, None)
    assert (fresh(assigned).tenant, fresh(assigned).car) == (ours.tenant, own)
    assert not events()


def test_an_entered_plate_is_not_written_over(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant)
    on_passage, on_set = factories.recording(lane), factories.recording(lane, plate="CD54321")
    passage_set(on_passage, plate="CD54321", country_code="NO")
    assert route(on_passage) == route(on_set) == Route(Standing.DECIDED)
    assert untouched(on_passage)
    assert untouched(on_set)
    assert (passage_of(on_passage).plate, fresh(on_passage).plate) == ("CD54321", "")
    assert (passage_of(on_set).plate, fresh(on_set).plate) == ("", "CD54321")


def test_an_entered_plate_that_is_read_again_routes(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant)
    image_set = factories.recording(lane, plate="AB12345")
    passage_set(image_set, plate="AB12345", country_code="NO")
    assert route(image_set).standing is Standing.ROUTED
    assert not fresh(image_set).plate_is_read, "a person's word stays a person's word"


def test_a_later_reading_replaces_an_earlier_one(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant)
    image_set = factories.recording(lane)
    route(image_set, Plate("NO", "AB12346"))
    assert fresh(image_set).plate == "AB12346"
    assert route(image_set).standing is Standing.ROUTED


def test_all_waiting_sets_of_a_passage_go_together(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant)
    first = factories.recording(lane)
    rows = [ImageSet(passage=first.passage, capture_set=lane, recorded_at=timezone.now()) for _ in range(3)]
    rows[1].plate, rows[2].deleted_at = "CD54321", timezone.now()
    for row in rows:
        row.save()
    assert len(route(first).image_sets) == 2
    assert fresh(rows[0]).tenant == ours.tenant
    assert fresh(rows[1]).tenant is None, "a person entered another plate for it"
    assert fresh(rows[2]).tenant is None, "it was deleted"
    late = ImageSet(passage=first.passage, capture_set=lane, recorded_at=timezone.now())
    late.save()
    assert route(late, Plate("NO", "CD54321")) == Route(Standing.DECIDED), "its passage is another car's"
    assert route(late).standing is Standing.ROUTED


def test_a_deleted_set_is_left_alone(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant)
    image_set = factories.recording(lane, deleted_at=timezone.now())
    assert route(image_set) == Route(Standing.DECIDED)
    assert untouched(image_set)


def test_where_a_plate_leads_is_told_without_writing(ours: factories.House, outsider: factories.House) -> None:
    lane = factories.rig(ours.tenant, open_to=[ours.tenant])
    image_set = factories.recording(lane)

    def standing(plate: Plate = PLATE) -> Standing:
        return route_standing(image_set=fresh(image_set), plate=plate)

    assert standing() is Standing.UNKNOWN
    car = factories.car(ours.tenant)
    factories.car(outsider.tenant, "CD54321")
    assert standing() is Standing.DUE
    assert standing(Plate("NO", "CD54321")) is Standing.ELSEWHERE
    assert untouched(image_set)
    route(image_set)
    assert standing() is Standing.ROUTED
    assert standing(Plate("NO", "CD54321")) is Standing.DECIDED
    assert (
        route_standing(image_set=factories.image_set(ours.tenant, photos=0, car=car), plate=PLATE) is Standing.ENTERED
    )
    assert all(one.words for one in Standing)


def test_the_default_tenant_of_a_unit_sees_what_waits(ours: factories.House, outsider: factories.House) -> None:
    both = [ours.tenant, outsider.tenant]
    theirs = factories.recording(factories.rig(ours.tenant, open_to=both, default=outsider.tenant))
    nobodys = factories.recording(factories.rig(ours.tenant, open_to=both))
    factories.recording(factories.rig(ours.tenant, default=outsider.tenant), deleted_at=timezone.now())
    factories.image_set(outsider.tenant, photos=0)

    def seen(reach: Reach) -> set[object]:
        return set(image_sets_unassigned(reach).values_list("pk", flat=True))

    assert seen(Reach.only(outsider.tenant.pk)) == {theirs.pk}
    assert seen(Reach.only(ours.tenant.pk)) == seen(Reach.some([])) == set()
    assert seen(Reach.every()) == {theirs.pk, nobodys.pk}
    factories.car(ours.tenant)
    route(theirs)
    assert seen(Reach.only(outsider.tenant.pk)) == set(), "it is ours now"


def test_many_plates_cost_few_queries(
    lane: CaptureSet, ours: factories.House, django_assert_max_num_queries: Callable[..., object]
) -> None:
    image_set = factories.recording(lane)
    route(image_set)
    with django_assert_max_num_queries(3):  # type: ignore[attr-defined]
        assert waiting_route(plates=[Plate("NO", f"XX{number}") for number in range(1200)]) == []
    assert untouched(image_set)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Make the calls in threads with connections of their own, all starting together."""
    start = Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        try:
            start.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


@pytest.mark.django_db(transaction=True)
def test_of_workers_at_once_one_routes(lane: CaptureSet, ours: factories.House) -> None:
    factories.car(ours.tenant)
    image_set = factories.recording(lane)
    routes = at_once(*[lambda: route(image_set)] * 4)
    assert sorted(len(one.image_sets) for one in routes if isinstance(one, Route)) == [0, 0, 0, 1]
    assert fresh(image_set).tenant == ours.tenant
    assert len(events()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_a_car_registered_while_its_plate_is_read_is_not_missed(
    lane: CaptureSet, ours: factories.House, attempt: int
) -> None:
    image_set = factories.recording(lane)

    def register() -> object:
        factories.car(ours.tenant)
        return waiting_route(plates=[PLATE])

    at_once(register, lambda: route(image_set))
    assert fresh(image_set).tenant == ours.tenant
    assert len(events()) == 1
