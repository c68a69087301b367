"""Images that come to an open set (ours): with the request, or announced and uploaded by a form; and submission."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from assets.models import Image, ImageSet, ImageSetState, Upload, UploadState
from assets.services import additions
from assets.services.inspections import image_set_open
from inspection_platform.api import presigned
from tenants.models import User
from tests import factories, media
from tests.api.conftest import Headers

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
PHOTO = media.jpeg(640, 480, seed=1)
OTHER = media.jpeg(640, 480, seed=2)


@pytest.fixture
def image_set(ours: factories.House, own_storage: Path) -> ImageSet:
    return image_set_open(tenant=ours.tenant)


@pytest.fixture
def post(client: Client, ours: factories.House, image_set: ImageSet, bearer: Bearer) -> Callable[..., Any]:
    """Post to one of the set's calls; files as multipart, anything else as JSON."""

    def posted(name: str, body: Any = None, *, files: Any = None, who: User | None = None, **headers: str) -> Any:
        path = f"/core/v1/imageSets/{image_set.pk}/{name}"
        given = {**bearer(who or ours.staff), **headers}
        if files is None:
            return client.post(path, body if body is not None else {}, "application/json", headers=given)
        form = {**(body or {}), "files": [part(*one) if isinstance(one, tuple) else one for one in files]}
        return client.post(path, form, headers=given)

    return posted


def part(name: str, data: bytes, content_type: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type)


def announced(name: str = "1.jpg", **extra: Any) -> dict[str, Any]:
    return {"files": [{"fileName": name, "contentType": "image/jpeg", **extra}]}


def put(client: Client, form: dict[str, Any], data: bytes, **changes: Any) -> Any:
    """Post a file by a signed form, some of whose fields may be changed (None: left out)."""
    fields = {name: value for name, value in (form["fields"] | changes).items() if value is not None}
    return client.post(urlsplit(form["url"]).path, {**fields, "file": part("any", data)})


def rows(image_set: ImageSet) -> list[tuple[int, str, str]]:
    images = Image.objects.of(image_set.tenant_id or image_set.pk).visible().filter(image_set=image_set)
    return [(row.position, row.name, row.camera) for row in images.order_by("position")]


# --- with the request ------------------------------------------------------------------------------------------------


def test_photos_are_stored_with_their_cameras(post: Callable[..., Any], image_set: ImageSet) -> None:
    response = post("images", {"camera": ["topLeft", ""]}, files=[("a.jpg", PHOTO), ("b.jpg", OTHER)])
    assert response.status_code == 200
    body = response.json()
    assert (body["message"], body["expiresIn"]) == ("Successfully added images", 900)
    first, second = body["data"]["items"]
    assert rows(image_set) == [(1, "a.jpg", "topLeft"), (2, "b.jpg", "")]
    assert first == {
        "camera": "topLeft", "fileName": "a.jpg", "id": str(image_set.images.get(position=1).pk), "isNew": True,
        "sha256": hashlib.sha256(PHOTO).hexdigest(), "state": "stored", "upload": None,
        "uploadId": str(image_set.uploads.get(position=1).pk),
    }  # fmt: skip
    assert second["camera"] == ""
    with image_set.images.get(position=1).received.open("rb") as file:
        assert file.read() == PHOTO


def test_the_same_photo_again_changes_nothing(post: Callable[..., Any], image_set: ImageSet) -> None:
    first = post("images", files=[("a.jpg", PHOTO)]).json()["data"]["items"][0]
    again = post("images", files=[("b.jpg", PHOTO), ("c.jpg", OTHER), ("d.jpg", OTHER)]).json()["data"]["items"]
    assert [item["isNew"] for item in again] == [False, True, False]
    assert again[0] == first | {"isNew": False}
    assert again[1]["id"] == again[2]["id"]
    assert rows(image_set) == [(1, "a.jpg", ""), (2, "c.jpg", "")]


