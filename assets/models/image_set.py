"""Image sets (= inspections): the submission behind one, its uploads and its images."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from assets.catalogue import DEFAULT_COUNTRY
from assets.models.capture import CaptureSet, validate_pipeline_mask
from assets.models.car import Car, Passage
from assets.querysets import ImageQuerySet, ImageSetQuerySet
from assets.states import ImageSetState
from tenants.models import Family, Tenant, TenantOwned
from tenants.scope import TenantGate


class SubmissionState(models.TextChoices):
    """Whether a vendor's session still takes an upload."""

    ISSUED = "issued", "issued"
    RECEIVED = "received", "received"


class Submission(TenantOwned):
    """What a client said when it sent an inspection: one row behind an Inspektlabs or a PAVE session."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="submissions")
    family = models.CharField(max_length=20, choices=Family)
    external_key = models.CharField(max_length=100, help_text="The vendor's key of the session.")
    case_id = models.CharField(max_length=200, blank=True)
    callback_url = models.CharField(max_length=2000, blank=True)
    email = models.EmailField(blank=True)
    agent_id = models.CharField(max_length=200, blank=True)
    agent_name = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    sealed_fetch_auth = models.TextField(blank=True, editable=False)
    state = models.CharField(max_length=10, choices=SubmissionState, default=SubmissionState.ISSUED)
    received_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(models.QuerySet["Submission"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "family", "external_key"], name="submission_key_once"),
            models.CheckConstraint(condition=models.Q(state__in=SubmissionState.values), name="submission_state_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["external_key"]), models.Index(fields=["state", "created_at"])]

    def __str__(self) -> str:
        return self.external_key


class ImageSet(TenantOwned):
    """Selected photos of one passage or visit, with the state of their processing."""

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="image_sets")
    submission = models.OneToOneField(
        Submission, null=True, blank=True, on_delete=models.CASCADE, related_name="image_set"
    )
    capture_set = models.ForeignKey(
        CaptureSet, null=True, blank=True, on_delete=models.SET_NULL, related_name="image_sets"
    )
    passage = models.ForeignKey(Passage, null=True, blank=True, on_delete=models.SET_NULL, related_name="image_sets")
    car = models.ForeignKey(Car, null=True, blank=True, on_delete=models.SET_NULL, related_name="image_sets")
    related_image_set = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="related_from",
        help_text="The pickup of this return, or the other way round.",
    )  # fmt: skip
    state = models.CharField(max_length=12, choices=ImageSetState, default=ImageSetState.OPEN)
    reason = models.TextField(blank=True, help_text="Why it was rejected or failed.")
    recorded_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    country_code = models.CharField(max_length=3, default=DEFAULT_COUNTRY)
    plate = models.CharField(max_length=12, blank=True, help_text="As read or entered, while no car is assigned.")
    plate_is_read = models.BooleanField(
        default=False, help_text="The plate was read from the photos; what a person or a client says replaces it."
    )
    car_info = models.JSONField(default=dict, blank=True, help_text="What the client said about the car.")
    appraisal_id = models.CharField(max_length=100, blank=True)
    partner_state = models.CharField(max_length=50, blank=True)
    under_dispute = models.BooleanField(
        default=False, editable=False, help_text="While it is disputed nobody removes it, and no retention ends."
    )
    dispute_reason = models.CharField(max_length=500, blank=True, editable=False)
    pipeline_mask = models.JSONField(default=list, blank=True, validators=[validate_pipeline_mask])
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    objects = TenantGate(ImageSetQuerySet)

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["-recorded_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=ImageSetState.values), name="image_set_state_known")
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "-recorded_at"]),
            models.Index(fields=["car", "-recorded_at"]),
            models.Index(fields=["state", "created_at"]),
            models.Index(fields=["-recorded_at", "-id"], name="image_set_latest"),
            models.Index(fields=["tenant", "created_at"], name="image_set_age"),
            models.Index(
                fields=["country_code", "plate"],
                condition=models.Q(car__isnull=True) & ~models.Q(plate=""),
                name="image_set_plate",
            ),
        ]

    def __str__(self) -> str:
        return f"Image set {self.pk}"

    @property
    def is_rejected(self) -> bool:
        """Whether nothing of it can be used."""
        return self.state == ImageSetState.REJECTED


class UploadState(models.TextChoices):
    """Whether a file is here."""

    ANNOUNCED = "announced", "announced, to be uploaded"
    WAITING = "waiting", "to be fetched"
    STORED = "stored", "stored"
    REFUSED = "refused", "refused"


class Upload(TenantOwned):
    """One file as the client sent it, or one that is still to come: announced, or to be fetched from an address.

    A video becomes several images.
    """

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="uploads")
    position = models.PositiveSmallIntegerField(help_text="Place in the client's list, from 1.")
    name = models.CharField(max_length=255, blank=True, help_text="The file name as sent.")
    original_id = models.CharField(max_length=255, blank=True, help_text="The client's own name of it.")
    pair = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Number of the pair it belongs to, from 1."
    )
    url = models.CharField(max_length=2000, blank=True)
    camera = models.CharField(max_length=20, blank=True, help_text="The rig's camera it was taken with, if any.")
    state = models.CharField(max_length=10, choices=UploadState, default=UploadState.WAITING)
    reason = models.TextField(blank=True, help_text="Why it was refused.")
    kind = models.CharField(max_length=10, blank=True, help_text="Judged from the content.")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, help_text="While announced: what it should be.")
    size = models.PositiveBigIntegerField(
        "size (bytes)", default=0, help_text="While announced: what it should be; 0 if that was not said."
    )
    file = models.FileField(max_length=300, blank=True)

    objects = TenantGate(models.QuerySet["Upload"], path="image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image_set", "position"], name="upload_position_once"),
            models.CheckConstraint(condition=models.Q(state__in=UploadState.values), name="upload_state_known"),
        ]

    def __str__(self) -> str:
        return self.name or self.url


class ImageState(models.TextChoices):
    """What came of a photo."""

    NEW = "new", "not looked at yet"
    USABLE = "usable", "usable"
    UNUSABLE = "unusable", "unusable"


class Image(TenantOwned):
    """One photo or video frame of a set. `received` is sealed; what people get to see is `published`."""

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="images")
    upload = models.ForeignKey(Upload, null=True, blank=True, on_delete=models.SET_NULL, related_name="images")
    position = models.PositiveSmallIntegerField(help_text="Place of its upload, from 1.")
    frame = models.PositiveIntegerField(default=0, help_text="Number of the video frame; 0 for a photo.")
    camera = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveBigIntegerField("size (bytes)", default=0)
    received = models.FileField(max_length=300, blank=True)
    received_deleted_at = models.DateTimeField(
        "received photo deleted", null=True, blank=True, editable=False,
        help_text="When the photo as received was deleted, its tenant's retention being over.",
    )  # fmt: skip
    published = models.FileField(max_length=300, blank=True)
    has_thumbnails = models.BooleanField(
        default=False, editable=False, help_text="Whether the published picture has its smaller ones beside it."
    )
    faces_blurred_at = models.DateTimeField(
        "faces blurred", null=True, blank=True, editable=False,
        help_text="When the published picture was last made with its faces blurred; empty: it was not asked for.",
    )  # fmt: skip
    width = models.PositiveIntegerField(default=0, help_text="Pixels, as rotated for people.")
    height = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=ImageState, default=ImageState.NEW)
    flags = models.JSONField(default=list, blank=True, help_text="What is wrong with the photo, as words.")
    quality = models.JSONField(
        default=dict, blank=True, editable=False,
        help_text="What was measured, 0 to 1 where 1 is fine; the side of the car it shows; the models that said so.",
    )  # fmt: skip
    reason = models.TextField(blank=True, help_text="Why it cannot be used.")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    objects = TenantGate(ImageQuerySet, path="image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["position", "frame"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["image_set", "sha256"], condition=models.Q(deleted_at__isnull=True), name="image_once_per_set"
            ),
            models.CheckConstraint(condition=models.Q(state__in=ImageState.values), name="image_state_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["image_set", "position", "frame"])]

    def __str__(self) -> str:
        return self.name or f"Photo {self.position}"
