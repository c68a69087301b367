"""JSON as DRF writes it, only sooner."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer

from damages.models import DamageState
from inspection_platform.api.renderers import FastJSONRenderer

SIMPLE = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(SIMPLE | WORDS, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner), max_leaves=12)


@given(VALUES)
def test_says_what_the_standard_library_reads(value: object) -> None:
    written = FastJSONRenderer().render(value)
    assert written == b"" if value is None else json.loads(written) == value


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), date(2026, 1, 2), Decimal("1.50"), UUID(int=7),
        DamageState.ACCEPTED, lazystr("soon"), mark_safe("as it is"), ("a", 1), {"æ": "ø"}, b"bytes", {1},
    ],
)  # fmt: skip
def test_has_the_same_words(value: object) -> None:
    assert FastJSONRenderer().render([value]) == JSONRenderer().render([value])
