"""Sightings to families: what the rules say by example, what must hold for any input by hypothesis."""

import math
from collections import Counter
from collections.abc import Hashable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damages import families, geometry
from damages.families import Family, Motion, Sighting, group, merge_within_image
from damages.geometry import Box, Polygon


def box(x: float, y: float, width: float = 0.1, height: float = 0.1) -> Polygon:
    """Return an upright rectangle around its centre."""
    return geometry.box_polygon(Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2))


def still(key: Hashable, polygon: Polygon, image: str = "photo", **more: Any) -> Sighting:
    return seen(key, polygon, frame=None, **{"image": image, "sequence": None, **more})


def seen(key: Hashable, polygon: Polygon, frame: int | None, **more: Any) -> Sighting:
    facts: dict[str, Any] = {
        "image": ("cam", frame),
        "sequence": "cam",
        "score": 0.5,
        "label": "scratch",
        "aspect": 1.0,
    }
    return Sighting(key=key, polygon=polygon, frame=frame, **{**facts, **more})


def members(*sightings: Sighting, motions: tuple[Motion, ...] = (), **more: Any) -> set[frozenset[Hashable]]:
    return {frozenset(family.members) for family in group(sightings, motions, **more)}


def together(*keys: Hashable) -> set[frozenset[Hashable]]:
    return {frozenset(keys)}


def apart(*keys: Hashable) -> set[frozenset[Hashable]]:
    return {frozenset({key}) for key in keys}


# --- one image -------------------------------------------------------------------------------------------------------


def test_duplicates_of_overlapping_tiles_become_one() -> None:
    low = still("low", box(0.5, 0.5), score=0.4)
    high = still("high", box(0.52, 0.5), score=0.9)
    (joined,) = merge_within_image([low, high])
    assert (joined.key, joined.score, joined.absorbed) == ("high", 0.9, ("low",))
    assert geometry.bounding_box(joined.polygon) == pytest.approx((0.45, 0.45, 0.57, 0.55))


def test_a_long_scratch_cut_by_three_tiles_meets_again() -> None:
    pieces = [still(n, box(0.2 + 0.15 * n, 0.5, width=0.2, height=0.02), score=0.3 + n / 10) for n in range(4)]
    (joined,) = merge_within_image(pieces)
    assert joined.key == 3
    assert joined.absorbed == (0, 1, 2)
    assert geometry.bounding_box(joined.polygon) == pytest.approx((0.1, 0.49, 0.75, 0.51))


def test_a_union_that_reaches_a_further_sighting_takes_it_in() -> None:
    """Neither half covers a fifth of the speck, both together do."""
    speck = still("speck", box(0.5, 0.5, width=0.1), score=0.9)
    left = still("left", geometry.box_polygon(Box(0.2, 0.35, 0.467, 0.65)))
    right = still("right", geometry.box_polygon(Box(0.3, 0.545, 0.8, 0.65)))
    assert {joined.key for joined in merge_within_image([speck, left])} == {"speck", "left"}
    assert {joined.key for joined in merge_within_image([speck, right])} == {"speck", "right"}
    (joined,) = merge_within_image([speck, left, right])
    assert (joined.key, joined.absorbed) == ("speck", ("left", "right"))


@pytest.mark.parametrize(
    ("one", "other", "labels", "count"),
    [
        (box(0.3, 0.5), box(0.6, 0.5), ("scratch", "scratch"), 2),  # apart
        (box(0.3, 0.5), box(0.4, 0.5), ("scratch", "scratch"), 2),  # they touch
        (box(0.3, 0.5), box(0.385, 0.5), ("scratch", "scratch"), 2),  # 15 % of each
        (box(0.3, 0.5), box(0.375, 0.5), ("scratch", "scratch"), 1),  # 25 % of each
        (box(0.5, 0.5, 0.4, 0.4), box(0.5, 0.5), ("scratch", "scratch"), 1),  # contained
        (box(0.5, 0.5, 0.4, 0.4), box(0.5, 0.5), ("dent", "scratch"), 2),  # a scratch across a dent
        (box(0.5, 0.5), box(0.51, 0.5), ("dent", "scratch"), 1),  # one outline named twice
    ],
)
def test_which_pairs_of_an_image_are_duplicates(
    one: Polygon, other: Polygon, labels: tuple[str, str], count: int
) -> None:
    pair = [still("one", one, label=labels[0]), still("other", other, label=labels[1])]
    assert len(merge_within_image(pair)) == count


def test_one_outline_named_twice_keeps_the_name_of_the_better() -> None:
    (joined,) = merge_within_image(
        [
            still(1, box(0.5, 0.5), label="dent", score=0.3),
            still(2, box(0.5, 0.5), label="scratch", score=0.6),
        ]
    )
    assert joined.label == "scratch"


