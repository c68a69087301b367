"""Photos with a face, a model that sees it, and sets on their way through the `face_blur` job."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from django.core.files import File
from django_q.models import OrmQ
from numpy.typing import NDArray
from PIL import Image as PillowImage

from assets.models import Image, ImageSet
from assets.services.submissions import IncomingFile, SubmissionDetails
from imaging.jobs import face_blur
from imaging.ml.types import Finding, Prediction
from imaging.models import JobRun
from imaging.ops.media import judge
from inspection_platform import tasks, workflow
from tenants.catalogue import CAMERAS
from tenants.models import Family
from tests import factories, media, models, queue
from tests.factories import House

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


def switch(house: House, *cameras: str) -> None:
    """Blur on for exactly these cameras."""
    factories.settings(house.tenant, faceblurServiceEnabled={camera: camera in cameras for camera in CAMERAS})


def submitted(house: House, *photos: bytes, key: str = "in1") -> ImageSet:
    files = [incoming(data, number) for number, data in enumerate(photos, 1)]
    return workflow.submit(
        tenant=house.tenant, family=Family.INSPEKTLABS, external_key=key, details=SubmissionDetails(), files=files
    )


def incoming(data: bytes, number: int) -> IncomingFile:
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
