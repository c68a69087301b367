"""What the public reference says of capture sets and units, against the answers themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.api.core.rigs import NOBODY, Bearer, Sender, build_gate, virtual
from tests.api.test_reference import reference, validator

pytestmark = pytest.mark.django_db
PREFIX = "/core/v1"
SET, UNIT = "/captureSets/{capture_set_id}", "/captureUnits/{unit_id}"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/captureSets?logos=true", None, 200),
        ("get", "/captureSets?limit=x", None, 400),
        ("get", "/captureSets?fromAllTenants=yes", None, 200),
        ("post", "/captureSets", {"name": "Lane", "captureUnits": [{"side": "left"}]}, 200),
        ("post", "/captureSets?virtual=true", {"name": "Phone"}, 200),
        ("post", "/captureSets", {}, 400),
        ("post", "/captureSets", {"name": "Lane", "tenantId": NOBODY}, 404),
        ("get", "/captureSets/search?name=e&location=e", None, 200),
        ("get", SET, None, 200),
        ("get", SET.format(capture_set_id=NOBODY), None, 404),
        ("patch", SET, {"priority": 3}, 200),
        ("patch", SET, {"priority": "high"}, 400),
        ("patch", SET, {"captureUnits": [{"side": "left", "tenantIds": []}], "name": "x"}, 200),
        ("get", "/captureUnits", None, 200),
        ("get", UNIT, None, 200),
        ("post", f"{UNIT}/assign", {"tenants": ["00000000-0000-4000-8000-000000000032"]}, 200),
        ("post", f"{UNIT}/unassign", {"tenants": ["00000000-0000-4000-8000-000000000031"]}, 200),
        ("put", f"{UNIT}/default", {"tenant": "00000000-0000-4000-8000-000000000031"}, 200),
        ("put", f"{UNIT}/default", {"tenant": "00000000-0000-4000-8000-000000000032"}, 409),
        ("put", f"{UNIT}/default", {}, 400),
    ],
)
def test_answers_fit_the_reference(
    client: Client, ours: factories.House, bearer: Bearer, method: str, path: str, body: Any, status: int
) -> None:
    gate = build_gate(ours.tenant)
    virtual(ours.tenant)
    address = PREFIX + path.format(capture_set_id=gate.rig.pk, unit_id=gate.left.pk)
    answer = Sender(client, bearer)(ours.global_admin, method, address, body)
    assert answer.status_code == status, answer.content
    template = path.partition("?")[0].replace(NOBODY, "{capture_set_id}")
    described = reference()["paths"][PREFIX + template][method]["responses"][str(status)]
    schema = described["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(answer.json())] == []
