"""Invitations: colleagues are told that they belong to a tenant now. How it went stands in the membership's history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.errors import Conflict
from tenants.messages import Channel, MessageFailed, message_send, serves
from tenants.models import Membership, User
from tenants.services.rows import row_author

#: What the history says as the reason of a change; all begin alike, so that they can be found.
_BEGINNING: Final = "invit"
INVITED: Final = "invited"
_SENT: Final = "invitation sent by"
_FAILED: Final = "invitation not sent:"
_CHANNELS: Final = {Channel.PHONE: "text message", Channel.EMAIL: "e-mail"}
#: Between two invitations of one person: a button pressed twice, or in anger, does not flood their phone.
_PAUSE: Final = timedelta(minutes=1)


class InvitationState(StrEnum):
    """How far an invitation is."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Invitation:
    """The last that is known of a membership's invitation; `by` None: the platform itself noted it."""

    state: InvitationState
    text: str
    when: datetime
    by: User | None


def invitation_of(membership: Membership) -> Invitation | None:
    """The membership's last invitation, None if there never was one (one query)."""
    record = _notes(membership).first()
    if record is None:
        return None
    reason = str(record.history_change_reason)
    return Invitation(_state(reason), reason, record.history_date, record.history_user)


def inviter_of(membership: Membership) -> User | None:
    """Who asked for the last invitation."""
    record = _notes(membership).filter(history_change_reason=INVITED).first()
    return record.history_user if record else None


@transaction.atomic
def invitation_renew(*, membership: Membership, by: User) -> None:
    """Ask for one more invitation. Raises Conflict for people who cannot log in, or a minute after the last one."""
    if membership.user.deleted_at or not membership.user.is_active:
        raise Conflict("This person's account is shut.")
    if _notes(membership).filter(history_change_reason=INVITED, history_date__gt=timezone.now() - _PAUSE).exists():
        raise Conflict("They were invited less than a minute ago.")
    invitation_note(membership=membership, note=INVITED, by=by)


def invitation_send(*, membership: Membership, subject: str, text: str) -> InvitationState:
    """Send the text to the person's phone, or e-mail where no phone is reached, and note how it went."""
    try:
        channel, to = _destination(membership.user)
        message_send(channel=channel, to=to, subject=subject, text=text)
    except MessageFailed as failure:
        invitation_note(membership=membership, note=f"{_FAILED} {failure.reason}")
        return InvitationState.FAILED
    invitation_note(membership=membership, note=f"{_SENT} {_CHANNELS[channel]}")
    return InvitationState.SENT


def invitation_note(*, membership: Membership, note: str, by: User | None = None) -> None:
    """Write a line into the membership's history."""
    limit = Membership.history.model._meta.get_field("history_change_reason").max_length  # noqa: SLF001 - documented
    row_author(membership, by=by, reason=note[:limit])
    membership.save(update_fields=["modified_at"])


def _destination(user: User) -> tuple[Channel, str]:
    """As for one-time codes: an address counts once it is proved, or while nobody has used the account yet."""
    if serves(Channel.PHONE):
        return Channel.PHONE, user.phone
    if user.email and (user.email_verified_at or not user.has_usable_password()):
        return Channel.EMAIL, user.email
    raise MessageFailed("no phone is reached from here, and no e-mail address is known for sure.")


def _state(reason: str) -> InvitationState:
    if reason.startswith(_SENT):
        return InvitationState.SENT
    return InvitationState.FAILED if reason.startswith(_FAILED) else InvitationState.WAITING


def _notes(membership: Membership) -> QuerySet[Any]:
    rows: QuerySet[Any] = membership.history.filter(history_change_reason__startswith=_BEGINNING).select_related(
        "history_user"
    )
    return rows.order_by("-history_date")
