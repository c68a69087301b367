"""The admin's pages of `imaging`: runs, jobs, models and what they saw. All is record: looked at, never edited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from imaging.models import (
    CandidateFile,
    Detection,
    ImageTask,
    JobRun,
    JobState,
    ModelChange,
    ModelVersion,
    PipelineRun,
    PlateReading,
    RunState,
    ShadowRun,
    ShadowState,
    TaskImage,
    TaskState,
    VersionState,
)
from imaging.pipeline import JOBS
from tenants.admin_base import RecordAdmin
from tenants.admin_inlines import RecordTabular
from tenants.admin_parts import ReachFilter, column, inspection_link, pretty, size_text, state_column, words_filter
from tenants.scope import Reach

_JOB_COLOURS: Mapping[str, str] = {
    JobState.DONE: "success",
    JobState.RUNNING: "info",
    JobState.QUEUED: "warning",
    JobState.FAILED: "danger",
}
_RUN_COLOURS: Mapping[str, str] = {RunState.DONE: "success", RunState.RUNNING: "info", RunState.FAILED: "danger"}
_TASK_COLOURS: Mapping[str, str] = {
    TaskState.COMPLETED: "success",
    TaskState.PROCESSING: "info",
    TaskState.FAILED: "danger",
}
_VERSION_COLOURS: Mapping[str, str] = {
    VersionState.CURRENT: "success",
    VersionState.SHADOW: "info",
    VersionState.CANDIDATE: "warning",
    VersionState.DROPPED: "danger",
}
_SHADOW_COLOURS: Mapping[str, str] = {
    ShadowState.DONE: "success",
    ShadowState.RUNNING: "info",
    ShadowState.FAILED: "danger",
}
#: Versions that nobody but global admins knows of: they have not spoken to anybody yet, or never will.
_NOT_SPOKEN = (VersionState.CANDIDATE, VersionState.SHADOW, VersionState.DROPPED)


@admin.register(ModelVersion)
class ModelVersionAdmin(RecordAdmin[ModelVersion]):
    """Versions of models that have spoken here, with their cards. Candidates are for global admins."""

    list_display = (
        "name",
        "version",
        state_column("state", _VERSION_COLOURS),
        column(lambda row: row.sha256[:12], "SHA-256"),
        "created_at",
    )
    list_filter = ("state", "name", "created_at")
    search_fields = ("name", "version", "^sha256")
    ordering = ("name", "-created_at")
    fields = ("id", ("name", "version", "state"), "sha256", "card_text", "created_at")

    def rows(self, reach: Reach) -> QuerySet[ModelVersion]:
        """Models belong to nobody: whoever reaches anything may know those that have spoken."""
        if reach.tenant_ids is None:
            return ModelVersion.objects.all()
        spoken = ModelVersion.objects.exclude(state__in=_NOT_SPOKEN)
        return spoken if reach.tenant_ids else spoken.none()

    @admin.display(description="card")
    def card_text(self, row: ModelVersion) -> SafeString:
        """The model's card with indentation."""
        return pretty(row.card)


@admin.register(CandidateFile)
class CandidateFileAdmin(RecordAdmin[CandidateFile]):
    """Files of versions that were uploaded; for global admins."""

    list_display = ("name", "model_version", column(lambda row: size_text(row.size), "size"), "created_at")
    list_select_related = ("model_version",)
    search_fields = ("name", "^sha256")
    search_ids = ("pk", "model_version")
    ordering = ("-created_at",)
    fields = ("id", "name", "model_version", "sha256", "size", "created_at")

    def rows(self, reach: Reach) -> QuerySet[CandidateFile]:
        """All, for those who reach all."""
        return CandidateFile.objects.all() if reach.tenant_ids is None else CandidateFile.objects.none()


@admin.register(ModelChange)
class ModelChangeAdmin(RecordAdmin[ModelChange]):
    """Who promoted, dropped or tried which version, when and why; for global admins."""

    list_display = ("created_at", "model_version", "kind", "replaced", "by", "reason")
    list_select_related = ("model_version", "replaced", "by")
    list_filter = ("kind", "name", "created_at")
    search_fields = ("name", "reason")
    search_ids = ("pk", "model_version")
    ordering = ("-created_at",)
    fields = ("id", ("model_version", "kind", "replaced"), ("by", "created_at"), "reason", "details")

    def rows(self, reach: Reach) -> QuerySet[ModelChange]:
        """All, for those who reach all."""
        return ModelChange.objects.all() if reach.tenant_ids is None else ModelChange.objects.none()


