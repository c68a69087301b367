"""The words: complete tables, wire constants letter by letter, and the shape rule at its edge."""

import pytest

from damages.geometry import Polygon
from damages.taxonomy import (
    MODEL_LABELS,
    PAVE_DAMAGES,
    DamageCategory,
    FalsePositive,
    PaveDamage,
    UnknownLabelError,
    category_of,
    inspektlabs_damage_type,
    pave_damage,
)
from imaging.ml.registry import card

SQUARE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
SEEN_INSPEKTLABS_NAMES = {"scratch_or_spot", "tear", "stitch_or_screw", "crack", "shallow_dent"}


def bar(length: float) -> Polygon:
    return (0.1, 0.1), (0.1 + length / 10, 0.1), (0.1 + length / 10, 0.2), (0.1, 0.2)


def test_the_ten_categories_in_the_contracts_order() -> None:
    assert " ".join(DamageCategory) == (
        "areaScratches cracks dentLight dents frontRearDamage lineScratches missingParts paintChips scratchesLight "
        "wheelDamage"
    )


def test_the_five_false_positives_in_the_contracts_order() -> None:
    assert " ".join(FalsePositive) == "fakeDamageLight fakePaintChips fakeScratches fakeWheelDamage notOnVehicle"


@pytest.mark.parametrize(
    ("label", "polygon", "category"),
    [
        ("scratch", SQUARE, DamageCategory.AREA_SCRATCHES),
        ("scratch", bar(2.9), DamageCategory.AREA_SCRATCHES),
        ("scratch", bar(3.1), DamageCategory.LINE_SCRATCHES),
        ("damage", SQUARE, DamageCategory.AREA_SCRATCHES),
        ("damage", bar(8.0), DamageCategory.LINE_SCRATCHES),
        ("dent", bar(8.0), DamageCategory.DENTS),
        ("broken", SQUARE, DamageCategory.CRACKS),
        ("wheelDamage", bar(8.0), DamageCategory.WHEEL_DAMAGE),
    ],
)
def test_category_of_a_model_label(label: str, polygon: Polygon, category: DamageCategory) -> None:
    assert category_of(label, polygon=polygon, aspect=1.0) is category


def test_the_shape_is_judged_in_true_proportions() -> None:
    assert category_of("scratch", polygon=SQUARE, aspect=4.0) is DamageCategory.LINE_SCRATCHES
    assert category_of("scratch", polygon=bar(8.0), aspect=0.25) is DamageCategory.AREA_SCRATCHES


@pytest.mark.parametrize("label", sorted(MODEL_LABELS))
def test_every_label_has_a_category_and_categories_mean_themselves(label: str) -> None:
    category = category_of(label, polygon=SQUARE, aspect=1.5)
    assert category in DamageCategory
    assert label not in set(DamageCategory) or category == label


@pytest.mark.parametrize("label", ["", "Scratch", "rust", "vehicle"])
def test_an_unknown_label_is_refused_by_name(label: str) -> None:
    with pytest.raises(UnknownLabelError, match=repr(label)):
        category_of(label, polygon=SQUARE, aspect=1.0)


@pytest.mark.parametrize("category", DamageCategory)
def test_every_category_has_a_seen_inspektlabs_name(category: DamageCategory) -> None:
    assert inspektlabs_damage_type(category) in SEEN_INSPEKTLABS_NAMES


def test_inspektlabs_names_where_the_word_is_plain() -> None:
    assert inspektlabs_damage_type(DamageCategory.CRACKS) == "crack"
    assert inspektlabs_damage_type(DamageCategory.DENTS) == "shallow_dent"
    assert inspektlabs_damage_type(DamageCategory.LINE_SCRATCHES) == "scratch_or_spot"


