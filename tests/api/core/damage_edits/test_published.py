"""Changes of damages whose set was published already: a corrected version goes out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from assets.models import ImageSet
from damages.models import ResultCause, ResultVersion
from inspection_platform import workflow
from tests import factories
from tests.api.core.conftest import Scene
from tests.api.core.damage_edits.calls import MERGE, PATH, Bearer, box, drawn, patch, post

pytestmark = pytest.mark.django_db


def versions(image_set: ImageSet) -> list[str]:
    rows = ResultVersion.objects.all_tenants("a test looks").filter(image_set=image_set)
    return list(rows.order_by("version").values_list("cause", flat=True))


def test_a_change_of_published_facts_makes_a_corrected_version(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer, drain: Callable[[], int]
) -> None:
    workflow.publish(free.image_set, ResultCause.MODELS, free.image_set.runs.get())
    drain()
    headers = bearer(ours.tenant_admin)
    patch(client, headers, {"id": free.drawn.pk, "processing": True, "partnerState": "accepted"})
    drain()
    assert versions(free.image_set) == ["models"]
    patch(client, headers, {"id": free.drawn.pk, "state": "accepted"})
    drain()
    assert versions(free.image_set) == ["models", "correction"]
    client.delete(f"{PATH}?ids={free.drawn.pk}", headers=headers)
    drain()
    post(client, bearer(ours.reviewer), {"damages": [drawn(free.image)]})
    post(client, bearer(ours.reviewer), {"damages": [drawn(free.image, points=box(0, 0, 9, 9))]})
    post(client, bearer(ours.reviewer), {"damages": [str(free.representative.pk), str(free.member.pk)]}, MERGE)
    drain()
    assert versions(free.image_set) == ["models", "correction", "correction", "correction"], "both drawings in one"
    facts = ResultVersion.objects.of(ours.tenant.pk).order_by("version").last().facts  # type: ignore[union-attr]
    assert len(facts["damages"]) == 4


def test_a_set_that_waits_for_people_is_published_by_them(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer, drain: Callable[[], int]
) -> None:
    workflow.publish(scene.image_set, ResultCause.MODELS, scene.image_set.runs.get())
    patch(client, bearer(ours.reviewer), {"id": scene.drawn.pk, "state": "accepted"})
    drain()
    assert versions(scene.image_set) == ["models"]
