"""The admin's pages of `damages`. Damages are decided on the inspection's page, where the photo can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString

from assets.models import ImageSet
from damages.models import (
    Damage,
    DamageDecision,
    DamagedPart,
    DamageState,
    FinishedStep,
    ManualProcessing,
    ManualStatus,
    PictogramDamage,
    ResultCause,
    ResultVersion,
    ReviewerQueueEntry,
    Source,
)
from damages.services.merges import damages_unmerge
from tenants.admin_base import RecordAdmin, person
from tenants.admin_exports import ScopedExport
from tenants.admin_inlines import RecordTabular
from tenants.admin_parts import (
    ReachFilter,
    column,
    deleted_column,
    inspection_link,
    page_action,
    pretty,
    state_column,
)
from tenants.models import Membership
from tenants.scope import Reach

_UNMERGE: Final = "Take back the last merge of {}, for all the damages that it made one?"
_STATE_COLOURS: Mapping[str, str] = {
    DamageState.ACCEPTED: "success",
    DamageState.REJECTED: "danger",
    DamageState.CREATED: "info",
}
_STATUS_COLOURS: Mapping[str, str] = {
    str(ManualStatus.ANNOTATION_WAITING.value): "warning",
    str(ManualStatus.REVIEW_WAITING.value): "warning",
    str(ManualStatus.ANNOTATED.value): "success",
    str(ManualStatus.REVIEWED.value): "success",
}
_CAUSE_COLOURS: Mapping[str, str] = {
    ResultCause.MODELS: "info",
    ResultCause.REVIEW: "success",
    ResultCause.CORRECTION: "warning",
    ResultCause.REJECTION: "danger",
}


class DecisionInline(RecordTabular[DamageDecision, Damage]):
    """Who did what, on the page of the damage."""

    model = DamageDecision
    fields = ("created_at", "by", "step", "action")
    select_related = ("by",)
    ordering = ("created_at",)


class PartInline(RecordTabular[DamagedPart, Damage]):
    """The parts it is on."""

    model = DamagedPart
    fields = ("name", "certainty", "camera_location", "camera_side", "car_end")


class FinishedInline(RecordTabular[FinishedStep, ManualProcessing]):
    """Who finished which step, on the page of the set's manual work."""

    model = FinishedStep
    fields = ("finished_at", "by", "step")
    select_related = ("by",)
    ordering = ("finished_at",)