def test_a_removed_photo_may_come_again(
    post: Callable[..., Any], client: Client, ours: factories.House, image_set: ImageSet, bearer: Bearer
) -> None:
    item = post("images", files=[("a.jpg", PHOTO)]).json()["data"]["items"][0]
    assert client.delete(f"/core/v1/images/{item['id']}", headers=bearer(ours.tenant_admin)).status_code == 200
    again = post("images", files=[("a.jpg", PHOTO)]).json()["data"]["items"][0]
    assert again["isNew"]
    assert again["id"] != item["id"]
    assert rows(image_set) == [(2, "a.jpg", "")]


def test_an_idempotency_key_gets_the_first_answer(post: Callable[..., Any]) -> None:
    headers = {"Idempotency-Key": "once"}
    first = post("images", files=[("a.jpg", PHOTO)], **headers)
    again = post("images", files=[("a.jpg", PHOTO)], **headers)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert post("images", files=[("a.jpg", OTHER)], **headers).status_code == 409


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (("a.jpg", media.truncated(PHOTO)), "its end is missing"),
        (("a.jpg", media.disguised()), "neither a photo nor a video"),
        (("a.jpg", b""), "empty"),
        (("a.mp4", PHOTO, "video/mp4"), "The file is a photo"),
        (("a.webp", media.webp()), "The extension is not one of"),
        (("a.jpg", PHOTO, "text/html"), "The declared type is text/html"),
        (("a.png", media.bomb_png(), "image/png"), "too large"),
    ],
)
def test_what_is_no_photo_is_refused_with_all_others(
    post: Callable[..., Any], image_set: ImageSet, file: tuple[Any, ...], words: str
) -> None:
    response = post("images", files=[("ok.jpg", OTHER), file])
    assert response.status_code == 400, response.content
    assert any(file[0] in reason and words in reason for reason in response.json()["errors"]["files"])
    assert rows(image_set) == []


