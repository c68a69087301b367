"""Inviting colleagues: what is asked, who is told, and that nobody learns who was on the platform before."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tenants.messages import MessageFailed
from tenants.models import Membership, Role, User
from tenants.services import invitations
from tenants.services.invitations import InvitationState, invitation_of, inviter_of
from tenants.services.people import membership_remove, membership_set
from tests import factories
from tests.admin_pages import login, page, said

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/people/invite/"
PHONE = "+4790000001"


@pytest.fixture(autouse=True)
def by_mail(settings: Settings) -> None:
    """An installation that sends e-mails."""
    settings.CODE_BACKEND = "email"


def sent(house: factories.House, **changes: str) -> dict[str, str]:
    """What the form sends."""
    return {
        "phone": PHONE, "first_name": "Nora", "last_name": "Ny", "email": "nora@example.com",
        "tenant": str(house.tenant.pk), "role": Role.USER, "is_staff": "on",
    } | changes  # fmt: skip


def errors_of(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = answer.context["form"].errors
    return found


def membership_of(house: factories.House, phone: str = PHONE) -> Membership:
    return Membership.objects.of(house.tenant.pk).select_related("user", "tenant").get(user__phone=phone)


def state_of(membership: Membership) -> InvitationState:
    found = invitation_of(membership)
    assert found is not None
    return found.state


def test_a_newcomer_becomes_a_member_and_is_told(ours: factories.House, drain: Callable[[], int]) -> None:
    answer = login(ours.tenant_admin).post(ADDRESS, sent(ours), follow=True)
    assert "the invitation is on its way" in said(answer)
    membership = membership_of(ours)
    person = membership.user
    assert (person.first_name, person.email, person.is_staff) == ("Nora", "nora@example.com", True)
    assert not person.has_usable_password()
    assert (membership.role, person.current_tenant) == (Role.USER, ours.tenant)
    assert inviter_of(membership) == ours.tenant_admin
    assert state_of(membership) is InvitationState.WAITING
    assert mail.outbox == []
    drain()
    assert state_of(membership) is InvitationState.SENT
    [message] = mail.outbox
    assert message.to == ["nora@example.com"]
    for words in (str(ours.tenant_admin), ours.tenant.name, PHONE, reverse("admin_password_reset"), "/admin/"):
        assert words in message.body, words
    drain()
    assert len(mail.outbox) == 1


def test_the_invited_choose_their_first_password_and_log_in(ours: factories.House, drain: Callable[[], int]) -> None:
    login(ours.tenant_admin).post(ADDRESS, sent(ours))
    drain()
    newcomer = Client()
    newcomer.post(reverse("admin_password_reset"), {"username": PHONE})
    drain()
    found = re.search(r"\b[A-Z0-9]{6}\b", str(mail.outbox[-1].body))
    assert found
    chosen = {"username": PHONE, "code": found[0], "password": "Another-h0rse", "again": "Another-h0rse"}
    newcomer.post(reverse("admin_password_choose"), chosen)
    newcomer.post(reverse("admin:login"), {"username": PHONE, "password": "Another-h0rse"})
    assert "Nora Ny" in newcomer.get(reverse("admin:index")).content.decode()


def test_whoever_is_on_the_platform_keeps_names_address_and_password(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    person = factories.user(outsider.tenant, first_name="Olga", email="olga@example.com")
    User.objects.filter(pk=person.pk).update(email_verified_at=timezone.now())
    answer = login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=person.phone), follow=False)
    other = login(ours.tenant_admin).post(ADDRESS, sent(ours))
    assert (answer.status_code, answer.headers["Location"]) == (other.status_code, other.headers["Location"])
    person.refresh_from_db()
    assert (person.first_name, person.email, person.is_staff) == ("Olga", "olga@example.com", True)
    assert person.check_password(factories.PASSWORD)
    assert person.current_tenant == outsider.tenant
    assert set(person.memberships.values_list("tenant", flat=True)) == {ours.tenant.pk, outsider.tenant.pk}
    drain()
    assert {message.to[0] for message in mail.outbox} == {"olga@example.com", "nora@example.com"}
    told = next(message.body for message in mail.outbox if message.to == ["olga@example.com"])
    assert "the password you have" in told


def test_the_answer_does_not_name_whoever_was_there_before(ours: factories.House, outsider: factories.House) -> None:
    pages = []
    for phone in (factories.user(outsider.tenant, first_name="Olga").phone, PHONE):
        client = login(ours.tenant_admin)
        client.post(ADDRESS, sent(ours, phone=phone))
        pages.append(client.get(reverse("admin:index")).content.decode())
    assert not [text for text in pages if "Olga" in text]
    assert all("belongs to Our Rental now" in text for text in pages)


def test_a_wrong_address_is_refused_whether_the_person_exists_or_not(
    ours: factories.House, outsider: factories.House
) -> None:
    client = login(ours.tenant_admin)
    for phone in (outsider.staff.phone, PHONE):
        assert "email" in errors_of(client.post(ADDRESS, sent(ours, phone=phone, email="nonsense")))
    assert not Membership.objects.of(ours.tenant.pk).filter(user=outsider.staff).exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone", ""), ("phone", "12"), ("role", "KING"), ("tenant", ""), ("email", "x@"), ("first_name", "x" * 151),
     ("first_name", "a\x00b")],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(ours: factories.House, field: str, value: str) -> None:
    before = User.objects.count()
    answer = login(ours.tenant_admin).post(ADDRESS, sent(ours, **{field: value}))
    assert answer.status_code == 200
    assert field in errors_of(answer)
    assert User.objects.count() == before


def test_a_member_is_not_invited_twice(ours: factories.House, drain: Callable[[], int]) -> None:
    answer = login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=ours.staff.phone))
    assert "is a member already" in str(errors_of(answer)["phone"])
    drain()
    assert mail.outbox == []


def test_nobody_is_invited_where_the_asker_adds_nobody(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    client = login(ours.tenant_admin)
    form = client.get(ADDRESS).context["form"]
    assert list(form.fields["tenant"].queryset) == [ours.tenant]
    assert form.fields["tenant"].initial == ours.tenant
    assert "tenant" in errors_of(client.post(ADDRESS, sent(ours, tenant=str(outsider.tenant.pk))))
    for person in (ours.staff, ours.annotator, ours.reviewer):
        assert login(person).get(ADDRESS).status_code == 403
        assert login(person).post(ADDRESS, sent(ours)).status_code == 403
    assert Client().get(ADDRESS).status_code == 302
    assert not User.objects.filter(phone=PHONE).exists()


def test_a_global_admin_invites_to_any_tenant(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.global_admin)
    assert client.get(ADDRESS).context["form"].fields["tenant"].initial is None
    assert client.post(ADDRESS, sent(outsider)).status_code == 302
    assert membership_of(outsider).role == Role.USER


def test_the_lists_of_people_and_memberships_offer_it(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    for model in (User, Membership):
        text = client.get(page(model, "changelist")).content.decode()
        assert "Invite a colleague" in text
        answer = client.get(page(model, "invite"))
        assert answer.headers["Location"] == ADDRESS


# --- sending ---------------------------------------------------------------------------------------------------------


def test_an_invitation_that_fails_is_told_and_sent_again(
    ours: factories.House, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise MessageFailed("The mail server did not take the message (SMTPException).")

    client = login(ours.tenant_admin)
    client.post(ADDRESS, sent(ours))
    with monkeypatch.context() as broken:
        broken.setattr(invitations, "message_send", refuse)
        drain()
    membership = membership_of(ours)
    assert state_of(membership) is InvitationState.FAILED
    shown = client.get(page(Membership, "change", membership.pk)).content.decode()
    assert "Invitation not sent: The mail server did not take the message" in shown
    assert "Send invitation" in shown
    again = f"/admin/people/{membership.pk}/invite/"
    assert "less than a minute" in said(client.post(again, follow=True))
    Membership.history.update(history_date=F("history_date") - timedelta(minutes=2))
    assert "Send this person an invitation?" in client.get(again).content.decode()
    assert "on its way" in said(client.post(again, follow=True))
    drain()
    assert state_of(membership) is InvitationState.SENT
    assert len(mail.outbox) == 1
    reasons = membership.history.values_list("history_change_reason", flat=True)
    assert [reason.split(":")[0] for reason in reasons if reason] == [
        "invitation sent by e-mail", "invited", "invitation not sent", "invited",
    ]  # fmt: skip


def test_without_a_phone_and_an_address_it_says_so(ours: factories.House, drain: Callable[[], int]) -> None:
    login(ours.tenant_admin).post(ADDRESS, sent(ours, email=""))
    drain()
    found = invitation_of(membership_of(ours))
    assert found is not None
    assert found.state is InvitationState.FAILED
    assert "no e-mail address" in found.text
    assert mail.outbox == []


def test_an_address_that_was_never_proved_is_not_told_of_a_used_account(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    person = factories.user(outsider.tenant, email="typo@example.com")
    login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=person.phone))
    drain()
    assert mail.outbox == []


def test_phones_come_first_where_they_are_reached(
    ours: factories.House, drain: Callable[[], int], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CODE_BACKEND = "console"
    login(ours.tenant_admin).post(ADDRESS, sent(ours))
    drain()
    assert f"--- message to {PHONE}" in capsys.readouterr().out
    assert membership_of(ours).history.first().history_change_reason == "invitation sent by text message"


def test_whoever_left_meanwhile_is_told_nothing(ours: factories.House, drain: Callable[[], int]) -> None:
    login(ours.tenant_admin).post(ADDRESS, sent(ours))
    membership = membership_of(ours)
    membership_remove(user=membership.user, tenant=ours.tenant)
    drain()
    assert mail.outbox == []


def test_a_name_cannot_add_lines_to_the_subject(ours: factories.House, drain: Callable[[], int]) -> None:
    User.objects.filter(pk=ours.tenant_admin.pk).update(first_name="Eve\r\nBcc: x@example.com")
    ours.tenant.name = "Our\nRental"
    ours.tenant.save()
    login(ours.tenant_admin).post(ADDRESS, sent(ours))
    drain()
    assert mail.outbox[0].subject == "You are invited to Our Rental"
    assert "Eve Bcc: x@example.com has invited" in mail.outbox[0].body


def test_an_outsider_s_member_is_not_invited_again(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    theirs = membership_of(outsider, outsider.staff.phone)
    client = login(ours.tenant_admin)
    for answer in (client.get(f"/admin/people/{theirs.pk}/invite/"), client.post(f"/admin/people/{theirs.pk}/invite/")):
        assert answer.status_code == 404
    own = membership_of(ours, ours.staff.phone)
    assert login(ours.staff).post(f"/admin/people/{own.pk}/invite/").status_code == 404
    drain()
    assert mail.outbox == []


def test_a_shut_account_is_not_invited_again(ours: factories.House) -> None:
    User.objects.filter(pk=ours.staff.pk).update(is_active=False)
    own = membership_of(ours, ours.staff.phone)
    answer = login(ours.tenant_admin).post(f"/admin/people/{own.pk}/invite/", follow=True)
    assert "account is shut" in said(answer)
