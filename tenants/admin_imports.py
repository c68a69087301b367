"""Rows from CSV files: previewed, confirmed, and written only where the person may write; all of a file or nothing.

A file is read by columns of known names; what a column leaves out stays as it is, an empty cell empties its field.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final

import tablib
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from import_export.fields import Field
from import_export.forms import ConfirmImportForm
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import Resource
from import_export.results import Result
from simple_history.utils import bulk_create_with_history, bulk_update_with_history
from unfold.contrib.import_export.forms import ImportForm

from tenants.admin_exports import Cell, SafeCsv, cell_armed
from tenants.admin_tables import MOST_ROWS, FileFault, Shelf, TableCsv
from tenants.models import Tenant, User
from tenants.scope import Reach
from tenants.selectors import tenants_within

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    class _Import(ModelAdmin[Any]):
        """The library's mixin on a page of the admin."""

        def may(self, request: HttpRequest, verb: str, obj: Any = None) -> bool: ...
        def reach(self, request: HttpRequest, verb: str = "view") -> Reach: ...
        def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse: ...
        def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse: ...
        def process_result(self, result: Any, request: HttpRequest) -> HttpResponse: ...
        def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]: ...
        def get_confirm_form_kwargs(self, request: HttpRequest, import_form: Any = None) -> dict[str, Any]: ...
        def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]: ...
        def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None: ...

else:
    from import_export.admin import ImportMixin as _Import

MOST_BYTES: Final = 5_000_000
_BATCH: Final = 500
_CHANGED_MEANWHILE: Final = "Somebody else wrote one of these rows just now. Nothing was stored; upload the file again."


# --- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Desk:
    """Who imports, and in which tenants they may add and change such rows now."""

    by: User
    add: Reach
    change: Reach


