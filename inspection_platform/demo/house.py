"""The demo data as a whole: made or found, and as the JSON that tests and measurements read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from inspection_platform.demo.inspections import Yard, pair_process, yard_build
from inspection_platform.demo.people import PAVE_USERNAME, SPECS, Spec, Staffed, tenant_staff
from tenants.models import Family


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo tenant with everything that belongs to it."""

    staffed: Staffed
    yard: Yard

    def as_json(self) -> dict[str, Any]:
        """What opens its doors, and the ids to begin with."""
        staffed, yard = self.staffed, self.yard
        return {
            "id": str(staffed.tenant.pk),
            "users": {
                who: {"id": str(user.pk), "username": user.phone, "password": staffed.password(who)}
                for who, user in staffed.users.items()
            },
            "core_api_key": staffed.keys[Family.CORE],
            "inspektlabs": {"key": staffed.keys[Family.INSPEKTLABS]},
            "pave": {
                "api_key": staffed.keys[Family.PAVE],
                "api_secret": staffed.pave_secret,
                "username": PAVE_USERNAME,
            },
            "instavid360": {"token": staffed.keys[Family.INSTAVID360]},
            "webhook_secret": staffed.webhook_secret,
            "capture_sets": {label: str(rig.pk) for label, rig in yard.rigs.items()},
            "car": yard.car.registration_no,
        }


def demo_build() -> dict[str, Any]:
    """Make or find the demo data of both tenants and return the whole as JSON; the same at every call."""
    return {
        "base_url": settings.PUBLIC_URL,
        "tenants": {spec.key: _demo(spec).as_json() for spec in SPECS},
    }


def _demo(spec: Spec) -> Demo:
    staffed = tenant_staff(spec)
    yard = yard_build(staffed)
    pair_process(staffed, yard)
    return Demo(staffed, yard)


def demo_table(demo: dict[str, Any]) -> str:
    """The lines that a person needs first: where the platform is and who may log in."""
    base, people = demo["base_url"], demo["tenants"]["demo"]["users"]
    lines = [
        f"The platform is running at {base}",
        f"  admin         {base}/admin/      (log in with one of the three below)",
        f"  API reference {base}/api/docs/",
        "",
        f"  {'Demo Rental':<14}{'user name':<16}password",
    ]
    lines += [
        f"  {who:<14}{people[who]['username']:<16}{people[who]['password']}"
        for who in ("tenant_admin", "annotator", "reviewer")
    ]
    return "\n".join([*lines, "", "  Keys and all other logins: .venv/bin/python manage.py demo --json"])