SEAM_LINE = "Minor dent 1/8 - 1 inch but on seam line"
PAVE_ROWS = """
CURB_RASH_MINOR | Curb Rash | 1/8 to 1/2 inch - NAAA Acceptable | Refinish
DENTED_MAJOR_THROUGH_PAINT | Has Major Dent - Through Paint | 9 inches to 10 inches | Replace
DENTED_MEDIUM_THROUGH_PAINT | Has Medium Dent - Through Paint | 5 to 6 inches | Refinish
DENTED_MINOR_NOT_THROUGH_PAINT | Has Minor Dent - Not Through Paint | 1/8 to 1 inch - NAAA Acceptable | PDR Repair
DENT_MINOR_SEAM_LINE | Has Minor Dent on Seam Line - Not Through Paint | {seam} | Refinish
FOGGY_MAJOR | Foggy | Very Dull | Replace
MISALIGNED_MAJOR | Misaligned | Component is misaligned | Replace
MULTIPLE_DENTS_MINOR_NOT_THROUGH_PAINT | Has Multiple Minor Dents - Not Through Paint | 2 | Refinish
MULTIPLE_SCRATCHES_MEDIUM_NOT_THROUGH_PAINT | Multiple Scratches Light | 3 | Refinish
MULTIPLE_SCRATCHES_MINOR_NOT_THROUGH_PAINT | Multiple Scratches Light | 2 | Refinish
MULTIPLE_SCRATCHES_MINOR_THROUGH_PAINT | Multiple Scratches Heavy | 2 | Refinish
OXIDIZED_MINOR | Oxidized | 1/8 to 1/2 inch - NAAA Acceptable | Refinish
SCRAPED_MAJOR | Scraped | 9 inches to 10 inches | Repair & Refinish
SCRAPED_MEDIUM | Scraped | 5 to 6 inches | Refinish
SCRATCH_MINOR_NOT_THROUGH_PAINT | Light Scratch | 1/8 to 1/2 inch - NAAA Acceptable | Refinish
"""


def test_the_fifteen_pave_rows_letter_by_letter() -> None:
    expected = [PaveDamage(*row.split(" | ")) for row in PAVE_ROWS.format(seam=SEAM_LINE).strip().splitlines()]
    assert list(PAVE_DAMAGES.values()) == expected
    assert list(PAVE_DAMAGES) == [row.damage_name for row in expected]


@pytest.mark.parametrize("category", DamageCategory)
@pytest.mark.parametrize("length_mm", [None, 0, 12.5, 100, 240, 5_000])
def test_every_category_and_length_has_a_pave_row(category: DamageCategory, length_mm: float | None) -> None:
    assert pave_damage(category, length_mm=length_mm) in PAVE_DAMAGES.values()


@pytest.mark.parametrize(
    ("category", "length_mm", "name"),
    [
        (DamageCategory.LINE_SCRATCHES, None, "SCRATCH_MINOR_NOT_THROUGH_PAINT"),
        (DamageCategory.LINE_SCRATCHES, 76.1, "SCRATCH_MINOR_NOT_THROUGH_PAINT"),
        (DamageCategory.LINE_SCRATCHES, 76.2, "SCRAPED_MEDIUM"),
        (DamageCategory.AREA_SCRATCHES, 190.4, "SCRAPED_MEDIUM"),
        (DamageCategory.AREA_SCRATCHES, 190.5, "SCRAPED_MAJOR"),
        (DamageCategory.DENTS, None, "DENTED_MINOR_NOT_THROUGH_PAINT"),
        (DamageCategory.DENTS, 140, "DENTED_MEDIUM_THROUGH_PAINT"),
        (DamageCategory.FRONT_REAR_DAMAGE, 240, "DENTED_MAJOR_THROUGH_PAINT"),
        (DamageCategory.DENT_LIGHT, 240, "DENTED_MINOR_NOT_THROUGH_PAINT"),
        (DamageCategory.SCRATCHES_LIGHT, 240, "SCRATCH_MINOR_NOT_THROUGH_PAINT"),
        (DamageCategory.WHEEL_DAMAGE, 240, "CURB_RASH_MINOR"),
        (DamageCategory.MISSING_PARTS, None, "MISALIGNED_MAJOR"),
    ],
)
def test_pave_name_by_category_and_length(category: DamageCategory, length_mm: float | None, name: str) -> None:
    assert pave_damage(category, length_mm=length_mm).damage_name == name


@pytest.mark.parametrize("length_mm", [-1.0, float("nan")])
def test_an_impossible_length_is_refused(length_mm: float) -> None:
    with pytest.raises(ValueError, match="length"):
        pave_damage(DamageCategory.DENTS, length_mm=length_mm)


def test_every_word_of_the_shipped_model_has_a_category() -> None:
    assert set(card("damage_detector").labels) <= MODEL_LABELS
