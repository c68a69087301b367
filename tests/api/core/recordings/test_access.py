"""Recordings of capture units: who sees what, and which key opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from assets.models import Recording
from assets.services.device_keys import capture_unit_revoke
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.recordings.devices import EVERY, PATH, PHOTO, Device, begun, device

pytestmark = pytest.mark.django_db


def calls(device: Device, passage: str) -> Iterator[Any]:
    yield device.begin("topLeft", passageId=passage)
    yield device.recording(passage)
    yield device.offset(passage, "topLeft")
    yield device.send(passage, "topLeft", PHOTO)
    yield device.complete(passage)


def test_a_device_of_another_rig_finds_nothing(left: Device, client: Client, outsider: factories.House) -> None:
    passage = begun(left, "topLeft")
    strangers = [left.unit.capture_set.tenant, outsider.tenant]
    for tenant in strangers:
        stranger = device(client, factories.rig(tenant).units.order_by("side")[0])
        assert [answer.status_code for answer in calls(stranger, passage)] == [404] * 5
    assert Recording.objects.of(EVERY).get().file.name == ""


def test_a_unit_does_not_see_what_the_other_records(rig: tuple[Device, Device]) -> None:
    left, right = rig
    passage = begun(left, "topLeft")
    assert [answer.status_code for answer in list(calls(right, passage))[1:]] == [404] * 4
    right.begin("topRight", passageId=passage)
    assert [one["camera"] for one in right.recording(passage).json()["data"]["cameras"]] == ["topRight"]
    assert right.send(passage, "topLeft", PHOTO).status_code == 404


@pytest.mark.parametrize("path", ["x", str(UUID(int=7))])
def test_what_does_not_exist_is_not_found(left: Device, path: str) -> None:
    assert left.recording(path).status_code == left.complete(path).status_code == 404
    assert left.offset(path, "topLeft").status_code == left.send(path, "topLeft", PHOTO).status_code == 404


def test_only_a_device_key_opens_recordings_and_it_opens_nothing_else(
    left: Device, ours: factories.House, bearer: Callable[[User], Headers]
) -> None:
    passage = begun(left, "topLeft")
    for person in (ours.global_admin, ours.tenant_admin, ours.staff):
        assert left.client.get(f"{PATH}/{passage}", headers=bearer(person)).status_code == 401
    for headers in ({"x-api-key": ours.keys["core"]}, {"x-device-key": ours.keys["core"]}, {"x-device-key": "é"}, {}):
        assert left.client.get(f"{PATH}/{passage}", headers=headers).status_code == 401
    for path in ("imageSets", "captureUnits", "cars"):
        assert left.client.get(f"/core/v1/{path}", headers=left.headers).status_code == 401
    assert left.client.post("/core/v1/imageSets", {}, "application/json", headers=left.headers).status_code == 401


def test_a_revoked_key_opens_nothing(left: Device) -> None:
    passage = begun(left, "topLeft")
    capture_unit_revoke(unit=left.unit)
    assert [answer.status_code for answer in calls(left, passage)] == [401] * 5


def test_the_device_was_seen(left: Device) -> None:
    assert left.unit.last_seen_at is None
    begun(left, "topLeft")
    left.unit.refresh_from_db()
    assert left.unit.last_seen_at is not None
