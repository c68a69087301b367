"""The words for damages: the ten categories, what models say, what the vendors' families print. No Django.

The ten categories and five false positives are the contract's. Everything that maps onto or away from them is ours,
since no vendor publishes a crosswalk; each table says what it cannot express. All tables are total over the categories.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from damages import geometry
from damages.geometry import Polygon

# A mark at least this much longer than wide is a line. Ours: drawn lines (key scratches, rubbed edges) are far longer,
# while the outlines of scuffed areas rarely exceed it.
LINE_ELONGATION = 3.0


class DamageCategory(StrEnum):
    """What kind of damage it is: keys of `truePositives` and values of `category`, in the contract's order."""

    AREA_SCRATCHES = "areaScratches"
    CRACKS = "cracks"
    DENT_LIGHT = "dentLight"
    DENTS = "dents"
    FRONT_REAR_DAMAGE = "frontRearDamage"
    LINE_SCRATCHES = "lineScratches"
    MISSING_PARTS = "missingParts"
    PAINT_CHIPS = "paintChips"
    SCRATCHES_LIGHT = "scratchesLight"
    WHEEL_DAMAGE = "wheelDamage"


class FalsePositive(StrEnum):
    """Why a mark is no damage: keys of `falsePositives`, in the contract's order."""

    FAKE_DAMAGE_LIGHT = "fakeDamageLight"
    FAKE_PAINT_CHIPS = "fakePaintChips"
    FAKE_SCRATCHES = "fakeScratches"
    FAKE_WHEEL_DAMAGE = "fakeWheelDamage"
    NOT_ON_VEHICLE = "notOnVehicle"


class UnknownLabelError(ValueError):
    """A model says a word that this table does not know: the model and the taxonomy were not released together."""


# None: the shape decides between a line and an area of scratches. A detector with the one class `damage` gets the same
# rule, because nine in ten marks it learnt from are scratches; dents among them keep the wrong word until a person or a
# model with a type head corrects it. `broken` becomes cracks: to call a part missing one must know which part it was.
# Light variants (dentLight, scratchesLight), chips, wheels and front or rear damage are never guessed from an outline.
_CATEGORY_OF_LABEL: Mapping[str, DamageCategory | None] = MappingProxyType(
    {
        "damage": None,
        "scratch": None,
        "dent": DamageCategory.DENTS,
        "broken": DamageCategory.CRACKS,
    }
)

MODEL_LABELS = frozenset(_CATEGORY_OF_LABEL) | frozenset(map(str, DamageCategory))


def category_of(label: str, *, polygon: Polygon, aspect: float) -> DamageCategory:
    """Return the category of a model's label; `polygon` is normalised, `aspect` its image's width over its height.

    Labels are those of MODEL_LABELS: the detector's words, and the ten categories, which mean themselves. Scratches,
    and damage of unknown kind, are lines from an elongation of LINE_ELONGATION on and areas below. Raise
    UnknownLabelError.
    """
    if label not in MODEL_LABELS:
        raise UnknownLabelError(f"No category for the model label {label!r}.")
    category = _CATEGORY_OF_LABEL[label] if label in _CATEGORY_OF_LABEL else DamageCategory(label)
    if category is not None:
        return category
    is_line = geometry.elongation(polygon, aspect) >= LINE_ELONGATION
    return DamageCategory.LINE_SCRATCHES if is_line else DamageCategory.AREA_SCRATCHES


# Only the five names that were seen on the wire; the vendor's full list is not public. So every dent is "shallow_dent",
# marks on wheels and chips are "scratch_or_spot", a missing part is "tear" (torn off), and damage to the plastic front
# or rear is "crack". "stitch_or_screw" (a seam or fastening come loose) has no counterpart among the ten.
INSPEKTLABS_DAMAGE_TYPES: Mapping[DamageCategory, str] = MappingProxyType(
    {
        DamageCategory.AREA_SCRATCHES: "scratch_or_spot",
        DamageCategory.CRACKS: "crack",
        DamageCategory.DENT_LIGHT: "shallow_dent",
        DamageCategory.DENTS: "shallow_dent",
        DamageCategory.FRONT_REAR_DAMAGE: "crack",
        DamageCategory.LINE_SCRATCHES: "scratch_or_spot",
        DamageCategory.MISSING_PARTS: "tear",
        DamageCategory.PAINT_CHIPS: "scratch_or_spot",
        DamageCategory.SCRATCHES_LIGHT: "scratch_or_spot",
        DamageCategory.WHEEL_DAMAGE: "scratch_or_spot",
    }
)


@dataclass(frozen=True, slots=True)
class PaveDamage:
    """A row of PAVE's vocabulary: the other three texts are a function of the name. Wire constants."""

    damage_name: str
    description: str
    tolerance: str
    repair_method: str


_HALF_INCH = "1/8 to 1/2 inch - NAAA Acceptable"