@admin.register(ShadowRun)
class ShadowRunAdmin(RecordAdmin[ShadowRun]):
    """Photos that candidates saw in shadow; for global admins."""

    list_display = (
        "candidate",
        state_column("state", _SHADOW_COLOURS),
        column(lambda row: row.image.name or f"photo {row.image.position}", "photo"),
        "agreed",
        "near",
        "kind_differs",
        "only_current",
        "only_candidate",
        column(lambda row: "" if row.seconds is None else f"{row.seconds:.2f} s", "took", ordering="seconds"),
        column(lambda row: inspection_link(row.image.image_set_id), "inspection"),
    )
    list_select_related = ("candidate", "image")
    list_filter = ("state", ("candidate", ReachFilter), ("image__image_set__tenant", ReachFilter), "created_at")
    search_fields = ("error", "image__name")
    search_ids = ("pk", "image", "run", "image__image_set")
    ordering = ("-created_at",)
    fields = (
        ("candidate", "against", "state"), "image", "run",
        ("agreed", "near", "kind_differs", "only_current", "only_candidate"),
        ("overlap", "wheels_agreed", "wheels_alone"), ("attempts", "seconds", "finished_at"), "error", "findings_text",
        "id",
    )  # fmt: skip

    @admin.display(description="findings")
    def findings_text(self, row: ShadowRun) -> SafeString:
        """What the candidate saw."""
        return pretty(row.findings)


class JobInline(RecordTabular[JobRun, PipelineRun]):
    """The jobs on the page of their run."""

    model = JobRun
    fields = ("order", "name", "state", "attempts", "started_at", "finished_at", "reason")
    ordering = ("order",)


class PlateReadingInline(RecordTabular[PlateReading, PipelineRun]):
    """The plates a run read, on its page."""

    model = PlateReading
    fields = ("image", "text", "score", "area_pixels", "counted", "why_not")
    ordering = ("image__position", "image__frame", "ordinal")
    select_related = ("image",)
    tab = True


@admin.register(PipelineRun)
class PipelineRunAdmin(RecordAdmin[PipelineRun]):
    """Passes of image sets through the pipeline. A failed set is run again on the inspection's page."""

    list_display = (
        column(lambda row: f"run {row.number}", "run", ordering="number"),
        column(lambda row: row.image_set.tenant, "tenant"),
        state_column("state", _RUN_COLOURS),
        "reason",
        "created_at",
        column(lambda row: _seconds(row.finished_at - row.created_at if row.finished_at else None), "took"),
        column(lambda row: inspection_link(row.image_set_id), "inspection"),
    )
    list_select_related = ("image_set__tenant",)
    list_filter = ("state", ("image_set__tenant", ReachFilter), "created_at")
    search_fields = ("image_set__submission__external_key", "reason")
    search_ids = ("pk", "image_set")
    ordering = ("-created_at",)
    inlines = (JobInline, PlateReadingInline)
    fields = (("number", "state"), "reason", "inspection", ("created_at", "finished_at"), "id")

    @admin.display(description="inspection")
    def inspection(self, row: PipelineRun) -> SafeString:
        """The inspection it worked on."""
        return inspection_link(row.image_set_id)


@admin.register(JobRun)
class JobRunAdmin(RecordAdmin[JobRun]):
    """Single jobs of runs: what waits, what works, what gave up and why."""

    list_display = (
        "name",
        state_column("state", _JOB_COLOURS),
        column(lambda row: f"{row.attempts} of {row.max_attempts}", "tries", ordering="attempts"),
        "cluster",
        "reason",
        "queued_at",
        column(lambda row: _seconds(row.finished_at - row.started_at if _is_timed(row) else None), "took"),
        column(lambda row: inspection_link(row.run.image_set_id), "inspection"),
    )
    list_select_related = ("run",)
    list_filter = ("state", words_filter("name", JOBS), ("run__image_set__tenant", ReachFilter), "created_at")
    search_fields = ("name", "reason", "worker")
    search_ids = ("pk", "run", "run__image_set")
    ordering = ("-created_at",)
    fields = (
        ("name", "state"), "run", "reason", ("attempts", "max_attempts"), ("cluster", "worker", "lease_until"),
        ("queued_at", "started_at", "finished_at"), "model_version", "helpers", "checkpoint", "id",
    )  # fmt: skip


