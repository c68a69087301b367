"""The reader's decoding, its two looks at a crop, and its thresholds, by a network that reads brightness."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from imaging.ml import registry
from imaging.ml.card import Card, ModelFile
from imaging.ml.model import ImageError
from imaging.ml.models.plate_reader import (
    Characters,
    PlateReader,
    build,
    character_rows,
    decode,
    reading_of,
    slanted,
    stretched,
    surety,
    unrolled,
    voted,
)
from imaging.ml.plate_grammar import ALPHABET

COLUMNS = 32


def chances(*spoken: tuple[str, float]) -> np.ndarray[Any, Any]:
    """A column for each sign, "-" being nothing; what is left of its chance goes to another letter or to nothing."""
    rows = np.zeros((len(spoken), 1 + len(ALPHABET)), dtype=np.float32)
    for row, (sign, chance) in zip(rows, spoken, strict=True):
        row[0] = 1 - chance
        row[0 if sign == "-" else 1 + ALPHABET.index(sign)] = chance
    return rows


class GreyNetwork:
    """Says A for a column of dark pixels and nothing for a bright one; on a picture with red in it, B. Counts calls."""

    input_shape = (1, 48, 256, 3)

    def __init__(self) -> None:
        self.calls = 0

    def run(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert batch.shape == self.input_shape
        assert batch.dtype == np.float32
        self.calls += 1
        dark = batch.reshape(48, COLUMNS, 8, 3).mean(axis=(0, 2, 3)) < 100
        red = (batch[..., 0] - batch[..., 2]).max() > 100
        return chances(*(("B" if red else "A", 0.9) if one else ("-", 0.9) for one in dark))[None]


def card(**thresholds: float) -> Card:
    file = ModelFile(Path("none.tflite"), "0" * 64, "float16", frozenset({"litert"}))
    numbers = {"score": 0.5, "seen": 0.2} | thresholds
    return Card(
        "plate_reader",
        "9.9.9",
        (*ALPHABET, "_"),
        numbers,
        {"two_lines_below": 3.0, "pattern_cost": 0.0, "doubt": 0.8},
        (file,),
        {},
    )


def reader(**thresholds: float) -> tuple[PlateReader, GreyNetwork]:
    network = GreyNetwork()
    return build(card(**thresholds), network), network


def plate(width: int, height: int, *bars: tuple[float, float]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A bright crop with dark bars from and to these shares of its width."""
    crop = np.full((height, width, 3), 220, dtype=np.uint8)
    for start, end in bars:
        crop[:, int(start * width) : int(end * width)] = 20
    return crop


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("---", ""),
        ("A", "A"),
        ("AAA", "A"),
        ("A-A", "AA"),
        ("AABB--B", "ABB"),
        ("-7-7Z", "77Z"),
    ],
)
def test_decoding_by_table(spoken: str, expected: str) -> None:
    found = decode(chances(*((sign, 0.8) for sign in spoken)))
    assert "".join(sign for sign, _ in found) == expected
    assert all(chance == pytest.approx(0.8) for _, chance in found)


def test_a_character_has_the_best_chance_of_its_columns() -> None:
    found = decode(chances(("A", 0.6), ("A", 0.9), ("A", 0.7), ("-", 0.9), ("C", 0.55)))
    assert [sign for sign, _ in found] == ["A", "C"]
    assert [chance for _, chance in found] == pytest.approx([0.9, 0.55])


@given(st.text(ALPHABET, max_size=12))
def test_any_text_that_is_spelt_with_gaps_is_read_back(text: str) -> None:
    spelt = [pair for sign in text for pair in ((sign, 0.7), ("-", 0.7))]
    found = decode(chances(*spelt)) if spelt else ()
    assert "".join(sign for sign, _ in found) == text


@pytest.mark.parametrize(
    ("characters", "text", "score"),
    [
        ((), "", 0.0),
        ((("A", 0.9), ("B", 0.8)), "AB", 0.8),
        ((("A", 0.9), ("B", 0.4)), "A_", 0.4),
        ((("A", 0.9), ("B", 0.1), ("C", 0.7)), "AC", 0.7),
        ((("A", 0.1),), "", 0.0),
        ((("A", 0.5), ("B", 0.2)), "A_", 0.2),
    ],
)
def test_thresholds_by_table(characters: Characters, text: str, score: float) -> None:
    reading = reading_of(characters, seen=0.2, score=0.5)
    assert (reading.text, reading.score) == (text, score)
    assert "".join(sign for sign, _ in reading.characters) == text


def test_wide_crop_gets_one_look() -> None:
    model, network = reader()
    assert model.read(plate(320, 48, (0.1, 0.2), (0.5, 0.6))).text == "AA"
    assert network.calls == 1


def test_high_crop_gets_a_second_look_as_halves() -> None:
    model, network = reader()
    crop = plate(100, 60)
    crop[35:, 20:40] = 20
    assert model.read(crop).text == "A"
    assert network.calls == 2


def test_wide_crop_gets_a_second_look_when_nothing_was_read() -> None:
    model, network = reader()
    assert model.read(plate(320, 48)).text == ""
    # As a whole and as halves, straight and slanted both ways.
    assert network.calls == 6


