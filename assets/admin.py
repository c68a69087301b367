"""The admin's pages of `assets`: rigs, cars, inspections and their photos.

What the platform wrote down is only looked at here; the page of an inspection is where people work on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString

from assets.kinds import PHOTO_KINDS, VIDEO_KINDS
from assets.models import (
    CaptureSet,
    CaptureUnit,
    Car,
    Image,
    ImageSet,
    ImageSetState,
    ImageState,
    Logo,
    Passage,
    Recording,
    Submission,
    SubmissionState,
    Upload,
    UploadState,
)
from assets.plates import plate_parse
from tenants.admin_base import HistoryAdmin, RecordAdmin, RecordTabular, ScopedAdmin, ScopedTabular
from tenants.admin_forms import SameTenantForm
from tenants.admin_parts import (
    RECORD,
    ReachFilter,
    column,
    deleted_column,
    inspection_link,
    page_action,
    pretty,
    row_link,
    size_text,
    state_column,
    words_filter,
)
from tenants.catalogue import CAMERAS
from tenants.scope import Reach

SET_COLOURS: Mapping[str, str] = {
    ImageSetState.READY: "success",
    ImageSetState.PROCESSING: "info",
    ImageSetState.FAILED: "danger",
    ImageSetState.REJECTED: "warning",
}


class UnitInline(ScopedTabular[CaptureUnit, CaptureSet]):
    """The rig's units on its page."""

    model = CaptureUnit
    fields = ("side", "balena_id", "tenants", "default_tenant")
    autocomplete_fields = ("tenants", "default_tenant")
    select_related = ("capture_set", "default_tenant")
    show_change_link = True
    max_num = 2

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaptureUnit]:
        """Units with the tenants they serve."""
        return super().get_queryset(request).prefetch_related("tenants")


@admin.register(CaptureSet)
class CaptureSetAdmin(HistoryAdmin[CaptureSet]):
    """Rigs and virtual rigs."""

    list_display = ("name", "tenant", "label", "location", "is_virtual", "priority", deleted_column())
    list_select_related = ("tenant",)
    list_filter = ("label", "is_virtual", ("tenant", ReachFilter), ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "location")
    search_ids = ("pk", "tenant")
    ordering = ("name",)
    autocomplete_fields = ("tenant",)
    readonly_fields = ("deleted_at",)
    inlines = (UnitInline,)
    fieldsets = (
        (
            None,
            {"fields": ("tenant", ("name", "label"), ("location", "country_code"), ("is_virtual", "cameras_count"))},
        ),
        ("Processing", {"fields": ("priority", "pipeline_mask", "min_license_plate_area", "lenses")}),
        ("Record", {"fields": (("id", "created_at", "modified_at"), "deleted_at")}),
    )
    add_fieldsets = (*fieldsets[:2],)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """A rig's passages keep their origin."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Units of rigs that exist."""
        return super().get_inlines(request, obj) if obj is not None and not obj.is_virtual else ()


@admin.register(CaptureUnit)
class CaptureUnitAdmin(HistoryAdmin[CaptureUnit]):
    """Single rigs of cameras, left or right of the lane."""

    list_display = (
        column(lambda unit: unit.capture_set.name, "capture set", ordering="capture_set__name"),
        "side",
        column(lambda unit: unit.capture_set.tenant, "tenant"),
        "default_tenant",
        "balena_id",
        "recording_count",
        "last_seen_at",
    )
    list_select_related = ("capture_set__tenant", "default_tenant")
    list_filter = ("side", ("capture_set__tenant", ReachFilter), "last_seen_at")
    search_fields = ("balena_id", "capture_set__name")
    search_ids = ("pk", "capture_set")
    ordering = ("capture_set__name", "side")
    autocomplete_fields = ("capture_set", "tenants", "default_tenant")
    set_once = ("capture_set",)
    readonly_fields = ("recording_count", "last_seen_at")
    fieldsets = (
        (None, {"fields": (("capture_set", "side"), "balena_id", "tenants", "default_tenant")}),
        ("Use", {"fields": (("recording_count", "last_seen_at"),)}),
        RECORD,
    )
    add_fieldsets = (*fieldsets[:1],)


