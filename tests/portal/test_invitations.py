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
from tenants.models import Invitation, InvitationState, Membership, Role, SendingState, User
from tenants.services import invitations
from tenants.services.invitations import invitation_of
from tenants.services.people import membership_remove, membership_set
from tests import factories
from tests.admin_pages import login, page, said
from tests.portal.inviting import ADDRESS, PHONE, invitation_to, link_in, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def by_mail(settings: Settings) -> None:
    """An installation that sends e-mails."""
    settings.CODE_BACKEND = "email"


def errors_of(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = answer.context["form"].errors
    return found


def membership_of(house: factories.House, phone: str) -> Membership:
    return Membership.objects.of(house.tenant.pk).select_related("user", "tenant").get(user__phone=phone)


def known(outsider: factories.House) -> User:
    """Somebody who is on the platform already, with an address they proved."""
    now = timezone.now()
    return factories.user(outsider.tenant, first_name="Olga", email="olga@example.com", email_verified_at=now)


def test_an_invitation_makes_nobody_a_member(ours: factories.House, drain: Callable[[], int]) -> None:
    answer = login(ours.tenant_admin).post(ADDRESS, sent(ours), follow=True)
    assert "the invitation of +4790000001 is on its way" in said(answer).lower()
    row = invitation_to(ours)
    assert (row.full_name, row.email, row.role, row.is_staff) == ("Nora Ny", "nora@example.com", Role.USER, True)
    assert (row.state, row.sending, row.invited_by) == (
        InvitationState.PENDING,
        SendingState.WAITING,
        ours.tenant_admin,
    )
    assert not User.objects.filter(phone=PHONE).exists()
    assert mail.outbox == []
    drain()
    row.refresh_from_db()
    assert (row.sending, row.sent_by) == (SendingState.SENT, "email")
    [message] = mail.outbox
    assert message.to == ["nora@example.com"]
    for words in (str(ours.tenant_admin), ours.tenant.name, PHONE, "with access to the admin pages"):
        assert words in message.body, words
    assert link_in(message)
    drain()
    assert len(mail.outbox) == 1


def test_whoever_is_on_the_platform_is_asked_and_nothing_of_theirs_changes(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    person = known(outsider)
    login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=person.phone))
    drain()
    person.refresh_from_db()
    assert (person.first_name, person.email, person.is_staff) == ("Olga", "olga@example.com", False)
    assert list(person.memberships.values_list("tenant", flat=True)) == [outsider.tenant.pk]
    assert [message.to for message in mail.outbox] == [["olga@example.com"]], "where they proved to be"


def test_nothing_the_tenant_sees_tells_whether_the_number_is_known(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    seen = []
    for phone in (known(outsider).phone, PHONE):
        client = login(ours.tenant_admin)
        answer = client.post(ADDRESS, sent(ours, phone=phone), follow=True)
        drain()
        row = invitation_to(ours, phone)
        pages = [
            said(answer), client.get(page(Invitation, "changelist")), client.get(page(Invitation, "change", row.pk)),
            client.get(page(User, "changelist")), client.get(page(Membership, "changelist")),
        ]  # fmt: skip
        seen.append([_without_chance(one, row) for one in pages])
        row.delete()
    assert seen[0] == seen[1]
    assert "olga" not in str(seen).lower()
    assert "the number" in seen[0][1]


def _without_chance(answer: Any, row: Invitation) -> str:
    """A page without what differs between any two invitations: the number, keys, times, tokens of forms."""
    text = answer if isinstance(answer, str) else answer.content.decode()
    text = text.replace(row.phone, "the number").replace(str(row.pk), "the key")
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    text = re.sub(r"csrfToken[^,}]*|X-CSRFToken[^}]*", "", text)
    return re.sub(r"\d{1,2}(:\d\d)+|\d{4}-\d\d-\d\dT[\d:.+]+", "then", text)


def test_the_messages_are_the_same_too(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    person = known(outsider)
    for phone in (person.phone, PHONE):
        login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=phone))
    drain()
    first, second = (re.sub(r"http\S+|\+47\d+", "", str(message.body)) for message in mail.outbox)
    assert first == second


