"""What the devices of capture units record: one file for each camera of a pass, and the image set that comes of it.

A unit's recording of a pass is its rows of Recording, one for each camera; the pass is shared by the units of the rig.
A file arrives in parts (`recordings/<row>/<first byte>`), on local disks and in object stores alike, so that whoever
was cut off goes on at the first byte that is missing. A file that is whole lies where the received files
of the set will be looked for, though the set is opened only when all units are done, or one has been silent for long.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import IO, Final
from uuid import UUID, uuid4, uuid5

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from assets.kinds import PHOTO_KINDS, kind_extension
from assets.models import CaptureUnit, Image, ImageSet, Passage, Recording, Upload, UploadState
from assets.services.cleanup import files_remove
from assets.services.inspections import CLOCK_SLACK
from assets.services.uploads import received_put
from assets.storage import StoredFile, stored_files
from tenants.errors import Conflict, Invalid, NotFound
from tenants.services.batches import rows_delete

#: Parts of one file; whoever sends more sends too little at a time.
MAX_PARTS: Final = 1000
_PARTS: Final = "recordings"
_WHY: Final = "a recording belongs to nobody until its plate says whose it is"
_COPY_BYTES: Final = 1 << 20
_KINDS: Final = {kind_extension(kind): kind for kind in ("jpeg", "mp4")}
#: Digits of a part's first byte, so that names sort as numbers do.
_DIGITS: Final = 12
#: A pass whose set was not opened yet: opening it notes the country, so a pass whose set is erased is not opened again.
_UNOPENED: Final = {"tenant__isnull": True, "car__isnull": True, "country_code": "", "plate": ""}


@transaction.atomic
def recording_begin(
    *, unit: CaptureUnit, cameras: Collection[str], recorded_at: datetime, passage_id: UUID | None = None
) -> Passage:
    """The pass with a row for each of these cameras of the unit; said again, it is the same.

    `passage_id` is chosen by the rig and shared by its units; without it the pass is a new one. Raises NotFound for a
    pass of another rig, Invalid for a recording in the future, Conflict for a camera that the other unit records, for a
    further camera of a recording that is complete, and for a pass whose images have gone on already.
    """
    if recorded_at > timezone.now() + CLOCK_SLACK:
        raise Invalid("recDate: It lies in the future.", {"recDate": ["It lies in the future."]})
    key = passage_id or uuid4()
    _passages().get_or_create(pk=key, defaults={"capture_set": unit.capture_set, "recorded_at": recorded_at})
    passage = _passage_locked(key)
    if passage.capture_set_id != unit.capture_set_id:
        raise NotFound("Passage not found.")
    known = {row.camera: row for row in _recordings().filter(passage=passage)}
    own = {camera for camera, row in known.items() if row.capture_unit_id == unit.pk}
    if theirs := sorted(set(cameras) & (known.keys() - own)):
        raise Conflict(f"Another unit records {theirs[0]} of this passage.")
    missing = [camera for camera in cameras if camera not in own]
    if missing:
        _may_grow(passage, [known[camera] for camera in own])
        _recordings().bulk_create([Recording(capture_unit=unit, passage=passage, camera=name) for name in missing])
    return passage


def passage_rig_check(*, unit: CaptureUnit, passage_id: UUID) -> None:
    """NotFound for a pass of another rig than the unit's; one that does not exist yet is nobody's."""
    if _passages().filter(pk=passage_id).exclude(capture_set=unit.capture_set_id).exists():
        raise NotFound("Passage not found.")


def recordings_find(*, unit: CaptureUnit, passage_id: UUID) -> list[Recording]:
    """The unit's own rows of a pass, with the pass, by camera; NotFound if it has none there."""
    rows = _recordings().filter(capture_unit=unit, passage=passage_id).select_related("passage").order_by("camera")
    if not (found := list(rows)):
        raise NotFound("Recording not found.")
    return found


def recording_offset(recording: Recording) -> int:
    """How many bytes of the camera's file are here without a gap; 0 of one that was deleted since."""
    return _size(recording) if recording.file else _joined(_parts(recording))[1]


def recording_part_put(*, recording: Recording, start: int, file: File[bytes]) -> None:
    """Keep a part of a file that is not whole yet. Raises Conflict unless `start` is the next byte.

    A part that was left out, or written twice at once, shows as a gap: the next byte is that of the gap then.
    """
    parts = _parts(recording)
    if len(parts) >= MAX_PARTS:
        recording_parts_drop(recording=recording)
        raise Invalid(f"The file came in more than {MAX_PARTS} parts; begin again with larger ones.")
    _next_check(start, _joined(parts)[1])
    default_storage.save(f"{_folder(recording)}/{start:0{_DIGITS}d}", file)
    # Whoever sends is not silent: the sweep counts from here.
    _recordings().filter(pk=recording.pk).update(modified_at=timezone.now())


