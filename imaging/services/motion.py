"""How the picture moved between the frames of a video, measured as received: the published ones may come later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from assets.models import Image
from imaging.jobs.files import opened
from imaging.ops.decode import decode_reduced
from imaging.ops.motion import Shift, shift_between

_SIDE: Final = 512


@dataclass(frozen=True, slots=True)
class Step:
    """The motion from one kept frame of a video to the next one."""

    before: Image
    after: Image
    shift: Shift


def motion_steps(frames: Sequence[Image]) -> Iterator[Step]:
    """Measure the motion between neighbouring frames of one video (in order; all of one size)."""
    loaded = ((frame, _small(frame)) for frame in frames)
    for (before, first), (after, second) in pairwise(loaded):
        if first.shape == second.shape:
            yield Step(before, after, shift_between(first, second))


def _small(frame: Image) -> NDArray[np.uint8]:
    with opened(frame.received) as file:
        return decode_reduced(file, max_pixels=settings.MAX_PHOTO_PIXELS, max_side=_SIDE)
