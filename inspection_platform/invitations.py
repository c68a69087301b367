"""What an invitation says, and its way to the worker that sends it."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django_q.tasks import async_task

from tenants.models import Membership
from tenants.services.invitations import InvitationState, invitation_of, invitation_send, inviter_of

log = structlog.get_logger(__name__)


def invitation_enqueue(membership: Membership) -> None:
    """Have the invitation sent; called inside the transaction that asked for it."""
    async_task(
        "inspection_platform.tasks.send_invitation", str(membership.pk), cluster="io", task_name="invitation"
    )  # fmt: skip


def invitation_deliver(*, membership_id: UUID) -> None:
    """Send the invitation that waits. It may be asked for twice: what is sent already is not sent again."""
    rows = Membership.objects.all_tenants("a worker is told of a membership by its id")
    membership = rows.filter(pk=membership_id).select_related("tenant", "user").first()
    if membership is None:
        return
    invitation = invitation_of(membership)
    if invitation is None or invitation.state is not InvitationState.WAITING:
        return
    subject, text = invitation_text(membership)
    state = invitation_send(membership=membership, subject=subject, text=text)
    log.info("invitation.done", membership=str(membership_id), state=state.value)


def invitation_text(membership: Membership) -> tuple[str, str]:
    """Subject and text. They hold no secret: a first password is set with a one-time code that the person asks for."""
    tenant = _one_line(membership.tenant)
    context = {
        "tenant": tenant,
        "inviter": _one_line(inviter_of(membership) or "An administrator"),
        "person": membership.user,
        "role": membership.get_role_display(),
        "admin_url": settings.PUBLIC_URL + reverse("admin:index"),
        "password_url": settings.PUBLIC_URL + reverse("admin_password_reset"),
    }
    return f"You are invited to {tenant}", render_to_string("portal/invitation.txt", context).strip()


def _one_line(name: object) -> str:
    """A name as it may stand in a subject."""
    return " ".join(str(name).split())
