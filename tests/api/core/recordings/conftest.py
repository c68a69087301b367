"""The devices of a rig."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from tests import factories
from tests.api.core.recordings.devices import Device, device


@pytest.fixture
def rig(client: Client, ours: factories.House, own_storage: Path) -> tuple[Device, Device]:
    """The left and the right device of a rig of ours, in a storage of their own."""
    left, right = factories.rig(ours.tenant, open_to=[ours.tenant], country_code="NO").units.order_by("side")
    return device(client, left), device(client, right)


@pytest.fixture
def left(rig: tuple[Device, Device]) -> Device:
    return rig[0]


@pytest.fixture
def right(rig: tuple[Device, Device]) -> Device:
    return rig[1]
