"""Admin pages of prices."""

from __future__ import annotations

from django.contrib import admin

from assets.admin.imports import PricePointResource
from assets.models import PricePoint
from tenants.admin_base import HistoryAdmin
from tenants.admin_exports import ScopedExport
from tenants.admin_imports import ScopedImport
from tenants.admin_parts import RECORD, ReachFilter


@admin.register(PricePoint)
class PricePointAdmin(ScopedImport, ScopedExport, HistoryAdmin[PricePoint]):
    """What cars cost, by make, model, year and mileage."""

    list_display = ("make", "model", "tenant", "year", "km", "price_low", "price_medium", "price_high")
    list_select_related = ("tenant",)
    list_filter = (("tenant", ReachFilter), "year")
    search_fields = ("make", "model")
    search_ids = ("pk", "tenant")
    ordering = ("make_key", "model_key", "year", "km")
    autocomplete_fields = ("tenant",)
    fieldsets = (
        (None, {"fields": ("tenant", ("make", "model"), ("year", "km"))}),
        ("Prices", {"fields": (("price_low", "price_medium", "price_high"),)}),
        RECORD,
    )
    add_fieldsets = (*fieldsets[:2],)
    import_resource = PricePointResource
    export_columns = {
        "tenant": "tenant__name",
        "make": "make",
        "model": "model",
        "year": "year",
        "km": "km",
        "price_low": "price_low",
        "price_medium": "price_medium",
        "price_high": "price_high",
    }
