"""Recordings of capture units: two devices, their files in pieces, and the set that comes of it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from assets.models import CaptureUnit, ImageSet, ImageSetState, Passage, Recording
from assets.services.device_keys import capture_unit_enrol, capture_unit_revoke
from assets.storage import stored_files
from imaging.ml.types import Finding
from imaging.services import recordings as taking
from inspection_platform import sweep
from inspection_platform.cleanup import STEPS
from inspection_platform.env import storage_config
from tenants.models import User
from tenants.scope import Reach
from tests import factories, media, models
from tests.api.conftest import Headers
from tests.object_store import object_store

pytestmark = pytest.mark.django_db

PATH = "/core/v1/recordings"
EVERY = Reach.every()
PHOTO = media.jpeg(640, 480, seed=1)
OTHER_PHOTO = media.jpeg(640, 480, seed=2)


@dataclass(frozen=True, slots=True)
class Device:
    """A unit's computer: its key, and what it does with it."""

    client: Client
    unit: CaptureUnit
    key: str

    @property
    def headers(self) -> Headers:
        return {"x-device-key": self.key}

    def begin(self, *cameras: str, headers: Headers | None = None, **body: Any) -> Any:
        given = {**self.headers, **(headers or {})}
        body = {"cameras": list(cameras), **body}
        return self.client.post(PATH, body, content_type="application/json", headers=given)

    def recording(self, passage: str) -> Any:
        return self.client.get(f"{PATH}/{passage}", headers=self.headers)

    def offset(self, passage: str, camera: str) -> Any:
        return self.client.head(f"{PATH}/{passage}/cameras/{camera}", headers=self.headers)

    def send(
        self, passage: str, camera: str, data: bytes, *, start: int = 0, total: int | None = None, **more: Any
    ) -> Any:
        headers = {**self.headers, **more.pop("headers", {})}
        if total is not None:
            headers["content-range"] = f"bytes {start}-{start + len(data) - 1}/{total}"
        return self.client.put(
            f"{PATH}/{passage}/cameras/{camera}", data, content_type="application/octet-stream", headers=headers, **more
        )

    def complete(self, passage: str) -> Any:
        return self.client.post(f"{PATH}/{passage}/complete", headers=self.headers)

    def record(self, passage: str, **files: bytes) -> None:
        """All of it, with nothing in the way."""
        assert self.begin(*files, passageId=passage).status_code == 200
        for camera, data in files.items():
            assert self.send(passage, camera, data).status_code == 200
        assert self.complete(passage).status_code == 200


def device(client: Client, unit: CaptureUnit) -> Device:
    return Device(client, unit, capture_unit_enrol(unit=unit))


@pytest.fixture
def rig(client: Client, ours: factories.House) -> tuple[Device, Device]:
    """The left and the right device of a rig of ours, in a storage of their own."""
    left, right = factories.rig(ours.tenant, open_to=[ours.tenant], country_code="NO").units.order_by("side")
    return device(client, left), device(client, right)


@pytest.fixture
def left(rig: tuple[Device, Device]) -> Device:
    return rig[0]


@pytest.fixture
def right(rig: tuple[Device, Device]) -> Device:
    return rig[1]


def sets() -> list[ImageSet]:
    return list(ImageSet.objects.of(EVERY).filter(submission__isnull=True))


def begun(device: Device, *cameras: str) -> str:
    passage: str = device.begin(*cameras).json()["data"]["passageId"]
    return passage


