"""Rigs: capture sets and their units."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from assets.catalogue import DEFAULT_COUNTRY, LENS_LIMIT, MASKABLE_JOBS, default_lenses
from tenants.models import Tenant, TenantOwned
from tenants.scope import TenantGate

_COUNTRY: Final = re.compile(r"[A-Z]{1,3}")


def validate_country_code(value: str) -> None:
    """Raise ValidationError unless `value` is one to three letters A to Z."""
    if not _COUNTRY.fullmatch(value):
        raise ValidationError("A country code is one to three letters A to Z.")


def validate_lenses(value: object) -> None:
    """Raise ValidationError unless `value` has the shape of `default_lenses`, its numbers above 0 and to LENS_LIMIT."""
    known = default_lenses()
    if not isinstance(value, dict) or value.keys() != known.keys():
        raise ValidationError(f"Lenses are an object with {', '.join(known)}.")
    for name, lens in value.items():
        if not isinstance(lens, dict) or lens.keys() != known[name].keys():
            raise ValidationError(f"{name} needs {', '.join(known[name])}.")
        for what, number in lens.items():
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            if not is_number or not 0 < number <= LENS_LIMIT:
                raise ValidationError(f"{name}: {what} is a number above 0 and at most {LENS_LIMIT}.")


def validate_pipeline_mask(value: object) -> None:
    """Raise ValidationError unless `value` is a list of job names that may be switched off."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValidationError("A pipeline mask is a list of job names.")
    unknown = sorted(set(value) - set(MASKABLE_JOBS))
    if unknown:
        raise ValidationError(f"Unknown job {unknown[0]!r}; a mask may name {', '.join(MASKABLE_JOBS)}.")


class CaptureSet(TenantOwned):
    """Two camera units at a place, or a virtual rig without units."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="capture_sets")
    name = models.CharField(max_length=200)
    label = models.CharField(max_length=20, choices=[("pickup", "pickup"), ("return", "return")], blank=True)
    location = models.CharField(max_length=200, blank=True)
    country_code = models.CharField(max_length=3, default=DEFAULT_COUNTRY, validators=[validate_country_code])
    cameras_count = models.PositiveSmallIntegerField(default=0)
    is_virtual = models.BooleanField(default=False)
    priority = models.IntegerField(default=0, help_text="Sets of a higher priority are annotated first.")
    lenses = models.JSONField(default=default_lenses, validators=[validate_lenses])
    pipeline_mask = models.JSONField(
        default=list, blank=True, validators=[validate_pipeline_mask], help_text="Jobs switched off for this rig."
    )
    min_license_plate_area = models.PositiveIntegerField(
        default=25000, help_text="Smallest plate, in pixels, that routes a car."
    )
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords()

    objects = TenantGate(models.QuerySet["CaptureSet"])

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["name"]
        indexes: ClassVar = [models.Index(fields=["tenant", "is_virtual"])]

    def __str__(self) -> str:
        return self.name


class CaptureUnit(TenantOwned):
    """One physical rig of cameras, left or right of the lane."""

    capture_set = models.ForeignKey(CaptureSet, on_delete=models.CASCADE, related_name="units")
    side = models.CharField(max_length=5, choices=[("left", "left"), ("right", "right")])
    balena_id = models.CharField(max_length=64, blank=True, help_text="The device's id in fleet management.")
    tenants = models.ManyToManyField(Tenant, blank=True, related_name="capture_units")
    default_tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.SET_NULL, related_name="default_units",
        help_text="Who sees passages whose plate nobody owns.",
    )  # fmt: skip
    recording_count = models.PositiveIntegerField(default=0)
    device_key_digest = models.CharField(max_length=64, blank=True, editable=False)
    enrolled_at = models.DateTimeField(
        "enrolled", null=True, blank=True, editable=False, help_text="When its present device key was made."
    )
    last_seen_at = models.DateTimeField(
        "last seen", null=True, blank=True, editable=False, help_text="When its device last showed its key."
    )
    history = HistoricalRecords(m2m_fields=[tenants])

    objects = TenantGate(models.QuerySet["CaptureUnit"], path="capture_set__tenant")

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["capture_set", "side"], name="capture_unit_one_per_side"),
            models.UniqueConstraint(
                fields=["device_key_digest"],
                condition=~models.Q(device_key_digest=""),
                name="capture_unit_device_key_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.capture_set} {self.side}"
