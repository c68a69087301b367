"""Invitations to a tenant: what an admin typed, how telling the person went, and what they answered."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils import timezone

from tenants.models.base import TenantOwned
from tenants.models.tenant import Tenant
from tenants.models.user import Role, User
from tenants.phones import LONGEST_LOGIN_NAME, validate_e164
from tenants.scope import TenantGate


class InvitationState(models.TextChoices):
    """What came of an invitation."""

    PENDING = "pending", "waits for an answer"
    ACCEPTED = "accepted", "accepted"
    DECLINED = "declined", "declined"
    WITHDRAWN = "withdrawn", "taken back"
    EXPIRED = "expired", "expired"


class SendingState(models.TextChoices):
    """How far its message is."""

    WAITING = "waiting", "on its way"
    SENT = "sent", "sent"
    FAILED = "failed", "not sent"


class Invitation(TenantOwned):
    """An invitation of whoever has a phone number, on the platform already or not.

    Until it is accepted it makes nobody a member, and its row holds for the tenant only what was typed. So it looks
    the same whether somebody has the number or not.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    phone = models.CharField(max_length=20, validators=[validate_e164])
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    email = models.EmailField("e-mail", blank=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.USER)
    is_staff = models.BooleanField("admin access", default=False, help_text="May log in to the admin once accepted.")
    invited_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=InvitationState, default=InvitationState.PENDING)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="invitations",
        help_text="Who accepted it; empty until then.",
    )  # fmt: skip
    sending = models.CharField("message", max_length=10, choices=SendingState, default=SendingState.WAITING)
    sent_by = models.CharField(max_length=10, blank=True, choices=[("phone", "text message"), ("email", "e-mail")])
    failure = models.CharField(max_length=300, blank=True, help_text="Why the message was not sent.")
    asked_at = models.DateTimeField(help_text="When the last message was asked for.")
    sends = models.PositiveSmallIntegerField(default=1, help_text="Messages asked for; the last one's link counts.")
    sent_to = models.CharField(max_length=LONGEST_LOGIN_NAME, blank=True, editable=False)

    objects = TenantGate(models.QuerySet["Invitation"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "phone"], condition=models.Q(state="pending"), name="invitation_one_pending"
            ),
            models.CheckConstraint(condition=models.Q(state__in=InvitationState.values), name="invitation_state_known"),
            models.CheckConstraint(
                condition=models.Q(sending__in=SendingState.values), name="invitation_sending_known"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["phone"], condition=models.Q(state="pending"), name="invitation_pending_of_phone"),
            models.Index(fields=["user", "tenant"], name="invitation_of_member"),
        ]

    def __str__(self) -> str:
        return f"{self.phone} to {self.tenant}"

    @property
    def full_name(self) -> str:
        """The names that were typed."""
        return f"{self.first_name} {self.last_name}".strip()

    def standing(self, now: datetime | None = None) -> InvitationState:
        """Its state, which after its time is "expired" even before the clean-up writes that down."""
        is_over = self.state == InvitationState.PENDING and self.expires_at <= (now or timezone.now())
        return InvitationState.EXPIRED if is_over else InvitationState(self.state)
