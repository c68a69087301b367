"""What cars cost, as a tenant knows it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from assets.carinfo.prices import MOST_KM, price_key
from tenants.models import Tenant, TenantOwned
from tenants.scope import TenantGate

_KEY_LENGTH = 100
_UNREADABLE = "This needs a letter or a digit."
_NOT_IN_ORDER = "The low price is at most the medium one, and that at most the high one."
_TWICE = "There is a price point for this make, model, year and mileage already."


class PricePoint(TenantOwned):
    """The prices of a make and model of a year at a mileage; between the points prices are interpolated."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="price_points")
    make = models.CharField(max_length=100)
    model = models.CharField(max_length=100)
    make_key = models.CharField(max_length=_KEY_LENGTH, editable=False)
    model_key = models.CharField(max_length=_KEY_LENGTH, editable=False)
    year = models.PositiveSmallIntegerField(validators=[MinValueValidator(1900), MaxValueValidator(2100)])
    km = models.PositiveIntegerField("mileage (km)", validators=[MaxValueValidator(MOST_KM)])
    price_low = models.PositiveIntegerField(
        "low price", validators=[MinValueValidator(1)], help_text="In whole units of the tenant's own currency."
    )
    price_medium = models.PositiveIntegerField("medium price", validators=[MinValueValidator(1)])
    price_high = models.PositiveIntegerField("high price", validators=[MinValueValidator(1)])
    history = HistoricalRecords()

    objects = TenantGate(models.QuerySet["PricePoint"])

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["make_key", "model_key", "year", "km"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "make_key", "model_key", "year", "km"],
                name="price_point_once",
                violation_error_message=_TWICE,
            ),
            models.CheckConstraint(
                condition=Q(price_low__gt=0)
                & Q(price_low__lte=F("price_medium"))
                & Q(price_medium__lte=F("price_high")),
                name="price_point_in_order",
                violation_error_message=_NOT_IN_ORDER,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.make} {self.model} {self.year}, {self.km} km"

    def keys_fill(self) -> None:
        """Set the spellings under which make and model are looked up; saving does so too, bulk writes do not."""
        self.make_key = price_key(self.make)[:_KEY_LENGTH]
        self.model_key = price_key(self.model)[:_KEY_LENGTH]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the keys that fit the names."""
        self.keys_fill()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "make_key", "model_key"}
        super().save(*args, **kwargs)

    def check_values(self) -> None:
        """Raise ValidationError unless the names can be looked up and the prices are in order."""
        empty = {name: _UNREADABLE for name in ("make", "model") if not price_key(getattr(self, name))}
        if empty:
            raise ValidationError(empty)
        prices = [self.price_low, self.price_medium, self.price_high]
        # A price that is missing was told at its field.
        if None not in prices and prices != sorted(prices):
            raise ValidationError(_NOT_IN_ORDER)

    def clean(self) -> None:
        """Besides the values, that this is the only point for such a car: no form shows the keys that must differ."""
        self.check_values()
        self.keys_fill()
        if not self.tenant_id:
            return  # the form has said that it is missing
        same = PricePoint.objects.of(self.tenant_id).filter(
            make_key=self.make_key, model_key=self.model_key, year=self.year, km=self.km
        )
        if same.exclude(pk=self.pk).exists():
            raise ValidationError(_TWICE)
