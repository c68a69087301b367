"""Image sets that waited for their tenant and are claimed: W56."""

from __future__ import annotations

from typing import Any

import pytest

from assets.models import ImageSet
from tenants.models import Event
from tests import factories
from tests.api.core.image_set_edits.answers import LIST, only, refused, with_ids
from tests.api.core.rigs import NOBODY, Sender

pytestmark = pytest.mark.django_db


def claim(*pairs: tuple[ImageSet, str]) -> dict[str, Any]:
    return {"imageSets": [{"id": str(row.pk), "registrationNo": plate} for row, plate in pairs]}


def test_a_waiting_set_is_claimed(ask: Sender, ours: factories.House, waiting: ImageSet) -> None:
    car = factories.car(ours.tenant)
    answer = ask(ours.staff, "put", LIST, claim((waiting, "no#ab 12345")))
    assert answer.status_code == 200
    assert answer.json() == with_ids("image_sets_claimed", id=waiting.pk)
    row = only(ours.tenant)
    assert row.passage
    for one in (row, row.passage):
        assert (one.car, one.tenant, one.plate, one.plate_is_read) == (car, ours.tenant, "AB12345", False)
    [event] = Event.objects.of(ours.tenant.pk).filter(subject_id=row.pk)
    assert event.payload["claimed_by"] == str(ours.staff.pk)
    assert refused(ask(ours.staff, "put", LIST, claim((waiting, "AB12345"))), 404) == "Image set not found."


def test_a_finished_recording_is_handed_over_when_it_is_claimed(
    ask: Sender, ours: factories.House, waiting: ImageSet
) -> None:
    factories.car(ours.tenant)
    factories.run(waiting)
    ImageSet.objects.all_tenants("a test ends the run of a set").filter(pk=waiting.pk).update(state="ready")
    assert ask(ours.staff, "put", LIST, claim((waiting, "AB12345"))).status_code == 200
    assert only(ours.tenant).results.count() == 1


def test_all_or_none_are_claimed(
    ask: Sender, ours: factories.House, outsider: factories.House, waiting: ImageSet
) -> None:
    factories.car(ours.tenant)
    factories.car(outsider.tenant, "ZZ98020")
    second = factories.recording(waiting.capture_set) if waiting.capture_set else waiting
    for plate, said in [("ZZ98020", "belongs to another tenant"), ("QQ11111", "register the car first")]:
        answer = ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (second, plate)))
        assert said in refused(answer, 409)
        assert not ImageSet.objects.of(ours.tenant.pk).exists()
    assert ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (second, "AB12345"))).status_code == 200
    assert ImageSet.objects.of(ours.tenant.pk).count() == 2


def test_only_waiting_sets_that_are_seen_are_claimed(
    ask: Sender, ours: factories.House, outsider: factories.House, waiting: ImageSet
) -> None:
    factories.car(ours.tenant)
    factories.car(outsider.tenant, "ZZ98020")
    mine = factories.image_set(ours.tenant, photos=0)
    for person, row, plate in [(outsider.staff, waiting, "ZZ98020"), (ours.staff, mine, "AB12345")]:
        assert refused(ask(person, "put", LIST, claim((row, plate))), 404) == "Image set not found."
    alone = factories.recording(factories.rig(outsider.tenant, default=ours.tenant))
    assert "does not record for the tenant" in refused(ask(ours.staff, "put", LIST, claim((alone, "AB12345"))), 409)


def test_two_sets_of_a_passage_show_one_car(ask: Sender, ours: factories.House, waiting: ImageSet) -> None:
    factories.car(ours.tenant)
    factories.car(ours.tenant, "BB22222")
    twin = ImageSet(passage=waiting.passage, capture_set=waiting.capture_set, recorded_at=waiting.recorded_at)
    twin.save()
    answer = ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (twin, "BB22222")))
    assert refused(answer, 409) == "The passage of the set shows another car already."
    assert not ImageSet.objects.of(ours.tenant.pk).exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"imageSets": []}, {"imageSets": "x"}, {"imageSets": [{"id": "x", "registrationNo": "AB1"}]},
     {"imageSets": [{"id": NOBODY}] * 101}],
)  # fmt: skip
def test_a_wrong_claim_is_refused(ask: Sender, ours: factories.House, body: dict[str, Any]) -> None:
    answer = ask(ours.staff, "put", LIST, body)
    assert answer.status_code == 400
    assert all(name.startswith("imageSets") for name in answer.json()["errors"])


def test_a_set_is_claimed_once_in_a_call(ask: Sender, ours: factories.House, waiting: ImageSet) -> None:
    answer = ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (waiting, "BB22222")))
    assert list(answer.json()["errors"]) == ["imageSets"]
    answer = ask(ours.staff, "put", LIST, claim((waiting, "?")))
    assert answer.status_code == 400
