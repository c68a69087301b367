"""Rows of another model on the page of a row: within reach like everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from tenants.admin_base import ScopedChoices
from tenants.admin_parts import rows_within_reach

if TYPE_CHECKING:
    from django.contrib.admin import StackedInline as _Stacked
    from django.contrib.admin import TabularInline as _Tabular
else:
    from unfold import admin as unfold

    from tenants.admin_forms import Unparametrised

    class _Stacked(Unparametrised, unfold.StackedInline):
        pass

    class _Tabular(Unparametrised, unfold.TabularInline):
        pass


M = TypeVar("M", bound=Model)
C = TypeVar("C", bound=Model)


class _ScopedInline(ScopedChoices):
    """Rows shown on the page of another: within reach like everywhere, their names in the same query."""

    extra = 0
    hide_title = True
    per_page = 50
    select_related: ClassVar[Sequence[str]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that the person sees in the model's own list."""
        rows = rows_within_reach(self.admin_site, self.model, request)  # type: ignore[attr-defined]  # mixed into inlines
        return rows.select_related(*self.select_related) if self.select_related else rows


class ScopedTabular(_ScopedInline, _Tabular[C, M]):
    """Rows of another model as a table."""


class ScopedStacked(_ScopedInline, _Stacked[C, M]):
    """Rows of another model one below the other."""


class RecordTabular(ScopedTabular[C, M]):
    """A table to look at, each row leading to its own page."""

    show_change_link = True
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All columns."""
        return list(self.fields or ())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False