def test_too_large_and_too_many_are_refused(
    post: Callable[..., Any], image_set: ImageSet, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_PHOTO_BYTES = len(PHOTO) - 1
    assert "too large" in post("images", files=[("a.jpg", PHOTO)]).json()["message"]
    settings.MAX_PHOTO_BYTES = 1_000_000
    many = post("images", files=[(f"{number}.jpg", b"x") for number in range(101)])
    assert many.status_code == 400
    assert list(many.json()["errors"]) == ["files"]
    monkeypatch.setattr(additions, "MOST_FILES", 1)
    response = post("images", files=[("a.jpg", PHOTO), ("b.jpg", OTHER)])
    assert (response.status_code, response.json()["message"]) == (
        400, "An image set takes 1 files; 0 have come or were announced.",
    )  # fmt: skip
    assert rows(image_set) == []


@pytest.mark.parametrize("body", [{"camera": ["nowhere"]}, {"camera": ["topLeft", "topLeft"]}, {"other": "x"}])
def test_wrong_fields_are_named(post: Callable[..., Any], body: dict[str, Any]) -> None:
    response = post("images", body, files=[("a.jpg", PHOTO)])
    assert response.status_code == 400
    assert [name.partition(".")[0] for name in response.json()["errors"]] == list(body)


# --- announced -------------------------------------------------------------------------------------------------------


def test_an_announced_photo_is_uploaded_by_its_form(
    post: Callable[..., Any], client: Client, image_set: ImageSet
) -> None:
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    body = announced(size=len(PHOTO), sha256=sha256, camera="topRight")
    (item,) = post("images", body).json()["data"]["items"]
    assert (item["state"], item["id"], item["isNew"]) == ("announced", None, True)
    assert item["upload"]["fields"].keys() == {
        "Content-Type", "key", "policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature",
    }  # fmt: skip
    policy = json.loads(base64.b64decode(item["upload"]["fields"]["policy"]))
    assert ["content-length-range", 1, len(PHOTO)] in policy["conditions"]
    assert rows(image_set) == []
    for _ in range(2):
        assert put(client, item["upload"], PHOTO).status_code == 204
    assert rows(image_set) == [(1, "1.jpg", "topRight")]
    (told,) = post("images", body).json()["data"]["items"]
    assert (told["state"], told["isNew"], told["upload"]) == ("stored", False, None)


@pytest.mark.parametrize(
    ("data", "extra", "status", "words"),
    [
        (media.disguised(), {}, 400, "neither a photo nor a video"),
        (media.truncated(PHOTO), {}, 400, "its end is missing"),
        (PHOTO, {"size": len(PHOTO) - 1}, 400, "at most"),
        (PHOTO, {"size": len(PHOTO) + 1}, 400, "were announced"),
        (PHOTO, {"sha256": "0" * 64}, 400, "SHA-256"),
    ],
)
def test_what_is_not_what_was_announced_is_refused(
    post: Callable[..., Any], client: Client, image_set: ImageSet, data: bytes, extra: dict[str, Any], status: int,
    words: str,
) -> None:  # fmt: skip
    (item,) = post("images", announced(**extra)).json()["data"]["items"]
    response = put(client, item["upload"], data)
    assert (response.status_code, words in response.json()["message"]) == (status, True)
    assert rows(image_set) == []


def test_another_file_does_not_replace_the_first(post: Callable[..., Any], client: Client) -> None:
    (item,) = post("images", announced()).json()["data"]["items"]
    assert put(client, item["upload"], PHOTO).status_code == 204
    assert put(client, item["upload"], OTHER).status_code == 409


@pytest.mark.parametrize("name", ["key", "policy", "x-amz-signature", "Content-Type", "x-amz-date"])
@pytest.mark.parametrize("value", ["changed", None])
def test_a_changed_form_opens_nothing(
    post: Callable[..., Any], client: Client, image_set: ImageSet, name: str, value: str | None
) -> None:
    (item,) = post("images", announced()).json()["data"]["items"]
    response = put(client, item["upload"], PHOTO, **{name: value})
    assert (response.status_code, response.json()["message"]) == (403, f"The field {name} is not as it was signed.")
    assert rows(image_set) == []


def test_a_form_does_not_fit_another_address_nor_another_time(
    post: Callable[..., Any], client: Client, image_set: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"files": [*announced("1.jpg")["files"], *announced("2.jpg")["files"]]}
    one, other = (item["upload"] for item in post("images", body).json()["data"]["items"])
    assert put(client, {**one, "url": other["url"]}, PHOTO).status_code == 403
    assert (
        put(client, {**one, "url": one["url"][:-1] + ("A" if one["url"][-1] != "A" else "B")}, PHOTO).status_code == 403
    )
    assert put(client, {**one, "url": "http://testserver/uploads/x"}, PHOTO).status_code == 403
    assert client.get(urlsplit(one["url"]).path).status_code == 405
    assert client.post(urlsplit(one["url"]).path, one["fields"]).status_code == 400
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + presigned.UPLOAD_SECONDS + 1)
    late = put(client, one, PHOTO)
    assert (late.status_code, late.json()["message"]) == (403, "The form has expired.")
    assert rows(image_set) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fileName": "a.txt"}, "fileName"),
        ({"contentType": "text/html"}, "contentType"),
        ({"contentType": "video/mp4"}, "contentType"),
        ({"size": 30_000_001}, "size"),
        ({"size": 0}, "size"),
        ({"sha256": "x"}, "sha256"),
        ({"camera": "x"}, "camera"),
        ({"more": 1}, "more"),
    ],
)
def test_wrong_announcements_are_named(post: Callable[..., Any], changes: dict[str, Any], field: str) -> None:
    response = post("images", {"files": [announced()["files"][0] | changes]})
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [f"files.0.{field}"]


@pytest.mark.parametrize("body", [{}, {"files": []}, {"files": announced()["files"] * 101}, {"files": "x"}])
def test_bodies_without_files_are_refused(post: Callable[..., Any], body: dict[str, Any]) -> None:
    assert post("images", body).status_code == 400


