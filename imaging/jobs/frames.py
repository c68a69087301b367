"""The `frames` job: the frames of each video that become photos of the set."""

from __future__ import annotations

from django.db import transaction

from assets.models import Upload, UploadState
from assets.services.uploads import frame_add, upload_refuse
from imaging.jobs.files import local_copy
from imaging.models import JobRun
from imaging.ops.decode import encode_published
from imaging.ops.errors import UnusableMedia
from imaging.ops.sniffing import MediaKind
from imaging.ops.video import select_frames
from imaging.services.runs import job_checkpoint
from tenants.catalogue import DEFAULT_FRAME_LIMITS, FRAMES_WITHOUT_CAMERA
from tenants.models import Tenant

#: The frames are what models read, so little is lost here.
_JPEG_QUALITY = 95


def run(job: JobRun) -> None:
    """Choose frames of each stored video of the set that this run has not dealt with yet."""
    tenant = job.run.image_set.tenant
    done = set(job.checkpoint)
    stored = job.run.image_set.uploads.filter(state=UploadState.STORED)
    for video in stored:
        if MediaKind(video.kind).is_video and str(video.pk) not in done:
            _split(job, video, _limit(tenant, video.camera))


def _limit(tenant: Tenant | None, camera: str) -> int:
    """How many frames are kept: as the tenant says, or what holds unless one does while nobody's the set is."""
    return tenant.settings.frame_limit(camera) if tenant else DEFAULT_FRAME_LIMITS.get(camera, FRAMES_WITHOUT_CAMERA)


def _split(job: JobRun, video: Upload, limit: int) -> None:
    """Store the frames of one video, or say why it has none; what is stored already is found again, not doubled."""
    try:
        with local_copy(video.file) as path:
            for frame in select_frames(path, limit=limit):
                height, width = frame.image.shape[:2]
                data = encode_published(frame.image, quality=_JPEG_QUALITY)
                frame_add(upload=video, frame=frame.index + 1, data=data, width=width, height=height)
    except UnusableMedia as refused:
        upload_refuse(upload=video, reason=refused.reason)
    with transaction.atomic():
        job_checkpoint(job=job, done=str(video.pk))
