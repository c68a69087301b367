"""Whose a requested code is, and where it is sent. Only the worker asks: no request looks anybody up."""

from __future__ import annotations

from dataclasses import dataclass

from tenants.messages import Channel, serves
from tenants.models import CodePurpose, OneTimePassword, User


@dataclass(frozen=True, slots=True)
class Recipient:
    """`to` None: nothing is sent, for the reason given. `user`: who has the name already, if anybody."""

    user: User | None = None
    channel: Channel = Channel.PHONE
    to: str | None = None
    reason: str = ""


def recipient_of(row: OneTimePassword) -> Recipient:
    """Where the code of this row goes.

    To an address from the request only if a new account is to be made; otherwise to what the account holds: the number
    by which it was asked for, or a verified address.
    """
    if row.purpose == CodePurpose.REGISTER:
        return _newcomer(row)
    user = person_named(row.username)
    if user is None:
        return Recipient(reason="Nobody who may log in has this name.")
    return _account(row, user)


def person_named(username: str) -> User | None:
    """The one person who may log in by this canonical name: a phone number, or a verified e-mail address."""
    living = User.objects.filter(is_active=True, deleted_at__isnull=True)
    if "@" in username:
        found = list(living.filter(email__iexact=username, email_verified_at__isnull=False)[:2])
        return found[0] if len(found) == 1 else None
    return living.filter(phone=username).first()


def address_is_taken(email: str, *, but: User | None = None) -> bool:
    """Whether somebody else has proved to hold this address."""
    holders = User.objects.filter(email__iexact=email, email_verified_at__isnull=False)
    return (holders.exclude(pk=but.pk) if but else holders).exists()


def _newcomer(row: OneTimePassword) -> Recipient:
    owner = User.objects.filter(phone=row.username).first()
    if owner is not None:
        return Recipient(user=owner, reason="The number is taken.")
    if serves(Channel.PHONE):
        return Recipient(to=row.username)
    email = row.pending["email"]
    if not email or address_is_taken(email):
        return Recipient(reason="The e-mail address is taken, or none was given.")
    return Recipient(channel=Channel.EMAIL, to=email)


def _account(row: OneTimePassword, user: User) -> Recipient:
    if "@" in row.username:
        return Recipient(user=user, channel=Channel.EMAIL, to=user.email)
    if serves(Channel.PHONE):
        return Recipient(user=user, to=user.phone)
    if user.email and (user.email_verified_at or _is_invited(user)):
        return Recipient(user=user, channel=Channel.EMAIL, to=user.email)
    return Recipient(user=user, reason="Phones are not reached, and there is no verified e-mail address.")


def _is_invited(user: User) -> bool:
    """Whether an admin made the account and nobody has used it yet: its address is the one that the admin entered."""
    return not user.has_usable_password() and user.confirmed_at is None and user.last_login is None
