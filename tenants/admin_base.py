"""The base of every page in the admin: what a person may see and do there ends where their tenants end.

Each list, choice, search, history and direct address starts from `get_queryset`, which starts from the person's
reach; a row beyond it is treated like one that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite, ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.core.paginator import Page
from django.db.models import Field, ForeignKey, ManyToManyField, Model, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from tenants.acting import reach_narrowed
from tenants.admin_forms import SameTenantForm, ServiceForm
from tenants.admin_parts import NOTHING, CappedPaginator, Rows, is_uuid, noun, related_model, rows_within_reach
from tenants.errors import DomainError
from tenants.models import User
from tenants.rights import STRANGER, people_known, permission_reach
from tenants.scope import Reach, TenantGate

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _Admin
else:
    from simple_history.admin import SimpleHistoryAdmin as _HistoryPages
    from unfold import admin as unfold

    from tenants.admin_forms import Unparametrised

    class _Admin(Unparametrised, unfold.ModelAdmin):
        pass


M = TypeVar("M", bound=Model)

#: Rows that a confirmation names before it only counts them.
_NAMED: Final = 20
#: Columns nobody may ask about through the address bar (`?digest__startswith=`): answers would spell them out.
_SECRET: Final = ("password", "digest", "sealed_", "device_key_digest")
_READ_ONLY_FIELDS: Final = ("id", "created_at", "modified_at")


class ScopedChoices:
    """Offers, and accepts, only rows within reach as values of foreign keys.

    Within reach means: seen by the person, and of a tenant in which they may change rows of this model. Somebody who
    keeps the cars of one tenant and only looks at those of another cannot move a car there.
    """

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """A choice among the rows within reach."""
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]  # mixed into admins

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """The same for several."""
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]  # mixed into admins

    def _choices(self, field: Field[Any, Any], request: HttpRequest) -> QuerySet[Any]:
        site: AdminSite = self.admin_site  # type: ignore[attr-defined]  # mixed into admins
        model = related_model(field)
        seen = rows_within_reach(site, model, request)
        pages = site.get_model_admin(model)
        reach = permission_reach(person(request), permission_name(field.model, "change"))
        if reach.tenant_ids is None or not isinstance(pages, ScopedAdmin):
            return seen
        return seen.filter(pk__in=pages.rows(reach).values("pk"))


class ScopedAdmin(ScopedChoices, _Admin[M]):
    """Pages of one model: lists without extra queries or full counts, rights that end with the person's tenants."""

    form: Any = SameTenantForm
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    empty_value_display = NOTHING
    formfield_overrides: ClassVar[dict[Any, Any]] = {URLField: {"assume_scheme": "https"}}
    list_per_page = 50
    list_max_show_all = 200
    list_filter_submit = True
    compressed_fields = False
    warn_unsaved_form = True
    #: Columns in which a searched UUID is looked up, besides the text search.
    search_ids: ClassVar[Sequence[str]] = ("pk",)
    #: Indexed columns in which a search looks for exactly the words before it looks everywhere for a part of them.
    search_exact: ClassVar[Sequence[str]] = ()
    #: Columns that are set once, when the row is made.
    set_once: ClassVar[Sequence[str]] = ("tenant",)

    # --- what is within reach ---

    def rows(self, reach: Reach) -> QuerySet[M]:
        """The model's rows of these tenants; models without a path to a tenant say here who sees them."""
        gate = vars(self.model).get("objects")
        if not isinstance(gate, TenantGate):
            raise ImproperlyConfigured(f"{type(self).__name__}.rows must say which rows a person reaches.")
        rows: QuerySet[M] = gate.of(reach)
        return rows

    def reach(self, request: HttpRequest, verb: str = "view") -> Reach:
        """The tenants in which the person may view, add, change or delete such rows, and for which they act now."""
        return reach_narrowed(request, permission_reach(person(request), self._permission(verb)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """The rows within reach, in order, with what their columns and names need."""
        rows = self.rows(self.reach(request)).order_by(*(self.get_ordering(request) or self.opts.ordering or ()))
        related = self.list_select_related
        return rows.select_related(*related) if isinstance(related, list | tuple) and related else rows

    def may(self, request: HttpRequest, verb: str, obj: Model | str | None = None) -> bool:
        """Whether the person has the right at all, or over this row (a row, or its key)."""
        if not person(request).has_perm(self._permission(verb)):
            return False
        return obj is None or self._is_within(request, verb, obj.pk if isinstance(obj, Model) else obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may see the row, or any."""
        return self.may(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person may add rows in one of their tenants."""
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may change the row, or any."""
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may delete the row, or any."""
        return self.may(request, "delete", obj)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may use the actions: the right to change, also where no field may be edited."""
        return self.may(request, "change", obj)

    def _permission(self, verb: str) -> str:
        return permission_name(self.model, verb)

    def _is_within(self, request: HttpRequest, verb: str, key: object) -> bool:
        reach = self.reach(request, verb)
        if reach.tenant_ids is None:
            return True
        known: dict[tuple[str, object], bool] = request.__dict__.setdefault("_admin_rows_within", {})
        place = (self._permission(verb), str(key))
        if place not in known:
            known[place] = self._exists(self.rows(reach), key)
        return known[place]

    def _exists(self, rows: QuerySet[M], key: object) -> bool:
        try:
            return rows.filter(pk=key).exists()
        except (ValueError, ValidationError):
            return False

    # --- lists ---

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Rows]:
        """The list class."""
        return Rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """A UUID and an exact name are looked up in an index; only then the words are searched for as text."""
        term = search_term.strip()
        if is_uuid(term) and self.search_ids:
            found = queryset.none()
            for column in self.search_ids:
                found = found | queryset.filter(**{column: UUID(term)})
            return found, False
        for column in self.search_exact if term else ():
            exactly = queryset.filter(**{column: term})
            if exactly.exists():
                return exactly, False
        return super().get_search_results(request, queryset, search_term)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuses questions about secret columns, whatever else is allowed."""
        if any(part.startswith(_SECRET) for part in lookup.split("__")):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]  # Django passes None itself

    # --- forms ---

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Columns that are set once or by the machine."""
        fixed = [*super().get_readonly_fields(request, obj), *_READ_ONLY_FIELDS]
        return [*fixed, *self.set_once] if obj is not None else fixed

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The tenant of a new row, where there is no choice."""
        given: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        tenants = self.reach(request, "add").tenant_ids
        return {"tenant": next(iter(tenants))} | given if tenants and len(tenants) == 1 else given

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form class of this request, which knows who fills it in."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if issubclass(form, ServiceForm):
            form.by = person(request)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        """Save the row, unless a service has done it."""
        if not isinstance(form, ServiceForm):
            super().save_model(request, obj, form, change)

    # --- actions: thin doors to services ---

    def do_for_each(
        self, request: HttpRequest, rows: QuerySet[M], *, action: Callable[[M], object], question: str, done: str
    ) -> HttpResponseBase | None:
        """Ask, then call `action` for each selected row the person may change; tell how many, and what was refused."""
        allowed = rows.filter(pk__in=self.rows(self.reach(request, "change")).values("pk"))
        if "confirmed" not in request.POST:
            return self.ask(request, list(allowed), question=question, back=request.get_full_path())
        count = sum(self._do(request, row, action=action, done=done) for row in allowed)
        if count:
            self.message_user(request, f"{count} {noun(self.model, count)}: {done}.", messages.SUCCESS)
        return None

    def do_for_one(
        self, request: HttpRequest, object_id: str, *, action: Callable[[M], object], question: str, done: str
    ) -> HttpResponseBase:
        """The same for the row of a page: GET asks, POST does it and returns to the page."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self.missing(request, object_id)
        if not self.has_operate_permission(request, row):
            raise PermissionDenied
        back = self.address_of(row)
        if request.method != "POST":
            return self.ask(request, [row], question=question, back=back)
        if self._do(request, row, action=action, done=done):
            self.message_user(request, f"{row}: {done}.", messages.SUCCESS)
        return HttpResponseRedirect(back)

    def missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The answer for a row that is not there or not within reach: the start page, with a message."""
        answer: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]  # missing in the stubs
        return answer

    def address_of(self, row: Model) -> str:
        """The address of the row's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def shown_once(
        self, request: HttpRequest, *, title: str, secrets: Iterable[tuple[str, str]], back: str, note: str = ""
    ) -> HttpResponse:
        """A page that shows secrets in the answer to the very request that made them; nothing of it is kept."""
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": title,
            "secrets": [(name, value) for name, value in secrets if value], "back": back, "note": note,
        }  # fmt: skip
        response = TemplateResponse(request, "tenants/admin/shown_once.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _do(self, request: HttpRequest, row: M, *, action: Callable[[M], object], done: str) -> bool:
        try:
            action(row)
        except DomainError as refusal:
            self.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
            return False
        self.log_change(request, row, done)
        return True

    def ask(self, request: HttpRequest, rows: Sequence[M], *, question: str, back: str) -> HttpResponse:
        posted = ("action", "select_across", ACTION_CHECKBOX_NAME)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": "Are you sure?", "question": question,
            "rows": rows[:_NAMED], "further": max(0, len(rows) - _NAMED), "label": "Yes, I’m sure", "back": back,
            "hidden": [(name, value) for name in posted for value in request.POST.getlist(name)],
        }  # fmt: skip
        return TemplateResponse(request, "tenants/admin/confirm.html", context)


class RecordAdmin(ScopedAdmin[M]):
    """Rows that only the platform writes: looked at, perhaps acted upon, never edited, added or deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds records."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits records."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes records."""
        return False


if TYPE_CHECKING:

    class _History(ScopedAdmin[M]):
        def history_form_view(
            self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
        ) -> HttpResponse: ...

        def set_history_delta_changes(self, request: HttpRequest, historical_records: Page[Any]) -> None: ...

else:

    class _History(ScopedAdmin, _HistoryPages):
        """The pages of django-simple-history behind ours."""


class HistoryAdmin(_History[M]):
    """A model with a history: who changed what when, for rows within reach. It is read, never reverted to.

    Going back to an old version would pass by the rules of the services.
    """

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Always."""
        return True

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The row's history; that of a deleted row is for those who reach every tenant."""
        if not self._has_history_for(request, object_id):
            return self.missing(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One version, to look at."""
        if request.method != "GET":
            raise PermissionDenied
        if not self._has_history_for(request, object_id) or not is_uuid(version_id):
            return self.missing(request, object_id)
        return super().history_form_view(request, object_id, version_id, extra_context)

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Page[Any]) -> None:
        """What changed from version to version; each is called by its number, which costs no query for its name."""
        super().set_history_delta_changes(request, historical_records)
        newest = historical_records.paginator.count - historical_records.start_index() + 1
        for age, record in enumerate(historical_records):
            record.history_object = f"version {newest - age}"
            shown = getattr(record, "history_delta_changes", [])
            record.history_delta_changes = [one for one in shown if self.may_know(request, str(one["field"]).lower())]
        self._hide_strangers(request, historical_records)

    def _hide_strangers(self, request: HttpRequest, historical_records: Page[Any]) -> None:
        """Authors whom the person shares no tenant with have no name here, and no link."""
        authors = {record.history_user_id for record in historical_records} - {None}
        known = set(people_known(person(request)).filter(pk__in=authors).values_list("pk", flat=True))
        for record in historical_records:
            if record.history_user_id and record.history_user_id not in known:
                record.history_user = User(pk="", first_name=STRANGER)

    def may_know(self, request: HttpRequest, field: str) -> bool:
        """Whether the person may see how this column (by its name on pages, in lower case) changed."""
        return True

    def _has_history_for(self, request: HttpRequest, object_id: str) -> bool:
        if self.get_object(request, unquote(object_id)) is not None:
            return True
        return self.reach(request).tenant_ids is None and self.has_view_permission(request) and is_uuid(object_id)


def person(request: HttpRequest) -> User:
    """Who asks; the admin lets in nobody else."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def permission_name(model: type[Model], verb: str) -> str:
    """`app.verb_model`."""
    options = model._meta  # noqa: SLF001 - Django's documented way to a model's names
    return f"{options.app_label}.{get_permission_codename(verb, options)}"
