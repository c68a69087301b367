"""One damage (W53), and lists by nearness to an image (W49)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from assets.models import Image, ImageSet
from damages.models import Action, Damage, DamageDecision, Source
from inspection_platform.api.core.docs.damages import DETAIL
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import Scene, golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
LIST = "/core/v1/damages"
AUTH_QUERIES = 1


def shown(client: Client, headers: Headers, row: Damage) -> dict[str, Any]:
    made: dict[str, Any] = client.get(f"{LIST}/{row.pk}", headers=headers).json()["data"]
    return made


def test_detail_is_the_golden_json(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    response = client.get(f"{LIST}/{scene.representative.pk}", headers=bearer(ours.staff))
    assert response.status_code == 200
    assert response.json() == golden("damage")
    assert response.headers["ETag"] == f'"{response.json()["data"]["modifiedAt"]}"'
    assert response.json()["data"].keys() == DETAIL.keys()


def test_what_is_out_of_reach_or_gone_is_not_there(
    client: Client, ours: factories.House, outsider: factories.House, scene: Scene, bearer: Bearer
) -> None:
    path = f"{LIST}/{scene.member.pk}"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer(outsider.tenant_admin)).status_code == 404
    assert client.get(path, headers=bearer(outsider.global_admin)).status_code == 200
    for key in (scene.removed.pk, uuid4(), "42"):
        assert client.get(f"{LIST}/{key}", headers=bearer(ours.tenant_admin)).status_code == 404


@pytest.mark.parametrize(
    ("hours", "is_new", "is_recent"),
    [(1, True, True), (23.9, True, True), (24.1, False, True), (119.9, False, True), (120.1, False, False)],
)  # fmt: skip
def test_windows_count_from_the_first_occurrence(
    client: Client, ours: factories.House, bearer: Bearer, *, hours: float, is_new: bool, is_recent: bool
) -> None:
    car = factories.car(ours.tenant)
    early = factories.image_set(ours.tenant, photos=1, car=car)
    late = factories.image_set(ours.tenant, photos=1, car=car)
    first = factories.damage(early.images.get())
    again = factories.damage(late.images.get(), first_damage=first)
    headers = bearer(ours.staff)
    assert shown(client, headers, again)["isNew"] is True
    moment = timezone.now() - timedelta(hours=hours)
    ImageSet.objects.of(ours.tenant.pk).filter(pk=early.pk).update(recorded_at=moment)
    for row in (first, again):
        found = shown(client, headers, row)
        assert (found["isNew"], found["isRecent"]) == (is_new, is_recent)


@pytest.mark.parametrize("action", list(Action))
def test_matching_by_people(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer, action: Action
) -> None:
    headers = bearer(ours.staff)
    assert shown(client, headers, scene.drawn)["isManualMatchingExecuted"] is False
    DamageDecision(damage=scene.drawn, by=ours.reviewer, step=Source.REVIEWER, action=action).save()
    expected = action in {Action.MATCHED, Action.MERGED, Action.UNMERGED}
    assert shown(client, headers, scene.drawn)["isManualMatchingExecuted"] is expected
    # Whoever marked the family as reviewed has looked at it.
    assert shown(client, headers, scene.representative)["isManualMatchingExecuted"] is True


# --- nearness --------------------------------------------------------------------------------------------------------


def seen_by(image_set: ImageSet, camera: str, *, frame: int = 0, position: int = 1) -> Image:
    image = factories.photo(image_set, position=position)
    Image.objects.all_tenants("a test names the camera").filter(pk=image.pk).update(camera=camera, frame=frame)
    image.camera, image.frame = camera, frame
    return image


def near(client: Client, headers: Headers, image: Image, **asked: str) -> list[dict[str, Any]]:
    query = {"closestToImageSetId": str(image.image_set_id), "closestToImageId": str(image.pk)} | asked
    response = client.get(LIST, query, headers=headers)
    assert response.status_code == 200
    items: list[dict[str, Any]] = response.json()["data"]["items"]
    return items


def test_same_camera_first_then_side_then_frame_then_time(
    client: Client, ours: factories.House, bearer: Bearer
) -> None:
    early, late = (factories.image_set(ours.tenant, photos=0) for _ in range(2))
    ImageSet.objects.of(ours.tenant.pk).filter(pk=early.pk).update(recorded_at=timezone.now() - timedelta(days=1))
    places = [
        (late, "topLeft", 7), (early, "topLeft", 12), (late, "topLeft", 12), (early, "topLeft", 30),
        (early, "roofLeft", 10), (late, "roofLeft", 40), (early, "topRight", 10), (late, "backRight", 13),
    ]  # fmt: skip
    expected = [
        factories.damage(seen_by(image_set, camera, frame=frame, position=number))
        for number, (image_set, camera, frame) in enumerate(places, start=1)
    ]
    asked = seen_by(late, "topLeft", frame=9, position=20)
    items = near(client, bearer(ours.staff), asked)
    assert [item["id"] for item in items] == [str(row.pk) for row in expected]
    assert [(item["proxPosCamera"], item["proxPosSide"], item["proxPosFrame"]) for item in items] == [
        (0, 0, 2), (0, 0, 3), (0, 0, 3), (0, 0, 21), (1, 0, 1), (1, 0, 31), (1, 1, 1), (1, 1, 4),
    ]  # fmt: skip


def test_photos_are_near_by_their_place(client: Client, ours: factories.House, bearer: Bearer) -> None:
    image_set = factories.image_set(ours.tenant, photos=4)
    first, second, third, fourth = image_set.images.order_by("position")
    rows = {image.pk: factories.damage(image) for image in (first, third, fourth)}
    items = near(client, bearer(ours.staff), second, imageSetId=str(image_set.pk))
    assert [item["proxPosFrame"] for item in items] == [1, 1, 2]
    assert items[-1]["id"] == str(rows[fourth.pk].pk)


def test_nearness_needs_both_ids_and_an_image_that_is_there(
    client: Client, ours: factories.House, outsider: factories.House, scene: Scene, bearer: Bearer
) -> None:
    both = {"closestToImageSetId": str(scene.image_set.pk), "closestToImageId": str(scene.image.pk)}
    for name, other in (tuple(both), tuple(both)[::-1]):
        refused = client.get(LIST, {name: both[name]}, headers=bearer(ours.staff))
        assert (refused.status_code, list(refused.json()["errors"])) == (400, [other])
    assert client.get(LIST, both, headers=bearer(outsider.staff)).status_code == 404
    elsewhere = factories.image_set(ours.tenant, photos=1)
    mixed = both | {"closestToImageSetId": str(elsewhere.pk)}
    assert client.get(LIST, mixed, headers=bearer(ours.staff)).status_code == 404


@pytest.mark.parametrize("count", [3, 60])
def test_number_of_queries_does_not_grow(
    client: Client, ours: factories.House, bearer: Bearer, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    image = factories.image_set(ours.tenant, photos=1).images.get()
    rows = [factories.damage(image, representative=factories.damage(image)) for _ in range(count)]
    headers = bearer(ours.staff)
    asked = {"closestToImageSetId": str(image.image_set_id), "closestToImageId": str(image.pk), "limit": "100"}
    # The image; count, damages, their parts, family sizes.
    with django_assert_num_queries(AUTH_QUERIES + 5):
        assert len(client.get(LIST, asked, headers=headers).json()["data"]["items"]) == count
    # The damage, its parts, its family's size, matches.
    with django_assert_num_queries(AUTH_QUERIES + 4):
        client.get(f"{LIST}/{rows[0].pk}", headers=headers)