def test_the_same_place_on_two_images_is_no_duplicate() -> None:
    assert len(merge_within_image([still(1, box(0.5, 0.5), "a"), still(2, box(0.5, 0.5), "b")])) == 2


# --- stills and frames -----------------------------------------------------------------------------------------------


def test_different_stills_are_never_joined() -> None:
    assert members(still(1, box(0.5, 0.5), "a"), still(2, box(0.5, 0.5), "b")) == apart(1, 2)


def test_a_frame_without_a_number_has_no_neighbours() -> None:
    assert members(seen(1, box(0.5, 0.5), 1), seen(2, box(0.5, 0.5), None)) == apart(1, 2)


def test_frames_of_two_cameras_are_never_joined() -> None:
    assert members(
        seen(1, box(0.5, 0.5), 1), seen(2, box(0.5, 0.5), 2, sequence="other camera", image="other")
    ) == apart(1, 2)


@pytest.mark.parametrize(
    ("one", "other", "labels", "expected"),
    [
        (box(0.5, 0.5), box(0.55, 0.5), ("scratch", "scratch"), together(1, 2)),  # IoU 1/3
        (box(0.5, 0.5, 0.02, 0.2), box(0.53, 0.5, 0.02, 0.2), ("scratch", "scratch"), together(1, 2)),  # near only
        (box(0.5, 0.5, 0.02, 0.2), box(0.62, 0.5, 0.02, 0.2), ("scratch", "scratch"), apart(1, 2)),
        (box(0.5, 0.5), box(0.62, 0.5), ("scratch", "scratch"), apart(1, 2)),
        (box(0.5, 0.5, 0.3, 0.3), box(0.5, 0.5, 0.05, 0.05), ("scratch", "scratch"), apart(1, 2)),  # far smaller
        (box(0.5, 0.5), box(0.55, 0.5), ("dent", "scratch"), apart(1, 2)),
        (box(0.5, 0.5), box(0.52, 0.5), ("dent", "scratch"), together(1, 2)),  # IoU 2/3
    ],
)
def test_which_pairs_of_neighbouring_frames_are_one_damage(
    one: Polygon, other: Polygon, labels: tuple[str, str], expected: set[frozenset[Hashable]]
) -> None:
    assert members(seen(1, one, 1, label=labels[0]), seen(2, other, 2, label=labels[1])) == expected


def test_nearness_is_judged_in_true_proportions() -> None:
    pair = (box(0.5, 0.5, 0.01, 0.1), box(0.54, 0.5, 0.01, 0.1))
    for aspect, expected in ((1.0, together(1, 2)), (2.0, apart(1, 2))):
        assert members(seen(1, pair[0], 1, aspect=aspect), seen(2, pair[1], 2, aspect=aspect)) == expected


def test_a_known_motion_is_taken_out() -> None:
    one, other = seen(1, box(0.2, 0.5), 1), seen(2, box(0.6, 0.4), 2)
    assert members(one, other) == apart(1, 2)
    assert members(one, other, motions=(Motion("cam", 1, 2, 0.4, -0.1),)) == together(1, 2)
    assert members(one, other, motions=(Motion("cam", 2, 1, -0.4, 0.1),)) == together(1, 2)
    assert members(one, other, motions=(Motion("another", 1, 2, 0.4, -0.1),)) == apart(1, 2)


def test_a_known_motion_parts_what_only_seems_to_stay() -> None:
    one, other = seen(1, box(0.5, 0.5), 1), seen(2, box(0.5, 0.5), 2)
    assert members(one, other, motions=(Motion("cam", 1, 2, 0.4, 0.0),)) == apart(1, 2)


def test_neighbours_are_frames_with_none_kept_between() -> None:
    one, other = seen(1, box(0.5, 0.5), 10), seen(2, box(0.5, 0.5), 30)
    assert members(one, other, frames=[("cam", 10), ("cam", 30)]) == together(1, 2)
    assert members(one, other, frames=[("cam", 10), ("cam", 20), ("cam", 30)]) == apart(1, 2)
    assert members(one, other) == together(1, 2)


def test_a_missed_frame_is_bridged_only_over_known_motion() -> None:
    one, other = seen(1, box(0.2, 0.5), 1), seen(2, box(0.6, 0.5), 3)
    legs = (Motion("cam", 1, 2, 0.1, 0.0), Motion("cam", 2, 3, 0.3, 0.0))
    assert members(one, other, motions=legs) == together(1, 2)
    assert members(one, other, motions=legs[:1]) == apart(1, 2)
    assert members(one, other, motions=(Motion("cam", 1, 3, 0.4, 0.0),), frames=[("cam", 2)]) == together(1, 2)


