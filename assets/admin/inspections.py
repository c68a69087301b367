"""Admin pages of inspections and their photos: looked at here, worked on on the page of the inspection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import FileResponse, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString

from assets.kinds import PHOTO_KINDS, VIDEO_KINDS
from assets.models import (
    Image,
    ImageSet,
    ImageSetState,
    ImageState,
    RetentionKind,
    RetentionRecord,
    Submission,
    SubmissionState,
    Upload,
    UploadState,
)
from assets.services.received import received_open
from tenants.admin_base import RecordAdmin, person
from tenants.admin_exports import ScopedExport
from tenants.admin_inlines import RecordTabular
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
from tenants.errors import DomainError
from tenants.scope import Reach
from tenants.services.people import is_global_admin

SET_COLOURS: Mapping[str, str] = {
    ImageSetState.READY: "success",
    ImageSetState.PROCESSING: "info",
    ImageSetState.FAILED: "danger",
    ImageSetState.REJECTED: "warning",
}


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
class ImageSetAdmin(ScopedExport, RecordAdmin[ImageSet]):
    """Inspections: what came in and where it stands. People work on the inspection's own page."""

    export_columns: ClassVar[dict[str, str]] = {
        "inspection": "submission__external_key", "tenant": "tenant__name", "plate": "plate", "car": "car__plate",
        "state": "state", "recorded": "recorded_at", "submitted": "submitted_at", "finished": "finished_at",
        "deleted": "deleted_at", "id": "pk",
    }  # fmt: skip

    list_display = (
        column(lambda row: row.submission.external_key if row.submission else str(row.pk)[:8], "inspection"),
        "tenant",
        column(lambda row: row.car.registration_no if row.car else row.plate, "car", ordering="car__plate"),
        state_column("state", SET_COLOURS),
        column(lambda row: row.photo_count, "photos"),
        "recorded_at",
        "finished_at",
        deleted_column(),
        column(lambda row: inspection_link(None if row.deleted_at else row.pk), "page"),
    )
    list_select_related = ("tenant", "submission", "car")
    list_filter = (
        "state",
        ("tenant", ReachFilter),
        ("capture_set", ReachFilter),
        "submission__family",
        "recorded_at",
        "under_dispute",
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
        ("Dispute", {"fields": (("under_dispute", "dispute_reason"),)}),
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
    def open_inspection(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Lead to the page with the photos, or to what is left to see of a removed inspection."""
        row = self.get_object(request, object_id)
        tail = "removed/" if row is not None and row.deleted_at else ""
        return HttpResponseRedirect(f"{reverse('admin:index')}inspections/{object_id}/{tail}")


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


_ASK_RECEIVED = (
    "Download this photo as it came, with all that it shows of people, and with its metadata? "
    "Your name and the time go into the log."
)


def _sealed(row: Image, response: FileResponse) -> FileResponse:
    """Headers of a file that came from outside: to be kept as a file, never shown as a page, never by a cache."""
    suffix = PurePosixPath(row.received.name or "").suffix
    response["Content-Type"] = "application/octet-stream"
    response["Content-Disposition"] = f'attachment; filename="received-{row.pk}{suffix}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@admin.register(RetentionRecord)
class RetentionRecordAdmin(RecordAdmin[RetentionRecord]):
    """What clean-ups erased when retentions were over, or told that they will."""

    list_display = (
        "created_at",
        "tenant",
        state_column("kind", {RetentionKind.DELETED: "success", RetentionKind.TOLD: "info"}),
        "days",
        "image_sets",
        "photos",
    )
    list_select_related = ("tenant",)
    list_filter = ("kind", ("tenant", ReachFilter), "created_at")
    search_fields = ("tenant__name",)
    search_ids = ("pk", "tenant")
    ordering = ("-created_at",)
    fields = (("tenant", "kind"), ("days", "image_sets", "photos"), "erased_text", ("id", "created_at"))

    @admin.display(description="erased")
    def erased_text(self, row: RetentionRecord) -> SafeString:
        """What is left of the erased sets, with indentation."""
        return pretty(row.erased)


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
        "sha256", ("received_key", "received_deleted_at"), ("published_key", "faces_blurred_at"), "upload_row",
        "inspection", ("created_at", "deleted_at"),
    )  # fmt: skip
    actions_detail = ("open_received",)

    def has_received_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether the person may look at photos as received: global admins only."""
        return is_global_admin(person(request))

    @page_action("Photo as received…", icon="lock_open", right="received", danger=True)
    def open_received(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """GET asks, POST sends the sealed file and leaves a line in the log of the admin."""
        row = self.get_object(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        if not self.has_received_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self.ask(request, [row], question=_ASK_RECEIVED, back=self.address_of(row))
        try:
            return _sealed(row, FileResponse(received_open(image=row, by=person(request))))
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(self.address_of(row))

    @admin.display(description="as received (sealed)")
    def received_key(self, row: Image) -> str:
        """The key in storage of what came in: only global admins get to see it."""
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
