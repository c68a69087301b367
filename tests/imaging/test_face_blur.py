"""The `face_blur` job: what is published is blurred, and nothing else is seen meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone
from django_q.models import OrmQ
from numpy.typing import NDArray
from PIL import Image as PillowImage

from assets.models import Image, ImageSet, ImageSetState, ImageState
from assets.privacy import blur_rule
from assets.services.image_sets import jobs_off
from assets.services.submissions import IncomingFile, SubmissionDetails
from imaging.jobs import face_blur
from imaging.ml.types import Finding, Prediction
from imaging.models import JobRun, JobState, RunState
from imaging.ops.media import judge
from imaging.pipeline import JOBS
from inspection_platform import tasks, workflow
from inspection_platform.portal.presenters import photo_payload
from tenants.catalogue import CAMERAS
from tenants.models import Family, TenantSettings
from tests import factories, media, models, queue
from tests.admin_pages import login
from tests.factories import House

pytestmark = pytest.mark.django_db

Photo = NDArray[np.uint8]
#: Where a drawn face is, in shares of the photo: left, top, right, bottom.
FACE = (0.4, 0.4, 0.5, 0.5)


def crop(image: Photo) -> Photo:
    height, width = image.shape[:2]
    left, top, right, bottom = FACE
    return image[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def with_face(seed: int = 1, *, gps: bool = False) -> bytes:
    """A photo with a chequered square that the chosen detector takes for a face."""
    image = media.scene(640, 480, seed)
    rows, columns = np.indices(crop(image).shape[:2])
    crop(image)[:] = np.where((rows // 6 + columns // 6) % 2, 255, 0)[..., None]
    data = BytesIO()
    exif = PillowImage.Exif()
    if gps:
        exif[0x010F] = "a phone"
    PillowImage.fromarray(image).save(data, "JPEG", quality=92, exif=exif)
    return data.getvalue()


def certainty(image: Photo) -> float:
    """How much the place looks like the square: 1 sharp, about 0 covered."""
    return min(1.0, float(crop(image).std(axis=(0, 1)).max()) / 110)


class Faces(models.ChosenModel):
    """A face detector that really looks at the pixels; `trouble` may raise instead."""

    def __init__(self) -> None:
        super().__init__(lambda _image: [], face_blur.MODEL)
        self.trouble: Callable[[int], None] = lambda _asked: None
        self.stubborn = False

    def propose(self, image: Photo, *, floor: float, within: Any = None) -> Prediction:
        """The square, if it can be told."""
        self.asked += 1
        self.trouble(self.asked)
        left, top, right, bottom = FACE
        score = 0.9 if self.stubborn else certainty(image)
        found = [Finding("face", score, ((left, top), (right, top), (right, bottom), (left, bottom)))]
        height, width = image.shape[:2]
        return Prediction(self.name, "1", width, height, tuple(one for one in found if one.score >= floor))


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> Faces:
    model = Faces()
    models.use(monkeypatch, lambda _image: [])
    monkeypatch.setattr(face_blur, "load", lambda _name, *, threads: model)
    return model


def switch(house: House, *cameras: str) -> None:
    """Blur on for exactly these cameras."""
    factories.settings(house.tenant, faceblurServiceEnabled={camera: camera in cameras for camera in CAMERAS})


@pytest.fixture
def on(ours: House) -> House:
    """Our tenant wants no faces."""
    switch(ours, *CAMERAS)
    return ours


def submitted(house: House, *photos: bytes, key: str = "in1") -> ImageSet:
    files = [_incoming(data, number) for number, data in enumerate(photos, 1)]
    return workflow.submit(
        tenant=house.tenant, family=Family.INSPEKTLABS, external_key=key, details=SubmissionDetails(), files=files
    )


def _incoming(data: bytes, number: int) -> IncomingFile:
    facts = judge(BytesIO(data))
    name = f"{number}.mp4" if facts.kind.is_video else f"{number}.jpg"
    return IncomingFile(
        name=name, file=File(BytesIO(data), name), size=len(data), sha256=hashlib.sha256(data).hexdigest(),
        kind=str(facts.kind), width=facts.width, height=facts.height,
    )  # fmt: skip


def settled(image_set: ImageSet) -> ImageSet:
    queue.drain()
    image_set.refresh_from_db()
    return image_set


def run_until(name: str) -> None:
    """Run queued jobs until one of this name is next."""
    while (row := OrmQ.objects.order_by("pk").first()) is not None:
        task = row.task
        if JobRun.objects.all_tenants("test").filter(pk=task["args"][0], name=name).exists():
            return
        row.delete()
        tasks.run_job(*task["args"])


def job_of(image_set: ImageSet) -> JobRun:
    return JobRun.objects.all_tenants("test").filter(run__image_set=image_set, name="face_blur").latest("created_at")


def again(image_set: ImageSet) -> None:
    workflow.run_again(image_set=ImageSet.objects.all_tenants("test").get(pk=image_set.pk))


def photos_of(image_set: ImageSet) -> list[Image]:
    return list(image_set.images.order_by("position", "frame"))


def shown(image: Image) -> Photo:
    with image.published.open() as file, PillowImage.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


def test_off_is_the_default_and_costs_nothing(ours: House, faces: Faces) -> None:
    image_set = settled(submitted(ours, with_face()))
    job, image = job_of(image_set), image_set.images.get()
    assert (job.state, job.reason) == (JobState.SKIPPED, "Face blur is off for all cameras.")
    assert (faces.asked, image.faces_blurred_at) == (0, None)
    assert certainty(shown(image)) > 0.9


def test_what_is_published_shows_no_face_and_what_was_received_stays(on: House, faces: Faces) -> None:
    data = with_face(gps=True)
    image_set = settled(submitted(on, data))
    job, image = job_of(image_set), image_set.images.get()
    assert image_set.state == ImageSetState.READY
    assert (job.state, str(job.model_version)) == (JobState.DONE, "face_detector test-1")
    assert image.faces_blurred_at is not None
    assert certainty(shown(image)) < 0.3
    with image.received.open() as file:
        assert file.read() == data
    with image.published.open() as file, PillowImage.open(file) as picture:
        assert not picture.getexif()


def test_until_it_is_blurred_nothing_is_published(on: House, faces: Faces) -> None:
    image_set = submitted(on, with_face())
    run_until("face_blur")
    image = image_set.images.get()
    assert (image.state, image.width, image.published.name) == (ImageState.USABLE, 640, "")
    assert not default_storage.exists(f"published/{image_set.pk}")
    settled(image_set)
    assert image_set.images.get().published


def test_staff_pages_show_nothing_and_then_another_address(ours: House, faces: Faces) -> None:
    image_set = settled(submitted(ours, with_face()))
    plain = photo_payload(image_set.images.get())["url"]
    switch(ours, *CAMERAS)
    again(image_set)
    run_until("face_blur")
    assert photo_payload(image_set.images.get())["url"] == ""
    client = login(ours.staff)
    assert client.get(plain).status_code == 404
    settled(image_set)
    blurred = photo_payload(image_set.images.get())["url"]
    assert blurred != plain, "a browser may have kept the plain picture of the plain address"
    assert client.get(blurred).status_code == 200


def test_a_second_run_changes_nothing_that_is_seen(on: House, faces: Faces) -> None:
    image_set = settled(submitted(on, with_face()))
    before = image_set.images.get()
    pixels = shown(before)
    again(image_set)
    run_until("face_blur")
    assert image_set.images.get().published.name == before.published.name, "it stays while the set is run again"
    settled(image_set)
    after = image_set.images.get()
    assert after.published.name == before.published.name
    assert np.array_equal(shown(after), pixels)


# --- a face that stays -----------------------------------------------------------------------------------------------


def test_a_face_that_stays_fails_the_job_at_once_in_plain_words(on: House, faces: Faces) -> None:
    faces.stubborn = True
    image_set = settled(submitted(on, with_face(1), with_face(2)))
    job = job_of(image_set)
    words = "A face can still be recognised on 2 of 2 photos after blurring (1.jpg, 2.jpg); they were not published."
    assert (job.state, job.reason, job.attempts) == (JobState.FAILED, words, 1)
    assert (image_set.state, image_set.reason) == (ImageSetState.FAILED, f"face_blur: {words}")
    assert image_set.runs.get().state == RunState.FAILED
    for image in photos_of(image_set):
        assert (image.published.name, image.faces_blurred_at, image.reason) == ("", None, face_blur.WITHHELD)
    assert not default_storage.exists(f"published/{image_set.pk}") or not default_storage.listdir(
        f"published/{image_set.pk}"
    )[1]  # fmt: skip
    assert not image_set.results.exists()


def test_the_other_photos_are_published_all_the_same(on: House, faces: Faces) -> None:
    def trouble(asked: int) -> None:
        faces.stubborn = asked <= 4  # three passes and the last look at the first photo

    faces.trouble = trouble
    image_set = settled(submitted(on, with_face(1), with_face(2)))
    first, second = photos_of(image_set)
    assert image_set.state == ImageSetState.FAILED
    assert (bool(first.published), bool(second.published)) == (False, True)
    assert certainty(shown(second)) < 0.3


@pytest.mark.parametrize("stays", [False, True])
def test_what_was_published_with_faces_is_replaced_or_withdrawn(ours: House, faces: Faces, stays: bool) -> None:
    image_set = settled(submitted(ours, with_face()))
    key = str(image_set.images.get().published.name)
    switch(ours, "topLeft")
    faces.stubborn = stays
    again(image_set)
    run_until("face_blur")
    assert not default_storage.exists(key), "from the moment it is known that faces must not be seen"
    assert image_set.images.get().published.name == ""
    settled(image_set)
    image = image_set.images.get()
    assert default_storage.exists(key) is not stays
    assert image.published.name == ("" if stays else key)
    assert stays or certainty(shown(image)) < 0.3


def test_a_blurred_picture_is_withdrawn_when_a_face_is_found_on_a_later_run(on: House, faces: Faces) -> None:
    image_set = settled(submitted(on, with_face()))
    faces.stubborn = True
    again(image_set)
    settled(image_set)
    assert image_set.images.get().published.name == ""


def test_a_failed_set_can_be_run_again_once_blur_is_off(on: House, faces: Faces) -> None:
    faces.stubborn = True
    image_set = settled(submitted(on, with_face()))
    switch(on)
    again(image_set)
    image_set = settled(image_set)
    image = image_set.images.get()
    assert (image_set.state, image.reason, image.faces_blurred_at) == (ImageSetState.READY, "", None)
    assert certainty(shown(image)) > 0.9


# --- workers and settings that change --------------------------------------------------------------------------------


def test_a_second_try_goes_on_where_the_first_died(on: House, faces: Faces) -> None:
    def killed(asked: int) -> None:
        if asked == 3:  # the second photo
            faces.trouble = lambda _asked: None
            raise RuntimeError("the worker was killed")

    faces.trouble = killed
    image_set = submitted(on, with_face(1), with_face(2))
    queue.drain()
    first, second = photos_of(image_set)
    assert (bool(first.published), bool(second.published)) == (True, False)
    job = job_of(image_set)
    assert (job.state, job.attempts, job.checkpoint) == (JobState.QUEUED, 1, [str(first.pk)])
    JobRun.objects.all_tenants("test").filter(pk=job.pk).update(lease_until=timezone.now())
    workflow.enqueue([job])
    assert settled(image_set).state == ImageSetState.READY
    assert faces.asked == 5, "two looks at each photo, and the one that failed"
    assert photos_of(image_set)[0].faces_blurred_at == first.faces_blurred_at


def test_a_worker_that_died_between_file_and_row_leaves_nothing_wrong(on: House, faces: Faces) -> None:
    image_set = submitted(on, with_face())
    run_until("face_blur")
    image = image_set.images.get()
    default_storage.save(f"published/{image_set.pk}/{image.pk}.jpg", File(BytesIO(b"half a pict")))
    settled(image_set)
    assert certainty(shown(image_set.images.get())) < 0.3


def test_each_camera_by_itself_and_a_phone_as_soon_as_one_is_on(ours: House, faces: Faces) -> None:
    switch(ours, "topLeft")
    image_set = submitted(ours, with_face(1), with_face(2), with_face(3))
    for image, camera in zip(photos_of(image_set), ("topLeft", "topRight", ""), strict=True):
        Image.objects.of(ours.tenant.pk).filter(pk=image.pk).update(camera=camera)
    settled(image_set)
    assert [image.faces_blurred_at is not None for image in photos_of(image_set)] == [True, False, True]
    assert [certainty(shown(image)) < 0.3 for image in photos_of(image_set)] == [True, False, True]


def test_a_photo_that_waits_is_blurred_though_the_setting_went_off(on: House, faces: Faces) -> None:
    image_set = submitted(on, with_face())
    run_until("face_blur")
    switch(on)
    assert "face_blur" not in jobs_off(ImageSet.objects.of(on.tenant.pk).get(pk=image_set.pk))
    settled(image_set)
    assert image_set.images.get().faces_blurred_at is not None


def test_a_setting_that_came_on_after_the_start_holds_for_the_next_run(ours: House, faces: Faces) -> None:
    image_set = submitted(ours, with_face())
    switch(ours, *CAMERAS)
    settled(image_set)
    assert image_set.images.get().published, "published plainly, since nobody would have blurred it"
    again(image_set)
    settled(image_set)
    assert image_set.images.get().faces_blurred_at is not None


# --- photos of all kinds ---------------------------------------------------------------------------------------------


def test_every_frame_of_a_video_is_blurred(on: House, faces: Faces) -> None:
    image_set = settled(submitted(on, media.video(2.0, (320, 240))))
    images = photos_of(image_set)
    assert len(images) > 1
    assert all(image.frame and image.published and image.faces_blurred_at for image in images)


def test_motion_is_measured_though_frames_are_published_later(on: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_blur, "load", lambda _name, *, threads: Faces())
    models.use(monkeypatch, lambda _image: [models.square(0.3, 0.3)])
    image_set = submitted(on, media.video(2.0, (320, 240)))
    run_until("face_blur")
    skipped = OrmQ.objects.order_by("pk").first()
    assert skipped
    skipped.delete()
    settled(image_set)
    jobs = {job.name: job.state for job in image_set.runs.get().jobs.all()}
    assert (jobs["face_blur"], jobs["damage_identification"]) == (JobState.QUEUED, JobState.DONE)


def test_a_photo_that_cannot_be_decoded_is_no_face(on: House, faces: Faces) -> None:
    broken = bytearray(with_face(2))
    broken[200:-200] = bytes(len(broken) - 400)
    image_set = submitted(on, with_face(1), with_face(3))
    _first, second = photos_of(image_set)
    default_storage.delete(str(second.received.name))
    default_storage.save(str(second.received.name), File(BytesIO(bytes(broken))))
    image_set = settled(image_set)
    assert image_set.state == ImageSetState.READY
    assert [bool(image.published) for image in photos_of(image_set)] == [True, False]


def test_a_photo_on_which_nothing_can_be_seen_is_published_blurred(on: House, faces: Faces) -> None:
    data = BytesIO()
    PillowImage.new("RGB", (320, 240)).save(data, "JPEG")
    image_set = settled(submitted(on, data.getvalue()))
    image = image_set.images.get()
    assert (image_set.state, image.state) == (ImageSetState.REJECTED, ImageState.UNUSABLE)
    assert image_set.reason.startswith("Poor image quality")
    assert image.published
    assert image.faces_blurred_at
    assert "Nothing can be seen" in image.reason


# --- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "camera", "blurs"),
    [
        ((), "", False), ((), "topLeft", False), ((), "unknown", False), (("topLeft",), "topLeft", True),
        (("topLeft",), "topRight", False), (("topLeft",), "", True), (("topLeft",), "unknown", True),
    ],
)  # fmt: skip
def test_whether_a_tenant_blurs_a_camera(on: Sequence[str], camera: str, blurs: bool) -> None:
    settings = TenantSettings(face_blur={name: name in on for name in CAMERAS})
    assert settings.blurs_faces(camera) is blurs


@pytest.mark.parametrize("role", ["owner", "user", "default"])
def test_a_set_of_nobody_yet_is_blurred_if_anybody_who_may_get_it_asks(ours: House, outsider: House, role: str) -> None:
    owner, other = (ours, outsider) if role != "owner" else (outsider, ours)
    rig = factories.rig(
        owner.tenant,
        open_to=[other.tenant] if role == "user" else [],
        default=other.tenant if role == "default" else None,
    )
    image_set = factories.recording(rig)
    assert not blur_rule(image_set).is_on
    switch(outsider, "topLeft")
    rule = blur_rule(ImageSet.objects.all_tenants("test").get(pk=image_set.pk))
    assert (rule.is_on, rule.applies("topLeft"), rule.applies("topRight")) == (True, True, False)
    assert ("face_blur" in jobs_off(image_set)) is False


def test_a_rule_of_another_tenant_does_not_hold_here(ours: House, outsider: House) -> None:
    switch(outsider, *CAMERAS)
    assert not blur_rule(factories.image_set(ours.tenant)).is_on
    stray: Any = ImageSet(tenant=None, recorded_at=timezone.now())
    assert not blur_rule(stray).is_on


def test_a_mask_cannot_switch_it_off(on: House) -> None:
    image_set = factories.image_set(on.tenant, pipeline_mask=["damage_detection"])
    assert "face_blur" not in jobs_off(image_set)
    assert JOBS["face_blur"].needs == ("quality",)