def recording_parts_join(*, recording: Recording, upto: int, into: IO[bytes]) -> None:
    """Write the parts to `into`, one after the other; Conflict unless they are exactly `upto` bytes."""
    keys, size = _joined(_parts(recording))
    _next_check(upto, size)
    for key in keys:
        with default_storage.open(key) as part:
            shutil.copyfileobj(part, into, _COPY_BYTES)


def recording_parts_drop(*, recording: Recording) -> None:
    """Forget what came of a file that is whole now, or that cannot be used."""
    files_remove([part.key for part in _parts(recording)])


def recording_keep(*, recording: Recording, file: File[bytes], kind: str, sha256: str, size: int) -> None:
    """The whole file of a camera, judged by its content; a second call with the same content changes nothing.

    Raises Conflict if another content was first, or the images of the pass have gone on already.
    """
    passage_check(recording)
    key = received_put(
        image_set_id=image_set_id_of(recording.passage_id), file=file, kind=kind, sha256=sha256, size=size
    )
    with transaction.atomic():
        passage = _passage_locked(recording.passage_id)
        row = _recordings().get(pk=recording.pk)
        if row.file and row.file.name != key:
            raise Conflict(f"The file of {row.camera} is here already.")
        if not row.file:
            _open_check(passage)
        row.file.name = key
        row.save(update_fields=["file", "modified_at"])
    recording.file.name = key
    recording_parts_drop(recording=recording)


def recording_complete(*, unit: CaptureUnit, passage_id: UUID) -> list[Recording]:
    """The unit says that all of its files of a pass are here; said again, nothing changes. Returns its rows.

    Raises NotFound for a pass that it does not record, Conflict while a file is missing.
    """
    with transaction.atomic():
        if not _passages().select_for_update(of=("self",)).filter(pk=passage_id).exists():
            raise NotFound("Recording not found.")
        rows = recordings_find(unit=unit, passage_id=passage_id)
        if missing := next((row for row in rows if not row.file), None):
            raise Conflict(f"The file of {missing.camera} is not here yet.")
        if any(row.completed_at is None for row in rows):
            now = timezone.now()
            _recordings().filter(capture_unit=unit, passage=passage_id).update(completed_at=now, modified_at=now)
            _units().filter(pk=unit.pk).update(recording_count=F("recording_count") + 1)
    return recordings_find(unit=unit, passage_id=passage_id)


@transaction.atomic
def passage_open(*, passage_id: UUID, is_overdue: bool = False) -> ImageSet | None:
    """The image set of a pass, of nobody until its plate is read, once all enrolled units of its rig are done.

    With `is_overdue` of whatever files are whole. None if there is nothing to open (yet, or any more).
    """
    passage = _passage_locked(passage_id)
    rows = [row for row in _recordings().filter(passage=passage).order_by("camera") if row.file]
    if _is_closed(passage) or not rows or not (is_overdue or _are_all_done(passage)):
        return None
    image_set = _set_of(passage)
    image_set.save(force_insert=True)
    uploads = [_upload(image_set, position, row) for position, row in enumerate(rows, 1)]
    Upload.objects.all_tenants(_WHY).bulk_create(uploads)
    Image.objects.all_tenants(_WHY).bulk_create(_photos(uploads))
    _passages().filter(pk=passage.pk).update(country_code=image_set.country_code, modified_at=timezone.now())
    return image_set


def passages_overdue(*, before: datetime, limit: int) -> list[UUID]:
    """Passes of which files are here, but of which no unit has sent anything since this moment."""
    rows = _recordings().filter(passage=OuterRef("pk"))
    waiting = _passages().filter(Exists(rows.exclude(file="")), ~Exists(rows.filter(modified_at__gt=before)))
    unopened = waiting.filter(**_UNOPENED, image_sets__isnull=True)
    return list(unopened.order_by("created_at").values_list("pk", flat=True)[:limit])


def recordings_prune(*, before: datetime, dry_run: bool = False) -> int:
    """Delete passes begun before this moment of which no file ever came; how many there were."""
    whole = _recordings().filter(passage=OuterRef("pk")).exclude(file="")
    begun = _recordings().filter(passage=OuterRef("pk"))
    unused = _passages().filter(**_UNOPENED, created_at__lt=before, image_sets__isnull=True)
    return rows_delete(unused.filter(Exists(begun), ~Exists(whole)), dry_run=dry_run)