def test_a_gap_too_long_is_not_bridged() -> None:
    last = families.BRIDGED_FRAMES + 1
    legs = tuple(Motion("cam", n, n + 1, 0.0, 0.0) for n in range(last))
    assert members(seen(1, box(0.5, 0.5), 0), seen(2, box(0.5, 0.5), last - 1), motions=legs) == together(1, 2)
    assert members(seen(1, box(0.5, 0.5), 0), seen(2, box(0.5, 0.5), last), motions=legs) == apart(1, 2)


def test_two_marks_side_by_side_keep_to_their_own_tracks() -> None:
    """Parallel scratches are near one another, but the nearer pair is taken first and one image holds both."""
    left = [seen(("left", n), box(0.50, 0.5, 0.01, 0.3), n) for n in range(5)]
    right = [seen(("right", n), box(0.53, 0.5, 0.01, 0.3), n) for n in range(5)]
    assert members(*left, *right) == {frozenset(s.key for s in left), frozenset(s.key for s in right)}


def test_a_family_is_led_by_its_best_sighting() -> None:
    (family,) = group(
        [
            seen("early", box(0.5, 0.5), 1, score=0.6, label="scratch"),
            seen("best", box(0.5, 0.5), 2, score=0.7, label="dent"),
            seen("late", box(0.5, 0.5), 3, score=0.6, label="scratch"),
        ]
    )
    assert family == Family("best", ("best", "early", "late"), "scratch", 0.7)


@pytest.mark.parametrize(
    ("one", "other", "best"),
    [
        (seen(1, box(0.5, 0.5), 1, score=0.6), seen(2, box(0.5, 0.5, 0.12, 0.12), 2, score=0.5), 1),  # score first
        (seen(1, box(0.5, 0.5), 1), seen(2, box(0.5, 0.5, 0.12, 0.12), 2), 2),  # then size
        (seen(1, box(0.2, 0.5), 1), seen(2, box(0.25, 0.5), 2), 2),  # then the middle of the picture
        (seen(1, box(0.5, 0.5), 2), seen(2, box(0.5, 0.5), 1), 1),  # then the key
    ],
)
def test_representative(one: Sighting, other: Sighting, best: Hashable) -> None:
    (family,) = group([one, other])
    assert family.representative == best


def test_a_label_tied_in_score_is_that_of_the_better() -> None:
    large = seen(1, box(0.5, 0.5, 0.11, 0.11), 1, label="scratch")
    (family,) = group([seen(2, box(0.5, 0.5), 2, label="dent"), large])
    assert family.label == "scratch"


@pytest.mark.parametrize("call", [merge_within_image, group])
def test_shared_keys_are_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="share a key"):
        call([still(1, box(0.5, 0.5)), still(1, box(0.2, 0.2))])


def test_contradicting_motions_are_refused() -> None:
    with pytest.raises(ValueError, match="Two motions"):
        group([], [Motion("cam", 1, 2, 0.1, 0.0), Motion("cam", 2, 1, 0.1, 0.0)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": math.nan},
        {"aspect": 0.0},
        {"aspect": math.inf},
        {"polygon": ((0.0, 0.0), (1.0, 1.0))},
        {"polygon": ((0.0, math.nan), (1.0, 1.0), (0.0, 1.0))},
    ],
)
def test_a_sighting_no_image_can_have_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Sighting 1"):
        still(1, **{"polygon": box(0.5, 0.5), **wrong})


def test_nothing_gives_nothing() -> None:
    assert merge_within_image([]) == ()
    assert group([]) == ()


# --- laws ------------------------------------------------------------------------------------------------------------

# Coarse coordinates, so that overlaps, touches, containment and exact ties are frequent.
steps = st.integers(min_value=0, max_value=12).map(lambda step: step / 12)
outlines = st.one_of(
    st.builds(box, steps, steps, st.sampled_from([0.02, 0.1, 0.3]), st.sampled_from([0.02, 0.1, 0.3])),
    st.lists(st.tuples(steps, steps), min_size=3, max_size=6).map(tuple),
)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Sighting], list[Motion]]:
    """Draw up to 14 sightings on stills and on the frames of two cameras, and some motions of the first camera."""
    places = st.sampled_from(
        [
            ("photo a", None, None),
            ("photo b", None, None),
            *((f"cam {n}", "cam", n) for n in range(4)),
            ("x", "other", 1),
        ]
    )
    scores, labels = st.sampled_from([0.3, 0.5, 0.9]), st.sampled_from(["scratch", "dent"])
    facts = draw(st.lists(st.tuples(places, outlines, scores, labels), max_size=14))
    sightings = [
        Sighting(key, image, sequence, frame, polygon, score, label, 1.5)
        for key, ((image, sequence, frame), polygon, score, label) in enumerate(facts)
    ]
    shifts = draw(st.lists(st.none() | st.tuples(steps, steps), min_size=3, max_size=3))
    motions = [Motion("cam", n, n + 1, *shift) for n, shift in enumerate(shifts) if shift is not None]
    return sightings, motions