PAVE_DAMAGES: Mapping[str, PaveDamage] = MappingProxyType(
    {
        row.damage_name: row
        for row in (
            PaveDamage("CURB_RASH_MINOR", "Curb Rash", _HALF_INCH, "Refinish"),
            PaveDamage(
                "DENTED_MAJOR_THROUGH_PAINT", "Has Major Dent - Through Paint", "9 inches to 10 inches", "Replace"
            ),
            PaveDamage("DENTED_MEDIUM_THROUGH_PAINT", "Has Medium Dent - Through Paint", "5 to 6 inches", "Refinish"),
            PaveDamage(
                "DENTED_MINOR_NOT_THROUGH_PAINT",
                "Has Minor Dent - Not Through Paint",
                "1/8 to 1 inch - NAAA Acceptable",
                "PDR Repair",
            ),
            PaveDamage(
                "DENT_MINOR_SEAM_LINE",
                "Has Minor Dent on Seam Line - Not Through Paint",
                "Minor dent 1/8 - 1 inch but on seam line",
                "Refinish",
            ),
            PaveDamage("FOGGY_MAJOR", "Foggy", "Very Dull", "Replace"),
            PaveDamage("MISALIGNED_MAJOR", "Misaligned", "Component is misaligned", "Replace"),
            PaveDamage(
                "MULTIPLE_DENTS_MINOR_NOT_THROUGH_PAINT",
                "Has Multiple Minor Dents - Not Through Paint",
                "2",
                "Refinish",
            ),
            PaveDamage("MULTIPLE_SCRATCHES_MEDIUM_NOT_THROUGH_PAINT", "Multiple Scratches Light", "3", "Refinish"),
            PaveDamage("MULTIPLE_SCRATCHES_MINOR_NOT_THROUGH_PAINT", "Multiple Scratches Light", "2", "Refinish"),
            PaveDamage("MULTIPLE_SCRATCHES_MINOR_THROUGH_PAINT", "Multiple Scratches Heavy", "2", "Refinish"),
            PaveDamage("OXIDIZED_MINOR", "Oxidized", _HALF_INCH, "Refinish"),
            PaveDamage("SCRAPED_MAJOR", "Scraped", "9 inches to 10 inches", "Repair & Refinish"),
            PaveDamage("SCRAPED_MEDIUM", "Scraped", "5 to 6 inches", "Refinish"),
            PaveDamage("SCRATCH_MINOR_NOT_THROUGH_PAINT", "Light Scratch", _HALF_INCH, "Refinish"),
        )
    }
)

# The rungs of a kind: (from this length in millimetres on, name). PAVE prints 1/8 to 1 inch, 5 to 6 and 9 to 10;
# lengths between two printed ranges go to the nearer one, hence 3 inches and 7.5 inches.
_MEDIUM_MM, _MAJOR_MM = 76.2, 190.5
_Rungs = tuple[tuple[float, str], ...]
_SCRATCH_RUNGS: _Rungs = (
    (0.0, "SCRATCH_MINOR_NOT_THROUGH_PAINT"),
    (_MEDIUM_MM, "SCRAPED_MEDIUM"),
    (_MAJOR_MM, "SCRAPED_MAJOR"),
)
_DENT_RUNGS: _Rungs = (
    (0.0, "DENTED_MINOR_NOT_THROUGH_PAINT"),
    (_MEDIUM_MM, "DENTED_MEDIUM_THROUGH_PAINT"),
    (_MAJOR_MM, "DENTED_MAJOR_THROUGH_PAINT"),
)


def _always(name: str) -> _Rungs:
    return ((0.0, name),)


# Of the 15 names. There is no word for a crack or a missing part: a cracked part is "dented, major, through paint" and
# a missing one "misaligned", the two whose repair is Replace. There is none for a chip either: it is a minor scratch,
# though a chip goes through the paint. The light categories stay on the lowest rung, whatever their extent.
_PAVE_RUNGS: Mapping[DamageCategory, _Rungs] = MappingProxyType(
    {
        DamageCategory.AREA_SCRATCHES: _SCRATCH_RUNGS,
        DamageCategory.CRACKS: _always("DENTED_MAJOR_THROUGH_PAINT"),
        DamageCategory.DENT_LIGHT: _always("DENTED_MINOR_NOT_THROUGH_PAINT"),
        DamageCategory.DENTS: _DENT_RUNGS,
        DamageCategory.FRONT_REAR_DAMAGE: _DENT_RUNGS,
        DamageCategory.LINE_SCRATCHES: _SCRATCH_RUNGS,
        DamageCategory.MISSING_PARTS: _always("MISALIGNED_MAJOR"),
        DamageCategory.PAINT_CHIPS: _always("SCRATCH_MINOR_NOT_THROUGH_PAINT"),
        DamageCategory.SCRATCHES_LIGHT: _always("SCRATCH_MINOR_NOT_THROUGH_PAINT"),
        DamageCategory.WHEEL_DAMAGE: _always("CURB_RASH_MINOR"),
    }
)


def inspektlabs_damage_type(category: DamageCategory) -> str:
    """Return the Inspektlabs family's `damageType` for the category."""
    return INSPEKTLABS_DAMAGE_TYPES[category]


def pave_damage(category: DamageCategory, *, length_mm: float | None = None) -> PaveDamage:
    """Return the PAVE family's row for the category and the damage's longer side in millimetres.

    An unmeasured length (None) takes the lowest rung: the name with the smallest claim. Raise ValueError if negative.
    """
    if length_mm is not None and not length_mm >= 0:
        raise ValueError("A length is not negative.")
    length = length_mm or 0.0
    names = [name for threshold, name in _PAVE_RUNGS[category] if length >= threshold]
    return PAVE_DAMAGES[names[-1]]
