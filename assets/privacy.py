"""Whose photos show no faces: the rule that intake and workers share."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from assets.models import ImageSet
from tenants.models import TenantSettings


@dataclass(frozen=True, slots=True)
class BlurRule:
    """The settings of everybody who may get to see a set: faces are blurred where any of them asks for it."""

    settings: tuple[TenantSettings, ...]

    def applies(self, camera: str = "") -> bool:
        """Whether faces are blurred on photos of this camera of a rig (empty: no camera of a rig took them)."""
        return any(one.blurs_faces(camera) for one in self.settings)

    @property
    def is_on(self) -> bool:
        """Whether it can apply to any photo at all: a photo of no known camera is blurred as soon as one camera is."""
        return self.applies()


def blur_rule(image_set: ImageSet) -> BlurRule:
    """The rule for a set: its tenant's, or that of all who may get it while its plate has not said whose it is."""
    if image_set.tenant:
        return BlurRule((image_set.tenant.settings,))
    rig = image_set.capture_set_id
    if rig is None:
        return BlurRule(())
    candidates = (
        Q(tenant__capture_sets=rig)
        | Q(tenant__capture_units__capture_set=rig)
        | Q(tenant__default_units__capture_set=rig)
    )
    keys = TenantSettings.objects.filter(candidates).values("pk")
    return BlurRule(tuple(TenantSettings.objects.filter(pk__in=keys)))