def test_an_address_is_asked_for_whoever_it_is_where_phones_are_not_reached(
    ours: factories.House, outsider: factories.House, settings: Settings
) -> None:
    client = login(ours.tenant_admin)
    for phone in (known(outsider).phone, PHONE):
        assert "email" in errors_of(client.post(ADDRESS, sent(ours, phone=phone, email="")))
        assert "email" in errors_of(client.post(ADDRESS, sent(ours, phone=phone, email="nonsense")))
    settings.CODE_BACKEND = "console"
    assert client.post(ADDRESS, sent(ours, email="")).status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone", ""), ("phone", "12"), ("role", "KING"), ("tenant", ""), ("email", "x@"), ("first_name", "x" * 151),
     ("first_name", "a\x00b")],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(ours: factories.House, field: str, value: str) -> None:
    answer = login(ours.tenant_admin).post(ADDRESS, sent(ours, **{field: value}))
    assert answer.status_code == 200
    assert field in errors_of(answer)
    assert not Invitation.objects.of(ours.tenant.pk).exists()


def test_a_member_is_not_invited(ours: factories.House, drain: Callable[[], int]) -> None:
    answer = login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=ours.staff.phone))
    assert "is a member already" in str(errors_of(answer)["phone"])
    drain()
    assert mail.outbox == []