shuffles = st.randoms(use_true_random=False)


def shuffled(sightings: list[Sighting], random: Random) -> list[Sighting]:
    return random.sample(sightings, len(sightings))


@given(scenes(), shuffles)
def test_merging_ignores_order_and_changes_nothing_twice(
    scene: tuple[list[Sighting], list[Motion]], random: Random
) -> None:
    once = merge_within_image(scene[0])
    assert merge_within_image(shuffled(scene[0], random)) == once
    assert merge_within_image(shuffled(list(once), random)) == once


@given(scenes())
def test_merging_is_a_partition_within_images(scene: tuple[list[Sighting], list[Motion]]) -> None:
    image_of = {sighting.key: sighting.image for sighting in scene[0]}
    merged = merge_within_image(scene[0])
    assert Counter(key for s in merged for key in (s.key, *s.absorbed)) == Counter(image_of.keys())
    assert all(image_of[key] == s.image for s in merged for key in s.absorbed)


@given(scenes())
def test_merging_keeps_the_best_score_and_covers_all_outlines(scene: tuple[list[Sighting], list[Motion]]) -> None:
    by_key = {sighting.key: sighting for sighting in scene[0]}
    for joined in merge_within_image(scene[0]):
        parts = [by_key[key] for key in (joined.key, *joined.absorbed)]
        assert joined.score == max(part.score for part in parts)
        for part in parts:
            if geometry.area(part.polygon) > 1e-6:
                assert geometry.share_of_smaller(joined.polygon, part.polygon) == pytest.approx(1, abs=1e-3)


@given(scenes(), shuffles)
def test_families_are_a_partition_whatever_the_order(
    scene: tuple[list[Sighting], list[Motion]], random: Random
) -> None:
    sightings, motions = scene
    found = group(sightings, motions)
    assert Counter(key for family in found for key in family.members) == Counter(s.key for s in sightings)
    assert group(shuffled(sightings, random), random.sample(motions, len(motions))) == found


@given(scenes())
def test_no_family_spans_stills_cameras_or_one_image_twice(scene: tuple[list[Sighting], list[Motion]]) -> None:
    by_key = {sighting.key: sighting for sighting in scene[0]}
    for family in group(*scene):
        parts = [by_key[key] for key in family.members]
        assert len({part.image for part in parts}) == len(parts)
        assert len({part.sequence for part in parts}) == 1
        assert len(parts) == 1 or parts[0].sequence is not None


@given(scenes())
def test_a_family_is_led_by_a_member_with_its_score(scene: tuple[list[Sighting], list[Motion]]) -> None:
    by_key = {sighting.key: sighting for sighting in scene[0]}
    for family in group(*scene):
        parts = [by_key[key] for key in family.members]
        assert family.members[0] == family.representative
        assert family.score == parts[0].score == max(part.score for part in parts)
        assert family.label in {part.label for part in parts}


@given(scenes())
def test_grouping_a_family_again_gives_that_family(scene: tuple[list[Sighting], list[Motion]]) -> None:
    sightings, motions = scene
    by_key = {sighting.key: sighting for sighting in sightings}
    kept = [("cam", 0), ("cam", 1), ("cam", 2), ("cam", 3), ("other", 1)]
    for family in group(sightings, motions, frames=kept):
        assert group([by_key[key] for key in family.members], motions, frames=kept) == (family,)
        assert group([by_key[key] for key in family.members], motions) == (family,)


@given(st.integers(min_value=0, max_value=10_000), st.floats(min_value=-0.15, max_value=0.15))
def test_marks_on_a_passing_panel_are_counted_once(seed: int, pace: float) -> None:
    """Three marks pass the camera in 6 frames; outlines jitter, and no mark is missed in two frames running."""
    random = Random(seed)
    marks = {"a": (0.3, 0.2), "b": (0.5, 0.5), "c": (0.4, 0.8)}
    sightings = []
    for mark, (x, y) in marks.items():
        missed = random.choice([None, 1, 2, 3, 4])
        for frame in range(6):
            centre = (x + pace * frame + random.uniform(-0.01, 0.01), y + random.uniform(-0.01, 0.01))
            if frame != missed:
                sightings.append(seen((mark, frame), box(*centre, 0.08, 0.04), frame, score=random.random()))
    motions = tuple(Motion("cam", n, n + 1, pace, 0.0) for n in range(5))
    expected = {frozenset(s.key for s in sightings if str(s.key).startswith(f"('{mark}'")) for mark in marks}
    assert members(*sightings, motions=motions) == expected
