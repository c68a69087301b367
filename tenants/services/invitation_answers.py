"""What people answer to an invitation, by its link or while they are logged in. Answering twice changes nothing."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.errors import Conflict, Forbidden, NotAuthenticated, NotFound
from tenants.models import Invitation, InvitationState, Membership, User
from tenants.services.accounts import user_create
from tenants.services.invitations import invitation_lock
from tenants.services.people import membership_set
from tenants.services.rows import row_author

_WHY: Final = "people answer invitations of tenants that they do not belong to yet"
_SALT: Final = "tenants.invitation"
_REASON: Final = "accepted an invitation"
_OVER: Final = {
    InvitationState.ACCEPTED: "This invitation was accepted already.",
    InvitationState.DECLINED: "This invitation was declined. If that was a mistake, ask for a new one.",
    InvitationState.WITHDRAWN: "This invitation was taken back.",
    InvitationState.EXPIRED: "This invitation has expired. Ask for a new one.",
}


def invitation_token(invitation: Invitation) -> str:
    """What the link of the invitation's last message carries."""
    return signing.dumps([invitation.pk.hex, invitation.sends], salt=_SALT)


def invitation_find(token: str) -> Invitation:
    """The invitation whose link this is, whatever became of it.

    Raises NotFound for what we never signed or is gone, Conflict for the link of an earlier message.
    """
    try:
        key, sends = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise NotFound("This link is not valid. Copy all of it from the message.") from error
    row = _rows().filter(pk=key).first()
    if row is None:
        raise NotFound("This invitation is gone. Ask for a new one.")
    if row.state == InvitationState.PENDING and sends != row.sends:
        raise Conflict("A later message holds a newer link. Use that one.")
    return row


def invitations_open_for(user: User) -> QuerySet[Invitation]:
    """The invitations that wait for this person's answer, the latest first."""
    waiting = _rows().filter(phone=user.phone, state=InvitationState.PENDING, expires_at__gt=timezone.now())
    return waiting.filter(tenant__is_active=True).order_by("-asked_at")


def invitation_to(user: User, invitation_id: UUID) -> Invitation:
    """An invitation to this person, whatever became of it; NotFound for anything else."""
    row = _rows().filter(pk=invitation_id, phone=user.phone).first()
    if row is None:
        raise NotFound("There is no such invitation.")
    return row


def invitation_check(invitation: Invitation, *, user: User | None) -> None:
    """Raise, in words for the person, Forbidden for somebody else's invitation, Conflict for one that is over."""
    if user is not None and user.phone != invitation.phone:
        raise Forbidden("This invitation is for another number than yours. Log out, then open its link again.")
    state = invitation.standing()
    if state in _OVER:
        raise Conflict(_OVER[state])
    if not invitation.tenant.is_active:
        raise Conflict("This tenant is closed at the moment.")


@transaction.atomic
def invitation_accept(*, invitation: Invitation, user: User | None) -> None:
    """Make the person a member, as invited. `user` is who is logged in, None whoever holds the link.

    Somebody new gets an account without a password. A member meanwhile keeps the role they have. Raises Conflict for
    an invitation that is over or an account that is shut, Forbidden for somebody else's, NotAuthenticated where the
    link alone does not prove who holds it.
    """
    row = invitation_lock(invitation)
    if row.state == InvitationState.ACCEPTED and (user is None or row.user_id == user.pk):
        return
    invitation_check(row, user=user)
    person = user or _holder(row)
    if not Membership.objects.of(row.tenant_id).filter(user=person).exists():
        membership_set(user=person, tenant=row.tenant, role=row.role, by=person, reason=_REASON)
    if row.is_staff:
        _let_into_admin(person)
    _answer(row, InvitationState.ACCEPTED, person)


@transaction.atomic
def invitation_decline(*, invitation: Invitation, user: User | None) -> None:
    """Refuse the invitation; raises as `invitation_accept` does."""
    row = invitation_lock(invitation)
    if row.state == InvitationState.DECLINED:
        return
    invitation_check(row, user=user)
    _answer(row, InvitationState.DECLINED, None)


def _rows() -> QuerySet[Invitation]:
    return Invitation.objects.all_tenants(_WHY).select_related("tenant", "invited_by")


def _holder(row: Invitation) -> User:
    """Who has the number, as far as the link proves it; a new account if nobody has."""
    holder = User.objects.select_for_update(no_key=True).filter(phone=row.phone).first()
    if holder is None:
        return user_create(
            phone=row.phone, password=None, first_name=row.first_name, last_name=row.last_name, email=row.email,
            is_staff=row.is_staff, by=row.invited_by,
        )  # fmt: skip
    if not holder.is_active or holder.deleted_at:
        raise Conflict("The account with this number is shut.")
    if not _proves(row, holder):
        raise NotAuthenticated("Log in to answer this invitation.")
    return holder


def _proves(row: Invitation, holder: User) -> bool:
    """Whether the link went where only this account's person reads: its number, or an address they proved."""
    proven = {holder.phone, holder.email.lower() if holder.email and holder.email_verified_at else holder.phone}
    return row.sent_to in proven


def _let_into_admin(person: User) -> None:
    if not person.is_staff:
        person.is_staff = True
        row_author(person, by=person, reason="accepted an invitation to the admin")
        person.save(update_fields=["is_staff", "modified_at"])


def _answer(row: Invitation, state: InvitationState, person: User | None) -> None:
    row.state, row.user, row.answered_at = state, person, timezone.now()
    row.save(update_fields=["state", "user", "answered_at", "modified_at"])
