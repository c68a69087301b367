"""Whose photos of which camera are blurred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.utils import timezone

from assets.models import ImageSet
from assets.privacy import blur_rule
from assets.services.image_sets import jobs_off
from imaging.pipeline import JOBS
from tenants.catalogue import CAMERAS
from tenants.models import TenantSettings
from tests import factories
from tests.factories import House
from tests.imaging.face_blur.blurring import switch

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("on", "camera", "blurs"),
    [
        ((), "", False), ((), "topLeft", False), ((), "unknown", False), (("topLeft",), "topLeft", True),
        (("topLeft",), "topRight", False), (("topLeft",), "", True), (("topLeft",), "unknown", True),
    ],
)  # fmt: skip
def test_whether_a_tenant_blurs_a_camera(on: Sequence[str], camera: str, blurs: bool) -> None:
    settings = TenantSettings(face_blur={name: name in on for name in CAMERAS})
    assert settings.blurs_faces(camera) is blurs


@pytest.mark.parametrize("role", ["owner", "user", "default"])
def test_a_set_of_nobody_yet_is_blurred_if_anybody_who_may_get_it_asks(ours: House, outsider: House, role: str) -> None:
    owner, other = (ours, outsider) if role != "owner" else (outsider, ours)
    rig = factories.rig(
        owner.tenant,
        open_to=[other.tenant] if role == "user" else [],
        default=other.tenant if role == "default" else None,
    )
    image_set = factories.recording(rig)
    assert not blur_rule(image_set).is_on
    switch(outsider, "topLeft")
    rule = blur_rule(ImageSet.objects.all_tenants("test").get(pk=image_set.pk))
    assert (rule.is_on, rule.applies("topLeft"), rule.applies("topRight")) == (True, True, False)
    assert ("face_blur" in jobs_off(image_set)) is False


def test_a_rule_of_another_tenant_does_not_hold_here(ours: House, outsider: House) -> None:
    switch(outsider, *CAMERAS)
    assert not blur_rule(factories.image_set(ours.tenant)).is_on
    stray: Any = ImageSet(tenant=None, recorded_at=timezone.now())
    assert not blur_rule(stray).is_on


def test_a_mask_cannot_switch_it_off(on: House) -> None:
    image_set = factories.image_set(on.tenant, pipeline_mask=["damage_detection"])
    assert "face_blur" not in jobs_off(image_set)
    assert JOBS["face_blur"].needs == ("quality",)
