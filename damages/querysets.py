"""The reads of damages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from damages.models import Damage


class DamageQuerySet(models.QuerySet["Damage"]):
    """Reads of damages."""

    def visible(self) -> DamageQuerySet:
        """Without soft-deleted damages, and without those whose photo or set is gone."""
        return self.filter(
            deleted_at__isnull=True, image__deleted_at__isnull=True, image_set__deleted_at__isnull=True
        )

    def standing(self) -> DamageQuerySet:
        """Proposed or accepted, above the threshold: what a set shows by default."""
        return self.visible().filter(state__in=["created", "accepted"], is_potential=False)

    def representatives(self) -> DamageQuerySet:
        """One sighting for each family."""
        return self.filter(representative__isnull=True)

    def with_evidence(self) -> DamageQuerySet:
        """With photo, set, model and parts, for presenting."""
        return self.select_related(
            "image", "image_set__submission", "model_version", "representative"
        ).prefetch_related("parts")
