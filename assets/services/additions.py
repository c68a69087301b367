"""Files that come for an open set: with a request, or announced first and uploaded one by one; until it is submitted.

An announced file is an Upload row that waits. On local storage the platform's own door judges and stores it when it
arrives. In an object store it lies under a key of its own (`announced/...`) until the set is submitted; then the job
that fetches files judges it and takes it to its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from assets.kinds import VIDEO_KINDS
from assets.models import Image, ImageSet, ImageSetState, Upload, UploadState
from assets.querysets import ImageQuerySet
from assets.services.image_sets import image_set_lock
from assets.services.uploads import NAME_LENGTH, IncomingFile, received_put, upload_refuse, upload_store
from tenants.errors import Conflict, Invalid, NotFound

#: Files of one set, all told.
MOST_FILES: Final = 500
SUBMITTED: Final = "The image set was submitted already; it takes no more images."
EMPTY: Final = "The image set has no images yet."
LEFT_OUT: Final = "It was left out when the set was submitted: {reason}"
ANNOUNCED_FOLDER: Final = "announced/"
_WHY: Final = "a set that was reached already"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A file that is to come. `size` (bytes, 0: unsaid) and `sha256` ("": unsaid) are held against what arrives.

    `content_type` is what the upload is going to declare.
    """

    name: str
    size: int = 0
    sha256: str = ""
    camera: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of a set: its Upload, and its Image if it is a photo that is here; of one to come the type it declares."""

    upload: Upload
    image: Image | None
    is_new: bool
    content_type: str = ""


def announced_key(upload: Upload) -> str:
    """Where an announced file lies in an object store until its set is submitted."""
    return f"{ANNOUNCED_FOLDER}{upload.image_set_id}/{upload.pk}"


def images_add(*, image_set: ImageSet, files: Sequence[IncomingFile]) -> list[Arrival]:
    """Add judged files to an open set, in their order; one that is in the set already is told again, not doubled.

    Call it outside a transaction: files go into storage before their rows, and the clean-up finds those that got none.
    Raises NotFound for a set that is gone, Conflict for one that was submitted, Invalid beyond MOST_FILES.
    """
    _open(image_set)
    different = list({item.sha256: item for item in reversed(files)}.values())[::-1]
    keys = {
        item.sha256: received_put(
            image_set_id=image_set.pk, file=item.file, kind=item.kind, sha256=item.sha256, size=item.size
        )
        for item in different
    }
    with transaction.atomic():
        row = _open(image_set_lock(image_set))
        here = _here(row, [item.sha256 for item in files])
        fresh = [item for item in different if item.sha256 not in here]
        here |= _add(row, fresh, keys)
    return _told(here, files, {item.sha256 for item in fresh})


def uploads_announce(*, image_set: ImageSet, files: Sequence[Announcement], staged: bool) -> list[Arrival]:
    """Make a waiting Upload for each file that is to come; one whose SHA-256 is in the set already needs none.

    `staged`: the files go into an object store themselves. Raises as `images_add` does.
    """
    with transaction.atomic():
        row = _open(image_set_lock(image_set))
        here = _here(row, [one.sha256 for one in files if one.sha256])
        last = _room(row, sum(one.sha256 not in here for one in files))
        made: list[Upload] = []
        arrivals: list[Arrival] = []
        for one in files:
            if one.sha256 in here:
                arrivals.append(here[one.sha256])
                continue
            upload = Upload(
                image_set=row, position=last + len(made) + 1, name=one.name[-NAME_LENGTH:], camera=one.camera,
                size=one.size, sha256=one.sha256, state=UploadState.ANNOUNCED,
            )  # fmt: skip
            upload.file.name = announced_key(upload) if staged else ""
            made.append(upload)
            arrivals.append(Arrival(upload, None, is_new=True, content_type=one.content_type))
        _uploads().bulk_create(made)
    return arrivals


def announced_find(upload_id: UUID) -> Upload:
    """The upload that was announced under this id, with its set; NotFound if the set or the upload is gone."""
    rows = _uploads().select_related("image_set").filter(image_set__deleted_at__isnull=True)
    upload = rows.filter(pk=upload_id).first()
    if upload is None:
        raise NotFound("The file is not awaited any more.")
    return upload


def announced_store(*, upload: Upload, file: IncomingFile) -> Upload:
    """Keep an announced file that has arrived, judged; the same once more changes nothing.

    Raises Conflict if the set was submitted or another file arrived here before, Invalid if it is not what was
    announced, NotFound for a set that is gone.
    """
    _open(upload.image_set)
    if _is_stored(upload, file):
        return upload
    received_put(image_set_id=upload.image_set_id, file=file.file, kind=file.kind, sha256=file.sha256, size=file.size)
    with transaction.atomic():
        _open(image_set_lock(upload.image_set))
        row = announced_find(upload.pk)
        if _is_stored(row, file):
            return row
        return upload_store(
            upload=row, file=file.file, kind=file.kind, sha256=file.sha256, size=file.size, width=file.width,
            height=file.height,
        )  # fmt: skip


def promise_check(upload: Upload, *, size: int, sha256: str) -> None:
    """Raise Invalid unless the content is what was announced of it."""
    if upload.size and upload.size != size:
        raise Invalid(f"It has {size} bytes, and {upload.size} were announced.")
    if upload.sha256 and upload.sha256 != sha256:
        raise Invalid("Its SHA-256 is not the one that was announced.")


def uploads_announced(image_set: ImageSet) -> list[Upload]:
    """The files of the set that are still to come, or lie in the object store unlooked at."""
    return list(_uploads().filter(image_set=image_set, state=UploadState.ANNOUNCED).order_by("position"))


def image_set_close(*, image_set: ImageSet, faults: Mapping[UUID, str], leave_out: bool) -> ImageSet:
    """End the adding of images; inside the caller's transaction, who then starts the run.

    `faults` says of announced uploads why they cannot be taken; the others are in the object store. Such files are
    named in a Conflict, or with `leave_out` marked as refused. Raises NotFound, and Conflict for a set that was
    submitted before or has no image.
    """
    row = _open(image_set_lock(image_set))
    announced = uploads_announced(row)
    bad = [one for one in announced if one.pk in faults]
    if bad and not leave_out:
        raise Conflict(
            f"{len(bad)} of the files announced cannot be taken: {bad[0]}: {faults[bad[0].pk]}",
            {one.name: [faults[one.pk]] for one in bad},
        )
    for one in bad:
        one.file.name = ""
        upload_refuse(upload=one, reason=LEFT_OUT.format(reason=faults[one.pk]))
    good = [one.pk for one in announced if one.pk not in faults]
    now = timezone.now()
    _uploads().filter(pk__in=good).update(state=UploadState.WAITING, modified_at=now)
    if not good and not _has_content(row):
        raise Conflict(EMPTY)
    row.submitted_at = now
    row.save(update_fields=["submitted_at", "modified_at"])
    return row


def _open(image_set: ImageSet) -> ImageSet:
    if image_set.deleted_at is not None:
        raise NotFound("Image set not found.")
    if image_set.state != ImageSetState.OPEN:
        raise Conflict(SUBMITTED)
    return image_set


def _is_stored(upload: Upload, file: IncomingFile) -> bool:
    """Whether just this file has arrived before. Conflict if another one has, Invalid if it is not the one awaited."""
    if upload.state == UploadState.STORED:
        if upload.sha256 != file.sha256:
            raise Conflict("Another file was uploaded here before.")
        return True
    promise_check(upload, size=file.size, sha256=file.sha256)
    return False


def _add(row: ImageSet, files: Sequence[IncomingFile], keys: Mapping[str, str]) -> dict[str, Arrival]:
    """Rows of files that are new to the set, by their SHA-256."""
    last = _room(row, len(files))
    arrivals = {}
    for position, item in enumerate(files, last + 1):
        upload = Upload(
            image_set=row, position=position, name=item.name[-NAME_LENGTH:], camera=item.camera, kind=item.kind,
            sha256=item.sha256, size=item.size, state=UploadState.STORED, file=keys[item.sha256],
        )  # fmt: skip
        image = None if item.kind in VIDEO_KINDS else _image(upload, item)
        arrivals[item.sha256] = Arrival(upload, image, is_new=True)
    _uploads().bulk_create([one.upload for one in arrivals.values()])
    _images().bulk_create([one.image for one in arrivals.values() if one.image is not None])
    return arrivals


def _image(upload: Upload, item: IncomingFile) -> Image:
    return Image(
        image_set=upload.image_set, upload=upload, position=upload.position, camera=upload.camera, name=upload.name,
        sha256=item.sha256, size=item.size, received=upload.file.name, width=item.width, height=item.height,
    )  # fmt: skip


def _here(row: ImageSet, hashes: Collection[str]) -> dict[str, Arrival]:
    """What of this content is in the set: photos that nobody removed, and videos (two queries)."""
    videos = _uploads().filter(image_set=row, sha256__in=hashes, state=UploadState.STORED, kind__in=VIDEO_KINDS)
    found = {one.sha256: Arrival(one, None, is_new=False) for one in videos}
    photos = _images().visible().filter(image_set=row, sha256__in=hashes, upload__isnull=False)
    for image in photos.select_related("upload"):
        if image.upload is not None:
            found[image.sha256] = Arrival(image.upload, image, is_new=False)
    return found


def _room(row: ImageSet, wanted: int) -> int:
    """The last position taken; Invalid if the set has no room for so many more files."""
    facts = _uploads().filter(image_set=row).aggregate(last=Max("position"))
    last = facts["last"] or 0
    if last + wanted > MOST_FILES:
        raise Invalid(f"An image set takes {MOST_FILES} files; {last} have come or were announced.")
    return last


def _told(here: Mapping[str, Arrival], files: Iterable[IncomingFile], fresh: set[str]) -> list[Arrival]:
    """An arrival for each file in the client's order; the second of the same content is not new any more."""
    told = []
    for item in files:
        one = here[item.sha256]
        told.append(Arrival(one.upload, one.image, is_new=item.sha256 in fresh))
        fresh.discard(item.sha256)
    return told


def _has_content(row: ImageSet) -> bool:
    videos = Q(state=UploadState.STORED, kind__in=VIDEO_KINDS) | Q(state=UploadState.WAITING)
    return _images().visible().filter(image_set=row).exists() or _uploads().filter(videos, image_set=row).exists()


def _uploads() -> QuerySet[Upload]:
    return Upload.objects.all_tenants(_WHY)


def _images() -> ImageQuerySet:
    return Image.objects.all_tenants(_WHY)
