"""The reads of damages and of people's work on them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.functions import Abs

if TYPE_CHECKING:
    from assets.models import Image
    from damages.models import Damage, ManualProcessing, Step
    from tenants.models import User

#: Status number of `ManualStatus` in which a step's work waits or goes on.
_WAITING = {"ANNOTATION": 1, "REVIEW": 3}


#: Ends of the cameras' names: which side of a rig one is on.
_SIDES = ("Left", "Right")


class DamageQuerySet(models.QuerySet["Damage"]):
    """Reads of damages."""

    def visible(self) -> DamageQuerySet:
        """Without soft-deleted damages, and without those whose photo or set is gone."""
        return self.filter(deleted_at__isnull=True, image__deleted_at__isnull=True, image_set__deleted_at__isnull=True)

    def standing(self) -> DamageQuerySet:
        """Proposed or accepted, above the threshold: what a set shows by default."""
        return self.visible().filter(state__in=["created", "accepted"], is_potential=False)

    def representatives(self) -> DamageQuerySet:
        """One sighting for each family."""
        return self.filter(representative__isnull=True)

    def family(self, representative_id: UUID) -> DamageQuerySet:
        """A representative and the other sightings of its family."""
        return self.filter(Q(pk=representative_id) | Q(representative=representative_id))

    def by_nearness(self, image: Image) -> DamageQuerySet:
        """Those potentially closest to an image first: its camera, its side of the rig, near frames, then by time.

        Adds `near_camera`, `near_side` (0: the image's, 1: another one) and `near_frame`: the frames between them, or
        the places in the set for an image that is no frame of a video.
        """
        place, frame = ("image__frame", image.frame) if image.frame else ("image__position", image.position)
        side = next((side for side in _SIDES if image.camera.endswith(side)), "")
        of_side = Q(image__camera__endswith=side) if side else Q(image__camera=image.camera)
        return self.annotate(
            near_camera=_unless(Q(image__camera=image.camera)),
            near_side=_unless(of_side),
            near_frame=Abs(F(place) - Value(frame), output_field=models.IntegerField()),
        ).order_by("near_camera", "near_side", "near_frame", "image_set__recorded_at", "created_at", "id")


def _unless(condition: Q) -> Case:
    """0 where the condition holds, 1 elsewhere."""
    return Case(When(condition, then=Value(0)), default=Value(1), output_field=models.IntegerField())


class ManualQuerySet(models.QuerySet["ManualProcessing"]):
    """Reads of manual jobs."""

    def waiting(self, step: Step) -> ManualQuerySet:
        """Jobs of sets that wait for the step, or are being worked on."""
        return self.filter(status=_WAITING[step.value], image_set__deleted_at__isnull=True)

    def free(self, now: datetime) -> ManualQuerySet:
        """Jobs that nobody holds, or whose lock is over."""
        return self.filter(Q(holder__isnull=True) | Q(locked_until__lte=now))

    def free_for(self, user: User, now: datetime) -> ManualQuerySet:
        """Jobs that are free, or held by this person."""
        return self.filter(Q(holder__isnull=True) | Q(locked_until__lte=now) | Q(holder=user))

    def in_order(self) -> ManualQuerySet:
        """In the order in which they are handed out."""
        return self.order_by("-priority", "waiting_since", "id")

    def counts(self, *, user_id: UUID, now: datetime) -> dict[str, int]:
        """How many of these jobs are `mine`, `locked` by anybody (me included) and `unlocked`, in one query."""
        locked = Q(holder__isnull=False, locked_until__gt=now)
        return self.aggregate(
            mine=Count("pk", filter=Q(holder=user_id)),
            locked=Count("pk", filter=locked),
            unlocked=Count("pk", filter=~locked),
        )