class CarForm(SameTenantForm[Car]):
    """A car; its plate is stored in one spelling."""

    def clean(self) -> dict[str, Any]:
        """Write plate and country as the platform stores them."""
        values = super().clean()
        if "plate" in values and "country_code" in values:
            try:
                plate = plate_parse(values["plate"], values["country_code"])
            except ValueError as error:
                raise ValidationError({"plate": str(error)}) from error
            values["plate"], values["country_code"] = plate.number, plate.country
        return values


@admin.register(Car)
class CarAdmin(HistoryAdmin[Car]):
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
    )
    list_select_related = ("tenant",)
    list_filter = ("in_use", ("tenant", ReachFilter), "country_code", "created_at")
    search_fields = ("plate", "vin", "make", "model", "car_group")
    search_ids = ("pk", "capture_set")
    ordering = ("country_code", "plate")
    autocomplete_fields = ("tenant", "capture_set")
    fieldsets = (
        (None, {"fields": ("tenant", ("plate", "country_code"), "vin", ("in_use", "capture_set"))}),
        ("What it is", {"fields": (("make", "model", "model_code"), ("car_group", "color", "year"))}),
        ("Technical", {"fields": (("fuel", "gear"), ("kilowatts", "displacement", "mileage"), "pictogram")}),
        RECORD,
    )
    add_fieldsets = (*fieldsets[:3],)


@admin.register(Passage)
class PassageAdmin(ScopedAdmin[Passage]):
    """Drives through a rig."""

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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
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


@admin.register(Submission)
class SubmissionAdmin(RecordAdmin[Submission]):
    """What clients said when they sent an inspection."""

    list_display = (
        "external_key",
        "tenant",
        "family",
        "case_id",
        state_column("state", {SubmissionState.RECEIVED: "success"}),
        "created_at",
        "received_at",
        column(lambda row: inspection_link(_inspection_of(row)), "inspection"),
    )
    list_select_related = ("tenant", "image_set")
    list_filter = ("state", "family", ("tenant", ReachFilter), "created_at")
    search_fields = ("external_key", "case_id", "agent_id", "email")
    search_ids = ("pk", "image_set")
    search_exact = ("external_key",)
    ordering = ("-created_at",)
    fieldsets = (
        (None, {"fields": (("external_key", "state"), ("tenant", "family"), "case_id", "callback_url")}),
        ("Sender", {"fields": ("email", ("agent_id", "agent_name"), "metadata_text")}),
        ("Record", {"fields": (("id", "created_at", "received_at"),)}),
    )

    @admin.display(description="metadata")
    def metadata_text(self, row: Submission) -> SafeString:
        """The metadata with indentation."""
        return pretty(row.metadata)


def _inspection_of(row: Submission) -> object:
    return row.image_set.pk if hasattr(row, "image_set") else None


class UploadInline(RecordTabular[Upload, ImageSet]):
    """Files as they came."""

    model = Upload
    fields = ("position", "name", "kind", "size", "state", "reason")
    ordering = ("position",)
    tab = True


class ImageInline(RecordTabular[Image, ImageSet]):
    """Photos and frames."""

    model = Image
    fields = ("position", "frame", "camera", "width", "height", "state", "flags", "reason")
    ordering = ("position", "frame")
    tab = True


