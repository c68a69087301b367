"""Requests that change damages: W48, W50, W51, W52."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from damages.models import Damage
from tenants.models import User
from tests.api.conftest import Headers

Bearer = Callable[[User], Headers]
PATH = "/core/v1/damages"
MERGE = "/core/v1/damages/merge"


def patch(client: Client, headers: Headers, *items: dict[str, Any], **extra: str) -> Any:
    body = {"damages": [item | {"id": str(item["id"])} for item in items]}
    return client.patch(PATH, body, content_type="application/json", headers={**headers, **extra})


def post(client: Client, headers: Headers, body: Any, path: str = PATH) -> Any:
    return client.post(path, body, content_type="application/json", headers=headers)


def box(left: float, top: float, right: float, bottom: float) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x in (right, left) for y in (top, bottom)]


def drawn(image: Any, **extra: Any) -> dict[str, Any]:
    points = box(64, 48, 320, 96)
    return {"imageSetId": str(image.image_set_id), "imageId": str(image.pk), "points": points} | extra


def now(row: Damage) -> Damage:
    return Damage.objects.all_tenants("a test looks").get(pk=row.pk)