def message(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["message"]


# --- the story -------------------------------------------------------------------------------------------------------


def test_two_devices_record_a_car_and_its_plate_says_whose_it_is(
    ours: factories.House,
    outsider: factories.House,
    rig: tuple[Device, Device],
    drain: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models.use(monkeypatch, lambda _image: [models.square(0.1, 0.1)])
    plate = Finding("plate", 0.9, ((0.3, 0.4), (0.7, 0.4), (0.7, 0.65), (0.3, 0.65)))
    models.use_plates(monkeypatch, lambda _image: [plate], lambda _crop: "AB12345")
    car = factories.car(ours.tenant)
    left, right = rig
    passage = str(uuid4())
    films = [media.video(2, (640, 480), seed=seed) for seed in (1, 2)]
    for unit, camera, film in ((left, "topLeft", films[0]), (right, "topRight", films[1])):
        answer = unit.begin(camera, passageId=passage, recDate="1763793814").json()["data"]
        assert answer["passageId"] == passage
        assert answer["cameras"][0] | {"url": ""} == {"camera": camera, "isStored": False, "offset": 0, "url": ""}
        half = len(film) // 2
        assert unit.send(passage, camera, film[:half], total=len(film)).json()["data"]["offset"] == half
        told = unit.offset(passage, camera)
        assert (told.headers["Upload-Offset"], told.headers["Upload-Complete"]) == (str(half), "?0")
        done = unit.send(passage, camera, film[half:], start=half, total=len(film))
        assert done.headers["Upload-Complete"] == "?1"
        assert sets() == []
        assert unit.complete(passage).json()["data"]["isComplete"] is True
    (image_set,) = sets()
    assert (image_set.tenant, image_set.state) == (None, ImageSetState.PROCESSING)
    drain()
    image_set.refresh_from_db()
    assert (image_set.tenant, image_set.car, image_set.state) == (ours.tenant, car, ImageSetState.READY)
    assert str(image_set.passage_id) == passage
    assert image_set.recorded_at.timestamp() == 1763793814
    assert {upload.camera for upload in image_set.uploads.all()} == {"topLeft", "topRight"}
    assert {image.camera for image in image_set.images.all()} == {"topLeft", "topRight"}
    assert {unit.recording_count for unit in CaptureUnit.objects.of(EVERY)} == {1}
    assert not list(stored_files("recordings/"))


def test_a_plate_that_nobody_registered_leaves_the_set_to_nobody(
    rig: tuple[Device, Device], drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.use(monkeypatch, lambda _image: [])
    passage = str(uuid4())
    rig[0].record(passage, topLeft=PHOTO)
    rig[1].record(passage, topRight=OTHER_PHOTO)
    drain()
    (image_set,) = sets()
    assert (image_set.tenant, image_set.car, image_set.country_code) == (None, None, "NO")
    assert [image.camera for image in image_set.images.order_by("position")] == ["topLeft", "topRight"]


# --- on again after a break ------------------------------------------------------------------------------------------


def test_what_came_before_a_break_is_kept(left: Device) -> None:
    passage = begun(left, "topLeft")
    broken: dict[str, Any] = {"CONTENT_LENGTH": str(len(PHOTO)), "wsgi.input": BytesIO(PHOTO[:5000])}
    assert message(left.send(passage, "topLeft", PHOTO, **broken)) == (
        400,
        "The body ended early; what came of it is kept.",
    )
    assert left.offset(passage, "topLeft").headers["Upload-Offset"] == "5000"
    assert left.send(passage, "topLeft", PHOTO[5000:], start=5000, total=len(PHOTO)).status_code == 200
    row = Recording.objects.of(EVERY).get(camera="topLeft")
    with default_storage.open(str(row.file.name)) as file:
        assert file.read() == PHOTO


def test_a_body_of_which_nothing_came_leaves_nothing(left: Device) -> None:
    passage = begun(left, "topLeft")
    nothing: dict[str, Any] = {"CONTENT_LENGTH": "10", "wsgi.input": BytesIO(b"")}
    assert left.send(passage, "topLeft", b"0123456789", **nothing).status_code == 400
    assert not list(stored_files(f"recordings/{Recording.objects.of(EVERY).get().pk}/"))


def test_a_server_that_dies_over_the_last_part_has_it_sent_again(left: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    passage = begun(left, "topLeft")
    left.send(passage, "topLeft", PHOTO[:5000], total=len(PHOTO))

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(taking, "recording_keep", die)
        with pytest.raises(KeyboardInterrupt):
            left.send(passage, "topLeft", PHOTO[5000:], start=5000, total=len(PHOTO))
    assert left.offset(passage, "topLeft").headers["Upload-Offset"] == "5000"
    assert left.send(passage, "topLeft", PHOTO[5000:], start=5000, total=len(PHOTO)).json()["data"]["isStored"]


def test_whoever_begins_again_is_told_where_to_go_on(left: Device) -> None:
    passage = str(uuid4())
    first = left.begin("topLeft", "backLeft", passageId=passage)
    left.send(passage, "topLeft", PHOTO)
    left.send(passage, "backLeft", OTHER_PHOTO[:100], total=len(OTHER_PHOTO))
    again = left.begin("topLeft", "backLeft", passageId=passage).json()["data"]
    assert [(one["camera"], one["offset"], one["isStored"]) for one in again["cameras"]] == [
        ("backLeft", 100, False),
        ("topLeft", len(PHOTO), True),
    ]
    assert again == left.recording(passage).json()["data"]
    assert [one["url"] for one in again["cameras"]] == [one["url"] for one in first.json()["data"]["cameras"]]
    assert Passage.objects.of(EVERY).count() == 1


def test_a_file_that_is_whole_may_be_sent_again_and_no_other(left: Device) -> None:
    passage = begun(left, "topLeft")
    first = left.send(passage, "topLeft", PHOTO)
    assert left.send(passage, "topLeft", PHOTO).json() == first.json()
    assert left.send(passage, "topLeft", PHOTO[9:], start=9, total=len(PHOTO)).status_code == 200
    assert message(left.send(passage, "topLeft", PHOTO + b"x")) == (409, "The file of topLeft is here already.")


@pytest.mark.parametrize("start", [0, 99, 101])
def test_only_the_next_byte_is_taken(left: Device, start: int) -> None:
    passage = begun(left, "topLeft")
    left.send(passage, "topLeft", PHOTO[:100], total=len(PHOTO))
    refused = left.send(passage, "topLeft", PHOTO[start:200], start=start, total=len(PHOTO))
    assert message(refused) == (409, f"The next byte is 100, not {start}.")


def test_without_a_passage_an_idempotency_key_makes_a_repetition_harmless(rig: tuple[Device, Device]) -> None:
    key = {"idempotency-key": "pass 1"}
    left, right = rig
    first = left.begin("topLeft", headers=key)
    assert left.begin("topLeft", headers=key).json() == first.json()
    other = right.begin("topLeft", headers=key)
    assert other.status_code == 200
    assert other.json()["data"]["passageId"] != first.json()["data"]["passageId"]


def test_parts_are_joined_in_an_object_store(left: Device, settings: Settings) -> None:
    with object_store(page=3) as store:
        url = f"s3://access:secret@bucket/folder?endpoint={store.address}&region=eu-north-1"
        settings.STORAGES = settings.STORAGES | {"default": storage_config(url)}
        settings.FILE_UPLOAD_TEMP_DIR = None
        passage = begun(left, "topLeft")
        cuts = [0, 1000, 2000, 3000, 4000, len(PHOTO)]
        for first, last in pairwise(cuts):
            assert left.offset(passage, "topLeft").headers["Upload-Offset"] == str(first)
            assert left.send(passage, "topLeft", PHOTO[first:last], start=first, total=len(PHOTO)).status_code == 200
        capture_unit_revoke(unit=CaptureUnit.objects.of(EVERY).exclude(pk=left.unit.pk).get())
        assert left.complete(passage).status_code == 200
        assert list(store.objects.values()) == [PHOTO]
        (upload,) = sets()[0].uploads.all()
        assert (upload.size, upload.sha256) == (len(PHOTO), hashlib.sha256(PHOTO).hexdigest())


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>" * 99, "The file cannot be accepted: its content is neither a JPEG nor an MP4."),
        (media.png(64, 64), "The file cannot be accepted: its content is neither a JPEG nor an MP4."),
        (PHOTO[:-500], "The file is incomplete: its end is missing. Please upload it again."),
    ],
)
def test_content_is_judged_and_what_is_unusable_is_forgotten(left: Device, data: bytes, reason: str) -> None:
    passage = begun(left, "topLeft")
    refused = left.send(passage, "topLeft", data)
    assert message(refused) == (400, reason)
    assert refused.json()["errors"] == {"file": [reason]}
    half = len(PHOTO) // 2
    assert left.send(passage, "topLeft", PHOTO[:half], total=len(PHOTO)).status_code == 200
    wrong = left.send(passage, "topLeft", b"x" * 10, start=half, total=half + 10)
    assert wrong.status_code == 400
    assert left.offset(passage, "topLeft").headers["Upload-Offset"] == "0"


def test_the_hash_of_the_whole_file_is_compared(left: Device) -> None:
    passage = begun(left, "topLeft")

    def digest(data: bytes) -> dict[str, str]:
        return {"repr-digest": f"sha-256=:{b64encode(hashlib.sha256(data).digest()).decode()}:"}

    wrong = left.send(passage, "topLeft", PHOTO, headers=digest(OTHER_PHOTO))
    assert message(wrong) == (400, "The file did not arrive as it was sent; send it again.")
    assert left.send(passage, "topLeft", PHOTO, headers={"repr-digest": "sha-256=:AAAA:"}).status_code == 400
    assert left.send(passage, "topLeft", PHOTO, headers=digest(PHOTO)).status_code == 200


@pytest.mark.parametrize(
    "said",
    ["bytes 0-9/5", "bytes 5-1/100", "bytes */100", "0-9/10", "bytes 0-8/10", "bytes 0-9/99999999999999999999"],
)
def test_a_range_that_does_not_fit_is_refused(left: Device, said: str) -> None:
    passage = begun(left, "topLeft")
    assert left.send(passage, "topLeft", PHOTO[:10], headers={"content-range": said}).status_code == 400


def test_a_file_that_is_too_large_is_refused_before_it_comes(left: Device, settings: Settings) -> None:
    passage = begun(left, "topLeft")
    refused = left.send(passage, "topLeft", PHOTO[:10], total=100_000_000)
    assert message(refused) == (400, "The file is too large: at most 99,999,999 bytes are accepted.")
    settings.MAX_PHOTO_BYTES = len(PHOTO) - 1
    assert left.send(passage, "topLeft", PHOTO).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"cameras": []}, {"cameras": ["top"]}, {"cameras": ["topLeft", "topLeft"]}, {"cameras": "topLeft"}, {},
        {"cameras": ["topLeft"], "passageId": "x"}, {"cameras": ["topLeft"], "recDate": "tomorrow"},
        {"cameras": ["topLeft"], "recDate": "9999999999"},
    ],
)  # fmt: skip
def test_a_beginning_that_is_wrong_is_refused(left: Device, body: dict[str, Any]) -> None:
    response = left.client.post(PATH, body, content_type="application/json", headers=left.headers)
    assert response.status_code == 400
    assert not Passage.objects.of(EVERY).exists()


