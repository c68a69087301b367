"""Small steps that every service here takes with a row: check it, save it, and say who did it."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from tenants.errors import Invalid
from tenants.models import User

# simple_history reads these two from the row it is about to record.
_WHO: Final = "_history_user"
_WHY: Final = "_change_reason"


def row_author(row: models.Model, *, by: User | None, reason: str = "") -> None:
    """Name the person and the reason for the next history record; without a person the request's user stands."""
    if by is not None:
        setattr(row, _WHO, by)
    if reason:
        setattr(row, _WHY, reason)


def row_check(row: models.Model, *, exclude: tuple[str, ...] = ()) -> None:
    """Validate each field of `row` (not uniqueness, the database decides that); Invalid names the wrong ones."""
    try:
        row.clean_fields(exclude=set(exclude))
    except ValidationError as error:
        fields = {name: reasons for name, reasons in error.message_dict.items() if name != NON_FIELD_ERRORS}
        raise Invalid("; ".join(error.messages), fields) from error
