"""How invitations end by themselves: in time, and with the account of whoever accepted them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tenants.models import Invitation, InvitationState
from tenants.services.cleanup import invitations_prune
from tenants.services.invitation_answers import invitation_accept
from tenants.services.invitations import invitation_make, invitations_expire
from tenants.services.users import user_delete
from tests import factories

pytestmark = pytest.mark.django_db


def invited(house: factories.House, number: int, **changes: object) -> Invitation:
    row = invitation_make(
        tenant=house.tenant, phone=f"+479000000{number}", email="a@example.com", by=house.tenant_admin
    )
    Invitation.objects.of(house.tenant.pk).filter(pk=row.pk).update(**changes)
    row.refresh_from_db()
    return row


def test_what_nobody_answered_in_time_expires(ours: factories.House, outsider: factories.House) -> None:
    now = timezone.now()
    # Inviting somebody writes down what is over in that tenant; the late one is made last.
    open_still, late = invited(ours, 2), invited(ours, 1, expires_at=now)
    theirs = invited(outsider, 1, expires_at=now)
    assert late.standing(now) == InvitationState.EXPIRED, "before the clean-up too"
    assert invitations_expire(now=now, dry_run=True) == 2
    assert invitations_expire(now=now, tenant=ours.tenant) == 1
    assert invitations_expire(now=now) == 1
    for row, state in ((late, "expired"), (open_still, "pending"), (theirs, "expired")):
        row.refresh_from_db()
        assert row.state == state


def test_what_was_typed_about_people_who_did_not_come_goes_after_a_while(ours: factories.House) -> None:
    now = timezone.now()
    old: datetime = now - timedelta(days=91)
    invited(ours, 1, expires_at=old, state="declined")
    invited(ours, 2, expires_at=old, state="expired")
    kept = {
        invited(ours, 3, expires_at=old, state="accepted").pk,
        invited(ours, 4, expires_at=now - timedelta(days=89), state="declined").pk,
        invited(ours, 5).pk,
    }
    assert invitations_prune(now=now, dry_run=True) == invitations_prune(now=now) == 2
    assert set(Invitation.objects.of(ours.tenant.pk).values_list("pk", flat=True)) == kept


def test_an_accepted_invitation_goes_with_the_account(ours: factories.House) -> None:
    row, other = invited(ours, 1), invited(ours, 2)
    invitation_accept(invitation=row, user=None)
    row.refresh_from_db()
    assert row.user is not None
    user_delete(user=row.user)
    assert list(Invitation.objects.of(ours.tenant.pk)) == [other]