def test_a_recording_is_complete_with_all_its_files(left: Device) -> None:
    passage = begun(left, "topLeft", "backLeft")
    left.send(passage, "topLeft", PHOTO)
    assert message(left.complete(passage)) == (409, "The file of backLeft is not here yet.")
    left.send(passage, "backLeft", OTHER_PHOTO)
    assert left.complete(passage).json() == left.complete(passage).json()
    assert message(left.begin("roofLeft", passageId=passage)) == (409, "The recording is complete.")
    left.unit.refresh_from_db()
    assert left.unit.recording_count == 1


def test_a_camera_is_recorded_by_one_unit(rig: tuple[Device, Device]) -> None:
    passage = begun(rig[0], "topLeft")
    refused = rig[1].begin("topLeft", passageId=passage)
    assert message(refused) == (409, "Another unit records topLeft of this passage.")


def test_requests_are_counted_by_unit(rig: tuple[Device, Device], settings: Settings) -> None:
    settings.DEVICE_RATE = 1
    left, right = rig
    # One of these may be the first of the next minute.
    refused = [answer for answer in (left.begin("topLeft") for _ in range(4)) if answer.status_code == 429]
    assert len(refused) >= 2
    assert int(refused[0].headers["Retry-After"]) <= 60
    assert right.begin("topRight").status_code == 200


