"""What an invitation says, and its way to the worker that sends it."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django_q.tasks import async_task

from tenants.models import Invitation, InvitationState, Membership, SendingState
from tenants.services.invitation_answers import invitation_token
from tenants.services.invitations import invitation_send

log = structlog.get_logger(__name__)


def invitation_enqueue(invitation: Invitation) -> None:
    """Have the message sent; called inside the transaction that asked for it."""
    async_task(
        "inspection_platform.tasks.send_invitation", str(invitation.pk), cluster="io", task_name="invitation"
    )  # fmt: skip


def invitation_deliver(*, invitation_id: UUID) -> None:
    """Send the message that waits. It may be asked for twice: what is sent already is not sent again."""
    rows = Invitation.objects.all_tenants("a worker is told of an invitation by its id")
    row = rows.filter(pk=invitation_id).select_related("tenant", "invited_by", "user").first()
    if row is None or row.sending != SendingState.WAITING:
        return
    if row.standing() != InvitationState.PENDING and not _is_member(row):
        return
    subject, text = invitation_text(row)
    state = invitation_send(invitation=row, subject=subject, text=text)
    log.info("invitation.done", invitation=str(invitation_id), state=state.value)


def _is_member(row: Invitation) -> bool:
    """Whether whoever accepted it still belongs there."""
    return Membership.objects.of(row.tenant_id).filter(user=row.user_id).exists()


def invitation_text(row: Invitation) -> tuple[str, str]:
    """Subject and text: with the link to answer, or for a member how to log in.

    The first is the same whether the person is on the platform or not.
    """
    tenant = _one_line(row.tenant)
    context = {
        "tenant": tenant,
        "inviter": _one_line(row.invited_by or "An administrator"),
        "invitation": row,
        "admin_url": settings.PUBLIC_URL + reverse("admin:index"),
        "password_url": settings.PUBLIC_URL + reverse("admin_password_reset"),
        "link": settings.PUBLIC_URL + reverse("invitation", args=[invitation_token(row)]),
    }
    name = "member.txt" if row.state == InvitationState.ACCEPTED else "invitation.txt"
    return f"You are invited to {tenant}", render_to_string(f"portal/{name}", context).strip()


def _one_line(name: object) -> str:
    """A name as it may stand in a subject."""
    return " ".join(str(name).split())
