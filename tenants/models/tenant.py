"""Tenants, their typed settings, and groups of tenants."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from tenants.catalogue import FRAMES_WITHOUT_CAMERA, default_face_blur, default_frame_limits
from tenants.models.base import Row
from tenants.zones import validate_time_zone


class Tenant(Row):
    """One customer: everything it captures, finds and decides hangs on this row."""

    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=True, help_text="An inactive tenant's keys and people are refused.")
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class PublishResult(models.TextChoices):
    """When a result goes out."""

    AFTER_MODELS = "afterModels", "after the models"
    AFTER_REVIEW = "afterReview", "after the review"


class TenantSettings(Row):
    """The settings of one tenant, one typed column each (contract 4.1; the rest is ours)."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="settings")
    damage_detection_enabled = models.BooleanField(
        default=True, help_text="Run the damage models on this tenant's sets."
    )
    face_blur = models.JSONField(
        default=default_face_blur,
        help_text=(
            "Camera name -> blur faces before anybody sees its photos. Photos that no camera of a rig took are blurred "
            "as soon as one camera is on."
        ),
    )
    manual_annotation_enabled = models.BooleanField(
        default=False, help_text="People look for damages after the models."
    )
    manual_review_enabled = models.BooleanField(
        default=False, help_text="A second person confirms before a set is closed."
    )
    min_damages_for_manual_processing = models.PositiveIntegerField(
        default=0, help_text="Sets with fewer proposals skip the manual steps."
    )
    max_frames_for_cameras = models.JSONField(
        default=default_frame_limits, help_text="Camera name -> frames kept of its video."
    )
    turnaround_enabled = models.BooleanField(
        default=False,
        help_text="Off: every passage is a rental. It counts from when pickup and return are both known.",
    )
    turnaround_threshold_s = models.PositiveIntegerField(
        default=14400, help_text="Seconds between pickup and return below which a passage is a turnaround."
    )
    is_handicapped = models.BooleanField(
        default=False, help_text="Stored for clients of the core API; changes nothing here."
    )
    new_damage_notification = models.BooleanField(
        default=False, help_text="Mail the admins about new damages. Stored; acted on once visits are compared."
    )
    expiry_after_days = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(36500)],
        help_text=(
            "Days after a set was created until it is erased, with its files and damages; 0 = never. Sets that are "
            "disputed or being worked on stay. The first clean-up after a change only tells what it would erase."
        ),
    )
    publish_result = models.CharField(
        max_length=20, choices=PublishResult, default=PublishResult.AFTER_MODELS, help_text="When results go out."
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="Time zone of the stations, for the admin's pages.",
    )
    inspektlabs_window_open = models.BooleanField(default=True, help_text="Closed: uploads are refused with 503.")
    incremental_enabled = models.BooleanField(
        default=False, help_text="The client may compare two inspections. Stored; the call is not built yet."
    )
    rate_instavid360 = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1)],
        help_text="InstaVid360-shaped requests a minute. Stored; that family is not built yet.",
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "tenant settings"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(publish_result__in=PublishResult.values), name="settings_publish_result_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Settings of {self.tenant}"

    def frame_limit(self, camera: str = "") -> int:
        """How many frames of a video are kept; a video that no camera of a rig made has a limit of its own."""
        return int(self.max_frames_for_cameras.get(camera, FRAMES_WITHOUT_CAMERA))

    def blurs_faces(self, camera: str = "") -> bool:
        """Whether faces are blurred on photos of this camera.

        Who switched it on for any camera does not want to see faces, so a photo of a phone, or of a camera that the
        setting does not know, is blurred as well: in doubt, it is.
        """
        return bool(self.face_blur.get(camera, any(self.face_blur.values())))


class TenantGroup(Row):
    """A named set of tenants; its power tenant may act for the members where a call asks for it."""

    name = models.CharField(max_length=200, unique=True)
    power_tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.SET_NULL, related_name="power_of_groups"
    )
    members = models.ManyToManyField(Tenant, blank=True, related_name="tenant_groups")
    history = HistoricalRecords(m2m_fields=[members])

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
