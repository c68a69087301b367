"""Requests and answers about cars."""

from __future__ import annotations

import json
from typing import Any

from assets.models import Car
from tenants.models import Tenant
from tests.api.core.conftest import golden

CARS = "/core/v1/cars"
Answer = dict[str, Any]


def numbers(*plates: str, country: str = "NO") -> dict[str, Any]:
    return {"registrationNumbersByCountryCode": {country: list(plates)}}


def listed(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["registrationNo"] for item in answer.json()["data"]["items"]]


def assigned(answer: Any, tenant: Tenant) -> dict[str, list[str]]:
    assert answer.status_code == 200, answer.content
    data: Answer = answer.json()["data"]
    assert data.keys() == {str(tenant.pk)}
    found: dict[str, list[str]] = data[str(tenant.pk)]
    return found


def plates_of(tenant: Tenant) -> set[str]:
    return {car.registration_no for car in Car.objects.of(tenant.pk).assigned()}


def for_tenant(name: str, tenant: Tenant) -> Any:
    """The golden JSON with the tenant's id in its places."""
    return json.loads(json.dumps(golden(name)).replace("TENANT", str(tenant.pk)))
