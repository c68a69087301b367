"""Admin pages of cars, and of what rigs recorded of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from assets.admin.imports import CarResource
from assets.models import (
    Car,
    Logo,
    Passage,
    Recording,
)
from assets.plates import plate_parse
from assets.services.car_news import cars_tell
from assets.services.cars import car_release
from tenants.admin_base import HistoryAdmin, RecordAdmin, ScopedAdmin, person
from tenants.admin_exports import ScopedExport
from tenants.admin_forms import SameTenantForm
from tenants.admin_imports import ScopedImport
from tenants.admin_parts import (
    RECORD,
    ReachFilter,
    column,
    words_filter,
)
from tenants.catalogue import CAMERAS


class CarForm(SameTenantForm[Car]):
    """A car; its plate is stored in one spelling."""

    def clean(self) -> dict[str, Any]:
        """Write plate, country and VIN as the platform stores them."""
        values = super().clean()
        values["vin"] = values.get("vin", "").upper()
        if "plate" in values and "country_code" in values:
            try:
                plate = plate_parse(values["plate"], values["country_code"])
            except ValueError as error:
                raise ValidationError({"plate": str(error)}) from error
            values["plate"], values["country_code"] = plate.number, plate.country
        return values


@admin.register(Car)
class CarAdmin(ScopedImport, ScopedExport, HistoryAdmin[Car]):
    """The register of cars."""

    form = CarForm
    list_display = (
        column(lambda car: car.registration_no, "plate", ordering="plate"),
        "tenant",
        "make",
        "model",
        "year",
        "vin",
        "mileage",
        "in_use",
        "released_at",
    )
    list_select_related = ("tenant",)
    list_filter = (
        "in_use",
        ("released_at", admin.EmptyFieldListFilter),
        ("tenant", ReachFilter),
        "country_code",
        "created_at",
    )
    search_fields = ("plate", "vin", "make", "model", "car_group")
    search_ids = ("pk", "capture_set")
    ordering = ("country_code", "plate")
    autocomplete_fields = ("tenant", "capture_set")
    import_resource = CarResource
    export_columns = {
        "tenant": "tenant__name",
        "country": "country_code",
        "plate": "plate",
        "vin": "vin",
        "make": "make",
        "model": "model",
        "model_code": "model_code",
        "car_group": "car_group",
        "color": "color",
        "fuel": "fuel",
        "gear": "gear",
        "year": "year",
        "kilowatts": "kilowatts",
        "displacement": "displacement",
        "mileage": "mileage",
        "pictogram": "pictogram",
        "in_use": "in_use",
        "released": "released_at",
    }
    readonly_fields = ("released_at",)
    fieldsets = (
        (None, {"fields": ("tenant", ("plate", "country_code"), "vin", ("in_use", "capture_set"))}),
        ("What it is", {"fields": (("make", "model", "model_code"), ("car_group", "color", "year"))}),
        ("Technical", {"fields": (("fuel", "gear"), ("kilowatts", "displacement", "mileage"), "pictogram")}),
        ("Record", {"fields": (("id", "created_at", "modified_at"), "released_at")}),
    )
    add_fieldsets = (*fieldsets[:3],)
    actions = ("release",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Cars are released, so that their inspections keep them."""
        return False

    def save_model(self, request: HttpRequest, obj: Car, form: Any, change: bool) -> None:
        """Save the car; recordings that waited for its plate are handed over."""
        super().save_model(request, obj, form, change)
        if not change or {"plate", "country_code"} & set(form.changed_data):
            cars_tell([obj])

    @admin.action(description="Release selected cars…", permissions=["operate"])
    def release(self, request: HttpRequest, queryset: QuerySet[Car]) -> HttpResponseBase | None:
        """Take cars off their tenants' lists."""
        return self.do_for_each(
            request, queryset, action=lambda car: car_release(car=car, by=person(request)), done="released",
            question="Release these cars? Their inspections and damages stay; somebody else may register the plates.",
        )  # fmt: skip


class PassageForm(SameTenantForm[Passage]):
    """A passage; a plate that a person writes is no reading any more."""

    def clean(self) -> dict[str, Any]:
        """Keep readings from writing over what a person entered."""
        values = super().clean()
        if "plate" in self.changed_data:
            self.instance.plate_is_read = False
        return values


@admin.register(Passage)
class PassageAdmin(ScopedExport, ScopedAdmin[Passage]):
    """Drives through a rig."""

    export_columns: ClassVar[dict[str, str]] = {
        "plate": "plate", "country": "country_code", "tenant": "tenant__name", "car": "car__plate",
        "capture set": "capture_set__name", "kind": "kind", "recorded": "recorded_at", "id": "pk",
    }  # fmt: skip

    form = PassageForm
    list_display = ("plate", "tenant", "car", "capture_set", "kind", "recorded_at")
    list_select_related = ("tenant", "car", "capture_set")
    list_filter = ("kind", ("tenant", ReachFilter), ("car", admin.EmptyFieldListFilter), "recorded_at")
    search_fields = ("plate", "car__plate")
    search_ids = ("pk", "car", "capture_set")
    ordering = ("-recorded_at",)
    autocomplete_fields = ("tenant", "capture_set", "car")
    fieldsets = (
        (None, {"fields": ("tenant", ("plate", "country_code"), "car", "capture_set", ("kind", "recorded_at"))}),
        RECORD,
    )
    add_fieldsets = (*fieldsets[:1],)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was recorded stays; expiry erases it."""
        return False


@admin.register(Recording)
class RecordingAdmin(RecordAdmin[Recording]):
    """Files a unit's cameras made."""

    list_display = ("camera", "passage", "capture_unit", "completed_at", "created_at")
    list_select_related = ("passage", "capture_unit__capture_set")
    list_filter = (
        words_filter("camera", CAMERAS),
        ("capture_unit__capture_set__tenant", ReachFilter),
        "created_at",
    )
    search_fields = ("camera", "passage__plate")
    search_ids = ("pk", "passage", "capture_unit")
    ordering = ("-created_at",)
    fields = ("id", "camera", "passage", "capture_unit", "file_key", "created_at", "completed_at")

    @admin.display(description="file")
    def file_key(self, row: Recording) -> str:
        """The key in storage; recordings are not handed out here."""
        return row.file.name or ""


@admin.register(Logo)
class LogoAdmin(RecordAdmin[Logo]):
    """Logos as tenants posted them."""

    list_display = ("tenant", "size", "created_at", "modified_at")
    list_select_related = ("tenant",)
    list_filter = ("size", ("tenant", ReachFilter))
    search_fields = ("tenant__name",)
    search_ids = ("pk", "tenant")
    ordering = ("tenant__name", "size")
    fields = ("id", "tenant", "size", "file_key", "created_at", "modified_at")

    @admin.display(description="file")
    def file_key(self, row: Logo) -> str:
        """The key in storage."""
        return row.file.name or ""
