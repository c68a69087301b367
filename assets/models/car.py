"""Cars and their drives through a rig."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from assets.catalogue import DEFAULT_COUNTRY
from assets.models.capture import CaptureSet, CaptureUnit
from assets.querysets import CarQuerySet
from tenants.models import Tenant, TenantOwned
from tenants.scope import TenantGate


class Car(TenantOwned):
    """A car of a tenant; a plate belongs to one tenant at a time.

    A car that leaves its tenant is released and keeps its inspections, damages and history, which stay with that
    tenant. Whoever gets the plate next has a car of their own; the tenant itself gets the released one back.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="cars")
    country_code = models.CharField(max_length=3, default=DEFAULT_COUNTRY)
    plate = models.CharField(max_length=12, help_text="Upper case, without spaces and dashes.")
    vin = models.CharField("VIN", max_length=17, blank=True)
    make = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)
    model_code = models.CharField(max_length=50, blank=True)
    car_group = models.CharField(max_length=50, blank=True)
    color = models.CharField(max_length=50, blank=True)
    fuel = models.CharField(max_length=30, blank=True)
    gear = models.CharField(max_length=30, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    kilowatts = models.FloatField("power (kW)", null=True, blank=True)
    displacement = models.FloatField("displacement (l)", null=True, blank=True)
    mileage = models.PositiveIntegerField("mileage (km)", null=True, blank=True)
    pictogram = models.CharField(
        max_length=100, blank=True, help_text="Template of the drawing that shows its damages."
    )
    in_use = models.BooleanField(default=True)
    capture_set = models.ForeignKey(CaptureSet, null=True, blank=True, on_delete=models.SET_NULL, related_name="cars")
    released_at = models.DateTimeField(
        "released", null=True, blank=True, editable=False,
        help_text="When it stopped being the tenant's; empty: it is the tenant's now.",
    )  # fmt: skip
    history = HistoricalRecords()

    objects = TenantGate(CarQuerySet)

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["country_code", "plate"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["country_code", "plate"], condition=models.Q(released_at__isnull=True), name="car_plate_once",
                violation_error_message="A car with this plate is registered already.",
            )
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(fields=["vin"], condition=~models.Q(vin=""), name="car_vin"),
            models.Index(fields=["tenant", "country_code", "plate"], name="car_of_tenant"),
        ]

    def __str__(self) -> str:
        return self.registration_no

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Django's; no form shows `released_at`, and without it the plate would go unchecked."""
        super().validate_constraints(exclude=set(exclude or ()) - {"released_at"})

    @property
    def registration_no(self) -> str:
        """The plate as responses print it: `NO#AB12345`."""
        return f"{self.country_code}#{self.plate}"


class PassageKind(models.TextChoices):
    """What a passage was."""

    RENTAL = "rental", "rental"
    TURNAROUND = "turnaround", "turnaround"


class Passage(TenantOwned):
    """One drive through a capture set; without a tenant until its plate is known."""

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="passages")
    capture_set = models.ForeignKey(
        CaptureSet, null=True, blank=True, on_delete=models.SET_NULL, related_name="passages"
    )
    car = models.ForeignKey(Car, null=True, blank=True, on_delete=models.SET_NULL, related_name="passages")
    country_code = models.CharField(max_length=3, blank=True)
    plate = models.CharField(max_length=12, blank=True, help_text="As read or entered.")
    plate_is_read = models.BooleanField(
        default=False, help_text="The plate was read from the photos; what a person or a client says replaces it."
    )
    recorded_at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=PassageKind, default=PassageKind.RENTAL)

    objects = TenantGate(models.QuerySet["Passage"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=PassageKind.values), name="passage_kind_known")
        ]
        indexes: ClassVar = [
            models.Index(fields=["car", "-recorded_at"]),
            models.Index(
                fields=["country_code", "plate"], condition=models.Q(car__isnull=True), name="passage_unassigned"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plate or 'unread plate'} {self.recorded_at:%Y-%m-%d %H:%M}"


class Recording(TenantOwned):
    """The files one unit's camera made of a passage."""

    capture_unit = models.ForeignKey(CaptureUnit, on_delete=models.CASCADE, related_name="recordings")
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="recordings")
    camera = models.CharField(max_length=20)
    file = models.FileField(max_length=300, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(models.QuerySet["Recording"], path="capture_unit__capture_set__tenant")

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["passage", "camera"], name="recording_once_per_camera")
        ]

    def __str__(self) -> str:
        return f"{self.camera} of {self.passage}"


class Logo(TenantOwned):
    """A tenant's logo in one of the two sizes that clients show."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="logos")
    size = models.CharField(max_length=7, choices=[("54x54", "54x54"), ("100x100", "100x100")])
    file = models.FileField(max_length=300)

    objects = TenantGate(models.QuerySet["Logo"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "size"], name="logo_once_per_size")]

    def __str__(self) -> str:
        return f"{self.tenant} {self.size}"
