"""What the tests of invitations share: the form, the row, and the link of a message."""

from __future__ import annotations

import re
from typing import Any

from tenants.models import Invitation, Role
from tests import factories

ADDRESS = "/admin/people/invite/"
PHONE = "+4790000001"


def sent(house: factories.House, **changes: str) -> dict[str, str]:
    """What the form sends."""
    return {
        "phone": PHONE, "first_name": "Nora", "last_name": "Ny", "email": "nora@example.com",
        "tenant": str(house.tenant.pk), "role": Role.USER, "is_staff": "on",
    } | changes  # fmt: skip


def invitation_to(house: factories.House, phone: str = PHONE) -> Invitation:
    """The house's last invitation of this number."""
    rows = Invitation.objects.of(house.tenant.pk).select_related("tenant", "invited_by", "user")
    return rows.filter(phone=phone).latest("created_at")


def link_in(message: Any) -> str:
    """The path of the link that a message holds."""
    found = re.search(r"(/admin/invitation/\S+)", str(message.body))
    assert found, message.body
    return found[1]