# --- who sees what ---------------------------------------------------------------------------------------------------


def calls(device: Device, passage: str) -> Iterator[Any]:
    yield device.begin("topLeft", passageId=passage)
    yield device.recording(passage)
    yield device.offset(passage, "topLeft")
    yield device.send(passage, "topLeft", PHOTO)
    yield device.complete(passage)


def test_a_device_of_another_rig_finds_nothing(left: Device, client: Client, outsider: factories.House) -> None:
    passage = begun(left, "topLeft")
    strangers = [left.unit.capture_set.tenant, outsider.tenant]
    for tenant in strangers:
        stranger = device(client, factories.rig(tenant).units.order_by("side")[0])
        assert [answer.status_code for answer in calls(stranger, passage)] == [404] * 5
    assert Recording.objects.of(EVERY).get().file.name == ""


def test_a_unit_does_not_see_what_the_other_records(rig: tuple[Device, Device]) -> None:
    left, right = rig
    passage = begun(left, "topLeft")
    assert [answer.status_code for answer in list(calls(right, passage))[1:]] == [404] * 4
    right.begin("topRight", passageId=passage)
    assert [one["camera"] for one in right.recording(passage).json()["data"]["cameras"]] == ["topRight"]
    assert right.send(passage, "topLeft", PHOTO).status_code == 404


@pytest.mark.parametrize("path", ["x", str(UUID(int=7))])
def test_what_does_not_exist_is_not_found(left: Device, path: str) -> None:
    assert left.recording(path).status_code == left.complete(path).status_code == 404
    assert left.offset(path, "topLeft").status_code == left.send(path, "topLeft", PHOTO).status_code == 404


