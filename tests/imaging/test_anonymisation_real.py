"""What blur, mosaic and fill leave, judged by the models that are shipped."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.data import astronaut

from imaging.ml import registry
from imaging.ops.anonymise import Method, anonymise
from imaging.services.anonymisation import (
    FACE_MARGIN,
    PLATE_MARGIN,
    READABLE,
    FaceFinder,
    Proposer,
    Reader,
    anonymised,
    plate_text,
)

methods = pytest.mark.parametrize("method", list(Method))


def shipped(name: str) -> pytest.MarkDecorator:
    """The model of this name, from the moment it has a card."""
    return pytest.mark.parametrize("model", [found for found in registry.names() if found == name])


@methods
@shipped("face_detector")
def test_a_real_face_is_found_and_then_no_more(model: str, method: Method) -> None:
    detector = cast("Proposer", registry.load(model, threads=1))
    photo, threshold = astronaut(), detector.card.thresholds["score"]
    assert detector.propose(photo, floor=threshold).findings
    result = anonymised(photo, finders=[FaceFinder(detector)], margin=FACE_MARGIN, method=method)
    assert detector.propose(result.image, floor=threshold).findings == ()
    assert (result.image != photo).any(axis=2).mean() < 0.2, "the rest of the photo stays"


def plate(text: str, height: int) -> NDArray[np.uint8]:
    picture = Image.new("RGB", (round(height * 4.6), height), "white")
    font = ImageFont.load_default(size=height * 0.75)
    ImageDraw.Draw(picture).text((height * 0.4, height * 0.05), text, fill="black", font=font)
    canvas = Image.new("RGB", (picture.width * 2, height * 4), (90, 100, 110))
    canvas.paste(picture, (picture.width // 2, height + height // 2))
    return np.asarray(canvas)


@methods
@pytest.mark.parametrize("height", [24, 60, 160])
@shipped("plate_reader")
def test_a_real_reader_reads_a_plate_and_then_no_more(model: str, method: Method, height: int) -> None:
    read = plate_text(cast("Reader", registry.load(model, threads=1)))
    photo, corners = plate("AB12345", height), ((0.25, 0.375), (0.75, 0.375), (0.75, 0.625), (0.25, 0.625))
    assert sum(one != "_" for one in read(photo, corners)) >= 2 * READABLE
    covered = anonymise(photo, [corners], method=method, margin=PLATE_MARGIN)
    assert sum(one != "_" for one in read(covered, corners)) < READABLE
