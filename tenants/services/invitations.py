"""Invitations: asked for by an admin, sent by a worker, answered by the person (`invitation_answers`).

Whether somebody has the number already changes nothing that the inviting tenant gets to see: not the answer, not the
row, and not how sending went, for the message goes to the phone, or else to an e-mail address that the form asks for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.errors import Conflict, Invalid
from tenants.messages import Channel, MessageFailed, message_send, serves
from tenants.models import Invitation, InvitationState, Membership, Role, SendingState, Tenant, User
from tenants.phones import e164
from tenants.services.rows import row_check

#: How long a link can be answered after its message was asked for.
LIFE: Final = timedelta(days=7)
#: Between two messages to one person: a button pressed twice, or in anger, does not flood their phone.
_PAUSE: Final = timedelta(minutes=1)


@transaction.atomic
def invitation_make(
    *,
    tenant: Tenant,
    phone: str,
    role: str = Role.USER,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    is_staff: bool = False,
    by: User,
) -> Invitation:
    """Invite whoever has this number, or will have it, to the tenant; the message is sent afterwards by a worker.

    Raises Invalid for an impossible number, name, role or address, Conflict for a member and for somebody whose
    invitation still waits.
    """
    typed = User(phone=_phone(phone), first_name=first_name, last_name=last_name, email=email)
    row_check(typed, exclude=("password",))
    _reachable(typed)
    if Membership.objects.of(tenant.pk).filter(user__phone=typed.phone).exists():
        raise Conflict("This person is a member already.")
    now = timezone.now()
    row = Invitation(
        tenant=tenant, phone=typed.phone, first_name=first_name, last_name=last_name, email=email, role=role,
        is_staff=is_staff, invited_by=by, asked_at=now, expires_at=now + LIFE,
    )  # fmt: skip
    row_check(row)
    invitations_expire(now=now, tenant=tenant)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("This number is invited already; the list of invitations can send the message again.") from error
    return row


@transaction.atomic
def invitation_renew(*, invitation: Invitation) -> None:
    """Ask for one more message with a new link and a new week; the links of earlier ones end.

    Raises Conflict unless it waits for an answer, or if it expired and the number was invited anew since, and within a
    minute after the last one.
    """
    row = invitation_lock(invitation)
    if row.standing() not in {InvitationState.PENDING, InvitationState.EXPIRED}:
        raise Conflict(f"This invitation was {row.get_state_display()}.")
    _pause_check(row)
    row.state, row.expires_at = InvitationState.PENDING, timezone.now() + LIFE
    try:
        with transaction.atomic():
            _ask_again(row)
    except IntegrityError as error:
        raise Conflict("This number has been invited anew since.") from error


@transaction.atomic
def member_remind(*, membership: Membership, by: User) -> Invitation:
    """Ask for a message that tells a member how to log in. Raises Conflict for people who cannot, or too soon."""
    if membership.user.deleted_at or not membership.user.is_active:
        raise Conflict("This person's account is shut.")
    found = invitation_of(membership)
    if found is not None:
        row = invitation_lock(found)
        _pause_check(row)
        row.invited_by = by
        _ask_again(row)
        return row
    return _of_member(membership, by)


@transaction.atomic
def invitation_withdraw(*, invitation: Invitation) -> None:
    """Take an invitation back. One that was answered stands as it is: Conflict."""
    row = invitation_lock(invitation)
    if row.standing() not in {InvitationState.PENDING, InvitationState.EXPIRED}:
        raise Conflict(f"This invitation was {row.get_state_display()}.")
    row.state = InvitationState.WITHDRAWN
    row.save(update_fields=["state", "modified_at"])


def invitation_of(membership: Membership) -> Invitation | None:
    """The invitation that made the person a member, or that told them they are one; None for people never told."""
    rows = Invitation.objects.of(membership.tenant_id).filter(user=membership.user_id)
    return rows.order_by("-asked_at").first()


def invitation_lock(invitation: Invitation) -> Invitation:
    """The row as it is now, held until the transaction ends: two answers at once take turns."""
    rows = Invitation.objects.of(invitation.tenant_id).select_for_update(of=("self",), no_key=True)
    return rows.select_related("tenant").get(pk=invitation.pk)


def invitations_expire(*, now: datetime, tenant: Tenant | None = None, dry_run: bool = False) -> int:
    """Write down which invitations nobody answered in time; their numbers can be invited anew. Returns how many."""
    reason = "invitations end by themselves, whichever tenant's they are"
    rows = Invitation.objects.of(tenant.pk) if tenant else Invitation.objects.all_tenants(reason)
    over = rows.filter(state=InvitationState.PENDING, expires_at__lte=now)
    return over.count() if dry_run else over.update(state=InvitationState.EXPIRED, modified_at=now)


# --- the worker's part ---


def invitation_send(*, invitation: Invitation, subject: str, text: str) -> SendingState:
    """Send the text to the person's phone, or e-mail where no phone is reached, and note how it went."""
    try:
        channel, to = destination_of(invitation)
        # Noted first: the link in the message proves what it proves by where it was sent.
        _note(invitation, sent_to=to.lower())
        message_send(channel=channel, to=to, subject=subject, text=text)
    except MessageFailed as failure:
        _note(invitation, sending=SendingState.FAILED, failure=failure.reason[:300], sent_by="")
        return SendingState.FAILED
    _note(invitation, sending=SendingState.SENT, sent_by=channel.value, failure="")
    return SendingState.SENT