@admin.register(Detection)
class DetectionAdmin(RecordAdmin[Detection]):
    """What a model said about a photo."""

    list_display = (
        "label",
        column(lambda row: f"{row.score:.2f}", "score", ordering="score"),
        "model_version",
        column(lambda row: row.image.name or f"photo {row.image.position}", "photo"),
        "created_at",
        column(lambda row: inspection_link(row.image.image_set_id), "inspection"),
    )
    list_select_related = ("model_version", "image")
    list_filter = (("model_version", ReachFilter), ("image__image_set__tenant", ReachFilter), "created_at")
    search_fields = ("label", "image__name")
    search_ids = ("pk", "image", "run", "image__image_set")
    ordering = ("-created_at",)
    fields = (
        ("label", "score"), "image", "run", ("model_version", "ordinal"), ("image_width", "image_height"),
        "polygon_text", "created_at", "id",
    )  # fmt: skip

    @admin.display(description="polygon")
    def polygon_text(self, row: Detection) -> SafeString:
        """The outline, 0..1 of the photo."""
        return pretty(row.polygon)


@admin.register(PlateReading)
class PlateReadingAdmin(RecordAdmin[PlateReading]):
    """Plates that were found on photos and what was read on them: which counted, and why the others did not."""

    list_display = (
        column(lambda row: row.text or "unread", "text", ordering="text"),
        column(lambda row: f"{row.score:.2f}", "score", ordering="score"),
        "area_pixels",
        "counted",
        "why_not",
        column(lambda row: row.image.name or f"photo {row.image.position}", "photo"),
        "created_at",
        column(lambda row: inspection_link(row.image.image_set_id), "inspection"),
    )
    list_select_related = ("image",)
    list_filter = (
        "counted",
        "why_not",
        ("reader", ReachFilter),
        ("image__image_set__tenant", ReachFilter),
        "created_at",
    )
    search_fields = ("text", "image__name")
    search_ids = ("pk", "image", "run", "image__image_set")
    ordering = ("-created_at",)
    fields = (
        ("text", "score"), ("counted", "why_not"), "image", "run", ("area_pixels", "ordinal", "detection_score"),
        ("detector", "reader"), "characters_text", "polygon_text", "created_at", "id",
    )  # fmt: skip

    @admin.display(description="characters")
    def characters_text(self, row: PlateReading) -> str:
        """Each character with its confidence."""
        return "  ".join(f"{character} {confidence:.2f}" for character, confidence in row.characters)

    @admin.display(description="polygon")
    def polygon_text(self, row: PlateReading) -> SafeString:
        """The four corners, 0..1 of the photo."""
        return pretty(row.polygon)


@admin.register(TaskImage)
class TaskImageAdmin(RecordAdmin[TaskImage]):
    """Photos that clients uploaded for image tasks."""

    list_display = ("key", "tenant", "image_type", "created_at")
    list_select_related = ("tenant",)
    list_filter = ("image_type", ("tenant", ReachFilter), "created_at")
    search_fields = ("key", "^sha256")
    search_ids = ("pk", "tenant")
    ordering = ("-created_at",)
    fields = ("id", "key", "tenant", "image_type", "file_key", "sha256", "created_at")

    @admin.display(description="file")
    def file_key(self, row: TaskImage) -> str:
        """The key in storage."""
        return row.file.name or ""


@admin.register(ImageTask)
class ImageTaskAdmin(RecordAdmin[ImageTask]):
    """Backgrounds replaced and plates anonymised for clients."""

    list_display = (
        "key",
        "kind",
        "tenant",
        "reference",
        state_column("state", _TASK_COLOURS),
        "created_at",
        "finished_at",
    )
    list_select_related = ("tenant",)
    list_filter = ("state", "kind", ("tenant", ReachFilter), "created_at")
    search_fields = ("key", "reference")
    search_ids = ("pk", "original")
    ordering = ("-created_at",)
    fieldsets = (
        (None, {"fields": (("key", "kind", "state"), ("tenant", "reference"), "callback_url")}),
        ("Photos", {"fields": ("original", "background", "overlay", "result_key")}),
        ("Details", {"fields": ("options_text", "meta_text", "messages")}),
        ("Record", {"fields": (("id", "created_at", "finished_at"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImageTask]:
        """Tasks with the photos their page names."""
        return super().get_queryset(request).select_related("tenant", "original", "background", "overlay")

    @admin.display(description="result")
    def result_key(self, row: ImageTask) -> str:
        """The key in storage of what came out."""
        return row.result.name or ""

    @admin.display(description="options")
    def options_text(self, row: ImageTask) -> SafeString:
        """What was asked for, with indentation."""
        return pretty(row.options)

    @admin.display(description="meta")
    def meta_text(self, row: ImageTask) -> SafeString:
        """What the client wants back, with indentation."""
        return pretty(row.meta)


def _is_timed(row: JobRun) -> bool:
    return row.started_at is not None and row.finished_at is not None


def _seconds(span: timedelta | None) -> str:
    return "" if span is None else f"{span.total_seconds():.1f} s"
