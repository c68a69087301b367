"""People who come by themselves: registration, and a new password for those who forgot theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from axes.utils import reset as axes_reset
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from tenants.errors import Conflict, Invalid
from tenants.messages import Channel, serves
from tenants.models import CodePurpose, OneTimePassword, User
from tenants.phones import e164
from tenants.services.accounts import user_create
from tenants.services.codes import code_ask, code_check, code_spend, code_wrong
from tenants.services.recipients import address_is_taken
from tenants.services.rows import row_author, row_check
from tenants.services.sessions import sessions_close_all

_RULES: Final = (
    (str.isupper, "At least one capital letter is needed."),
    (str.islower, "At least one small letter is needed."),
    (str.isdigit, "At least one digit is needed."),
)


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration whose every value is in order; `password` is the clear one."""

    phone: str
    password: str = field(repr=False)
    first_name: str
    last_name: str
    email: str


def password_check(password: str, user: User | None = None) -> None:
    """Raise Invalid, naming `password`, unless it has a capital and a small letter, a digit and Django's consent.

    With `user` it must not resemble their name, number or address either.
    """
    reasons = [sentence for test, sentence in _RULES if not any(test(char) for char in password)]
    try:
        validate_password(password, user)
    except ValidationError as error:
        reasons = [*error.messages, *reasons]
    if reasons:
        raise Invalid(f"password: {reasons[0]}", {"password": reasons})


def registration_check(
    *, phone: str, password: str, first_name: str = "", last_name: str = "", email: str = ""
) -> Registration:
    """The registration as it may be asked for. Nobody is looked up. Raises Invalid naming each wrong value.

    An e-mail address is needed where the installation's messages do not reach phones.
    """
    number = _phone(phone)
    user = User(phone=number, first_name=first_name.strip(), last_name=last_name.strip(), email=email.strip())
    row_check(user, exclude=("password",))
    if not user.email and not serves(Channel.PHONE):
        reason = "An e-mail address is needed here: codes are sent by e-mail."
        raise Invalid(f"email: {reason}", {"email": [reason]})
    password_check(password, user)
    return Registration(number, password, user.first_name, user.last_name, user.email)


def registration_request(registration: Registration) -> OneTimePassword:
    """Keep the registration, with its password hashed, until its code comes. There is no user before that."""
    return code_ask(
        username=registration.phone,
        purpose=CodePurpose.REGISTER,
        pending={
            "password": make_password(registration.password),
            "first_name": registration.first_name,
            "last_name": registration.last_name,
            "email": registration.email,
        },
    )


def registration_verify(*, username: str, code: str) -> User:
    """Make the user whose registration this code confirms.

    Raises Invalid in one wording for every cause, a number that was taken meanwhile included.
    """
    row = code_check(username=username, purpose=CodePurpose.REGISTER, code=code)
    values = dict(row.pending)
    hashed = values.pop("password")
    try:
        with transaction.atomic():
            code_spend(row)
            user = user_create(phone=row.username, password=None, **values)
            user.password = hashed
            _prove(user, row)
            row_author(user, by=user, reason="registered")
            user.save(update_fields=["password", "confirmed_at", "email_verified_at", "modified_at"])
            OneTimePassword.objects.filter(pk=row.pk).update(user=user)
    except Conflict as error:
        raise code_wrong() from error
    return user


def reset_request(*, username: str) -> OneTimePassword:
    """Write down that somebody wants a new password for this phone number or e-mail address."""
    return code_ask(username=username, purpose=CodePurpose.RESET)


def reset_confirm(*, username: str, code: str, password: str) -> User:
    """Give the person their new password; every session ends and failed log-ins are forgotten.

    Raises Invalid: for the password by its rules, before anything else; in one wording for the code; and for a password
    that resembles the person, which only the holder of the right code is told (it is not spent then).
    """
    password_check(password)
    row = code_check(username=username, purpose=CodePurpose.RESET, code=code)
    with transaction.atomic():
        living = User.objects.select_for_update(of=("self",)).filter(is_active=True, deleted_at__isnull=True)
        user = living.filter(one_time_passwords=row).first()
        # A number or address that was changed meanwhile is not the person's any more.
        if user is None or row.sent_to not in {user.phone, user.email.lower()}:
            raise code_wrong()
        password_check(password, user)
        code_spend(row)
        _password_set(user, password, row)
    for name in {user.phone, row.username}:
        axes_reset(username=name)
    return user


def _password_set(user: User, password: str, row: OneTimePassword) -> None:
    user.set_password(password)
    _prove(user, row)
    row_author(user, by=user, reason="chose a new password with a code")
    user.save(update_fields=["password", "confirmed_at", "email_verified_at", "modified_at"])
    sessions_close_all(user=user)


def _prove(user: User, row: OneTimePassword) -> None:
    """Note what the code has proved: that the person holds the phone, or the address, to which it was sent."""
    now = timezone.now()
    if "@" not in row.sent_to:
        user.confirmed_at = user.confirmed_at or now
    elif not address_is_taken(row.sent_to, but=user):
        user.email_verified_at = user.email_verified_at or now


def _phone(typed: str) -> str:
    try:
        return e164(typed)
    except ValueError as error:
        raise Invalid(f"phone: {error}", {"phone": [str(error)]}) from error
