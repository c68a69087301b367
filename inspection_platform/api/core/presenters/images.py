"""JSON of images (contract 4.5). `thumbnails` and `quality` are ours, and so is what adding images answers."""

from __future__ import annotations

from typing import Any, Final

from assets.models import Image, UploadState
from assets.pictures import THUMBNAILS, thumbnail_key
from assets.services.additions import Arrival
from imaging.gate import reasons
from inspection_platform.api.core.presenters.common import seconds, text_id
from inspection_platform.api.files import file_url
from inspection_platform.api.presigned import Form

#: Seconds for which an address of a picture is good.
PICTURE_SECONDS: Final = 300


def image(row: Image) -> dict[str, Any]:
    """An image as W65 lists it; the row says `has_damages`."""
    size, name = f"{row.width}x{row.height}", file_name(row)
    return {
        "camera": row.camera,
        "convertedSize": size,
        "createdAt": seconds(row.created_at),
        "deletedAt": seconds(row.deleted_at),
        "fileName": name,
        "generatedBy": "frameSelection" if row.frame else "upload",
        "hasDamages": bool(getattr(row, "has_damages", False)),
        "id": str(row.pk),
        "imageSetId": str(row.image_set_id),
        # The contract's sample in form; files have no such names here, and nothing is found by it.
        "key": f"video_frames/{row.image_set_id}/{row.pk}/{size}/{name}",
        "limitedTenantFields": {"isAvailable": True},
        "parentType": "imagesets",
        "size": {"height": row.height, "width": row.width},
        "softDeleted": {"timestamp": seconds(row.deleted_at), "userId": text_id(row.deleted_by_id)},
        "tenantId": text_id(row.image_set.tenant_id),
        "thumbnails": {name: _thumbnail(row, name) for name in THUMBNAILS},
        "quality": quality(row),
    }


def quality(row: Image) -> dict[str, Any]:
    """What is wrong with a photo and what was measured; a file that nobody could read has its reason alone."""
    return {
        "flags": row.flags,
        "reasons": [row.reason, *reasons(row.flags)] if row.reason and not row.quality else reasons(row.flags),
        "scores": row.quality.get("scores", {}),
        "view": row.quality.get("view") or None,
    }


def file_name(row: Image) -> str:
    """What a photo is called: see `file_called`."""
    return file_called(camera=row.camera, number=row.frame or row.position, name=row.name, image_id=str(row.pk))


def file_called(*, camera: str, number: int, name: str, image_id: str) -> str:
    """`<camera>_<frame>.webp` for what a rig's camera saw (the place in the set for photos); else the name as sent."""
    return f"{camera}_{number}.webp" if camera else name or f"{image_id}.jpg"


def picture_url(row: Image) -> str:
    """A short-lived address of the published picture."""
    return file_url(str(row.published.name), seconds=PICTURE_SECONDS)


def added(arrival: Arrival, form: Form | None) -> dict[str, Any]:
    """A file of a set that takes images; `form` is where one that is to come is uploaded."""
    upload = arrival.upload
    return {
        "camera": upload.camera,
        "fileName": upload.name,
        "id": text_id(arrival.image.pk if arrival.image else None),
        "isNew": arrival.is_new,
        "sha256": upload.sha256 or None,
        "state": "announced" if upload.state == UploadState.ANNOUNCED else "stored",
        "upload": {"url": form.url, "fields": dict(form.fields)} if form else None,
        "uploadId": str(upload.pk),
    }


def _thumbnail(row: Image, name: str) -> str | None:
    if not (row.has_thumbnails and row.published.name):
        return None
    return file_url(thumbnail_key(row.published.name, name), seconds=PICTURE_SECONDS)
