"""What tests of changing damages share."""

from __future__ import annotations

import pytest

from damages.models import ManualProcessing, ManualStatus
from tests import factories
from tests.api.core.conftest import Scene


@pytest.fixture
def free(ours: factories.House, scene: Scene) -> Scene:
    """The scene once nobody needs to work on it any more."""
    ManualProcessing.objects.of(ours.tenant.pk).update(status=ManualStatus.ANNOTATED)
    return scene
