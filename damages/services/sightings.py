"""What a run's models saw, as sightings with their place in time: photos stand alone, frames of a video follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

from assets.models import Image, ImageState
from damages.families import Motion, Sighting
from damages.geometry import Polygon
from imaging.models import Detection, PipelineRun
from imaging.services.motion import Step, motion_steps

#: Below this likeness of two frames their motion is a guess, so nothing is joined across it.
MIN_CONFIDENCE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Footage:
    """The frames of a run's videos: to which stretch of known motion each belongs, and how the picture moved there."""

    stretch_of: dict[UUID, str]
    motions: tuple[Motion, ...]
    frames: tuple[tuple[str, int], ...]


def footage_read(run: PipelineRun, seen: set[UUID]) -> Footage:
    """The footage of the run; motion is measured only in videos of which an image is among `seen`."""
    usable = run.image_set.images.filter(deleted_at__isnull=True, state=ImageState.USABLE, frame__gt=0)
    videos: dict[UUID | None, list[Image]] = defaultdict(list)
    for image in usable.order_by("position", "frame"):
        videos[image.upload_id].append(image)
    found = [_stretches(frames) for frames in videos.values() if any(frame.pk in seen for frame in frames)]
    return Footage(
        {image: stretch for part in found for image, stretch in part.stretch_of.items()},
        tuple(motion for part in found for motion in part.motions),
        tuple(frame for part in found for frame in part.frames),
    )


def sightings_of(detections: Iterable[Detection], footage: Footage) -> list[Sighting]:
    """The detections as sightings; their keys are the detections' ids as text."""
    return [
        Sighting(
            key=str(row.pk),
            image=str(row.image_id),
            sequence=footage.stretch_of.get(row.image_id),
            frame=row.image.frame if row.image_id in footage.stretch_of else None,
            polygon=polygon_of(row.polygon),
            score=row.score,
            label=row.label,
            aspect=row.image_width / row.image_height,
        )
        for row in detections
    ]


def polygon_of(stored: Sequence[Sequence[float]]) -> Polygon:
    """A polygon as it is stored, as the geometry wants it."""
    return tuple((float(x), float(y)) for x, y in stored)


def _stretches(frames: list[Image]) -> Footage:
    """Cut one video where the motion cannot be told: across the cut nothing says that two marks are one."""
    trusted = {(step.before.pk, step.after.pk): step for step in motion_steps(frames) if _is_trusted(step)}
    name, number = str(frames[0].upload_id), 0
    stretch_of: dict[UUID, str] = {frames[0].pk: f"{name}:0"}
    motions = []
    for before, after in pairwise(frames):
        step = trusted.get((before.pk, after.pk))
        number += step is None
        stretch_of[after.pk] = f"{name}:{number}"
        if step:
            motions.append(Motion(f"{name}:{number}", before.frame, after.frame, step.shift.dx, step.shift.dy))
    kept = tuple((stretch_of[frame.pk], frame.frame) for frame in frames)
    return Footage(stretch_of, tuple(motions), kept)


def _is_trusted(step: Step) -> bool:
    return step.shift.confidence >= MIN_CONFIDENCE