# --- submission ------------------------------------------------------------------------------------------------------


def test_a_submitted_set_goes_through_the_pipeline(
    post: Callable[..., Any], client: Client, image_set: ImageSet, drain: Callable[[], int]
) -> None:
    (item,) = post("images", announced()).json()["data"]["items"]
    assert put(client, item["upload"], PHOTO).status_code == 204
    response = post("submit")
    assert response.json() == {
        "success": True, "data": {"id": str(image_set.pk), "status": "processing"},
        "message": "Successfully submitted image set",
    }  # fmt: skip
    assert post("submit").status_code == 409
    drain()
    image_set.refresh_from_db()
    assert image_set.state in {ImageSetState.READY, ImageSetState.REJECTED}
    assert image_set.submitted_at is not None
    image = image_set.images.get()
    assert image.has_thumbnails
    assert image.published.name


def test_nothing_is_taken_after_submission(post: Callable[..., Any], client: Client, image_set: ImageSet) -> None:
    body = {"files": [*announced("1.jpg")["files"], *announced("2.jpg")["files"]]}
    one, late = (item["upload"] for item in post("images", body).json()["data"]["items"])
    assert put(client, one, PHOTO).status_code == 204
    assert post("submit", {"leaveOut": True}).status_code == 200
    refused = image_set.uploads.get(position=2)
    assert refused.state == UploadState.REFUSED
    assert refused.reason == "It was left out when the set was submitted: It was not uploaded."
    responses = [post("images", announced("3.jpg")), post("images", files=[("3.jpg", OTHER)]), put(client, late, OTHER)]
    for response in responses:
        assert (response.status_code, response.json()["message"]) == (409, additions.SUBMITTED)
    assert rows(image_set) == [(1, "1.jpg", "")]


def test_missing_files_stand_in_the_way_and_are_named(post: Callable[..., Any], image_set: ImageSet) -> None:
    post("images", files=[("a.jpg", PHOTO)])
    post("images", announced("late.jpg"))
    response = post("submit")
    assert response.status_code == 409
    assert response.json()["errors"] == {"late.jpg": ["It was not uploaded."]}
    image_set.refresh_from_db()
    assert (image_set.state, image_set.submitted_at) == (ImageSetState.OPEN, None)


@pytest.mark.parametrize("with_announced", [False, True])
def test_a_set_without_images_is_not_submitted(
    post: Callable[..., Any], image_set: ImageSet, with_announced: bool
) -> None:
    if with_announced:
        post("images", announced())
    response = post("submit", {"leaveOut": True})
    assert (response.status_code, response.json()["message"]) == (409, "The image set has no images yet.")
    assert not Upload.objects.of(image_set.tenant_id or uuid4()).filter(state=UploadState.REFUSED).exists()


# --- whose -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["images", "submit"])
def test_the_outsider_finds_no_set(
    post: Callable[..., Any], ours: factories.House, outsider: factories.House, name: str
) -> None:
    for person in (outsider.staff, outsider.tenant_admin, outsider.annotator, outsider.reviewer):
        assert post(name, announced(), who=person).status_code == 404
        assert post(name, files=[("a.jpg", b"broken")], who=person).status_code == 404


@pytest.mark.parametrize("name", ["images", "submit"])
def test_recordings_take_no_images_from_clients(
    client: Client, ours: factories.House, bearer: Bearer, name: str
) -> None:
    rig = factories.rig(ours.tenant, open_to=[ours.tenant], default=ours.tenant)
    path = f"/core/v1/imageSets/{factories.recording(rig).pk}/{name}"
    body = announced() if name == "images" else {}
    response = client.post(path, body, "application/json", headers=bearer(ours.staff))
    assert (response.status_code, response.json()["message"]) == (
        409, "A set that waits for its tenant takes no images from clients.",
    )  # fmt: skip