def recording_parts_remove(*, before: datetime, dry_run: bool = False) -> int:
    """Remove parts of files, written before this moment, that nobody went on with; how many there were."""
    keys = (part.key for part in stored_files(f"{_PARTS}/") if part.modified < before)
    return sum(1 for _ in keys) if dry_run else files_remove(keys)


def image_set_id_of(passage_id: UUID) -> UUID:
    """The id that the set of a pass has, or will have: its files are stored under it beforehand."""
    return uuid5(passage_id, "image set")


def passage_check(recording: Recording) -> None:
    """Conflict if the images of the recording's pass have gone on and this file was not among them."""
    if not recording.file:
        _open_check(recording.passage)


# --- the files -------------------------------------------------------------------------------------------------------


def _folder(recording: Recording) -> str:
    return f"{_PARTS}/{recording.pk}"


def _parts(recording: Recording) -> list[StoredFile]:
    return list(stored_files(f"{_folder(recording)}/"))


def _joined(parts: Collection[StoredFile]) -> tuple[list[str], int]:
    """The keys of the parts that follow one another from the first byte, and how many bytes these are."""
    keys, size = [], 0
    for part in sorted(parts, key=lambda part: part.key):
        if int(PurePosixPath(part.key).name) != size:
            continue
        keys.append(part.key)
        size += part.size
    return keys, size


def _next_check(start: int, expected: int) -> None:
    if start != expected:
        raise Conflict(f"The next byte is {expected}, not {start}.")


def _size(recording: Recording) -> int:
    """Bytes of a file that is whole; 0 once its retention is over."""
    key = str(recording.file.name)
    return default_storage.size(key) if default_storage.exists(key) else 0


# --- the pass --------------------------------------------------------------------------------------------------------


def _passage_locked(passage_id: UUID) -> Passage:
    return _passages().select_for_update(of=("self",)).get(pk=passage_id)


def _is_closed(passage: Passage) -> bool:
    return bool(passage.country_code) or passage.image_sets.exists()


def _open_check(passage: Passage) -> None:
    if _is_closed(passage):
        raise Conflict("The images of this passage have gone on already.")


def _may_grow(passage: Passage, own: Collection[Recording]) -> None:
    _open_check(passage)
    if any(row.completed_at for row in own):
        raise Conflict("The recording is complete.")


def _are_all_done(passage: Passage) -> bool:
    """Whether each unit of the rig that has a device key has said that it is done."""
    rows = _recordings().filter(passage=passage)
    done = rows.filter(capture_unit=OuterRef("pk"), completed_at__isnull=False)
    enrolled = _units().filter(capture_set=passage.capture_set_id).exclude(device_key_digest="")
    return not enrolled.filter(~Exists(done)).exists()


def _set_of(passage: Passage) -> ImageSet:
    rig = passage.capture_set
    if rig is None:
        raise NotFound("Capture set not found.")
    return ImageSet(
        pk=image_set_id_of(passage.pk), tenant=None, passage=passage, capture_set=rig,
        recorded_at=passage.recorded_at, submitted_at=timezone.now(), country_code=rig.country_code,
    )  # fmt: skip


def _upload(image_set: ImageSet, position: int, recording: Recording) -> Upload:
    """The file of a camera as a file of the set; its key says content and kind."""
    key = PurePosixPath(str(recording.file.name))
    return Upload(
        image_set=image_set, position=position, name=f"{recording.camera}{key.suffix}", state=UploadState.STORED,
        kind=_KINDS[key.suffix], sha256=key.stem, size=_size(recording), file=str(key), camera=recording.camera,
    )  # fmt: skip


def _photos(uploads: Collection[Upload]) -> Iterator[Image]:
    """An Image for each different photo; the frames of videos are chosen in the pipeline."""
    seen: set[str] = set()
    for upload in uploads:
        if upload.kind in PHOTO_KINDS and upload.sha256 not in seen:
            seen.add(upload.sha256)
            yield Image(
                image_set_id=upload.image_set_id, upload=upload, position=upload.position, name=upload.name,
                camera=upload.camera, sha256=upload.sha256, size=upload.size, received=upload.file.name,
            )  # fmt: skip


def _recordings() -> QuerySet[Recording]:
    return Recording.objects.all_tenants(_WHY)


def _passages() -> QuerySet[Passage]:
    return Passage.objects.all_tenants(_WHY)


def _units() -> QuerySet[CaptureUnit]:
    return CaptureUnit.objects.all_tenants(_WHY)
