"""Images of the core family: W65 (list), W66 (removal) and W67 (address)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from assets.models import Image, ImageSetState
from damages.models import Damage, DamageState, ManualProcessing, ManualStatus, Step
from damages.services.manual import manual_job_lock, manual_open
from imaging.services.pictures import picture_publish
from inspection_platform.api.core.docs.images import IMAGE
from inspection_platform.api.core.presenters.images import PICTURE_SECONDS
from tenants.models import Event, User
from tests import factories, media
from tests.api.conftest import Headers
from tests.api.core.conftest import CREATED, Scene, golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
IMAGES = "/core/v1/images"
#: Queries for who asks, then for the set (seen, read) and its images.
LIST_QUERIES = 1 + 3


def listed(image_set_id: object) -> str:
    return f"{IMAGES}?imageSetId={image_set_id}"


# --- W65 -------------------------------------------------------------------------------------------------------------


def test_list_is_the_golden_json(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    rows = Image.objects.of(ours.tenant.pk).filter(pk=scene.image.pk)
    rows.update(camera="topRight", frame=23, created_at=CREATED)
    expected = golden("images")
    expected["data"]["items"][0]["tenantId"] = str(ours.tenant.pk)
    response = client.get(listed(scene.image_set.pk), headers=bearer(ours.staff))
    assert response.status_code == 200
    assert response.json() == expected
    assert expected["data"]["items"][0].keys() == IMAGE.keys()


def test_photos_without_a_camera_keep_their_name(client: Client, ours: factories.House, bearer: Bearer) -> None:
    image_set = factories.image_set(ours.tenant, photos=2)
    Image.objects.of(ours.tenant.pk).filter(image_set=image_set, position=2).update(camera="frontLeft")
    items = client.get(listed(image_set.pk), headers=bearer(ours.staff)).json()["data"]["items"]
    assert [item["fileName"] for item in items] == ["1.jpg", "frontLeft_2.webp"]
    assert [item["generatedBy"] for item in items] == ["upload", "upload"]


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_costs_the_same_for_any_number(
    client: Client, ours: factories.House, bearer: Bearer, count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    image_set = factories.image_set(ours.tenant, photos=count)
    headers = bearer(ours.staff)
    with django_assert_num_queries(LIST_QUERIES):
        items = client.get(listed(image_set.pk), headers=headers).json()["data"]["items"]
    assert len(items) == count


def test_for_review_only_images_with_visible_damages(client: Client, ours: factories.House, bearer: Bearer) -> None:
    image_set = factories.image_set(ours.tenant, photos=5)
    proposed, rejected, potential, removed, _ = image_set.images.order_by("position")
    factories.damage(proposed)
    factories.damage(rejected, state=DamageState.REJECTED)
    factories.damage(potential, is_potential=True)
    factories.damage(removed, deleted_at=CREATED)
    headers = bearer(ours.staff)
    reviewed = client.get(f"{listed(image_set.pk)}&forReview=true", headers=headers).json()["data"]["items"]
    assert [item["id"] for item in reviewed] == [str(proposed.pk)]
    everything = client.get(f"{listed(image_set.pk)}&forReview=false", headers=headers).json()["data"]["items"]
    assert [item["hasDamages"] for item in everything] == [True, False, False, False, False]


def test_thumbnails_are_signed_and_end(
    client: Client, ours: factories.House, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = factories.image_set(ours.tenant).images.get()
    picture_publish(image=image, data=media.jpeg(), faces_blurred_at=None)
    image.save()
    (item,) = client.get(listed(image.image_set_id), headers=bearer(ours.staff)).json()["data"]["items"]
    paths = [urlsplit(url).path for url in item["thumbnails"].values()]
    for path in paths:
        response: Any = client.get(path)
        assert response.headers["Content-Type"] == "image/webp"
        assert b"".join(response.streaming_content).startswith(b"RIFF")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + PICTURE_SECONDS + 1)
    assert [client.get(path).status_code for path in paths] == [410, 410]


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "imageSetId"), ("imageSetId=x", "imageSetId"), ("imageSetId={id}&forReview=x", "forReview"),
     ("imageSetId={id}&limit=3", "limit")],
)  # fmt: skip
def test_wrong_queries_are_named(client: Client, ours: factories.House, bearer: Bearer, query: str, field: str) -> None:
    path = f"{IMAGES}?{query.format(id=factories.image_set(ours.tenant, photos=0).pk)}"
    response = client.get(path, headers=bearer(ours.staff))
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]


def test_images_of_waiting_sets_are_seen_by_the_default_tenant(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    rig = factories.rig(outsider.tenant, open_to=[ours.tenant], default=ours.tenant)
    image_set = factories.recording(rig, photos=1)
    image = image_set.images.get()
    picture_publish(image=image, data=media.jpeg(), faces_blurred_at=None)
    image.save()
    (item,) = client.get(listed(image_set.pk), headers=bearer(ours.staff)).json()["data"]["items"]
    assert item["tenantId"] is None
    assert client.get(f"{IMAGES}/{image.pk}", headers=bearer(ours.staff)).status_code == 302
    for path in (listed(image_set.pk), f"{IMAGES}/{image.pk}"):
        assert client.get(path, headers=bearer(outsider.staff)).status_code == 404
    assert client.delete(f"{IMAGES}/{image.pk}", headers=bearer(ours.tenant_admin)).status_code == 403


# --- W67 -------------------------------------------------------------------------------------------------------------


def test_the_address_leads_to_the_published_picture_for_a_while(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = client.get(f"{IMAGES}/{scene.image.pk}", headers=bearer(ours.staff))
    assert response.status_code == 302
    assert response.json() == {"success": True, "message": "URL to the content in the Location header"}
    path = urlsplit(response.headers["Location"]).path
    with scene.image.published.open("rb") as file:
        assert b"".join(client.get(path).streaming_content) == file.read()  # type: ignore[attr-defined]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + PICTURE_SECONDS + 1)
    assert client.get(path).status_code == 410


def test_nobody_is_led_to_what_is_not_published(client: Client, ours: factories.House, bearer: Bearer) -> None:
    image = factories.image_set(ours.tenant, published=False).images.get()
    response = client.get(f"{IMAGES}/{image.pk}", headers=bearer(ours.global_admin))
    assert response.status_code == 409
    assert response.json() == {"success": False, "message": "The image is not published yet."}
    assert "Location" not in response.headers


@pytest.mark.parametrize("method", ["get", "delete"])
def test_the_outsider_gets_to_no_image(
    client: Client, ours: factories.House, outsider: factories.House, scene: Scene, bearer: Bearer, method: str
) -> None:
    call = getattr(client, method)
    for person in (outsider.staff, outsider.tenant_admin, outsider.reviewer):
        assert call(f"{IMAGES}/{scene.image.pk}", headers=bearer(person)).status_code == 404
    for unknown in (uuid4(), "x"):
        assert call(f"{IMAGES}/{unknown}", headers=bearer(ours.tenant_admin)).status_code == 404
    assert call(f"{IMAGES}/{scene.image.pk}").status_code == 401


# --- W66 -------------------------------------------------------------------------------------------------------------


def test_a_removed_image_takes_its_damages_along(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    headers = bearer(ours.tenant_admin)
    response = client.delete(f"{IMAGES}/{scene.image.pk}", headers=headers)
    assert response.json() == {
        "success": True, "data": {"id": str(scene.image.pk)}, "message": "Image deleted successfully",
    }  # fmt: skip
    for path in (listed(scene.image_set.pk), f"/core/v1/damages?imageSetId={scene.image_set.pk}"):
        assert client.get(path, headers=headers).json()["data"]["items"] == []
    for method in (client.get, client.delete):
        assert method(f"{IMAGES}/{scene.image.pk}", headers=headers).status_code == 404
    row = Image.objects.of(ours.tenant.pk).get(pk=scene.image.pk)
    assert row.deleted_by == ours.tenant_admin
    standing = Damage.objects.of(ours.tenant.pk).filter(image=row, deleted_at__isnull=True)
    assert not standing.exists()


@pytest.mark.parametrize("who", ["staff", "annotator", "reviewer"])
def test_only_admins_remove(client: Client, ours: factories.House, scene: Scene, bearer: Bearer, who: str) -> None:
    assert client.delete(f"{IMAGES}/{scene.image.pk}", headers=bearer(getattr(ours, who))).status_code == 403


def _held(house: factories.House, scene: Scene) -> str:
    manual_job_lock(user=house.reviewer, image_set=scene.image_set, step=Step.REVIEW)
    return "Somebody else is working on this set."


def _reviewed(house: factories.House, _scene: Scene) -> str:
    ManualProcessing.objects.of(house.tenant.pk).update(status=ManualStatus.REVIEWED)
    return "The review of this set is finished; reopen it first."


def _running(_house: factories.House, scene: Scene) -> str:
    scene.image_set.state = ImageSetState.PROCESSING
    scene.image_set.save()
    return "The image set is in the pipeline; try again when it has finished."


def _disputed(_house: factories.House, scene: Scene) -> str:
    scene.image_set.under_dispute = True
    scene.image_set.save()
    return "The image set is under dispute."


@pytest.mark.parametrize("make", [_held, _reviewed, _running, _disputed])
def test_not_while_the_set_is_in_other_hands(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer, make: Callable[[factories.House, Scene], str]
) -> None:
    message = make(ours, scene)
    response = client.delete(f"{IMAGES}/{scene.image.pk}", headers=bearer(ours.tenant_admin))
    assert (response.status_code, response.json()["message"]) == (409, message)
    assert Image.objects.of(ours.tenant.pk).visible().filter(pk=scene.image.pk).exists()


def test_a_published_result_is_corrected(
    client: Client, ours: factories.House, bearer: Bearer, drain: Callable[[], int]
) -> None:
    image_set = factories.image_set(ours.tenant, photos=2)
    image_set.results.create(version=1, cause="models", run=factories.run(image_set), facts={"schema": 1})
    manual_open(image_set=image_set)
    image = image_set.images.order_by("position")[0]
    assert client.delete(f"{IMAGES}/{image.pk}", headers=bearer(ours.tenant_admin)).status_code == 200
    drain()
    latest: Any = image_set.results.order_by("-version").first()
    assert (latest.version, latest.cause) == (2, "correction")
    assert [one["id"] for one in latest.facts["images"]] == [str(image_set.images.get(position=2).pk)]
    assert Event.objects.of(ours.tenant.pk).filter(subject_id=latest.pk).exists()
