"""How registration plates of several countries are numbered and laid out; no pixels.

A pattern's `A` is a letter, `9` a digit, `X` either, `*` one to four letters, `#` one to four digits; small letters
name a list of `WORDS`; everything else is drawn as it stands. `/` starts the second line, `|` ends a pair of small
lines stacked on the left of a tall one.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

LETTERS, DIGITS = string.ascii_uppercase, string.digits
ALIKE = str.maketrans("10", "IO")
# Signs of patterns by which people choose their number: there, letters and digits differ by nothing but their shape.
CHOSEN = frozenset("kX*")
# Cyrillic plates use only the letters that Latin has too.
WORDS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        key: tuple(words.split())
        for key, words in {
            # India's states, the larger ones more often.
            "i": "AP AR AS BR CG CH DD DL DL DL GA GJ GJ HP HR HR HR JH JK KA KA KA KA KL KL KL LD MH MH MH MH MH ML "
            "MN MP MZ NL OD PB PB PY RJ RJ SK TN TN TN TN TR TS TS UK UP UP UP UP WB WB",
            # Britain's places.
            "u": "AB AK BD BG BJ BX CZ DA DZ EA EY FG FJ GB GX HG HN HX JA KP KX LB LC LD LN LR MA MX NA NL OE OX PE "
            "PF PO PX RK RX SA SF SG SN VU VX WA WX YA YD YK",
            # Germany's, Poland's, Ireland's, and the Balkans'.
            "g": "B M HH K S F D DO E L HB DD H N DU BO W BI BN MS KA MA A WI GE MG KI AC RK ERH TUT",
            "p": "WW WA KR PO GD WR LU BI RZ SK DW KK RP WE",
            "e": "D C MH WX LK KE G KK TN WW LH KY T W OY CW",
            "b": "PG BG ZG ST OS RI BD BR SA MB LJ NS NI B CB",
            # What people have put on plates of their own choice.
            "k": "FAST GONE BOSS KING MOM DAD LOVE DRUM SURF SKI GOLF TAXI JEEP VIPER RACER TURBO QUICK ZOOM BEACH "
            "SUNNY HAPPY LUCKY MUSIC PARTY ROCKET TIGER EAGLE WOLF BEAR MOON STAR GOLD SILVER BLACK BLUE GREEN MIKE "
            "ANNA LAURA PETER JOHN JAMES MARIA DAVID SUSAN COOL NICE BIG TEAM MY CAR IM THE NO GAS OIL UP OUT 4U 2GO "
            "H8 GR8 L8R B4 ME ONE 1ST 2ND",
        }.items()
    }
)


@dataclass(frozen=True, slots=True)
class Country:
    """Patterns of one country, how often it comes up, and how its plates look.

    `colours`: (plate, lettering) names; `strip`: what the coloured strip on the left says, None without one; `frame`:
    words in small print above and below; `tall`: whether plates are about half as high as wide.
    """

    name: str
    share: float
    patterns: tuple[str, ...]
    colours: tuple[tuple[str, str], ...] = (("white", "black"),)
    strip: str | None = None
    frame: tuple[str, ...] = ()
    tall: bool = False


_INDIA = (
    "i 99 A 9999",
    "i 99 AA 9999",
    "i99AA9999",
    "i-99-AA-9999",
    "i.99.AA.9999",
    "i 9A AA 9999",
    "i 99 AA #",
    "i-99 A-9999",
    "i 99 AA/9999",
    "i 99 AA/#",
    "i 99/AA 9999",
    "i 99/A 9999",
    "i99/AA|9999",
    "i 99/A|9999",
    "i99/AA|#",
    "i-99/AA|9999",
    "i/99|AA 9999",
    "i9AAA9999",
    "i 9A A 9999",
    "i99A9999",
)
_US = (
    "9AAA999",
    "AAA-9999",
    "AAA 999",
    "999 AAA",
    "AAA9999",
    "AA 99999",
    "999-AAA",
    "AAA A99",
    "9AA 999",
    "A99-99A",
    "k k",
    "k",
    "k k",
    "kXX",
    "*#",
    "XXXXXXX",
    "XXXXXX",
    "AA",
    "A 9",
    "***",
    "k *",
    "AAA",
    "9999",
    "99999",
    "* k",
)
_STATES = (
    "California",
    "TEXAS",
    "VIRGINIA",
    "New York",
    "FLORIDA",
    "Washington",
    "OHIO",
    "Illinois",
    "MICHIGAN",
    "Iowa",
    "Maryland",
    "Oregon",
    "NEVADA",
    "ONTARIO",
    "Massachusetts",
    "dmv.ca.gov",
    "SUNSHINE STATE",
    "Garden State",
    "The Lone Star State",
    "EVERGREEN STATE",
    "Connecticut",
    "Empire State",
    "yours to discover",
    "MOTORS",
)
COUNTRIES: tuple[Country, ...] = (
    Country(
        "India",
        0.27,
        _INDIA,
        (
            ("white", "black"),
            ("white", "black"),
            ("yellow", "black"),
            ("black", "yellow"),
            ("red", "white"),
            ("grey", "black"),
            ("green", "white"),
        ),
        strip="IND",
        frame=("www.motors.in", "HYUNDAI"),
    ),
    Country(
        "United Kingdom",
        0.14,
        (
            "u99 AAA",
            "u99 AAA",
            "u99 AAA",
            "A9 AAA",
            "A99 AAA",
            "A999 AAA",
            "AAA 999A",
            "AAA 99A",
            "AA9 AAA",
            "u99/AAA",
            "A 9",
            "A9",
            "AAA 9",
            "k",
            "k k",
            "A 99999",
        ),
        (("white", "black"), ("yellow", "black")),
        strip="GB",
        frame=("WWW.PLATES.CO.UK",),
    ),
    Country(
        "United States",
        0.22,
        _US,
        (
            ("white", "blue"),
            ("white", "black"),
            ("white", "red"),
            ("pale", "blue"),
            ("pale", "green"),
            ("yellow", "black"),
            ("black", "yellow"),
            ("blue", "white"),
            ("pale", "black"),
            ("red", "white"),
        ),
        frame=_STATES,
        tall=True,
    ),
    Country(
        "Canada", 0.03, ("AAAA 999", "AAA 999", "AAA 9999", "999 AAA"), (("white", "blue"),), frame=_STATES, tall=True
    ),
    Country("Germany", 0.03, ("g AA 999", "g A 9999", "g AA 9999", "g A 99", "g-AA 999"), strip="D"),
    Country("France, Italy, Spain", 0.03, ("AA-999-AA", "AA 999 AA", "9999 AAA", "AA 999AA"), strip="F"),
    Country("Netherlands", 0.02, ("99-AAA-9", "AA-999-A", "99-AA-99", "A-999-AA"), (("yellow", "black"),), strip="NL"),
    Country("Ireland", 0.01, ("99-e-99999", "999-e-9999", "99-e-999"), strip="IRL"),
    Country(
        "Poland, Romania, Baltics",
        0.02,
        ("p 99999", "p 9999A", "p 999AA", "p/99999", "AA 99 AAA", "999 AAA", "AA-9999"),
        strip="PL",
    ),
    Country("Balkans", 0.03, ("b 999-AA", "b AA999", "b 9999 AA", "b AAA 99", "A 9999 AA", "M 999999"), strip="HR"),
    Country(
        "Malta, Cyprus, Scandinavia",
        0.02,
        ("AAA 999", "AA 99 999", "AAA 99A"),
        (("white", "black"), ("red", "black")),
        strip="M",
    ),
    Country(
        "Malaysia, Singapore",
        0.04,
        ("AAA 9999", "SAA 9999 A", "SAA 999 A", "A 9999 A", "AA 9999", "AAA-999"),
        (("black", "white"), ("black", "white"), ("white", "black")),
    ),
    Country(
        "China",
        0.03,
        ("\u8c6bA 99999", "\u5dddAA9999", "\u6e58A D99999", "\u4eacA A9999", "\u664bA9999A"),
        (("blue", "white"), ("green", "black"), ("black", "white")),
    ),
    Country(
        "Japan",
        0.01,
        ("99-99", "9-99"),
        (("white", "green"), ("yellow", "black"), ("white", "black")),
        frame=("\u6771\u4eac 500", "\u4eac\u90fd 330"),
        tall=True,
    ),
    Country(
        "Arab states",
        0.04,
        ("A 99999", "A 9999", "A 99", "99-99999", "9 99999", "99 9999"),
        frame=("DUBAI", "DUBAI", "KUWAIT", "\u062f\u0628\u064a"),
        tall=True,
    ),
    Country("Israel", 0.02, ("99-999-99", "999-99-999", "9-9999-99"), (("yellow", "black"),), strip="IL"),
    Country(
        "Pakistan, Bangladesh",
        0.02,
        ("AAA-999", "AA-9999", "AAA-9999", "AAA/999"),
        (("white", "black"), ("green", "white")),
        frame=("GOVT OF SINDH", "PUNJAB", "ISLAMABAD"),
    ),
    Country(
        "Latin America",
        0.02,
        ("A 999999", "A 999AAA", "999999", "AAA-9999", "AAA9A99"),
        (("white", "blue"), ("white", "black")),
        frame=("CENTROAMERICA", "COSTA RICA"),
        tall=True,
    ),
    Country(
        "South-East Asia, Australia",
        0.01,
        ("AAA 999", "AAA 9999", "k", "*9*"),
        (("black", "white"), ("white", "green")),
    ),
)


@dataclass(frozen=True, slots=True)
class Lettering:
    """What is written: `lines` as drawn, `stacked` whether the first two share the left side of a tall third; `text` is
    what a reader should say, A to Z and 0 to 9."""

    lines: tuple[str, ...]
    stacked: bool
    text: str


def country_draw(rng: np.random.Generator) -> Country:
    """Return a country, each as often as its share."""
    shares = np.array([country.share for country in COUNTRIES])
    return COUNTRIES[int(rng.choice(len(COUNTRIES), p=shares / shares.sum()))]


def lettering_draw(country: Country, rng: np.random.Generator) -> Lettering:
    """Return a number of the country's. Many countries letter 1 like I and 0 like O: then the place alone tells."""
    pattern = country.patterns[int(rng.integers(len(country.patterns)))]
    written = "".join(_part(sign, rng) for sign in pattern)
    stacked = "|" in written
    drawn = written.translate(ALIKE) if not CHOSEN & set(pattern) and rng.random() < 0.35 else written
    lines = tuple(line.strip() for line in drawn.replace("|", "/").split("/"))
    return Lettering(lines=lines, stacked=stacked, text=text_clean(written))


def text_clean(text: str) -> str:
    """Return `text` in upper case with nothing but A to Z, 0 to 9 and `_`: how readings are compared."""
    return "".join(sign for sign in text.upper() if sign in LETTERS + DIGITS + "_")


def _part(sign: str, rng: np.random.Generator) -> str:
    if sign in WORDS:
        return str(rng.choice(list(WORDS[sign])))
    many = int(rng.integers(1, 5))
    drawn = {"A": (LETTERS, 1), "9": (DIGITS, 1), "X": (LETTERS + DIGITS, 1), "*": (LETTERS, many), "#": (DIGITS, many)}
    if sign not in drawn:
        return sign
    pool, count = drawn[sign]
    return "".join(rng.choice(list(pool), size=count))
