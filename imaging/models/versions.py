"""Models by version: those that came with a release, candidates, and who promoted or dropped what, when and why."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from imaging.states import VersionState
from tenants.models import Tenant
from tenants.models.base import Row


class ModelVersion(Row):
    """A version of a model that has spoken here, or may: with its card, and where it stands.

    Without a current version of a name, the one that came with the running release is used.
    """

    name = models.CharField(max_length=60)
    version = models.CharField(max_length=40)
    sha256 = models.CharField("SHA-256", max_length=64)
    card = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.RELEASED)
    shadow_for_all = models.BooleanField(
        "in shadow for all tenants", default=False, help_text="While it is in shadow: also for tenants to come."
    )
    shadow_tenants = models.ManyToManyField(
        Tenant, blank=True, related_name="+", help_text="While it is in shadow: whose photos it sees, unless all do."
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["name", "-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "version", "sha256"], name="model_version_once"),
            # A release may be built anew without another version; what people upload has one of its own.
            models.UniqueConstraint(
                fields=["name", "version"],
                condition=~Q(state=VersionState.RELEASED),
                name="model_version_uploaded_once",
            ),
            models.UniqueConstraint(
                fields=["name"], condition=Q(state=VersionState.CURRENT), name="model_version_one_current"
            ),
            models.CheckConstraint(condition=Q(state__in=VersionState.values), name="model_version_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def threshold(self) -> float:
        """The score from which on its findings count, by its card; 0 for a card that names none."""
        return float(self.card.get("thresholds", {}).get("score", 0.0))


class CandidateFile(Row):
    """A file of a version that was uploaded. It lies sealed in storage and is served to nobody."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=200, help_text="As the card names it.")
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveBigIntegerField("size (bytes)")
    file = models.FileField(max_length=300)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model_version", "name"], name="candidate_file_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class ChangeKind(models.TextChoices):
    """What was done with a version."""

    UPLOADED = "uploaded", "uploaded"
    SHADOWED = "shadowed", "put in shadow"
    RECALLED = "recalled", "taken out of shadow"
    PROMOTED = "promoted", "promoted"
    DROPPED = "dropped", "dropped"


class ModelChange(Row):
    """Who did what with a version of a model, when and why; never edited."""

    name = models.CharField("model", max_length=60)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=ChangeKind)
    replaced = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="The version that was current before, for a promotion.",
    )  # fmt: skip
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    details = models.JSONField(default=dict, blank=True, help_text="Whose photos it saw in shadow.")

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=ChangeKind.values), name="model_change_kind_known")
        ]
        indexes: ClassVar = [models.Index(fields=["name", "-created_at"], name="model_changes_of_name")]

    def __str__(self) -> str:
        return f"{self.model_version} {self.get_kind_display()}"
