"""Damages, their parts, and who decided what about them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from assets.models import Car, Image, ImageSet
from damages.querysets import DamageQuerySet
from damages.taxonomy import DamageCategory, FalsePositive
from imaging.models import Detection, ModelVersion
from tenants.models import TenantOwned
from tenants.scope import TenantGate


class DamageState(models.TextChoices):
    """What people made of a proposal."""

    CREATED = "created", "proposed"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"


class Source(models.TextChoices):
    """Who put a damage there."""

    MODEL = "model", "model"
    ANNOTATOR = "annotator", "annotator"
    REVIEWER = "reviewer", "reviewer"
    STAFF = "staff", "staff"


def no_true_positives() -> dict[str, bool]:
    """The ten category flags, all false."""
    return {category.value: False for category in DamageCategory}


def no_false_positives() -> dict[str, bool]:
    """The five false-positive flags, all false."""
    return {word.value: False for word in FalsePositive}


class Damage(TenantOwned):
    """One sighting of a damage on one photo. Sightings of the same damage in one set share a representative."""

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="damages")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="damages")
    car = models.ForeignKey(Car, null=True, blank=True, on_delete=models.SET_NULL, related_name="damages")
    detection = models.OneToOneField(
        Detection, null=True, blank=True, on_delete=models.SET_NULL, related_name="damage",
        help_text="What the model said; empty when a person drew it.",
    )  # fmt: skip
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="damages"
    )
    source = models.CharField(max_length=10, choices=Source, default=Source.MODEL)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="damages_created"
    )
    category = models.CharField(max_length=20, choices=[(c.value, c.value) for c in DamageCategory])
    polygon = models.JSONField(help_text="[[x, y], ...], 0..1 of the photo.")
    image_width = models.PositiveIntegerField(help_text="Pixels of the photo the polygon belongs to.")
    image_height = models.PositiveIntegerField()
    confidence = models.FloatField(
        null=True, blank=True, help_text="The model's score, 0..1; empty when drawn by a person."
    )
    state = models.CharField(max_length=10, choices=DamageState, default=DamageState.CREATED)
    is_potential = models.BooleanField(default=False, help_text="Below the threshold: shown on demand only.")
    representative = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="family",
        help_text="The family's best sighting; empty for the representative itself.",
    )  # fmt: skip
    first_damage = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="later_sightings",
        help_text="The same damage in an earlier set; empty: nothing earlier is known.",
    )  # fmt: skip
    family_reviewed = models.BooleanField(default=False)
    is_processing = models.BooleanField(
        default=False, help_text="A client said that it is still at work on it; nothing else depends on it."
    )
    true_positives = models.JSONField(default=no_true_positives)
    false_positives = models.JSONField(default=no_false_positives)
    partner_state = models.CharField(max_length=20, blank=True)
    width_mm = models.FloatField(null=True, blank=True)
    height_mm = models.FloatField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="damages_decided"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    objects = TenantGate(DamageQuerySet, path="image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=DamageState.values), name="damage_state_known"),
            models.CheckConstraint(
                condition=Q(category__in=[c.value for c in DamageCategory]), name="damage_category_known"
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="damage_confidence_range",
            ),
            models.CheckConstraint(condition=~Q(representative=models.F("id")), name="damage_not_its_own_family"),
            models.CheckConstraint(condition=~Q(first_damage=models.F("id")), name="damage_not_its_own_past"),
            models.CheckConstraint(
                condition=~Q(source=Source.MODEL) | Q(model_version__isnull=False), name="damage_model_is_named"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["image_set", "state"]),
            models.Index(fields=["car", "state", "first_damage"]),
        ]

    def __str__(self) -> str:
        return f"{self.category} ({self.get_state_display()})"


class DamagedPart(TenantOwned):
    """The part of the car a damage is on, as a part model saw it."""

    damage = models.ForeignKey(Damage, on_delete=models.CASCADE, related_name="parts")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="damaged_parts")
    name = models.CharField(max_length=60)
    certainty = models.FloatField()
    camera_location = models.CharField(max_length=20, blank=True)
    camera_side = models.CharField(max_length=10, blank=True)
    car_end = models.CharField(max_length=10, blank=True)
    polygon = models.JSONField(default=list)
    pictogram = models.JSONField(default=dict, blank=True)

    objects = TenantGate(models.QuerySet["DamagedPart"], path="damage__image_set__tenant")

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(certainty__gte=0, certainty__lte=1), name="damaged_part_certainty_range")
        ]

    def __str__(self) -> str:
        return self.name


class PictogramDamage(TenantOwned):
    """A damage marked on the drawing of a car instead of a photo."""

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="pictogram_damages")
    name = models.CharField(max_length=60, help_text="The drawing's file name, for example car_left.png.")
    x = models.FloatField(help_text="0..1 of its width.")
    y = models.FloatField(help_text="0..1 of its height.")
    is_new = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = TenantGate(models.QuerySet["PictogramDamage"], path="image_set__tenant")

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(x__gte=0, x__lte=1, y__gte=0, y__lte=1), name="pictogram_damage_on_the_drawing"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.x:.2f}, {self.y:.2f})"


class Action(models.TextChoices):
    """What a person did to a damage."""

    DRAWN = "drawn", "drawn"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"
    REOPENED = "reopened", "decision taken back"
    CATEGORY = "category", "category changed"
    OUTLINE = "outline", "outline changed"
    DELETED = "deleted", "deleted"
    RESTORED = "restored", "restored"
    UPDATED = "updated", "details changed"
    SETTLED = "settled", "put in order after another went or came back"
    MATCHED = "matched", "matched"
    MERGED = "merged", "merged"
    UNMERGED = "unmerged", "merge taken back"


class DamageDecision(TenantOwned):
    """Who did what to a damage, when, and what it was before: the record that is never edited."""

    damage = models.ForeignKey(Damage, on_delete=models.CASCADE, related_name="decisions")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="damage_decisions"
    )
    step = models.CharField(max_length=12, choices=Source, help_text="The role in which it was done.")
    action = models.CharField(max_length=12, choices=Action)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)

    objects = TenantGate(models.QuerySet["DamageDecision"], path="damage__image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(action__in=Action.values), name="damage_decision_action_known")
        ]
        indexes: ClassVar = [models.Index(fields=["damage", "created_at"])]

    def __str__(self) -> str:
        return self.get_action_display()
