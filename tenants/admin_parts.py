"""Parts of every list in the admin: filters within reach, pages that count no further than needed, small columns."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Field, ForeignObjectRel, Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

if TYPE_CHECKING:
    from django.core.paginator import Paginator as _Paginator

    _Pages = _Paginator[Any]
    from django.contrib.admin.filters import RelatedFieldListFilter as _RelatedFilter
    from django.contrib.admin.filters import SimpleListFilter as _WordsFilter
    from django.contrib.admin.views.main import ChangeList as _ChangeList
else:
    from django.core.paginator import Paginator as _Pages
    from unfold.contrib.filters.admin import DropdownFilter as _WordsFilter
    from unfold.contrib.filters.admin import RelatedDropdownFilter as _RelatedFilter
    from unfold.views import ChangeList as _ChangeList

NOTHING: Final = "–"
#: The last section of a form.
RECORD: Final[Any] = ("Record", {"fields": (("id", "created_at", "modified_at"),)})
Column = Callable[[Any], Any]
F = TypeVar("F", bound=Callable[..., Any])
#: Rows a list counts and pages through; beyond them a person searches or filters.
MOST_COUNTED: Final = 10_000


class CappedPaginator(_Pages):
    """Counts up to MOST_COUNTED rows: on a table of millions counting them all would be the slowest query of a page."""

    template_name = "tenants/admin/pagination.html"

    @cached_property
    def count(self) -> int:
        """How many rows there are to page through."""
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by().values("pk")[:MOST_COUNTED].count()
        return len(rows)

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than were counted."""
        return self.count >= MOST_COUNTED


class Rows(_ChangeList):
    """A list that sorts keys first and then loads the rows of its page.

    Sorting whole rows with everything joined to them is what makes a page of a table of millions slow.
    """

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """As Django's, in two steps; the total is known without a second count when nothing is filtered."""
        super().get_results(request)
        keys = list(self.result_list.values_list("pk", flat=True))
        rows = self.root_queryset.in_bulk(keys)
        self.result_list = [rows[key] for key in keys if key in rows]
        if self.full_result_count is None and not self.get_filters_params() and not self.query:
            self.full_result_count = self.result_count


def rows_within_reach(site: AdminSite, model: type[Model], request: HttpRequest) -> QuerySet[Any]:
    """The rows of another model that this person sees in its own list; NotRegistered if it has none."""
    return site.get_model_admin(model).get_queryset(request)


def related_model(field: Any) -> type[Model]:
    """The model a foreign key or a relation leads to."""
    model = field.related_model
    found: type[Model] = field.model if model == "self" else model
    return found


class ReachFilter(_RelatedFilter):
    """A drop-down of related rows within reach; absent where there is nothing to choose."""

    def field_choices(
        self, field: Field[Any, Any] | ForeignObjectRel, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> Any:
        """Key and name of each row that the person may see."""
        rows = rows_within_reach(model_admin.admin_site, related_model(field), request)
        return [(str(row.pk), str(row)) for row in rows]

    def has_output(self) -> bool:
        """Whether there is a choice at all."""
        return len(self.lookup_choices) > 1


def words_filter(column: str, words: Iterable[str], title: str = "") -> type[_WordsFilter]:
    """A drop-down of words that are known beforehand, so that nobody has to collect them from the table."""
    known = [(word, word) for word in words]

    class Words(_WordsFilter):
        """The filter of this column."""

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            """The words."""
            return known

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            """The rows with the chosen word."""
            return queryset.filter(**{column: self.value()}) if self.value() else queryset

    Words.title, Words.parameter_name = title or column, column
    return Words


def inspection_link(image_set_id: object, text: str = "Open") -> SafeString:
    """A link to the page of an inspection, or a dash without one; the page itself is of another app."""
    if not image_set_id:
        return SafeString(NOTHING)
    return format_html(
        '<a class="text-link" href="{}inspections/{}/">{}</a>', reverse("admin:index"), image_set_id, text
    )


def invite_address(place: str = "people/invite/") -> str:
    """The page that invites a colleague, or one about somebody invited; they are of another app, with the workers."""
    return f"{reverse('admin:index')}{place}"


def row_link(row: Model | None, text: str = "") -> SafeString:
    """A link to a row's own page in the admin, or a dash."""
    if row is None:
        return SafeString(NOTHING)
    options = row._meta  # noqa: SLF001 - Django's documented way to a model's names
    address = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
    return format_html('<a class="text-link" href="{}">{}</a>', address, text or str(row))


def pretty(value: object) -> SafeString:
    """JSON (a value, or a text that holds it) with indentation; other text as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return format_html('<pre class="admin-json">{}</pre>', value)
    return format_html('<pre class="admin-json">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2))


def size_text(size: int) -> str:
    """Bytes in words: `3.4 MB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - SI prefixes go by thousands
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def column(
    function: Column,
    description: str,
    *,
    ordering: str = "",
    label: Mapping[str, str] | None = None,
    boolean: bool = False,
) -> Column:
    """`function` (row -> what is shown) as a column of a list; `label` gives values a colour of the theme."""

    def shown(row: Any) -> Any:
        value = function(row)
        # None is what the admin shows as a dash.
        return None if value == "" else value

    made: Column = display(description=description, ordering=ordering or None, label=label, boolean=boolean or None)(
        shown
    )
    return made


def state_column(name: str, colours: Mapping[Any, str], description: str = "") -> Column:
    """A choice column as a coloured label; values without a colour are grey."""

    def state(row: Any) -> tuple[str, str]:
        return str(getattr(row, name)), str(getattr(row, f"get_{name}_display")())

    return column(state, description or name.replace("_", " "), ordering=name, label=defaultdict(str, colours))


def deleted_column() -> Column:
    """A label on rows that are deleted softly; nothing on all others, which are the rule."""
    return column(
        lambda row: "deleted" if row.deleted_at else "", "deleted", ordering="deleted_at", label={"deleted": "danger"}
    )


def page_action(description: str, *, icon: str, right: str = "operate", danger: bool = False) -> Callable[[F], F]:
    """A button on the page of a row; `right` names the `has_..._permission` that shows it and lets it through."""
    variant = ActionVariant.DANGER if danger else ActionVariant.DEFAULT

    def decorate(function: F) -> F:
        return cast("F", action(description=description, icon=icon, permissions=[right], variant=variant)(function))

    return decorate


def noun(model: type[Model], count: int) -> str:
    """What so many rows of the model are called."""
    options = model._meta  # noqa: SLF001 - Django's documented way to a model's names
    return str(options.verbose_name if count == 1 else options.verbose_name_plural)


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
