"""Capture sets as tests ask for them."""

from __future__ import annotations

from typing import Any

from assets.models import CaptureSet, CaptureUnit
from tenants.models import Tenant


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json()["data"]["items"]]


def only(tenant: Tenant) -> CaptureSet:
    return CaptureSet.objects.of(tenant.pk).get()


def unit(rig: CaptureSet, side: str) -> CaptureUnit:
    return CaptureUnit.objects.of(rig.tenant_id).get(capture_set=rig, side=side)


def new(**changes: Any) -> dict[str, Any]:
    return {"name": "Lane", "captureUnits": [{"side": "left"}, {"side": "right"}]} | changes
