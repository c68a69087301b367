"""Lists of the admin as CSV files: what a list shows to this person, filters and search included, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import tablib
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from import_export.fields import Field
from import_export.formats.base_formats import CSV
from import_export.resources import Resource
from import_export.widgets import Widget

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    class _Export(ModelAdmin[Any]):
        """The library's mixin on a page of the admin."""

        def get_export_queryset(self, request: HttpRequest) -> QuerySet[Any]: ...
        def export_action(self, request: HttpRequest) -> HttpResponse: ...

else:
    from import_export.admin import ExportMixin as _Export

#: Rows of one file; whoever wants more narrows the list first.
MOST_EXPORTED: Final = 50_000
#: How a cell begins that spreadsheets take for a formula, or for the end of the cell before it.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def cell_disarmed(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula; a plain number stays."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def cell_armed(text: str) -> str:
    """What `cell_disarmed` was given: an exported file can be imported again."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


class Cell(Widget):  # type: ignore[misc]  # the library has no types
    """A value of a row as it stands in a file: times in UTC by ISO 8601, yes and no as `true` and `false`."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        """The text of a cell; "" for None."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="seconds")
        return "" if value is None else str(value)


class SafeCsv(CSV):  # type: ignore[misc]  # the library has no types
    """CSV with a byte order mark, by which spreadsheets know UTF-8, and without formulas."""

    def is_binary(self) -> bool:
        """Bytes in and out: the encoding is decided here."""
        return True

    def get_read_mode(self) -> str:
        """As bytes."""
        return "rb"

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        """The file."""
        safe = tablib.Dataset(headers=dataset.headers)
        safe.extend([cell_disarmed(str(cell)) for cell in row] for row in dataset)
        text: str = safe.export("csv")
        return text.encode("utf-8-sig")


class ScopedExport(_Export):
    """Adds the button "Export" to a list; it comes before `ScopedAdmin` or `HistoryAdmin` among the bases.

    A file holds the rows that the list shows, that is within reach, and narrowed by filters and search as it is.
    """

    #: Heading -> the field it shows, across foreign keys with `__`: `{"plate": "plate", "tenant": "tenant__name"}`.
    #: Methods of the last row on the way may be named too. Secrets, their digests and hints do not belong here.
    export_columns: ClassVar[Mapping[str, str]] = {}
    export_formats: ClassVar[list[type[CSV]]] = [SafeCsv]
    skip_export_form = True

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may look at the list may take it along."""
        return self.has_view_permission(request)

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[Resource]]:
        """The columns, as the library wants them."""
        columns = {
            name: Field(attribute=path, column_name=name, widget=Cell()) for name, path in self.export_columns.items()
        }
        return [type("Columns", (Resource,), columns)]

    def get_export_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the list, with what their columns need."""
        rows = super().get_export_queryset(request)
        joined = {path.rpartition("__")[0] for path in self.export_columns.values()} - {""}
        return rows.select_related(*joined) if joined else rows

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """The file, or the list again with the reason why there is none."""
        if self.has_export_permission(request) and (refusal := self._refusal(request)):
            self.message_user(request, refusal, messages.ERROR)
            options = self.opts
            return HttpResponseRedirect(reverse(f"admin:{options.app_label}_{options.model_name}_changelist"))
        return super().export_action(request)

    def _refusal(self, request: HttpRequest) -> str:
        try:
            rows = self.get_export_queryset(request).order_by().values("pk")[: MOST_EXPORTED + 1]
        except IncorrectLookupParameters:
            return "The list cannot be filtered in this way."
        if rows.count() > MOST_EXPORTED:
            return f"A file holds at most {MOST_EXPORTED} rows. Narrow the list first."
        return ""
