"""The quality gate with the model in the version that speaks here, and the whole gate for one file."""

from __future__ import annotations

from typing import BinaryIO

from imaging.gate import SIDE, Eyes, Judgement, photo_judge
from imaging.ops.decode import decode_reduced
from imaging.ops.media import probe
from imaging.ops.quality import measure
from imaging.services.model_versions import load


def eyes_load(*, threads: int) -> Eyes:
    """The model that the gate looks with. Raises what `imaging.services.model_versions.load` raises."""
    return Eyes.of(lambda name: load(name, threads=threads))


def file_judge(file: BinaryIO, *, eyes: Eyes, max_pixels: int) -> Judgement:
    """Judge the photo in a seekable `file` without decoding all of it: JPEGs are scaled inside the decoder.

    UnusableMedia for what is no photo, is damaged where that was read, or has more than `max_pixels`.
    """
    _, header = probe(file)
    small = decode_reduced(file, max_pixels=max_pixels, max_side=SIDE)
    # A turned photo has its sides swapped; the gate asks only for the shorter one.
    quality = measure(small, full_size=(header.width, header.height))
    return photo_judge(quality, seen=eyes.look(small) if quality.usable else None)
