"""The rig of the vendor's samples, for the tests of capture sets and of capture units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assets.models import CaptureSet, CaptureUnit
from tenants.models import Tenant, User
from tests.api.conftest import Headers
from tests.api.core.conftest import CREATED, LATER, fixed_id

SETS = "/core/v1/captureSets"
UNITS = "/core/v1/captureUnits"
NOBODY = "00000000-0000-4000-8000-000000000099"

Bearer = Callable[[User], Headers]


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends a JSON request as a person; `extra` are headers."""

    client: Client
    bearer: Bearer

    def __call__(self, person: User, method: str, path: str, body: object = None, **extra: str) -> Any:
        """The answer."""
        call = getattr(self.client, method)
        headers = {**self.bearer(person), **extra}
        return call(path, headers=headers) if method == "get" else call(path, body, "application/json", headers=headers)

    def queries(self, person: User, path: str) -> int:
        """How many queries a list costs beyond those for the credentials; a search for nothing costs these alone."""
        counts = []
        for asked in (f"{SETS}/search", path):
            with CaptureQueriesContext(connection) as queries:
                assert self(person, "get", asked).status_code == 200
            counts.append(len(queries))
        return counts[1] - counts[0]


@dataclass(slots=True)
class Gate:
    """A rig whose left unit records for the insurer, and whose right one for the insurer and the rental."""

    rig: CaptureSet
    left: CaptureUnit
    right: CaptureUnit
    insurer: Tenant
    rental: Tenant


def build_gate(owner: Tenant) -> Gate:
    """The rig of a tenant."""
    insurer = Tenant.objects.create(id=fixed_id(31), name="Insurance Company 1")
    rental = Tenant.objects.create(id=fixed_id(32), name="Fast Cars Rental")
    rig = CaptureSet.objects.of(owner.pk).create(
        id=fixed_id(30), tenant=owner, name="My first capture set", location="Norway", label="return", cameras_count=4,
        pipeline_mask=["damage_detection"],
    )  # fmt: skip
    units = CaptureUnit.objects.of(owner.pk)
    left = units.create(id=fixed_id(33), capture_set=rig, side="left")
    right = units.create(
        id=fixed_id(34), capture_set=rig, side="right", recording_count=7,
        balena_id="3292185a-2fd3-46b8-9885-f433f13a4a6d",
    )  # fmt: skip
    left.tenants.set([insurer])
    right.tenants.set([insurer, rental])
    CaptureSet.objects.of(owner.pk).filter(pk=rig.pk).update(created_at=CREATED, modified_at=LATER)
    return Gate(rig, left, right, insurer, rental)


def virtual(owner: Tenant, **extra: Any) -> CaptureSet:
    """A virtual rig."""
    values = {"name": "Phone", "is_virtual": True} | extra
    return CaptureSet.objects.of(owner.pk).create(tenant=owner, **values)


def tenant_ids(unit: CaptureUnit) -> set[object]:
    """For whom a unit records now."""
    return set(unit.tenants.values_list("pk", flat=True))
