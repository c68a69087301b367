"""Image sets that are removed: W33."""

from __future__ import annotations

import pytest

from assets.models import ImageSet
from tests import factories
from tests.api.core.conftest import Scene, golden
from tests.api.core.image_set_edits.answers import LIST, refused
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db


def test_a_set_is_removed_with_its_damages(ask: Sender, ours: factories.House, scene: Scene) -> None:
    path = f"{LIST}/{scene.image_set.pk}"
    assert refused(ask(ours.staff, "delete", path), 403) == "You may not do this."
    answer = ask(ours.tenant_admin, "delete", path)
    assert (answer.status_code, answer.json()) == (200, golden("image_set_removed"))
    for method in ("get", "patch", "delete"):
        assert refused(ask(ours.global_admin, method, path, {}), 404) == "Image set not found."
    assert ask(ours.staff, "get", "/core/v1/damages").json()["data"]["items"] == []
    assert ask(ours.staff, "get", LIST).json()["data"]["items"] == []


def test_a_disputed_set_stays(ask: Sender, ours: factories.House, scene: Scene) -> None:
    ImageSet.objects.of(ours.tenant.pk).update(under_dispute=True)
    answer = ask(ours.tenant_admin, "delete", f"{LIST}/{scene.image_set.pk}")
    assert refused(answer, 409) == "The image set is under dispute."


def test_a_set_of_nobody_is_removed_by_global_admins_alone(
    ask: Sender, ours: factories.House, waiting: ImageSet
) -> None:
    assert ask(ours.tenant_admin, "delete", f"{LIST}/{waiting.pk}").status_code == 403
    assert ask(ours.global_admin, "delete", f"{LIST}/{waiting.pk}").status_code == 200
