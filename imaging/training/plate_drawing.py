"""Draws registration plates: lettering, frame, strip, screws; flat, clean and seen from straight ahead.

Fonts come from Debian's packages fonts-opendin, fonts-roadgeek, fonts-bebas-neue, fonts-liberation,
fonts-roboto-unhinted, fonts-urw-base35, fonts-b612, fonts-dosis, fonts-league-spartan, fonts-routed-gothic,
fonts-open-sans, fonts-freefont-ttf, fonts-ferrite-core, fonts-gemunu-libre, fonts-jetbrains-mono, fonts-dejavu and, for
signs that are no letters, fonts-ipafont-gothic. What is not installed is left out; without any, Pillow's own is used.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from imaging.training.plate_formats import Country, Lettering, country_draw, lettering_draw

FONTS = (
    *("OSP-DIN.ttf",) * 4,
    *("RG2014B.ttf", "RG2014C.ttf", "RG2014D.ttf", "RG2014E.ttf", "RG2014EM.ttf", "RG2014D.ttf", "RG2014C.ttf"),
    *("BebasNeue-Bold.otf", "BebasNeue-Regular.otf", "LiberationSans-Bold.ttf", "LiberationSans-Regular.ttf"),
    *("LiberationSansNarrow-Bold.ttf", "RobotoCondensed-Bold.ttf", "Roboto-Bold.ttf", "Roboto-Medium.ttf"),
    *("NimbusSansNarrow-Bold.otf", "NimbusSans-Bold.otf", "B612-Bold.otf", "B612Mono-Bold.otf", "Dosis-SemiBold.otf"),
    *("Dosis-Bold.otf", "Dosis-Medium.otf", "LeagueSpartan-Bold.otf", "routed-gothic.ttf", "routed-gothic-narrow.ttf"),
    *("OpenSans-CondBold.ttf", "OpenSans-Bold.ttf", "FreeSansBold.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans.ttf"),
    *(
        "DejaVuSansCondensed-Bold.ttf",
        "DejaVuSansMono-Bold.ttf",
        "FerriteCoreDX-Medium.otf",
        "FerriteCoreDX-Regular.otf",
    ),
    *("GemunuLibre-SemiBold.otf", "GemunuLibre-Bold.otf", "JetBrainsMono-Bold.ttf", "LiberationSerif-Bold.ttf"),
    *("LiberationSans-BoldItalic.ttf", "LiberationMono-Bold.ttf", "FreeSerifBold.ttf"),
)
SIGNS = ("ipagp.ttf", "DejaVuSans.ttf")
STRIPS = ("GB", "UK", "IND", "MNE", "LV", "EST", "SK", "BG", "DK", "S", "A", "B", "P", "IL", "I")
COLOURS = {
    "white": (232, 232, 228), "black": (28, 28, 30), "yellow": (235, 190, 40), "red": (178, 40, 38),
    "green": (40, 125, 70), "blue": (40, 70, 150), "grey": (150, 150, 150), "pale": (190, 210, 225),
}  # fmt: skip
# Height of the main letters in pixels.
CAP = 56
Rng = np.random.Generator
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class DrawnPlate:
    """`pixels` (H, W, 3) uint8 RGB; `text`: what a reader should say; `lines`: 1, or 2 when one is above the other."""

    pixels: npt.NDArray[np.uint8]
    text: str
    lines: int


def plate_draw(rng: Rng) -> DrawnPlate:
    """Return a plate of some country."""
    country = country_draw(rng)
    lettering = lettering_draw(country, rng)
    face, ink = (_jitter(COLOURS[name], rng) for name in country.colours[int(rng.integers(len(country.colours)))])
    text = _lettering(lettering, country, rng)
    plate = _board(text.size, country, face, ink, rng)
    left, top = plate.info["place"]
    if rng.random() < 0.3:
        shade = tuple(int(value * 0.6 + 60 * rng.random()) for value in face)
        plate.paste(shade, (left + 1, top + 2), text)
    plate.paste(ink, (left, top), text)
    _screws(plate, rng)
    stacked_lines = 1 if lettering.stacked else len(lettering.lines)
    return DrawnPlate(np.asarray(plate), lettering.text, stacked_lines)


@functools.cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    """Return a font by its file's name from where Pillow looks for fonts; None when it is not installed."""
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@functools.cache
def _installed(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if font(name, 20) is not None)