@admin.register(Damage)
class DamageAdmin(ScopedExport, RecordAdmin[Damage]):
    """Sightings of damages."""

    export_columns: ClassVar[dict[str, str]] = {
        "category": "category", "state": "state", "confidence": "confidence", "source": "source", "car": "car__plate",
        "inspection": "image_set__submission__external_key", "tenant": "image_set__tenant__name",
        "photo": "image__name", "position": "image__position", "family": "representative_id", "since": "created_at",
        "deleted": "deleted_at", "id": "pk",
    }  # fmt: skip

    list_display = (
        "category",
        state_column("state", _STATE_COLOURS),
        column(
            lambda row: "" if row.confidence is None else f"{row.confidence:.2f}", "confidence", ordering="confidence"
        ),
        "source",
        "car",
        column(lambda row: row.image.name or f"photo {row.image.position}", "photo"),
        column(lambda row: row.representative_id is None, "represents its family", boolean=True),
        "created_at",
        deleted_column(),
        column(lambda row: inspection_link(row.image_set_id), "inspection"),
    )
    list_select_related = ("car", "image")
    list_filter = (
        "state",
        "category",
        "source",
        "is_potential",
        ("model_version", ReachFilter),
        ("image_set__tenant", ReachFilter),
        ("representative", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "created_at",
    )
    search_fields = ("category", "car__plate", "image_set__submission__external_key")
    search_ids = ("pk", "image_set", "image", "car", "representative")
    ordering = ("-created_at",)
    inlines = (DecisionInline, PartInline)
    actions = ("unmerge",)
    actions_detail = ("unmerge_this",)
    fieldsets = (
        (None, {"fields": (("category", "state", "confidence"), "inspection", ("car", "image"))}),
        ("Origin", {"fields": (("source", "created_by"), ("model_version", "detection"), "is_potential")}),
        ("Family", {"fields": (("representative", "first_damage"), "family_reviewed")}),
        ("Judgement", {"fields": (("decided_by", "decided_at"), "true_positives", "false_positives", "partner_state")}),
        ("Place", {"fields": (("image_width", "image_height"), ("width_mm", "height_mm"), "polygon_text")}),
        ("Record", {"fields": (("id", "created_at", "modified_at"), ("deleted_at", "deleted_by"))}),
    )

    @admin.action(description="Take back the last merge of selected damages…", permissions=["operate"])
    def unmerge(self, request: HttpRequest, queryset: QuerySet[Damage]) -> HttpResponseBase | None:
        """Let damages be different ones again."""
        return self.do_for_each(
            request, queryset, action=lambda row: self._unmerge(request, row), done="merge taken back",
            question=_UNMERGE.format("each of these damages"),
        )  # fmt: skip

    @page_action("Take back last merge", icon="call_split")
    def unmerge_this(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Let one be a different one again."""
        return self.do_for_one(
            request, object_id, action=lambda row: self._unmerge(request, row), done="merge taken back",
            question=_UNMERGE.format("this damage"),
        )  # fmt: skip

    def _unmerge(self, request: HttpRequest, row: Damage) -> None:
        reach = self.reach(request, "change")
        damages_unmerge(user=person(request), damage=row, reach=reach, step=Source.STAFF)

    @admin.display(description="inspection")
    def inspection(self, row: Damage) -> SafeString:
        """The inspection, where it can be seen and decided."""
        return inspection_link(row.image_set_id)

    @admin.display(description="polygon")
    def polygon_text(self, row: Damage) -> SafeString:
        """The outline, 0..1 of the photo."""
        return pretty(row.polygon)


@admin.register(DamagedPart)
class DamagedPartAdmin(RecordAdmin[DamagedPart]):
    """Parts that damages are on."""

    list_display = (
        "name",
        column(lambda row: f"{row.certainty:.2f}", "certainty", ordering="certainty"),
        "damage",
        "camera_location",
        "camera_side",
        "car_end",
        column(lambda row: inspection_link(row.damage.image_set_id), "inspection"),
    )
    list_select_related = ("damage",)
    list_filter = (("damage__image_set__tenant", ReachFilter), "created_at")
    search_fields = ("name", "car_end", "camera_location")
    search_ids = ("pk", "damage", "image")
    ordering = ("-created_at",)
    fields = (
        ("name", "certainty"), "damage", "image", ("camera_location", "camera_side", "car_end"), "polygon", "pictogram",
        "id",
    )  # fmt: skip


@admin.register(PictogramDamage)
class PictogramDamageAdmin(RecordAdmin[PictogramDamage]):
    """Damages marked on the drawing of a car."""

    list_display = (
        "name",
        column(lambda row: f"{row.x:.2f}, {row.y:.2f}", "place"),
        "is_new",
        "created_by",
        "created_at",
        column(lambda row: inspection_link(row.image_set_id), "inspection"),
    )
    list_select_related = ("created_by",)
    list_filter = ("name", "is_new", ("image_set__tenant", ReachFilter), "created_at")
    search_fields = ("name",)
    search_ids = ("pk", "image_set")
    ordering = ("-created_at",)
    fields = ("name", ("x", "y"), "is_new", "image_set", "created_by", "created_at", "id")


@admin.register(DamageDecision)
class DamageDecisionAdmin(RecordAdmin[DamageDecision]):
    """Who did what to which damage, and what it was before."""

    list_display = (
        "action",
        "damage",
        "by",
        "step",
        "created_at",
        column(lambda row: inspection_link(row.damage.image_set_id), "inspection"),
    )
    list_select_related = ("damage", "by")
    list_filter = ("action", "step", ("damage__image_set__tenant", ReachFilter), "created_at")
    search_fields = ("by__phone", "by__first_name", "by__last_name")
    search_ids = ("pk", "damage", "by", "damage__image_set")
    ordering = ("-created_at",)
    fields = (("action", "step"), "damage", "by", "created_at", "before_text", "after_text", "id")

    @admin.display(description="before")
    def before_text(self, row: DamageDecision) -> SafeString:
        """What the damage was before."""
        return pretty(row.before)

    @admin.display(description="after")
    def after_text(self, row: DamageDecision) -> SafeString:
        """What it was afterwards."""
        return pretty(row.after)


@admin.register(ManualProcessing)
class ManualProcessingAdmin(RecordAdmin[ManualProcessing]):
    """The manual steps of image sets and who holds them. Work is taken and finished in the queue."""

    list_display = (
        column(lambda row: str(row.image_set_id)[:8], "set"),
        "tenant",
        state_column("status", _STATUS_COLOURS),
        "priority",
        "waiting_since",
        "holder",
        "locked_until",
        "last_annotator",
        "last_reviewer",
        column(lambda row: inspection_link(row.image_set_id), "inspection"),
    )
    list_select_related = ("tenant", "holder", "last_annotator", "last_reviewer")
    list_filter = ("status", ("tenant", ReachFilter), ("holder", admin.EmptyFieldListFilter), "waiting_since")
    search_fields = ("image_set__submission__external_key", "holder__phone", "holder__last_name")
    search_ids = ("pk", "image_set", "holder")
    ordering = ("-waiting_since",)
    inlines = (FinishedInline,)
    fieldsets = (
        (None, {"fields": (("status", "is_skipped", "priority"), "inspection", ("holder", "locked_until"))}),
        (
            "Annotation",
            {"fields": ("annotation_enabled", ("last_annotator", "last_annotation_lock_at", "annotated_at"))},
        ),
        ("Review", {"fields": ("review_enabled", ("last_reviewer", "last_review_lock_at", "reviewed_at"))}),
        ("Record", {"fields": (("id", "tenant"), ("created_at", "waiting_since"))}),
    )

    @admin.display(description="inspection")
    def inspection(self, row: ManualProcessing) -> SafeString:
        """The inspection it is about."""
        return inspection_link(row.image_set_id)


@admin.register(FinishedStep)
class FinishedStepAdmin(RecordAdmin[FinishedStep]):
    """Who finished which step of which set, and when: what the statistics count."""

    list_display = (
        "step",
        "by",
        "tenant",
        "finished_at",
        column(lambda row: inspection_link(row.manual_processing.image_set_id), "inspection"),
    )
    list_select_related = ("by", "tenant", "manual_processing")
    list_filter = ("step", ("tenant", ReachFilter), "finished_at")
    search_fields = ("by__phone", "by__first_name", "by__last_name")
    search_ids = ("pk", "by", "manual_processing", "manual_processing__image_set")
    ordering = ("-finished_at",)
    fields = ("step", "manual_processing", "by", "tenant", "finished_at", "id")


@admin.register(ReviewerQueueEntry)
class ReviewerQueueEntryAdmin(RecordAdmin[ReviewerQueueEntry]):
    """Reviewers who wait for a job."""

    list_display = ("reviewer", "tenant", "queued_at")
    list_select_related = ("reviewer", "tenant")
    list_filter = (("tenant", ReachFilter), "queued_at")
    search_fields = ("reviewer__phone", "reviewer__first_name", "reviewer__last_name")
    search_ids = ("pk", "reviewer")
    ordering = ("queued_at",)
    fields = ("reviewer", "tenant", "queued_at", "id")

    def rows(self, reach: Reach) -> QuerySet[ReviewerQueueEntry]:
        """Entries for tenants within reach, and those for any tenant of people who are members of one within reach."""
        rows = ReviewerQueueEntry.objects.all()
        if reach.tenant_ids is None:
            return rows
        members = Exists(Membership.objects.of(reach).filter(user=OuterRef("reviewer")))
        return rows.filter(Q(tenant__in=reach.tenant_ids) | Q(members, tenant__isnull=True))


@admin.register(ResultVersion)
class ResultVersionAdmin(RecordAdmin[ResultVersion]):
    """Published results: frozen facts, version by version."""

    list_display = (
        column(lambda row: _name_of(row.image_set), "result of"),
        "version",
        state_column("cause", _CAUSE_COLOURS),
        column(lambda row: row.image_set.tenant, "tenant"),
        "created_at",
        column(lambda row: inspection_link(row.image_set_id), "inspection"),
    )
    list_select_related = ("image_set__tenant", "image_set__submission")
    list_filter = ("cause", ("image_set__tenant", ReachFilter), "created_at")
    search_fields = ("image_set__submission__external_key",)
    search_ids = ("pk", "image_set", "run")
    ordering = ("-created_at",)
    fields = (("version", "cause"), "inspection", "run", "created_at", "facts_text", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResultVersion]:
        """Lists leave out the facts, which may be long."""
        return super().get_queryset(request).defer("facts")

    @admin.display(description="inspection")
    def inspection(self, row: ResultVersion) -> SafeString:
        """The inspection it is about."""
        return inspection_link(row.image_set_id)

    @admin.display(description="facts")
    def facts_text(self, row: ResultVersion) -> SafeString:
        """The facts with indentation."""
        return pretty(row.facts)


def _name_of(image_set: ImageSet) -> str:
    return image_set.submission.external_key if image_set.submission else str(image_set.pk)[:8]
