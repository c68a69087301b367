"""Answering an invitation: by its link or logged in, once, by the right person, and in time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tenants.models import Invitation, InvitationState, Membership, Role, User
from tenants.services.invitation_answers import invitation_token
from tenants.services.people import membership_remove, membership_set
from tests import factories
from tests.admin_pages import login, said
from tests.portal.inviting import ADDRESS, PHONE, invitation_to, link_in, sent

pytestmark = pytest.mark.django_db
ACCEPT, DECLINE = {"answer": "accept"}, {"answer": "decline"}


@pytest.fixture(autouse=True)
def by_mail(settings: Settings) -> None:
    """An installation that sends e-mails."""
    settings.CODE_BACKEND = "email"


@pytest.fixture
def person(outsider: factories.House) -> User:
    """Somebody with an account elsewhere, without access to the admin."""
    return factories.user(
        outsider.tenant, first_name="Olga", email="olga@example.com", email_verified_at=timezone.now()
    )


@pytest.fixture
def invite(ours: factories.House, drain: Callable[[], int]) -> Callable[..., str]:
    """Invites a number; returns the link of the message."""

    def ask(phone: str = PHONE, **changes: str) -> str:
        assert login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=phone, **changes)).status_code == 302
        drain()
        return link_in(mail.outbox[-1])

    return ask


def role_of(house: factories.House, phone: str) -> str | None:
    return Membership.objects.of(house.tenant.pk).filter(user__phone=phone).values_list("role", flat=True).first()


def test_looking_at_a_link_answers_nothing(ours: factories.House, invite: Callable[..., str], person: User) -> None:
    answer = Client().get(invite(person.phone))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert all(words in text for words in (ours.tenant.name, person.phone, "Tom", "Accept", "Decline"))
    assert "Olga" not in text
    assert "no-store" in answer["Cache-Control"]
    assert invitation_to(ours, person.phone).state == InvitationState.PENDING


def test_a_newcomer_accepts_chooses_a_password_and_logs_in(
    ours: factories.House, invite: Callable[..., str], drain: Callable[[], int]
) -> None:
    newcomer = Client()
    done = newcomer.post(invite(), ACCEPT, follow=True)
    assert "you belong to" in done.content.decode()
    made = User.objects.get(phone=PHONE)
    assert (str(made), made.email, made.is_staff, made.current_tenant) == (
        "Nora Ny",
        "nora@example.com",
        True,
        ours.tenant,
    )
    assert not made.has_usable_password()
    assert role_of(ours, PHONE) == Role.USER
    newcomer.post(reverse("admin_password_reset"), {"username": PHONE})
    drain()
    found = re.search(r"\b[A-Z0-9]{6}\b", str(mail.outbox[-1].body))
    assert found
    chosen = {"username": PHONE, "code": found[0], "password": "Another-h0rse", "again": "Another-h0rse"}
    newcomer.post(reverse("admin_password_choose"), chosen)
    newcomer.post(reverse("admin:login"), {"username": PHONE, "password": "Another-h0rse"})
    assert "Nora Ny" in newcomer.get(reverse("admin:index")).content.decode()


def test_somebody_known_accepts_by_the_link_to_their_proven_address(
    ours: factories.House, outsider: factories.House, invite: Callable[..., str], person: User
) -> None:
    link = invite(person.phone, role=Role.ADMIN_TENANT)
    assert role_of(ours, person.phone) is None
    Client().post(link, ACCEPT)
    person.refresh_from_db()
    assert role_of(ours, person.phone) == Role.ADMIN_TENANT
    assert (person.first_name, person.email, person.is_staff) == ("Olga", "olga@example.com", True)
    assert person.check_password(factories.PASSWORD)
    assert person.current_tenant == outsider.tenant
    row = invitation_to(ours, person.phone)
    assert (row.state, row.user) == (InvitationState.ACCEPTED, person)
    record = Membership.objects.of(ours.tenant.pk).get(user=person).history.get()
    assert (record.history_user, record.history_change_reason) == (person, "accepted an invitation")


def test_without_admin_access_in_it_the_admin_stays_shut(invite: Callable[..., str], person: User) -> None:
    Client().post(invite(person.phone, is_staff=""), ACCEPT)
    person.refresh_from_db()
    assert not person.is_staff


def test_a_link_to_an_address_that_was_only_typed_does_not_act_for_an_account(
    ours: factories.House, outsider: factories.House, invite: Callable[..., str]
) -> None:
    person = factories.user(outsider.tenant, staff=True)
    answer = Client().post(invite(person.phone), ACCEPT)
    assert answer.headers["Location"].startswith(reverse("admin:login"))
    assert role_of(ours, person.phone) is None
    Client().post(link_in(mail.outbox[-1]), ACCEPT)
    assert invitation_to(ours, person.phone).state == InvitationState.PENDING
    client = login(person)
    assert ours.tenant.name in client.get("/admin/invitations/").content.decode()
    client.post(link_in(mail.outbox[-1]), ACCEPT)
    assert role_of(ours, person.phone) == Role.USER


def test_an_address_that_was_changed_since_proves_nothing(
    ours: factories.House, invite: Callable[..., str], person: User
) -> None:
    link = invite(person.phone)
    User.objects.filter(pk=person.pk).update(email="else@example.com")
    assert Client().post(link, ACCEPT).headers["Location"].startswith(reverse("admin:login"))
    assert role_of(ours, person.phone) is None


def test_a_link_to_the_phone_proves_the_phone(
    ours: factories.House, outsider: factories.House, drain: Callable[[], int], settings: Settings
) -> None:
    settings.CODE_BACKEND = "console"
    person = factories.user(outsider.tenant)
    login(ours.tenant_admin).post(ADDRESS, sent(ours, phone=person.phone, email=""))
    drain()
    row = invitation_to(ours, person.phone)
    Client().post(reverse("invitation", args=[invitation_token(row)]), ACCEPT)
    assert role_of(ours, person.phone) == Role.USER


def test_declining_tells_the_tenant_that_and_nothing_else(
    ours: factories.House, invite: Callable[..., str], person: User
) -> None:
    links = [invite(person.phone), invite()]
    for link in links:
        assert "is declined" in Client().post(link, DECLINE, follow=True).content.decode()
    rows = [invitation_to(ours, phone) for phone in (person.phone, PHONE)]
    assert [(row.state, row.user) for row in rows] == [(InvitationState.DECLINED, None)] * 2
    assert role_of(ours, person.phone) is None
    assert not User.objects.filter(phone=PHONE).exists()
    person.refresh_from_db()
    assert not person.is_staff


def test_answering_twice_is_answering_once(ours: factories.House, invite: Callable[..., str], person: User) -> None:
    link = invite(person.phone)
    for _ in range(2):
        answer = Client().post(link, ACCEPT, follow=True)
        assert (answer.status_code, "you belong to" in answer.content.decode()) == (200, True)
    assert Membership.objects.of(ours.tenant.pk).get(user=person).history.count() == 1
    refused = Client().post(link, DECLINE)
    assert (refused.status_code, "was accepted already" in refused.content.decode()) == (410, True)
    membership_remove(user=person, tenant=ours.tenant)
    Client().post(link, ACCEPT)
    assert role_of(ours, person.phone) is None, "a used link brings nobody back"


def test_a_declined_invitation_is_over(ours: factories.House, invite: Callable[..., str]) -> None:
    link = invite()
    for _ in range(2):
        assert Client().post(link, DECLINE).status_code == 302
    refused = Client().post(link, ACCEPT)
    assert (refused.status_code, "was declined" in refused.content.decode()) == (410, True)
    assert role_of(ours, PHONE) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "withdrawn"}, "taken back"),
        ({"expires_at": "now"}, "has expired"),
        ({"state": "expired"}, "has expired"),
        ({"sends": 2}, "newer link"),
    ],
)
def test_a_link_that_is_over_says_why(
    ours: factories.House, invite: Callable[..., str], change: dict[str, object], words: str
) -> None:
    link = invite()
    values = {name: timezone.now() if value == "now" else value for name, value in change.items()}
    Invitation.objects.of(ours.tenant.pk).update(**values)
    for answer in (Client().get(link), Client().post(link, ACCEPT), Client().post(link, DECLINE)):
        assert answer.status_code == 410
        assert words in answer.content.decode()
    assert not User.objects.filter(phone=PHONE).exists()


def test_a_link_we_never_signed_is_not_found(ours: factories.House, invite: Callable[..., str]) -> None:
    link = invite()
    for wrong in (link[:-4] + "xxx/", "/admin/invitation/x/"):
        answer = Client().get(wrong)
        assert (answer.status_code, "not valid" in answer.content.decode()) == (404, True)
    invitation_to(ours).delete()
    assert "is gone" in Client().get(link).content.decode()


def test_nobody_answers_for_another(
    ours: factories.House, outsider: factories.House, invite: Callable[..., str], person: User
) -> None:
    link = invite(person.phone)
    row = invitation_to(ours, person.phone)
    other = login(outsider.staff)
    for answer in (other.get(link), other.post(link, ACCEPT), other.post(link, DECLINE)):
        assert (answer.status_code, "for another number" in answer.content.decode()) == (403, True)
    assert other.post(f"/admin/invitations/{row.pk}/answer/", ACCEPT).status_code == 404
    assert "No invitation waits" in other.get("/admin/invitations/").content.decode()
    row.refresh_from_db()
    assert row.state == InvitationState.PENDING


def test_the_logged_in_answer_from_their_list(
    ours: factories.House, invite: Callable[..., str], outsider: factories.House
) -> None:
    person, client = outsider.staff, login(outsider.staff)
    assert "Invitations to you" not in client.get(reverse("admin:index")).content.decode()
    invite(person.phone)
    assert "Invitations to you" in client.get(reverse("admin:index")).content.decode()
    address = f"/admin/invitations/{invitation_to(ours, person.phone).pk}/answer/"
    assert "You belong to Our Rental now" in said(client.post(address, ACCEPT, follow=True))
    assert "You belong to Our Rental now" in said(client.post(address, ACCEPT, follow=True))
    assert "accepted already" in said(client.post(address, DECLINE, follow=True))
    assert role_of(ours, person.phone) == Role.USER
    assert "No invitation waits" in client.get("/admin/invitations/").content.decode()


def test_a_member_meanwhile_keeps_their_role(ours: factories.House, invite: Callable[..., str], person: User) -> None:
    link = invite(person.phone)
    membership_set(user=person, tenant=ours.tenant, role=Role.ADMIN_TENANT)
    Client().post(link, ACCEPT)
    assert role_of(ours, person.phone) == Role.ADMIN_TENANT


def test_a_shut_account_and_a_closed_tenant_accept_nothing(
    ours: factories.House, invite: Callable[..., str], person: User
) -> None:
    link = invite(person.phone)
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert "is shut" in Client().post(link, ACCEPT).content.decode()
    User.objects.filter(pk=person.pk).update(is_active=True)
    ours.tenant.is_active = False
    ours.tenant.save()
    assert "is closed" in Client().post(link, ACCEPT).content.decode()
    assert role_of(ours, person.phone) is None


def test_an_answer_from_another_site_is_refused(ours: factories.House, invite: Callable[..., str]) -> None:
    assert Client(enforce_csrf_checks=True).post(invite(), ACCEPT).status_code == 403
    assert invitation_to(ours).state == InvitationState.PENDING


def test_an_answer_that_is_none_changes_nothing(ours: factories.House, invite: Callable[..., str]) -> None:
    assert Client().post(invite(), {"answer": "perhaps"}).status_code == 404
    assert invitation_to(ours).state == InvitationState.PENDING


def test_a_newer_link_works_and_only_that(
    ours: factories.House, invite: Callable[..., str], drain: Callable[[], int]
) -> None:
    old = invite()
    Invitation.objects.of(ours.tenant.pk).update(asked_at=F("asked_at") - timedelta(minutes=2))
    login(ours.tenant_admin).post(f"/admin/people/invited/{invitation_to(ours).pk}/again/")
    drain()
    assert Client().post(old, ACCEPT).status_code == 410
    assert Client().post(link_in(mail.outbox[-1]), ACCEPT).status_code == 302
    assert role_of(ours, PHONE) == Role.USER
