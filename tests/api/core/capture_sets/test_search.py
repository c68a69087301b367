"""Capture sets: the search, W36."""

from __future__ import annotations

from typing import Any

import pytest

from tests import factories
from tests.api.core.rigs import SETS, Sender, virtual

pytestmark = pytest.mark.django_db


def test_a_search_finds_parts_in_any_case(ask: Sender, ours: factories.House, outsider: factories.House) -> None:
    for name, location in [
        ("name example", "Italy"), ("ex-name", "Great Britain"), ("EX", "Italy"), ("Ærlig", "Ålesund"), ("100%", "")
    ]:  # fmt: skip
        virtual(ours.tenant, name=name, location=location)
    virtual(outsider.tenant, name="example of others", location="Titan")

    def found(query: str) -> Any:
        return ask(ours.staff, "get", f"{SETS}/search?{query}").json()

    assert found("location=it&name=ex") == {
        "success": True,
        "data": {"locations": ["Great Britain", "Italy"], "names": ["EX", "ex-name", "name example"]},
    }
    assert found("location=ITALY")["data"] == {"locations": ["Italy"], "names": []}
    assert found("location=%C3%A5LES&name=%C3%A6rl")["data"] == {"locations": ["Ålesund"], "names": ["Ærlig"]}
    assert found("name=%25")["data"]["names"] == ["100%"]
    assert found("name=.*%C3%A6")["data"]["names"] == []
    assert found("")["data"] == {"locations": [], "names": []}


@pytest.mark.parametrize("query", ["name=%00", "location=" + "x" * 201, "title=x"])
def test_a_wrong_search_is_refused(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.staff, "get", f"{SETS}/search?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [query.partition("=")[0]])
