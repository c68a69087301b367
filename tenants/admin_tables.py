"""Tables in CSV files as spreadsheets write them, where an uploaded one is kept, and what stands in its cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import tablib
from django.core.cache import cache
from import_export.tmp_storages import BaseStorage

from tenants.admin_exports import Cell, SafeCsv

MOST_ROWS: Final = 10_000
#: Seconds between preview and confirmation.
SHELF_SECONDS: Final = 3600
_BLANKS: Final = re.compile(r"\s+")
_DELIMITERS: Final = ",;\t"


class FileFault(ValueError):
    """A file that cannot be taken; the text says why."""


class TableCsv(SafeCsv):
    """CSV as spreadsheets write it: comma, semicolon or tab; UTF-8 with or without a mark, else Windows-1252."""

    def get_title(self) -> str:
        """As the page calls it."""
        return "CSV"

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        """The table. Raises FileFault."""
        lines = list(_lines(_decoded(in_stream)))
        if len(lines) < 2:  # noqa: PLR2004 - a heading and a row
            raise FileFault("The file has no rows below its heading.")
        if len(lines) - 1 > MOST_ROWS:
            raise FileFault(f"The file has {len(lines) - 1} rows; {MOST_ROWS} are the most at a time.")
        (_, headings), *rows = lines
        table = tablib.Dataset(headers=[heading.strip().lower() for heading in headings])
        for number, cells in rows:
            if len(cells) > len(headings):
                raise FileFault(f"Line {number} has more cells than the heading.")
            table.append(cells + [""] * (len(headings) - len(cells)))
        return table


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise FileFault("This is not a CSV file: save the table as “CSV UTF-8”.")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line that holds something."""
    heading = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise FileFault(f"Line {reader.line_num} cannot be read: {error}.") from error


class Shelf(BaseStorage):  # type: ignore[misc]  # the library has no types
    """Keeps an uploaded file between preview and confirmation, for all processes, and forgets it after an hour."""

    name: str

    def save(self, data: bytes) -> None:
        """Keep the file under a new name."""
        self.name = uuid4().hex
        cache.set(self._key, data, SHELF_SECONDS)

    def read(self) -> bytes:
        """The file; FileFault when it is gone."""
        found: bytes | None = cache.get(self._key)
        if found is None:
            raise FileFault("The file was not confirmed in time, or it has been imported. Upload it again.")
        return found

    def remove(self) -> None:
        """Forget the file."""
        cache.delete(self._key)

    @property
    def _key(self) -> str:
        return f"import:{self.name}"


class WholeCell(Cell):
    """A whole number; blanks between its digits do not matter."""

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> int | None:
        """The number; None for an empty cell."""
        text = _BLANKS.sub("", value)
        if not text:
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise ValueError(f"“{value}” is not a whole number.")
        return int(text)


class NumberCell(Cell):
    """A number, with a point or a comma."""

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> float | None:
        """The number; None for an empty cell."""
        text = _BLANKS.sub("", value).replace(",", ".")
        if not text:
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", text):
            raise ValueError(f"“{value}” is not a number.")
        return float(text)


class YesNoCell(Cell):
    """Yes or no; an empty cell is yes."""

    _WORDS: Final = {"true": True, "yes": True, "1": True, "": True, "false": False, "no": False, "0": False}

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> bool:
        """Which of the two."""
        if value.lower() not in self._WORDS:
            raise ValueError(f"“{value}” is neither yes nor no.")
        return self._WORDS[value.lower()]


class UpperCell(Cell):
    """A text that is stored in capital letters."""

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> str:
        """The text."""
        return value.upper()
