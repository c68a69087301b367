"""Two models on one photo: what counts as the same thing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imaging.ml.matching import Pair, Standing, boxes_around, compare
from imaging.ml.types import Finding
from tests.models import square

_places = st.floats(0, 0.9).map(lambda value: round(value, 2))
_findings = st.lists(
    st.builds(
        square, _places, _places, st.just(0.1), score=st.floats(0, 1), label=st.sampled_from(["scratch", "dent"])
    ),
    max_size=6,
)


def test_boxes_are_upright_and_none_is_an_empty_table() -> None:
    assert boxes_around([[(0.1, 0.5), (0.3, 0.2), (0.2, 0.9)]]).tolist() == [[0.1, 0.2, 0.3, 0.9]]
    assert boxes_around([]).shape == (0, 4)


def test_every_standing_by_example() -> None:
    current = [square(0.1, 0.1), square(0.4, 0.1, label="dent"), square(0.7, 0.1)]
    candidate = [square(0.4, 0.12, label="scratch"), square(0.11, 0.1, score=0.4), square(0.1, 0.7)]
    assert compare(current, candidate) == [
        Pair(Standing.AGREED, 0, 1),
        Pair(Standing.KIND_DIFFERS, 1, 0),
        Pair(Standing.ONLY_CURRENT, 2, None),
        Pair(Standing.ONLY_CANDIDATE, None, 2),
    ]


def test_nothing_seen_is_nothing_to_disagree_about() -> None:
    assert compare([], []) == []
    assert compare([], [square(0, 0)]) == [Pair(Standing.ONLY_CANDIDATE, None, 0)]
    assert compare([square(0, 0)], []) == [Pair(Standing.ONLY_CURRENT, 0, None)]


def test_two_finds_of_a_candidate_on_one_thing_are_not_both_right() -> None:
    pairs = compare([square(0.1, 0.1)], [square(0.1, 0.1, score=0.5), square(0.12, 0.1, score=0.9)])
    assert pairs == [Pair(Standing.AGREED, 0, 1), Pair(Standing.ONLY_CANDIDATE, None, 0)]


@given(_findings, _findings)
def test_each_finding_stands_in_exactly_one_pair(current: list[Finding], candidate: list[Finding]) -> None:
    pairs = compare(current, candidate)
    assert sorted(pair.current for pair in pairs if pair.current is not None) == list(range(len(current)))
    assert sorted(pair.candidate for pair in pairs if pair.candidate is not None) == list(range(len(candidate)))
    for pair in pairs:
        both = pair.current is not None and pair.candidate is not None
        assert both == (pair.standing in {Standing.AGREED, Standing.KIND_DIFFERS})
        if pair.current is not None and pair.candidate is not None:
            same = current[pair.current].label == candidate[pair.candidate].label
            assert same == (pair.standing == Standing.AGREED)


@given(st.permutations([square(0.1 + 0.3 * place, 0.1 + 0.3 * row) for place in range(3) for row in range(3)]))
def test_a_model_agrees_with_itself_in_any_order(findings: list[Finding]) -> None:
    pairs = compare(findings[::-1], findings)
    assert [(pair.standing, pair.candidate) for pair in pairs] == [
        (Standing.AGREED, len(findings) - 1 - place) for place in range(len(findings))
    ]
