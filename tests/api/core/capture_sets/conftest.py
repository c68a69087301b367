"""What tests of capture sets share."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories
from tests.api.core.rigs import Bearer, Gate, Sender, build_gate


@pytest.fixture
def gate(ours: factories.House) -> Gate:
    """The rig of the samples, ours."""
    return build_gate(ours.tenant)


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Sender:
    """Sends a JSON request as a person."""
    return Sender(client, bearer)
