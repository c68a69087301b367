"""The shipped models together: a plate that hangs on a drawn car is found, made upright and read."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imaging.jobs.plate_reading import DETECTOR, READER, Reader
from imaging.ml import registry
from imaging.ops.rectify import rectified
from imaging.plate_choice import candidates
from tests.media import car_scene

TEXT = "AB12345"


def plate(text: str) -> Image.Image:
    """A white plate with a frame, as Pillow's own font letters it."""
    picture = Image.new("RGB", (260, 60), (238, 238, 234))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((2, 2, 257, 57), outline=(20, 20, 20), width=3)
    pen.text((130, 30), f"{text[:2]} {text[2:]}", font=ImageFont.load_default(46), fill=(15, 15, 15), anchor="mm")
    return picture


def photo(seed: int, turn: float) -> NDArray[np.uint8]:
    """A drawn car in a drawn street with a plate on its side, turned by so many degrees."""
    canvas = Image.fromarray(car_scene(seed).image)
    hung = plate(TEXT).resize((208, 48)).rotate(turn, Image.Resampling.BICUBIC, expand=True)
    mask = Image.new("L", (208, 48), 255).rotate(turn, Image.Resampling.BICUBIC, expand=True)
    canvas.paste(hung, (canvas.width // 2 - 104, round(canvas.height * 0.62)), mask)
    return np.asarray(canvas)


@pytest.mark.parametrize(("seed", "turn"), [(1, 0.0), (2, 5.0), (3, -6.0)])
def test_a_plate_on_a_photo_is_found_and_read(seed: int, turn: float) -> None:
    pixels = photo(seed, turn)
    detector = registry.load(DETECTOR, threads=1)
    reader = cast("Reader", registry.load(READER, threads=1))
    plates = candidates(detector.predict(pixels))
    assert plates
    read = reader.read(rectified(pixels, plates[0].finding.polygon))
    assert read.text == TEXT
    assert plates[0].area > 5000
