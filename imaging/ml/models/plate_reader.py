"""What stands on a licence plate: each character with its confidence, from a crop of the plate.

Network in: (1, 48, W, 3) float32 RGB 0..255, the crop stretched to that size. Out: (1, W / 8, 37) float32, the chance
of each column to hold nothing, A to Z, 0 to 9 (connectionist temporal classification: a character goes on until
another or nothing follows). A plate of one line is read as it is; for one of two lines the network says nothing,
unless the halves come side by side: that is how a crop high enough for two lines gets its second look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image, image_check
from imaging.ml.plate_grammar import ALPHABET, fitted
from imaging.ml.types import Finding, Prediction, Reading

FloatMap = npt.NDArray[np.float32]
Rows = npt.NDArray[np.float64]
Characters = tuple[tuple[str, float], ...]

UNREADABLE: Final = "_"
# Each half of a plate with two lines gets this much of its height, so that neither loses the edge of its letters.
HALF: Final = 0.58
# A box around a plate that hangs or is seen from aside shows slanted lines.
SLANTS: Final = (6.0, -6.0)
# Twice what the network sees.
WIDEST: Final = 512
WHOLE: Final = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


class Runs(Protocol):
    """What is needed of a loaded network."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, 48, W, 3)."""

    def run(self, batch: FloatMap) -> FloatMap:
        """Return the chances of one crop."""


class PlateReader:
    """See the card for thresholds and how far to trust it."""

    def __init__(self, card: Card, network: Runs) -> None:
        """`network` is the loaded file of `card`."""
        self.card, self.name, self.version = card, card.name, card.version
        self._network = network
        self._height, self._width = network.input_shape[1:3]

    def read(self, crop: UInt8Image) -> Reading:
        """Return what stands on `crop`, (H, W, 3) uint8 RGB: one plate, upright, any size; nothing read is no text.

        ImageError when it is something else.
        """
        thresholds = self.card.thresholds
        return reading_of(self.characters(crop), seen=thresholds["seen"], score=thresholds["score"])

    def predict(self, image: UInt8Image) -> Prediction:
        """Return the reading as a finding over the whole crop, labelled with the text; none when nothing was read."""
        width, height = image_check(image)
        reading = self.read(image)
        findings = (Finding(reading.text, reading.score, WHOLE),) if reading.text else ()
        return Prediction(self.name, self.version, width, height, findings)

    def characters(self, crop: UInt8Image) -> Characters:
        """Return every character with its confidence, whatever the card's thresholds say."""
        rows = self.rows(crop)
        return tuple(fitted(rows, most=self.card.parameters["pattern_cost"])) if len(rows) else ()

    def rows(self, crop: UInt8Image) -> Rows:
        """Return the chances of A to Z, 0 to 9 of every character, (characters, 36).

        A reading with a doubtful character, or none at all, is put to the vote of looks at the crop slanted both ways.
        """
        image_check(crop)
        first = self._look(crop)
        if len(first) and first.max(axis=1).min() >= self.card.parameters["doubt"]:
            return first
        return voted([first, *(self._look(slanted(crop, degrees)) for degrees in SLANTS)])

    def _look(self, crop: UInt8Image) -> Rows:
        """What one look says, or the surer of two where there may be two lines."""
        height, width = crop.shape[:2]
        whole = character_rows(self._chances(stretched(crop, self._width, self._height)))
        # A wide crop of which nothing could be read may hold two lines all the same.
        if len(whole) and width >= self.card.parameters["two_lines_below"] * height:
            return whole
        halves = character_rows(self._chances(unrolled(crop, self._width, self._height)))
        return max(whole, halves, key=surety)

    def _chances(self, picture: UInt8Image) -> FloatMap:
        return np.asarray(self._network.run(picture[None].astype(np.float32))[0], dtype=np.float32)


def reading_of(characters: Characters, *, seen: float, score: float) -> Reading:
    """Return the reading: characters below `seen` are none, those below `score` cannot be read."""
    kept = tuple((sign if chance >= score else UNREADABLE, chance) for sign, chance in characters if chance >= seen)
    return Reading("".join(sign for sign, _ in kept), min((chance for _, chance in kept), default=0.0), kept)


def surety(rows: Rows) -> float:
    """Return how far a reading outweighs another of the same crop: the sum of what each character is above a coin."""
    return float((rows.max(axis=1) - 0.5).sum()) if len(rows) else 0.0


def voted(looks: Sequence[Rows]) -> Rows:
    """Return the surest of the looks that say what most of the sureness is for."""
    said = [tuple(rows.argmax(axis=1).tolist()) for rows in looks]
    votes = {text: sum(surety(rows) for rows, other in zip(looks, said, strict=True) if other == text) for text in said}
    winner = max(votes, key=lambda text: votes[text])
    return max((rows for rows, text in zip(looks, said, strict=True) if text == winner), key=surety)


def slanted(crop: UInt8Image, degrees: float) -> UInt8Image:
    """Return the crop with its lines turned by `degrees` while its upright strokes stay upright.

    Same size, unless it is wider than is of use; edges go on where the turn uncovers what lies outside.
    """
    picture = Image.fromarray(crop)
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, max(1, round(picture.height * WIDEST / picture.width))))
    slope = math.tan(math.radians(degrees))
    more = math.ceil(abs(slope) * picture.width / 2)
    grown = Image.fromarray(np.pad(np.asarray(picture), ((more, more), (0, 0), (0, 0)), mode="edge"))
    matrix = (1.0, 0.0, 0.0, slope, 1.0, more - slope * picture.width / 2)
    return np.asarray(grown.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC))


def stretched(crop: UInt8Image, width: int, height: int) -> UInt8Image:
    """Return the crop at exactly `width` x `height` pixels, (height, width, 3)."""
    return np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR))


def unrolled(crop: UInt8Image, width: int, height: int) -> UInt8Image:
    """Return the upper part of the crop and, to its right, the lower part: (height, width, 3)."""
    rows = max(1, round(crop.shape[0] * HALF))
    parts = [stretched(part, width // 2, height) for part in (crop[:rows], crop[-rows:])]
    return np.concatenate(parts, axis=1)


def character_rows(chances: FloatMap) -> Rows:
    """Return a row for each character in `chances`, (columns, 37) with the chance of nothing first: its column with the
    best chance, without nothing.

    The likeliest sign of each column counts; equal neighbours are one character (greedy decoding).
    """
    best, sure = chances.argmax(axis=1), chances.max(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    runs = zip(starts, np.append(starts[1:], len(best)), strict=True)
    columns = [start + int(sure[start:end].argmax()) for start, end in runs if best[start]]
    return np.clip(chances[columns, 1:].astype(np.float64), 0.0, 1.0)


def decode(chances: FloatMap) -> Characters:
    """Return the characters in `chances`, (columns, 37), each with its best chance, as the network says them."""
    return tuple((ALPHABET[int(row.argmax())], float(row.max())) for row in character_rows(chances))


def build(card: Card, network: Runs) -> PlateReader:
    """Entry point of the registry."""
    return PlateReader(card, network)
