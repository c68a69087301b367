"""Human work on an image set: annotation, review, their locks, and the reviewers' waiting line."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from assets.models import ImageSet
from damages.querysets import ManualQuerySet
from tenants.models import Tenant, TenantOwned
from tenants.models.base import Row
from tenants.scope import TenantGate


class ManualStatus(models.IntegerChoices):
    """`manualProcessing.status`; the contract shows the number 2 only, the meanings are ours."""

    NONE = 0, "no manual work"
    ANNOTATION_WAITING = 1, "waiting for annotation"
    ANNOTATED = 2, "annotated"
    REVIEW_WAITING = 3, "waiting for review"
    REVIEWED = 4, "reviewed"
    SKIPPED = 5, "skipped"


class Step(models.TextChoices):
    """`manualProcess` of the contract."""

    ANNOTATION = "ANNOTATION", "annotation"
    REVIEW = "REVIEW", "review"


class ManualProcessing(TenantOwned):
    """The manual steps of one image set. `holder` + `locked_until` are the lock that no two people can hold."""

    image_set = models.OneToOneField(ImageSet, on_delete=models.CASCADE, related_name="manual_processing")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    status = models.PositiveSmallIntegerField(choices=ManualStatus, default=ManualStatus.NONE)
    annotation_enabled = models.BooleanField(default=False)
    review_enabled = models.BooleanField(default=False)
    is_skipped = models.BooleanField(default=False)
    priority = models.IntegerField(default=0, help_text="Copied from the capture set, for the queue's index.")
    waiting_since = models.DateTimeField()
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="held_jobs"
    )
    locked_until = models.DateTimeField(null=True, blank=True)
    last_annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="annotated_jobs"
    )
    last_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="reviewed_jobs"
    )
    last_annotation_lock_at = models.DateTimeField(null=True, blank=True)
    last_review_lock_at = models.DateTimeField(null=True, blank=True)
    annotated_at = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(ManualQuerySet)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "manual processing"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=ManualStatus.values), name="manual_status_known"),
            models.CheckConstraint(
                condition=Q(holder__isnull=True) | Q(locked_until__isnull=False), name="manual_lock_ends"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                F("status"), F("priority").desc(), F("waiting_since"), F("id"),
                name="manual_queue", condition=Q(status__in=[1, 3]),
            ),
            # The same line for the people of one tenant, who would otherwise read past everybody else's sets.
            models.Index(
                F("tenant"), F("status"), F("priority").desc(), F("waiting_since"), F("id"),
                name="manual_queue_of_tenant", condition=Q(status__in=[1, 3]),
            ),
            models.Index(fields=["holder"], condition=Q(holder__isnull=False), name="manual_held"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.image_set_id}"


class FinishedStep(TenantOwned):
    """Who finished a step of a set, and when: one row for each time, never edited."""

    manual_processing = models.ForeignKey(ManualProcessing, on_delete=models.CASCADE, related_name="finished_steps")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    step = models.CharField(max_length=10, choices=Step)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="finished_steps"
    )
    finished_at = models.DateTimeField()

    objects = TenantGate(models.QuerySet["FinishedStep"])

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["finished_at"]
        constraints: ClassVar = [models.CheckConstraint(condition=Q(step__in=Step.values), name="finished_step_known")]
        indexes: ClassVar = [models.Index(fields=["tenant", "step", "finished_at"], name="finished_steps_of_tenant")]

    def __str__(self) -> str:
        return f"{self.get_step_display()} finished"


class ReviewerQueueEntry(Row):
    """A reviewer who asked for a job when none was free."""

    reviewer = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="queue_entry")
    tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text="Whose reviews are waited for; without one, those of any tenant that the reviewer reaches.",
    )  # fmt: skip
    queued_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "reviewer queue"
        ordering: ClassVar = ["queued_at"]

    def __str__(self) -> str:
        return f"{self.reviewer} since {self.queued_at:%H:%M}"