def _font(size: int, rng: Rng, names: tuple[str, ...] = FONTS) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    found = _installed(names)
    chosen = font(found[int(rng.integers(len(found)))], size) if found else None
    return chosen if chosen is not None else ImageFont.load_default(size)


def _jitter(colour: Rgb, rng: Rng) -> Rgb:
    red, green, blue = np.clip(np.array(colour) + rng.normal(0, 14, 3), 0, 255).astype(int)
    return int(red), int(green), int(blue)


def _lettering(lettering: Lettering, country: Country, rng: Rng) -> Image.Image:
    """All lines as one mask."""
    chosen = _font(CAP + 16, rng)
    spacing = float(rng.choice([0.0, rng.uniform(0, 0.06), rng.uniform(0.05, 0.25)]))
    masks = [_line(line, chosen, spacing, rng) for line in lettering.lines]
    squeeze = rng.uniform(0.75, 1.25) if not country.tall else rng.uniform(0.6, 1.0)
    masks = [_scaled(mask, squeeze * rng.uniform(0.95, 1.05), 1.0) for mask in masks]
    if len(masks) == 1:
        return masks[0]
    return _beside(masks, rng) if lettering.stacked else _above(masks, rng)


def _line(text: str, chosen: ImageFont.FreeTypeFont | ImageFont.ImageFont, spacing: float, rng: Rng) -> Image.Image:
    """One line as a mask, `CAP` high or so: its letters one by one, for the spacing."""
    pieces = [_glyph(sign, chosen, rng) for sign in text]
    gap = max(1, round((0.04 + spacing) * CAP))
    height = max((piece.height for piece in pieces), default=CAP)
    mask = Image.new("L", (max(1, sum(piece.width + gap for piece in pieces)), height))
    left = 0
    for piece in pieces:
        mask.paste(piece, (left, 0))
        left += piece.width + gap
    return mask


