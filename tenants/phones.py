"""Phone numbers in E.164, the user names of this platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import phonenumbers
from django.core.exceptions import ValidationError
from django.http import HttpRequest

#: As long as an e-mail address may be (RFC 5321).
LONGEST_LOGIN_NAME: Final = 254


def e164(raw: str) -> str:
    """The number with country code as E.164 (`+4712345678`); ValueError if it is not a possible number.

    A leading `00` or a missing `+` before the country code is accepted, as people type it.
    """
    text = raw.strip()
    text = "+" + text.removeprefix("+").removeprefix("00") if text[:1] in {"+", "0"} or text[:1].isdigit() else text
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("A phone number with country code is needed, for example +4712345678.") from error
    if not phonenumbers.is_possible_number(number):
        raise ValueError("This is not a possible phone number.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def login_name(typed: str) -> str:
    """The number in E.164 if it is one, so that one account has one name; else what was typed, fit for a column."""
    try:
        return e164(typed)
    except ValueError:
        return typed.replace("\0", "").strip()[:LONGEST_LOGIN_NAME]


def counted_username(request: HttpRequest | None, credentials: Mapping[str, Any] | None) -> str | None:
    """The name under which django-axes counts failures: another spelling of a number is no fresh start."""
    source = credentials or (request.POST if request is not None else {})
    typed = source.get("username")
    return login_name(str(typed)) if typed is not None else None


def validate_e164(value: str) -> None:
    """Raise ValidationError unless `value` already is in E.164."""
    try:
        if e164(value) == value:
            return
    except ValueError as error:
        raise ValidationError(str(error)) from error
    raise ValidationError(f"Write the number as {e164(value)}.")