def test_only_a_device_key_opens_recordings_and_it_opens_nothing_else(
    left: Device, ours: factories.House, bearer: Callable[[User], Headers]
) -> None:
    passage = begun(left, "topLeft")
    for person in (ours.global_admin, ours.tenant_admin, ours.staff):
        assert left.client.get(f"{PATH}/{passage}", headers=bearer(person)).status_code == 401
    for headers in ({"x-api-key": ours.keys["core"]}, {"x-device-key": ours.keys["core"]}, {"x-device-key": "é"}, {}):
        assert left.client.get(f"{PATH}/{passage}", headers=headers).status_code == 401
    for path in ("imageSets", "captureUnits", "cars"):
        assert left.client.get(f"/core/v1/{path}", headers=left.headers).status_code == 401
    assert left.client.post("/core/v1/imageSets", {}, "application/json", headers=left.headers).status_code == 401


def test_a_revoked_key_opens_nothing(left: Device) -> None:
    passage = begun(left, "topLeft")
    capture_unit_revoke(unit=left.unit)
    assert [answer.status_code for answer in calls(left, passage)] == [401] * 5


def test_the_device_was_seen(left: Device) -> None:
    assert left.unit.last_seen_at is None
    begun(left, "topLeft")
    left.unit.refresh_from_db()
    assert left.unit.last_seen_at is not None


# --- when the other one is silent ------------------------------------------------------------------------------------


def test_a_unit_that_is_not_enrolled_is_not_waited_for(left: Device, right: Device) -> None:
    capture_unit_revoke(unit=right.unit)
    left.record(str(uuid4()), topLeft=PHOTO)
    assert len(sets()) == 1


def test_a_silent_unit_is_waited_for_so_long_and_no_longer(left: Device, right: Device, settings: Settings) -> None:
    passage = str(uuid4())
    right.begin("topRight", "backRight", passageId=passage)
    right.send(passage, "topRight", OTHER_PHOTO)
    left.record(passage, topLeft=PHOTO)
    assert sweep.recordings_sweep() == 0
    past = timezone.now() - timedelta(seconds=settings.RECORDING_PATIENCE_SECONDS + 1)
    Recording.objects.of(EVERY).update(modified_at=past)
    right.send(passage, "backRight", PHOTO[:100], total=len(PHOTO))
    assert sweep.recordings_sweep() == 0
    Recording.objects.of(EVERY).update(modified_at=past)
    assert (sweep.recordings_sweep(), sweep.recordings_sweep()) == (1, 0)
    (image_set,) = sets()
    assert [upload.camera for upload in image_set.uploads.all()] == ["topLeft", "topRight"]
    refused = (409, "The images of this passage have gone on already.")
    assert message(right.send(passage, "backRight", PHOTO[100:], start=100, total=len(PHOTO))) == refused
    assert message(right.begin("roofRight", passageId=passage)) == refused
    assert left.complete(passage).status_code == 200
    assert len(sets()) == 1


def test_a_passage_without_any_file_is_not_opened_but_cleaned_up(left: Device, own_storage: Any) -> None:
    passage = begun(left, "topLeft")
    left.send(passage, "topLeft", PHOTO[:100], total=len(PHOTO))
    assert len(list(stored_files("recordings/"))) == 1
    long_ago = timezone.now() - timedelta(days=60)
    Recording.objects.of(EVERY).update(modified_at=long_ago)
    assert sweep.recordings_sweep() == 0
    steps = dict(STEPS)
    prune, parts = steps["passages never recorded"], steps["parts of recordings nobody went on with"]
    assert (prune(timezone.now(), False), parts(timezone.now(), False)) == (0, 0)
    Passage.objects.of(EVERY).update(created_at=long_ago)
    later = timezone.now() + timedelta(days=2)
    for dry_run in (True, False):
        assert (prune(later, dry_run), parts(later, dry_run)) == (1, 1)
    assert not Passage.objects.of(EVERY).exists()
    assert not list(stored_files("recordings/"))


def test_a_recorded_passage_survives_the_clean_up(left: Device, right: Device) -> None:
    passage = str(uuid4())
    left.record(passage, topLeft=PHOTO)
    right.begin("topRight", passageId=passage)
    Passage.objects.of(EVERY).update(created_at=timezone.now() - timedelta(days=60))
    assert dict(STEPS)["passages never recorded"](timezone.now(), False) == 0


def test_a_look_costs_the_same_however_many_cameras(
    left: Device, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.DEVICE_RATE = 0
    passages = [begun(left, "topLeft"), begun(left, "topLeft", "backLeft", "roofLeft", "bottomLeft")]
    for passage in passages:
        with django_assert_num_queries(2):
            assert left.recording(passage).status_code == 200
