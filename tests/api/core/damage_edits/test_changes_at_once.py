"""Changing damages while others do: versions (W50), held and reviewed sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from damages.models import ManualProcessing, ManualStatus, Step
from damages.services.manual import manual_job_lock
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import Scene
from tests.api.core.damage_edits.calls import MERGE, PATH, Bearer, drawn, now, patch, post

pytestmark = pytest.mark.django_db


def test_a_stale_version_is_refused_with_the_current_one(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer
) -> None:
    first, second = bearer(ours.annotator), bearer(ours.reviewer)
    tag = client.get(f"{PATH}/{free.drawn.pk}", headers=first).headers["ETag"]
    said = {"id": free.drawn.pk, "state": "rejected"}
    changed = patch(client, first, said, **{"if-match": tag})
    assert changed.status_code == 200
    current = changed.json()["data"]["items"][0]["modifiedAt"]
    assert changed.headers["ETag"] == f'"{current}"'
    for refused in (
        patch(client, second, said | {"state": "accepted"}, **{"if-match": tag}),
        patch(
            client, second, {"id": free.member.pk, "state": "accepted"},
            said | {"state": "accepted", "modifiedAt": tag.strip('"')},
        ),
    ):  # fmt: skip
        assert refused.status_code == 409
        assert refused.json()["errors"] == {str(free.drawn.pk): [current]}
    assert (now(free.drawn).state, now(free.member).state) == ("rejected", "created")
    assert patch(client, second, said | {"state": "accepted", "modifiedAt": current}).status_code == 200
    assert patch(client, second, said, **{"if-match": "*"}).status_code == 200


def test_if_match_is_for_one(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    items = [{"id": row.pk, "state": "accepted"} for row in (free.drawn, free.member)]
    for wrong in (patch(client, bearer(ours.reviewer), *items, **{"if-match": '"1"'}),
                  patch(client, bearer(ours.reviewer), items[0], **{"if-match": '"1", "2"'})):  # fmt: skip
        assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["If-Match"])


def test_a_held_or_reviewed_set_is_left_alone(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    manual_job_lock(user=ours.reviewer, image_set=scene.image_set, step=Step.REVIEW)
    headers, row = bearer(ours.annotator), scene.representative
    calls: list[Callable[[Headers], Any]] = [
        lambda headers: patch(client, headers, {"id": row.pk, "state": "rejected"}),
        lambda headers: post(client, headers, {"damages": [drawn(scene.image)]}),
        lambda headers: post(client, headers, {"damages": [str(row.pk), str(scene.drawn.pk)]}, MERGE),
        lambda headers: client.delete(f"{PATH}?ids={scene.drawn.pk}", headers=headers),
    ]
    for call in calls:
        assert call(headers).status_code == 409
    assert calls[0](bearer(ours.reviewer)).status_code == 200
    ManualProcessing.objects.of(ours.tenant.pk).update(status=ManualStatus.REVIEWED, holder=None, locked_until=None)
    for call in calls:
        assert call(bearer(ours.reviewer)).status_code == 409