def destination_of(invitation: Invitation) -> tuple[Channel, str]:
    """Where the message goes: the phone, else an address that the person proved, else the one that was typed.

    An address that its account never proved may belong to somebody else: it gets what a newcomer's address gets.
    """
    if serves(Channel.PHONE):
        return Channel.PHONE, invitation.phone
    holder = User.objects.filter(phone=invitation.phone, deleted_at__isnull=True).first()
    if holder and holder.email and (holder.email_verified_at or _is_unused_member(invitation, holder)):
        return Channel.EMAIL, holder.email
    if invitation.email:
        return Channel.EMAIL, invitation.email
    raise MessageFailed("no phone is reached from here, and no e-mail address is known for sure.")


def _is_unused_member(invitation: Invitation, holder: User) -> bool:
    return invitation.user_id == holder.pk and not holder.has_usable_password()


def _note(invitation: Invitation, **values: str) -> None:
    """Write how sending went, unless another message was asked for meanwhile."""
    rows = Invitation.objects.of(invitation.tenant_id).filter(pk=invitation.pk, sends=invitation.sends)
    rows.update(**values, modified_at=timezone.now())


# --- small steps ---


def _ask_again(row: Invitation) -> None:
    row.sends += 1
    row.asked_at = timezone.now()
    row.sending, row.failure, row.sent_by = SendingState.WAITING, "", ""
    row.save()


def _pause_check(row: Invitation) -> None:
    if row.asked_at > timezone.now() - _PAUSE:
        raise Conflict("They were invited less than a minute ago.")


def _of_member(membership: Membership, by: User) -> Invitation:
    now, person = timezone.now(), membership.user
    row = Invitation(
        tenant=membership.tenant, phone=person.phone, first_name=person.first_name, last_name=person.last_name,
        role=membership.role, is_staff=person.is_staff, invited_by=by, user=person, asked_at=now, expires_at=now,
        state=InvitationState.ACCEPTED, answered_at=membership.created_at,
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def _reachable(typed: User) -> None:
    if not typed.email and not serves(Channel.PHONE):
        reason = "An e-mail address is needed here: no text messages are sent."
        raise Invalid(f"email: {reason}", {"email": [reason]})


def _phone(typed: str) -> str:
    try:
        return e164(typed)
    except ValueError as error:
        raise Invalid(str(error), {"phone": [str(error)]}) from error
