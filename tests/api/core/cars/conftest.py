"""What tests of cars share."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories
from tests.api.core.rigs import Bearer, Sender


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Sender:
    """Sends a JSON request as a person."""
    return Sender(client, bearer)


@pytest.fixture
def rigged(ours: factories.House, outsider: factories.House) -> None:
    """A rig in Norway for each house, which records for both."""
    for house in (ours, outsider):
        factories.rig(house.tenant, open_to=[ours.tenant, outsider.tenant], default=house.tenant)
