"""JSON of people. Lists come as plain rows of the columns named here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tenants.models import User
from tenants.rows import id_text, in_utc

#: Columns of a name, in the order in which `name` takes them, and of a profile in a list, as `profile` takes them.
NAME_COLUMNS: Final = ("id", "email", "first_name", "last_name", "phone")
PROFILE_COLUMNS: Final = (*NAME_COLUMNS, "created_at", "modified_at")


def name(user_id: UUID | str, email: str, first_name: str, last_name: str, phone: str) -> dict[str, str]:
    """A person among those asked for by id."""
    return {"id": id_text(user_id), "email": email, "firstName": first_name, "lastName": last_name, "phone": phone}


def profile(*columns: Any) -> dict[str, str]:
    """A person in the list of profiles; the columns are PROFILE_COLUMNS."""
    *named, created, modified = columns
    return {**name(*named), "created": seconds_text(in_utc(created)), "modified": seconds_text(in_utc(modified))}


def profile_detail(person: User) -> dict[str, str]:
    """One person's profile, without the id."""
    return {
        "email": person.email,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "phone": person.phone,
        "partnerId": person.partner_id,
    }


def seconds_text(moment: datetime) -> str:
    """Unix seconds with six decimals as text: profiles print times so, and nothing else does."""
    return f"{moment.timestamp():.6f}"