class ScopedResource(Resource):  # type: ignore[misc]  # the library has no types
    """The rows of a model that a file adds or changes. Raises ValidationError for each row that is wrong.

    Subclasses name their columns as the library's fields, `needed` among them, and say which row a line means.
    """

    model: ClassVar[type[Any]]
    needed: ClassVar[tuple[str, ...]] = ()
    #: Columns of the table that are written with every change, whether the file has them or not.
    written_always: ClassVar[tuple[str, ...]] = ("modified_at",)
    #: Foreign keys: they are chosen here, within reach.
    chosen: ClassVar[tuple[str, ...]] = ("tenant",)

    tenant = Field(attribute="tenant__name", column_name="tenant", widget=Cell(), readonly=True)

    class Meta:
        instance_loader_class = BaseInstanceLoader
        use_bulk = True
        batch_size = _BATCH
        skip_unchanged = True
        report_skipped = True

    def __init__(self, desk: Desk, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.desk = desk
        self.tenants: dict[str, Tenant] = {}
        self.seen: dict[Hashable, int] = {}
        self.headings: list[str] = []

    @classmethod
    def get_display_name(cls) -> str:
        """What the file holds."""
        return str(cls.model._meta.verbose_name_plural)  # noqa: SLF001 - Django's documented way to a model's names

    # --- what subclasses say ---

    def key_of(self, row: dict[str, Any]) -> Hashable:
        """What identifies the row that a line means, after writing the line in the platform's spelling."""
        raise NotImplementedError

    def load(self, keys: set[Any]) -> None:
        """Look up all rows with these keys, in a few queries."""
        raise NotImplementedError

    def row_of(self, row: Mapping[str, Any], key: Any) -> tuple[Any, bool]:
        """The row that a line means, and whether it is new."""
        raise NotImplementedError

    # --- tenants ---

    def tenant_named(self, row: Mapping[str, Any]) -> Tenant | None:
        """The tenant that a line names, None if it names none. One beyond reach looks like one that is not there."""
        name = row.get("tenant")
        if not name:
            return None
        if name not in self.tenants:
            raise ValidationError({"tenant": f"You keep no such list for a tenant “{name}”."})
        return self.tenants[name]

    def home(self, row: Mapping[str, Any]) -> Tenant:
        """The tenant of a new row: the one that the line names, or the only one there is."""
        tenant = self.tenant_named(row)
        if tenant is None and len(self.tenants) != 1:
            raise ValidationError({"tenant": "Name the tenant: you act for several."})
        return tenant or next(iter(self.tenants.values()))

    # --- the library's steps ---

    def import_data(self, dataset: tablib.Dataset, *args: Any, **kwargs: Any) -> Result:
        """As the library's, with the columns that the file has."""
        self.headings = list(dataset.headers)
        return super().import_data(dataset, *args, **kwargs)

    def get_import_fields(self) -> list[Field]:
        """The columns of the file, and those that tell which row is meant."""
        return [
            field
            for field in self.fields.values()
            if not self.headings or field.column_name in {*self.headings, *self.needed, "tenant"}
        ]

    def get_user_visible_fields(self) -> list[Field]:
        """The columns that a file may have."""
        return [field for field in self.fields.values() if field.column_name == "tenant" or not field.readonly]

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Check the heading and look up everything that the lines name."""
        known = [field.column_name for field in self.fields.values()]
        _check_headings(self.headings, known=known, needed=self.needed)
        reach = self.desk.add.tenant_ids
        both = None if reach is None or self.desk.change.tenant_ids is None else reach | self.desk.change.tenant_ids
        self.tenants = {tenant.name: tenant for tenant in tenants_within(Reach(both)).only("id", "name")}
        keys = set()
        for cells in dataset:
            row = _tidied(dict(zip(self.headings, cells, strict=True)))
            try:
                keys.add(self.key_of(row))
            except ValidationError:
                continue  # told when its turn comes
        self.load(keys)

    def before_import_row(self, row: dict[str, Any], row_number: int = 0, **kwargs: Any) -> None:
        """Write the line in the platform's spelling; a row may be named only once."""
        row.update(_tidied(row))
        key = self.key_of(row)
        first = self.seen.setdefault(key, row_number)
        if first != row_number:
            raise ValidationError(f"Row {first} of the file is about the same.")

    def get_or_init_instance(self, instance_loader: object, row: dict[str, Any]) -> tuple[Any, bool]:
        """The row that the line means."""
        return self.row_of(row, self.key_of(row))

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Whether the line changes nothing; a new row is a change, whatever its line says."""
        is_new: bool = instance._state.adding  # noqa: SLF001 - Django's documented way to know
        unchanged: bool = super().skip_row(instance, original, row, import_validation_errors)
        return unchanged and not is_new

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """The model's own rules, except those that would ask the database for each row: these are checked here."""
        errors = dict(import_validation_errors or {})
        try:
            instance.clean_fields(exclude={*errors, *self.chosen})
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        try:
            self.check(instance)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def check(self, instance: Any) -> None:
        """Rules of several fields."""

    def written(self, rows: Sequence[Any]) -> None:
        """Hear of the rows that were added or changed, inside their transaction."""

    def bulk_create(
        self, using_transactions: bool, dry_run: bool, raise_errors: bool, batch_size: int = 0, result: Any = None
    ) -> None:
        """Add the rows with their history; a preview writes nothing."""
        rows = list(self.create_instances)
        self.create_instances.clear()
        if rows and not dry_run:
            self._write(
                result,
                rows,
                lambda: bulk_create_with_history(
                    rows, self.model, _BATCH, default_user=self.desk.by, default_change_reason="Imported."
                ),
            )

    def bulk_update(
        self, using_transactions: bool, dry_run: bool, raise_errors: bool, batch_size: int = 0, result: Any = None
    ) -> None:
        """Change what the file has columns for, with history."""
        rows = list(self.update_instances)
        self.update_instances.clear()
        now = timezone.now()
        for row in rows:
            row.modified_at = now
        if rows and not dry_run:
            self._write(
                result,
                rows,
                lambda: bulk_update_with_history(rows, self.model, self._written(), _BATCH, self.desk.by, "Imported."),
            )

    def _written(self) -> list[str]:
        given = [field for field in self.fields.values() if field.column_name in self.headings and not field.readonly]
        return [*dict.fromkeys([*(field.attribute for field in given), *self.written_always])]

    def _write(self, result: Result, rows: Sequence[Any], write: Any) -> None:
        try:
            with transaction.atomic():
                write()
                self.written(rows)
        except IntegrityError:
            self.handle_import_error(result, FileFault(_CHANGED_MEANWHILE))


def _check_headings(headings: list[str], *, known: list[str], needed: tuple[str, ...]) -> None:
    for name in needed:
        if name not in headings:
            raise FileFault(f"The heading has no column “{name}”.")
    for name in headings:
        if name not in known:
            raise FileFault(f"There is no column “{name}”; there are {', '.join(known)}.")
    for one, other in pairwise(sorted(headings)):
        if one == other:
            raise FileFault(f"The heading names “{one}” twice.")


def _tidied(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cell_armed(str(cell)).strip() for name, cell in row.items()}


# --- the pages -------------------------------------------------------------------------------------------------------


class UploadForm(ImportForm):  # type: ignore[misc]  # the library has no types
    """The file to preview."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].help_text = (
            f"Separated by commas, semicolons or tabs, with the columns' names in its first line; {MOST_ROWS} rows at "
            "most. You see what would change before anything is stored."
        )

    def clean_import_file(self) -> Any:
        """A file of a size that can be shown."""
        file = self.cleaned_data["import_file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"The file is larger than {MOST_BYTES // 1_000_000} MB.")
        return file


class ConfirmForm(ConfirmImportForm):  # type: ignore[misc]  # the library has no types
    """Confirms a preview; the name of its file holds for the person who saw it and for this list alone."""

    def __init__(self, *args: Any, signer: Signer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signer = signer

    def clean_import_file_name(self) -> str:
        """The name on the shelf."""
        try:
            return self.signer.unsign(self.cleaned_data["import_file_name"])
        except BadSignature as error:
            raise forms.ValidationError("Upload the file again.") from error

    def clean_format(self) -> str:
        """There is one."""
        return "0"

    def clean_resource(self) -> str:
        """There is one."""
        return "0"


class ScopedImport(_Import):
    """Adds the button "Import" to a list; it comes before `ScopedExport` among the bases."""

    import_resource: ClassVar[type[ScopedResource]]
    import_formats: ClassVar[list[type[SafeCsv]]] = [TableCsv]
    tmp_storage_class = Shelf
    import_form_class = UploadForm
    confirm_form_class = ConfirmForm
    import_export_change_list_template = "admin/import_export/change_list_import_export.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever may add rows and change them, in one tenant at least."""
        return self.may(request, "add") and self.may(request, "change")

    def get_import_resource_classes(self, request: HttpRequest) -> list[type[ScopedResource]]:
        """The one."""
        return [self.import_resource]

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Who imports, and where they may."""
        user = request.user
        if not isinstance(user, User):
            raise TypeError("The admin lets in nobody but users.")
        return {"desk": Desk(user, self.reach(request, "add"), self.reach(request, "change"))}

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """One wrong row, and nothing is stored."""
        return super().get_import_data_kwargs(**kwargs) | {"rollback_on_validation_errors": True}

    def get_confirm_form_kwargs(self, request: HttpRequest, import_form: Any = None) -> dict[str, Any]:
        """As the library's, with the person's own signature."""
        return super().get_confirm_form_kwargs(request, import_form) | {"signer": self._signer(request)}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        """As the library's; the file's name is signed."""
        given = super().get_confirm_form_initial(request, import_form)
        name = given.get("import_file_name")
        return given | {"import_file_name": self._signer(request).sign(name)} if name else given

    def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
        """What is wrong with the file, in our words where there are some."""
        if isinstance(e, FileFault):
            form.add_error("import_file", str(e))
        else:
            super().add_data_read_fail_error_to_form(form, e)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Store what was confirmed, or say why nothing was stored."""
        try:
            return super().process_import(request, **kwargs)
        except FileFault as fault:
            return self._again(request, str(fault))

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """The list with the outcome; what became wrong since the preview has undone everything."""
        if result.has_errors():
            return self._again(request, str(result.base_errors[0].error) if result.base_errors else _CHANGED_MEANWHILE)
        if result.has_validation_errors():
            return self._again(request, _CHANGED_MEANWHILE)
        return super().process_result(result, request)

    def _again(self, request: HttpRequest, fault: str) -> HttpResponse:
        self.message_user(request, fault, messages.ERROR)
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_import"))

    def _signer(self, request: HttpRequest) -> Signer:
        return Signer(salt=f"import of {self.opts.label} by {request.user.pk}")
