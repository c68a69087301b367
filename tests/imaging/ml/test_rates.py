"""Wilson's interval: known values, and what must hold for any count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ml.rates import FEW, Rate, wilson

_shares = st.integers(0, 100_000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_known_intervals(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


@given(_shares)
def test_the_interval_holds_the_share_and_stays_a_share(share: tuple[int, int]) -> None:
    hits, count = share
    low, high = wilson(hits, count)
    assert 0 <= low <= high <= 1
    if count:
        assert low <= hits / count <= high
        assert (low == 0) == (hits == 0)
        assert (high == 1) == (hits == count)


@given(_shares)
def test_hits_and_misses_mirror_one_another(share: tuple[int, int]) -> None:
    hits, count = share
    low, high = wilson(hits, count)
    assert wilson(count - hits, count) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.integers(1, 300), st.integers(2, 50))
def test_more_cases_of_the_same_share_narrow_it(hits: int, times: int) -> None:
    low, high = wilson(hits, 2 * hits)
    narrower_low, narrower_high = wilson(hits * times, 2 * hits * times)
    assert low < narrower_low < narrower_high < high


@pytest.mark.parametrize(("hits", "count"), [(-1, 5), (6, 5), (1, 0)])
def test_what_is_no_share_is_refused(hits: int, count: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, count)


def test_a_rate_says_when_it_cannot_say() -> None:
    assert Rate(0, 0).value is None
    assert (Rate(0, 0).low, Rate(0, 0).high) == (0.0, 1.0)
    assert Rate(3, FEW - 1).is_few
    assert not Rate(3, FEW).is_few
    assert Rate(1, 4).value == 0.25