def test_a_number_is_invited_once_until_it_answers_or_a_week_is_over(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    client.post(ADDRESS, sent(ours))
    assert "invited already" in str(errors_of(client.post(ADDRESS, sent(ours)))["phone"])
    Invitation.objects.of(ours.tenant.pk).update(expires_at=timezone.now())
    assert client.post(ADDRESS, sent(ours)).status_code == 302
    states = Invitation.objects.of(ours.tenant.pk).values_list("state", flat=True)
    assert sorted(states) == [InvitationState.EXPIRED, InvitationState.PENDING]


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
    assert not Invitation.objects.of(ours.tenant.pk).exists()


def test_a_global_admin_invites_to_any_tenant(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.global_admin)
    assert client.get(ADDRESS).context["form"].fields["tenant"].initial is None
    assert client.post(ADDRESS, sent(outsider)).status_code == 302
    assert invitation_to(outsider).role == Role.USER


def test_the_lists_of_people_memberships_and_invitations_offer_it(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    for model in (User, Membership, Invitation):
        text = client.get(page(model, "changelist")).content.decode()
        assert "Invite a colleague" in text
        answer = client.get(page(model, "invite"))
        assert answer.headers["Location"] == ADDRESS


# --- sending ---------------------------------------------------------------------------------------------------------


def test_a_message_that_fails_is_told_and_sent_again(
    ours: factories.House, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise MessageFailed("The mail server did not take the message (SMTPException).")

    client = login(ours.tenant_admin)
    client.post(ADDRESS, sent(ours))
    with monkeypatch.context() as broken:
        broken.setattr(invitations, "message_send", refuse)
        drain()
    row = invitation_to(ours)
    assert row.sending == SendingState.FAILED
    shown = client.get(page(Invitation, "change", row.pk)).content.decode()
    assert "Not sent: The mail server did not take the message" in shown
    again = f"/admin/people/invited/{row.pk}/again/"
    assert client.get(page(Invitation, "send_again", row.pk)).headers["Location"] == again
    assert "less than a minute" in said(client.post(again, follow=True))
    Invitation.objects.of(ours.tenant.pk).update(asked_at=F("asked_at") - timedelta(minutes=2))
    assert "Send this invitation again?" in client.get(again).content.decode()
    assert "on its way" in said(client.post(again, follow=True))
    drain()
    row.refresh_from_db()
    assert (row.sending, row.failure, row.sends) == (SendingState.SENT, "", 2)
    assert len(mail.outbox) == 1


def test_an_address_that_was_never_proved_gets_what_a_newcomer_gets(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    person = factories.user(outsider.tenant, email="typo@example.com")
    login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=person.phone))
    drain()
    assert [message.to for message in mail.outbox] == [["nora@example.com"]]


def test_phones_come_first_where_they_are_reached(
    ours: factories.House, drain: Callable[[], int], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CODE_BACKEND = "console"
    login(ours.tenant_admin).post(ADDRESS, sent(ours))
    drain()
    assert f"--- message to {PHONE}" in capsys.readouterr().out
    assert (invitation_to(ours).sending, invitation_to(ours).sent_by) == (SendingState.SENT, "phone")


def test_what_was_taken_back_meanwhile_is_not_sent(ours: factories.House, drain: Callable[[], int]) -> None:
    client = login(ours.tenant_admin)
    client.post(ADDRESS, sent(ours))
    row = invitation_to(ours)
    assert "taken back" in said(client.post(page(Invitation, "withdraw", row.pk), follow=True))
    assert "was taken back" in said(client.post(f"/admin/people/invited/{row.pk}/again/", follow=True))
    drain()
    assert mail.outbox == []


def test_a_name_cannot_add_lines_to_the_subject(ours: factories.House, drain: Callable[[], int]) -> None:
    User.objects.filter(pk=ours.tenant_admin.pk).update(first_name="Eve\r\nBcc: x@example.com")
    ours.tenant.name = "Our\nRental"
    ours.tenant.save()
    login(ours.tenant_admin).post(ADDRESS, sent(ours))
    drain()
    assert mail.outbox[0].subject == "You are invited to Our Rental"
    assert "Eve Bcc: x@example.com invites" in mail.outbox[0].body


def test_an_outsider_s_invitations_and_members_are_left_alone(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    login(outsider.tenant_admin).post(ADDRESS, sent(outsider))
    theirs, member = invitation_to(outsider), membership_of(outsider, outsider.staff.phone)
    drain()
    client = login(ours.tenant_admin)
    for address in (f"/admin/people/invited/{theirs.pk}/again/", f"/admin/people/{member.pk}/remind/"):
        assert client.get(address).status_code == client.post(address).status_code == 404
        assert login(outsider.staff).post(address).status_code == 404
    client.post(page(Invitation, "withdraw", theirs.pk))
    theirs.refresh_from_db()
    assert (theirs.state, theirs.sends) == (InvitationState.PENDING, 1)
    assert len(mail.outbox) == 1


# --- members ---------------------------------------------------------------------------------------------------------


def test_a_member_is_told_how_to_log_in(ours: factories.House, drain: Callable[[], int]) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="sam@example.com", email_verified_at=timezone.now())
    own = membership_of(ours, ours.staff.phone)
    client = login(ours.tenant_admin)
    assert "Never invited." in client.get(page(Membership, "change", own.pk)).content.decode()
    assert "on its way" in said(client.post(f"/admin/people/{own.pk}/remind/", follow=True))
    drain()
    assert "Accepted. Message: " in client.get(page(Membership, "change", own.pk)).content.decode()
    [message] = mail.outbox
    for words in ("the password you have", reverse("admin_password_reset"), "/admin/", "reminds you"):
        assert words in message.body
    assert "/admin/invitation/" not in message.body
    assert "less than a minute" in said(client.post(f"/admin/people/{own.pk}/remind/", follow=True))


def test_a_shut_account_is_told_nothing(ours: factories.House) -> None:
    User.objects.filter(pk=ours.staff.pk).update(is_active=False)
    own = membership_of(ours, ours.staff.phone)
    answer = login(ours.tenant_admin).post(f"/admin/people/{own.pk}/remind/", follow=True)
    assert "account is shut" in said(answer)
    assert invitation_of(own) is None


def test_whoever_left_is_told_nothing(ours: factories.House, drain: Callable[[], int]) -> None:
    own = membership_of(ours, ours.staff.phone)
    login(ours.tenant_admin).post(f"/admin/people/{own.pk}/remind/")
    membership_remove(user=ours.staff, tenant=ours.tenant)
    drain()
    assert mail.outbox == []