def _glyph(sign: str, chosen: ImageFont.FreeTypeFont | ImageFont.ImageFont, rng: Rng) -> Image.Image:
    """A letter from its cap line to its base line; a gap may hold an emblem."""
    if sign == " ":
        gap = Image.new("L", (int(CAP * rng.uniform(0.15, 0.6)), CAP))
        if rng.random() < 0.12 and gap.width > 14:
            radius = gap.width // 2 - 2
            middle = (gap.width // 2, int(CAP * rng.uniform(0.4, 0.6)))
            ImageDraw.Draw(gap).circle(middle, radius, fill=int(rng.integers(60, 255)))
        return gap
    if ord(sign) > 127:
        chosen = _font(CAP + 4, rng, SIGNS)
    left, top, right, _ = chosen.getbbox(sign, anchor="ls")
    piece = Image.new("L", (max(1, int(right - left)), CAP + 4))
    base = CAP if top < -CAP * 0.3 else CAP - 2
    ImageDraw.Draw(piece).text((-left, base), sign, font=chosen, fill=255, anchor="ls")
    return piece


def _scaled(mask: Image.Image, across: float, down: float) -> Image.Image:
    return mask.resize(
        (max(1, round(mask.width * across)), max(1, round(mask.height * down))), Image.Resampling.BILINEAR
    )


def _above(masks: list[Image.Image], rng: Rng) -> Image.Image:
    """Two lines, one above the other; the second may be larger."""
    first, second = masks[0], masks[1]
    scale = rng.choice([1.0, rng.uniform(1.0, 1.6), rng.uniform(0.7, 1.0)])
    second = _scaled(second, scale, scale)
    if rng.random() < 0.5:
        second = _scaled(second, float(np.clip(first.width / second.width, 0.7, 1.4)), 1.0)
    gap = int(rng.uniform(4, 18))
    both = Image.new("L", (max(first.width, second.width), first.height + gap + second.height))
    both.paste(first, (int((both.width - first.width) * rng.choice([0.0, 0.5, 0.5, rng.random()])), 0))
    both.paste(
        second, (int((both.width - second.width) * rng.choice([0.0, 0.5, 0.5, rng.random()])), first.height + gap)
    )
    return both


def _beside(masks: list[Image.Image], rng: Rng) -> Image.Image:
    """Two small lines stacked on the left of a tall one."""
    tall = masks[2]
    share = rng.uniform(0.36, 0.48)
    small = [_scaled(mask, share * rng.uniform(0.9, 1.2), share) for mask in masks[:2]]
    gap = int(rng.uniform(6, 28))
    wide = max(mask.width for mask in small)
    whole = Image.new("L", (wide + gap + tall.width, tall.height))
    whole.paste(small[0], ((wide - small[0].width) // 2, 0))
    whole.paste(small[1], ((wide - small[1].width) // 2, tall.height - small[1].height))
    whole.paste(tall, (wide + gap, 0))
    return whole


def _board(size: tuple[int, int], country: Country, face: Rgb, ink: Rgb, rng: Rng) -> Image.Image:
    """The empty plate for lettering of `size`; `info["place"]` is where that goes."""
    printed = country.frame and rng.random() < 0.75
    around = (16, 48) if country.tall else (10, 22) if printed else (4, 18)
    left, right = (int(rng.uniform(6, 30)) for _ in range(2))
    above, below = (int(rng.uniform(*around)) for _ in range(2))
    strip = int(rng.uniform(22, 40)) if country.strip and rng.random() < 0.6 else 0
    board = Image.new("RGB", (strip + left + size[0] + right, above + size[1] + below), face)
    pen = ImageDraw.Draw(board)
    if country.tall and rng.random() < 0.4:
        _bands(board, rng)
    if printed:
        _print_small(pen, board.size, (above, below), country, ink, rng)
    if strip:
        word = (country.strip or "") if rng.random() < 0.6 else str(rng.choice(STRIPS))
        _strip(pen, strip, board.height, word, rng)
    if rng.random() < 0.6:
        pen.rectangle((0, 0, board.width - 1, board.height - 1), outline=ink, width=int(rng.integers(1, 5)))
    board.info["place"] = (strip + left, above)
    return board


def _bands(board: Image.Image, rng: Rng) -> None:
    """A coloured sky or ground behind the lettering, as on plates of American states."""
    tone = _jitter((150, 180, 210), rng)
    depth = int(board.height * rng.uniform(0.15, 0.5))
    top = 0 if rng.random() < 0.5 else board.height - depth
    ImageDraw.Draw(board).rectangle((0, top, board.width, top + depth), fill=tone)


def _print_small(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], room: tuple[int, int], country: Country, ink: Rgb, rng: Rng
) -> None:
    """Words above and below the lettering that are no part of the number."""
    for edge, space in enumerate(room):
        if space < 9 or rng.random() < 0.3:
            continue
        word = str(rng.choice(list(country.frame)))
        names = SIGNS if any(ord(sign) > 127 for sign in word) else FONTS
        chosen = _font(int(space * rng.uniform(0.6, 0.95)), rng, names)
        colour = ink if rng.random() < 0.5 else _jitter((150, 60, 70), rng)
        place = (size[0] * rng.uniform(0.3, 0.7), space / 2 if edge == 0 else size[1] - space / 2)
        pen.text(place, word, font=chosen, fill=colour, anchor="mm")


def _strip(pen: ImageDraw.ImageDraw, width: int, height: int, word: str, rng: Rng) -> None:
    """The coloured strip on the left with the country's letters."""
    tones = ((30, 60, 160), (30, 60, 160), (40, 110, 60), (180, 40, 40), (225, 225, 225))
    tone = _jitter(tones[int(rng.integers(len(tones)))], rng)
    pen.rectangle((0, 0, width, height), fill=tone)
    light = (240, 240, 240) if sum(tone) < 500 else (40, 60, 140)
    middle = (width / 2, height * 0.32)
    pen.circle(middle, width * 0.3, outline=(235, 205, 60) if rng.random() < 0.6 else light, width=3)
    chosen = _font(int(width * rng.uniform(0.4, 0.55)), rng)
    pen.text((width / 2, height * rng.uniform(0.7, 0.85)), word, font=chosen, fill=light, anchor="mm")


def _screws(plate: Image.Image, rng: Rng) -> None:
    pen = ImageDraw.Draw(plate)
    for _ in range(int(rng.choice([0, 0, 0, 2, 2, 4]))):
        place = (plate.width * rng.random(), plate.height * float(rng.choice([0.08, 0.12, 0.5, 0.9])))
        tone = int(rng.integers(20, 230))
        pen.circle(place, float(rng.uniform(1.5, 5)), fill=(tone, tone, tone))
