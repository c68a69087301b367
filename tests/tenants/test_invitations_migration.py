"""The migration that makes rows of what the histories of memberships told of invitations."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db.models import F

from tenants.models import Invitation, InvitationState, Membership, SendingState, User
from tenants.services.rows import row_author
from tests import factories

pytestmark = pytest.mark.django_db


def noted(house: factories.House, *reasons: str) -> Membership:
    """A member with notes in their history, an hour apart, the latest last; those of asking are by the admin."""
    member = Membership.objects.of(house.tenant.pk).get(user=factories.user(house.tenant, first_name="Nora"))
    for reason in reasons:
        Membership.history.filter(id=member.pk).update(history_date=F("history_date") - timedelta(hours=1))
        row_author(member, by=house.tenant_admin if reason == "invited" else None, reason=reason)
        member.save()
    return member


def taken_over(house: factories.House, member: Membership) -> Invitation:
    return Invitation.objects.of(house.tenant.pk).get(user=member.user)


def test_members_stay_members_and_their_invitations_count_as_accepted(
    ours: factories.House, outsider: factories.House
) -> None:
    sent = noted(ours, "invited", "invitation sent by e-mail")
    failed = noted(ours, "invited", "invitation not sent: no way.", "invited", "invitation not sent: still none.")
    waiting = noted(outsider, "invited", "invitation sent by text message", "invited")
    before = set(Membership.objects.all_tenants("a test compares all").values_list("pk", "role"))
    import_module("tenants.migrations.0011_earlier_invitations").take_over(apps, None)
    assert set(Membership.objects.all_tenants("a test compares all").values_list("pk", "role")) == before
    rows = [taken_over(ours, sent), taken_over(ours, failed), taken_over(outsider, waiting)]
    assert [(row.sending, row.sent_by, row.failure, row.sends) for row in rows] == [
        (SendingState.SENT, "email", "", 1),
        (SendingState.FAILED, "", "still none.", 2),
        (SendingState.WAITING, "", "", 2),
    ]
    assert {row.state for row in rows} == {InvitationState.ACCEPTED}
    assert [row.invited_by for row in rows] == [ours.tenant_admin, ours.tenant_admin, outsider.tenant_admin]
    asked = failed.history.filter(history_change_reason="invited").order_by("-history_date").first()
    assert asked is not None
    assert (rows[1].asked_at, rows[1].full_name, rows[1].phone) == (asked.history_date, "Nora", failed.user.phone)
    total = Invitation.objects.all_tenants("a test compares all").count()
    assert total == 3, "nobody else was invited"


def test_whoever_left_has_no_invitation(ours: factories.House) -> None:
    member = noted(ours, "invited")
    User.objects.filter(pk=member.user_id).delete()
    import_module("tenants.migrations.0011_earlier_invitations").take_over(apps, None)
    assert not Invitation.objects.of(ours.tenant.pk).exists()
