"""A model's card as people read it: whatever a card tells, in sections, tables and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

#: Sections in the order of the page -> their headlines; what a card tells besides comes after them.
_SECTIONS: Final = {
    "metrics": "Measured quality",
    "failures": "Known failures",
    "thresholds": "Thresholds",
    "data": "Data",
    "timing": "Milliseconds of one invoke",
    "match_rule": "How it was judged",
    "honesty": "How far to trust the figures",
    "input": "Input",
    "output": "Output",
}
#: What the head of a page tells already, and what goes to the end.
_APART: Final = frozenset({"name", "version", "title", *_SECTIONS})
_THOUSAND: Final = 1000
_MOST_COLUMNS: Final = 8


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a card: `text`, `items`, `pairs` of a name and a node, or a table (`heads` and `rows` of texts)."""

    text: str = ""
    items: Sequence[Node] = ()
    pairs: Sequence[tuple[str, Node]] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()

    @property
    def pairs_alone(self) -> Node:
        """The same without its text, which leads an entry of a list."""
        return Node(pairs=self.pairs)


@dataclass(frozen=True, slots=True)
class ShownCard:
    """What a page shows of a card; `more` is folded away."""

    title: str
    sections: Sequence[tuple[str, Node]] = field(default=())
    more: Sequence[tuple[str, Node]] = field(default=())


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of two cards; "" where one does not tell it, or nothing changes."""

    name: str
    current: str
    candidate: str
    difference: str


def card_shown(raw: Mapping[str, Any]) -> ShownCard:
    """A card's document in sections."""
    sections = [(title, _node(raw[key])) for key, title in _SECTIONS.items() if raw.get(key)]
    more = [
        (_words(key), _node(value)) for key, value in raw.items() if key not in _APART and value not in (None, [], {})
    ]
    return ShownCard(str(raw.get("title", "")), sections, more)


def headline(raw: Mapping[str, Any], most: int = 4) -> list[tuple[str, str]]:
    """The first measured figures of a card, those that stand for the others."""
    return [(_words(name), number(value)) for name, value in list(_figures(raw).items())[:most]]


def compared(current: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[Compared]:
    """The plain figures and thresholds of two cards beside one another."""
    lines = []
    for what in ("metrics", "thresholds"):
        ours, theirs = _figures(current, what), _figures(candidate, what)
        lines += [_line(what, name, ours.get(name), theirs.get(name)) for name in {**ours, **theirs}]
    return lines


def number(value: float) -> str:
    """A number as people read it: four digits that count, no more."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace(",", " ")
    return f"{value:.4g}" if abs(value) < _THOUSAND else f"{value:,.0f}".replace(",", " ")


def _figures(raw: Mapping[str, Any], what: str = "metrics") -> dict[str, float]:
    values = raw.get(what)
    found = values.items() if isinstance(values, dict) else ()
    return {name: value for name, value in found if _is_number(value)}


def _line(what: str, name: str, ours: float | None, theirs: float | None) -> Compared:
    label = f"threshold: {_words(name)}" if what == "thresholds" else _words(name)
    change = theirs - ours if ours is not None and theirs is not None else 0
    return Compared(
        name=label,
        current="" if ours is None else number(ours),
        candidate="" if theirs is None else number(theirs),
        difference=f"{change:+.4g}" if change else "",
    )


def _node(value: Any) -> Node:
    if isinstance(value, dict):
        return _table(value) or Node(pairs=[(_words(name), _node(inner)) for name, inner in value.items()])
    if isinstance(value, list):
        return _records(value) or Node(items=[_node(inner) for inner in value])
    return Node(text=_text(value))


def _table(values: Mapping[str, Any]) -> Node | None:
    """An object of objects of plain values is a table: a row for each, a column for each of their names."""
    rows = list(values.values())
    if len(rows) < 2 or not all(isinstance(row, dict) and row for row in rows):  # noqa: PLR2004 - one row is no table
        return None
    heads = list(dict.fromkeys(head for row in rows for head in row))
    if len(heads) > _MOST_COLUMNS or not all(_is_plain(cell) for row in rows for cell in row.values()):
        return None
    lines = [[_words(name), *(_text(row.get(head)) for head in heads)] for name, row in values.items()]
    return Node(heads=["", *map(_words, heads)], rows=lines)


def _records(values: Sequence[Any]) -> Node | None:
    """A list of objects: each by itself, led by its name."""
    if not values or not all(isinstance(value, dict) for value in values):
        return None
    return Node(items=[Node(text=str(value.get("name", "")), pairs=_facts(value)) for value in values])


def _facts(value: Mapping[str, Any]) -> list[tuple[str, Node]]:
    return [(_words(name), _node(inner)) for name, inner in value.items() if name != "name"]


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    return number(value) if _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_plain(value: Any) -> bool:
    return not isinstance(value, dict | list)
