"""Image sets that clients add: W55."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from assets.models import ImageSet, ImageSetState, Passage
from tenants.models import Tenant
from tests import factories
from tests.api.core.image_set_edits.answers import LIST, only, refused, with_ids
from tests.api.core.rigs import Sender, virtual

pytestmark = pytest.mark.django_db


def new(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    said = {"registrationNo": "KL 9802", "countryCode": "dk", "recDate": "1669982152"}
    return {"tenantId": str(tenant.pk), **said, **changes}


def test_a_set_is_added_with_its_passage(ask: Sender, ours: factories.House) -> None:
    rig = virtual(ours.tenant)
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, deviceSetId=str(rig.pk), vin="jh4ka8162mc010197"))
    row = only(ours.tenant)
    assert answer.status_code == 200
    assert answer.json() == with_ids("image_set_added", id=row.pk)
    assert (row.state, row.car, row.capture_set, row.plate_is_read) == (ImageSetState.OPEN, None, rig, False)
    assert (row.country_code, row.plate, int(row.recorded_at.timestamp())) == ("DK", "KL9802", 1669982152)
    assert row.passage
    for name in ("tenant", "capture_set", "car", "country_code", "plate", "recorded_at"):
        assert getattr(row.passage, name) == getattr(row, name)
    shown = ask(ours.staff, "get", f"{LIST}/{row.pk}").json()["data"]
    assert shown["carInfo"]["registrationNo"] == "DK#KL9802"
    assert shown["carInfo"]["vin"] == "JH4KA8162MC010197"
    assert (shown["hasImages"], shown["recDate"], shown["origin"]["type"]) == (False, 1669982152, "virtual")


def test_the_least_that_can_be_said(ask: Sender, ours: factories.House) -> None:
    assert ask(ours.staff, "post", LIST, {"tenantId": str(ours.tenant.pk)}).status_code == 200
    row = only(ours.tenant)
    assert (row.plate, row.country_code) == ("", "NO")
    assert abs(row.recorded_at - timezone.now()) < timedelta(minutes=1)


@pytest.mark.parametrize("said", ["2022-12-02T11:55:52Z", "2022-12-02T12:55:52+01:00", "1669982152.0", 1669982152])
def test_moments_in_any_spelling(ask: Sender, ours: factories.House, said: object) -> None:
    assert ask(ours.staff, "post", LIST, new(ours.tenant, recDate=said)).status_code == 200
    assert int(only(ours.tenant).recorded_at.timestamp()) == 1669982152


def test_the_tenants_own_car_is_linked_and_anothers_is_refused(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    own = factories.car(ours.tenant, "KL9802", country_code="DK")
    factories.car(outsider.tenant, "ZZ98020")
    assert ask(ours.staff, "post", LIST, new(ours.tenant)).status_code == 200
    assert (only(ours.tenant).car, Passage.objects.of(ours.tenant.pk).get().car) == (own, own)
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, registrationNo="NO#ZZ98020"))
    assert refused(answer, 409) == "The plate NO#ZZ98020 belongs to another tenant."
    assert ImageSet.objects.of(ours.tenant.pk).count() == Passage.objects.of(ours.tenant.pk).count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recDate": "yesterday"}, "recDate"),
        ({"recDate": "2022-12-02T11:55:52"}, "recDate"),
        ({"recDate": "9" * 12}, "recDate"),
        ({"recDate": "9999999999"}, "recDate"),
        ({"recDate": True}, "recDate"),
        ({"recDate": "1\x00"}, "recDate"),
        ({"registrationNo": "??"}, "registrationNo"),
        ({"countryCode": "1"}, "registrationNo"),
        ({"vin": "TOO SHORT"}, "vin"),
        ({"deviceSetId": "x"}, "deviceSetId"),
        ({"tenantId": "mine"}, "tenantId"),
    ],
)
def test_a_wrong_set_is_not_added(ask: Sender, ours: factories.House, changes: dict[str, Any], field: str) -> None:
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, **changes))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not ImageSet.objects.of(ours.tenant.pk).exists()


def test_what_the_asker_does_not_see_cannot_be_named(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    theirs = factories.rig(outsider.tenant)
    assert refused(ask(ours.staff, "post", LIST, new(outsider.tenant)), 404) == "Tenant not found."
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, deviceSetId=str(theirs.pk), recDate="x"))
    assert refused(answer, 404) == "Capture set not found."
    theirs.units.get(side="left").tenants.add(ours.tenant)
    assert ask(ours.staff, "post", LIST, new(ours.tenant, deviceSetId=str(theirs.pk))).status_code == 200


def test_one_key_adds_one_set(ask: Sender, ours: factories.House) -> None:
    answers = [ask(ours.staff, "post", LIST, new(ours.tenant), **{"Idempotency-Key": "a"}).json() for _ in range(2)]
    assert answers[0] == answers[1] == with_ids("image_set_added", id=only(ours.tenant).pk)
