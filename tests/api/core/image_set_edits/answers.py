"""Answers about image sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assets.models import ImageSet
from tenants.models import Tenant, User
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

Bearer = Callable[[User], Headers]
LIST = "/core/v1/imageSets"


def refused(answer: Any, status: int) -> str:
    """The message of a refusal."""
    assert answer.status_code == status, answer.content
    return str(answer.json()["message"])


def with_ids(name: str, **ids: object) -> Any:
    """The golden JSON with ids that a test cannot choose."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {put(key): put(one) for key, one in value.items()}
        if isinstance(value, list):
            return [put(one) for one in value]
        return str(ids[value[1:-1]]) if isinstance(value, str) and value[1:-1] in ids else value

    return put(golden(name))


def only(tenant: Tenant) -> ImageSet:
    return ImageSet.objects.of(tenant.pk).select_related("passage").get()