def test_doubt_asks_for_more_looks_and_the_vote_counts() -> None:
    class Doubtful(GreyNetwork):
        """Says A with a doubt at the first look, B at the others."""

        def run(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            self.calls += 1
            return chances(("A", 0.75) if self.calls == 1 else ("B", 0.7), *[("-", 0.9)] * (COLUMNS - 1))[None]

    network = Doubtful()
    assert build(card(), network).read(plate(320, 48)).text == "B"
    assert network.calls == 3


def test_vote_by_table() -> None:
    one, other = (character_rows(chances((sign, 0.7), ("-", 0.9))) for sign in "AB")
    sure, none = character_rows(chances(("B", 0.99))), character_rows(chances(("-", 0.9)))
    assert voted([one, other, one]) is one
    assert voted([one, sure, one]) is sure
    assert voted([none, none, one]) is one
    assert voted([none, none]) is none


@given(st.integers(1, 90), st.integers(1, 40), st.sampled_from([6.0, -6.0]))
def test_slanting_keeps_size_and_repeats_edges(width: int, height: int, degrees: float) -> None:
    crop = np.full((height, width, 3), 77, dtype=np.uint8)
    assert np.array_equal(slanted(crop, degrees), crop)


def test_slanting_shrinks_what_is_wider_than_of_use() -> None:
    assert slanted(np.zeros((1, 30_000, 3), dtype=np.uint8), 6.0).shape == (1, 512, 3)


def test_slanted_line_becomes_level() -> None:
    crop = np.zeros((60, 200, 3), dtype=np.uint8)
    columns = np.arange(200)
    crop[np.clip(np.round(30 + (columns - 100) * np.tan(np.radians(6))).astype(int), 0, 59), columns] = 255
    rows = slanted(crop, 6.0)[..., 0].argmax(axis=0)
    assert np.ptp(rows[10:190]) <= 1


def test_the_surer_look_wins() -> None:
    sureties = [
        surety(character_rows(chances(*look)))
        for look in (
            [("A", 0.9), ("B", 0.9)],
            [("A", 0.95), ("-", 0.9)],
            [("-", 0.9)],
            [("A", 0.3), ("-", 0.9), ("A", 0.45)],
        )
    ]
    assert sureties == sorted(sureties, reverse=True)
    assert sureties[2] == 0.0


def test_halves_lie_side_by_side_and_share_the_middle() -> None:
    crop = np.zeros((100, 50, 3), dtype=np.uint8)
    crop[:42, :, 0], crop[58:, :, 2], crop[42:58, :, 1] = 200, 200, 200
    both = unrolled(crop, 256, 48)
    assert both.shape == (48, 256, 3)
    assert both[5, 60].tolist() == [200, 0, 0]
    assert both[45, 60].tolist() == both[2, 200].tolist() == [0, 200, 0]
    assert both[45, 200].tolist() == [0, 0, 200]


def test_colours_arrive_in_order() -> None:
    crop = plate(200, 40, (0.2, 0.4))
    crop[:, :10] = (255, 30, 30)
    model, _ = reader()
    assert set(model.read(crop).text) == {"B"}


def test_nothing_read_is_no_text_and_no_finding() -> None:
    model, _ = reader()
    reading = model.read(plate(80, 20))
    assert (reading.text, reading.score, reading.characters) == ("", 0.0, ())
    assert model.predict(plate(80, 20)).findings == ()


def test_prediction_is_the_text_over_the_whole_crop() -> None:
    model, _ = reader()
    prediction = model.predict(plate(320, 40, (0.3, 0.5)))
    (finding,) = prediction.findings
    assert finding.label == "A"
    assert finding.score == pytest.approx(0.9)
    assert list(finding.polygon) == [(0, 0), (1, 0), (1, 1), (0, 1)]
    assert (prediction.model, prediction.version) == ("plate_reader", "9.9.9")
    assert (prediction.width, prediction.height) == (320, 40)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (5000, 1), (2, 1), (63, 65)])
def test_any_size_gives_a_reading(size: tuple[int, int]) -> None:
    model, _ = reader()
    assert model.read(np.zeros((size[1], size[0], 3), dtype=np.uint8)).text == "A"


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        [[1, 2, 3]],
    ],
)
def test_what_is_no_photo_is_refused(crop: Any) -> None:
    model, network = reader()
    with pytest.raises(ImageError):
        model.read(crop)
    assert network.calls == 0


def test_stretching_fills_the_whole_input() -> None:
    assert stretched(np.full((3, 7, 3), 9, dtype=np.uint8), 256, 48).shape == (48, 256, 3)
    assert (stretched(np.full((3, 7, 3), 9, dtype=np.uint8), 256, 48) == 9).all()


def lettered(*lines: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A plain plate in Pillow's own font."""
    picture = Image.new("RGB", (40 + 30 * max(len(line) for line in lines), 16 + 54 * len(lines)), (235, 235, 235))
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        place = (picture.width / 2, 35 + 54 * row)
        pen.text(place, line, font=ImageFont.load_default(48), fill=(20, 20, 20), anchor="mm")
    return np.asarray(picture)


@pytest.mark.parametrize("runtime", ["litert", "tflite"])
@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("HR 26 CE 1485",), "HR26CE1485"),
        (("PZ62 FDX",), "PZ62FDX"),
        (("TN 37 CS", "2765"), "TN37CS2765"),
    ],
)
def test_shipped_model_reads_plates_of_one_and_of_two_lines(runtime: str, lines: tuple[str, ...], text: str) -> None:
    model = cast("PlateReader", registry.build(registry.card("plate_reader"), runtime=runtime))
    reading = model.read(lettered(*lines))
    assert reading.text == text
    assert reading.score > 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (900, 1), (33, 40), (4000, 700)])
@pytest.mark.parametrize("tone", [0, 128, 255])
def test_shipped_model_reads_nothing_where_nothing_is(size: tuple[int, int], tone: int) -> None:
    model = cast("PlateReader", registry.load("plate_reader", threads=1))
    assert model.read(np.full((size[1], size[0], 3), tone, dtype=np.uint8)).text == ""