@admin.register(ImageSet)
class ImageSetAdmin(RecordAdmin[ImageSet]):
    """Inspections: what came in and where it stands. People work on the inspection's own page."""

    list_display = (
        column(lambda row: row.submission.external_key if row.submission else str(row.pk)[:8], "inspection"),
        "tenant",
        column(lambda row: row.car.registration_no if row.car else row.plate, "car", ordering="car__plate"),
        state_column("state", SET_COLOURS),
        column(lambda row: row.photo_count, "photos"),
        "recorded_at",
        "finished_at",
        deleted_column(),
        column(lambda row: inspection_link(row.pk), "page"),
    )
    list_select_related = ("tenant", "submission", "car")
    list_filter = (
        "state",
        ("tenant", ReachFilter),
        ("capture_set", ReachFilter),
        "submission__family",
        "recorded_at",
        ("deleted_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("submission__external_key", "submission__case_id", "plate", "car__plate", "car__vin")
    search_ids = ("pk", "submission", "car", "passage", "capture_set")
    search_exact = ("submission__external_key", "car__plate")
    ordering = ("-recorded_at",)
    inlines = (ImageInline, UploadInline)
    actions_detail = ("open_inspection",)
    fieldsets = (
        (None, {"fields": (("state", "reason"), ("tenant", "submission"), ("car", "plate", "country_code"))}),
        ("Origin", {"fields": (("capture_set", "passage"), "related_image_set", "appraisal_id", "pipeline_mask")}),
        ("Times", {"fields": (("recorded_at", "submitted_at", "finished_at"), ("deleted_at", "deleted_by"))}),
        ("From the client", {"fields": ("car_info_text", "partner_state")}),
        RECORD,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImageSet]:
        """Sets with the number of their photos, counted for the rows of a page only."""
        photos = Image.objects.of(Reach.every()).visible().filter(image_set=OuterRef("pk")).order_by()
        count = photos.values("image_set").annotate(number=Count("pk")).values("number")
        return super().get_queryset(request).annotate(photo_count=Coalesce(Subquery(count), 0))

    @admin.display(description="car info")
    def car_info_text(self, row: ImageSet) -> SafeString:
        """What the client said about the car, with indentation."""
        return pretty(row.car_info)

    @page_action("Open inspection", icon="image_search", right="view")
    def open_inspection(self, request: HttpRequest, object_id: str) -> HttpResponseBase:  # noqa: ARG002 - unfold's signature
        """Lead to the page with the photos."""
        return HttpResponseRedirect(f"{reverse('admin:index')}inspections/{object_id}/")


@admin.register(Upload)
class UploadAdmin(RecordAdmin[Upload]):
    """Files as clients sent them, refused ones with the reason."""

    list_display = (
        column(str, "file", ordering="name"),
        "position",
        "kind",
        column(lambda row: size_text(row.size), "size", ordering="size"),
        state_column("state", {UploadState.STORED: "success", UploadState.REFUSED: "danger"}),
        "reason",
        "created_at",
        column(lambda row: inspection_link(row.image_set_id), "inspection"),
    )
    list_filter = (
        "state",
        words_filter("kind", sorted(PHOTO_KINDS | VIDEO_KINDS)),
        ("image_set__tenant", ReachFilter),
        "created_at",
    )
    search_fields = ("name", "original_id", "^sha256", "url")
    search_ids = ("pk", "image_set")
    ordering = ("-created_at",)
    fields = (
        "id", "name", "original_id", ("position", "pair"), "url", ("state", "reason"), ("kind", "size"), "sha256",
        "inspection", "created_at",
    )  # fmt: skip

    @admin.display(description="inspection")
    def inspection(self, row: Upload) -> SafeString:
        """The inspection it belongs to."""
        return inspection_link(row.image_set_id)


@admin.register(Image)
class ImageAdmin(RecordAdmin[Image]):
    """Photos and frames with their judgement; the pictures are on the inspection's page."""

    list_display = (
        column(str, "photo", ordering="name"),
        "position",
        "frame",
        column(lambda row: f"{row.width} × {row.height}" if row.width else "", "pixels"),
        state_column("state", {ImageState.USABLE: "success", ImageState.UNUSABLE: "danger"}),
        column(lambda row: ", ".join(row.flags), "flags"),
        "created_at",
        deleted_column(),
        column(lambda row: inspection_link(row.image_set_id), "inspection"),
    )
    list_filter = ("state", words_filter("camera", CAMERAS), ("image_set__tenant", ReachFilter), "created_at")
    search_fields = ("name", "^sha256")
    search_ids = ("pk", "image_set", "upload")
    ordering = ("-created_at",)
    fields = (
        "id", "name", ("position", "frame", "camera"), ("state", "reason"), "flags", ("width", "height", "size"),
        "sha256", ("received_key", "published_key"), "upload_row", "inspection", ("created_at", "deleted_at"),
    )  # fmt: skip

    @admin.display(description="as received (sealed)")
    def received_key(self, row: Image) -> str:
        """The key in storage of what came in: nobody gets to see it."""
        return row.received.name or ""

    @admin.display(description="published")
    def published_key(self, row: Image) -> str:
        """The key in storage of what people see."""
        return row.published.name or ""

    @admin.display(description="upload")
    def upload_row(self, row: Image) -> SafeString:
        """The file it came in."""
        return row_link(row.upload)

    @admin.display(description="inspection")
    def inspection(self, row: Image) -> SafeString:
        """The inspection it belongs to."""
        return inspection_link(row.image_set_id)
