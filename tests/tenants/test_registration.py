"""Whose a code is, where it is sent, and what it makes of a registration."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from tenants.errors import Invalid
from tenants.models import CodePurpose, OneTimePassword, User
from tenants.services.accounts import user_create
from tenants.services.codes import code_send
from tenants.services.registration import (
    registration_check,
    registration_request,
    registration_verify,
    reset_confirm,
    reset_request,
)
from tests import factories
from tests.outbox import Message

pytestmark = pytest.mark.django_db
PHONE = "+4790000001"
PASSWORD = "Corr3ct-horse!"
FRESH = "Another-h0rse"


@pytest.fixture
def mailed(outbox: list[Message], settings: Settings) -> list[Message]:
    """The messages of an installation that reaches e-mail addresses alone."""
    settings.CODE_BACKEND = "tests.outbox.MailOutbox"
    return outbox


def register(phone: str = PHONE, email: str = "", password: str = PASSWORD) -> OneTimePassword:
    row = registration_request(registration_check(phone=phone, password=password, email=email, first_name="Sam"))
    code_send(code_id=row.pk)
    row.refresh_from_db()
    return row


def reset(username: str) -> OneTimePassword:
    row = reset_request(username=username)
    code_send(code_id=row.pk)
    row.refresh_from_db()
    return row


# --- registration ---


def test_the_password_is_kept_hashed_until_the_code_comes(outbox: list[Message]) -> None:
    row = register()
    assert check_password(PASSWORD, row.pending["password"])
    user = registration_verify(username=PHONE, code=outbox[0].code)
    assert user.check_password(PASSWORD)
    row.refresh_from_db()
    assert (row.pending, row.user) == ({}, user)
    assert [record.history_change_reason for record in user.history.order_by("history_date")] == [None, "registered"]
    latest = user.history.first()
    assert latest is not None
    assert latest.history_user == user


def test_a_code_confirms_the_registration_it_was_sent_for(outbox: list[Message]) -> None:
    register(password=PASSWORD)
    register(password=FRESH)
    with pytest.raises(Invalid):
        registration_verify(username=PHONE, code=outbox[0].code)
    assert registration_verify(username=PHONE, code=outbox[1].code).check_password(FRESH)


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": timezone.now()}, {"is_active": True}])
def test_a_number_that_is_taken_gets_nothing(
    ours: factories.House, outbox: list[Message], change: dict[str, object]
) -> None:
    User.objects.filter(pk=ours.staff.pk).update(**change)
    row = register(phone=ours.staff.phone)
    assert (outbox, row.failure, row.pending, row.user) == ([], "The number is taken.", {}, ours.staff)


def test_an_address_that_is_taken_gets_nothing(ours: factories.House, mailed: list[Message]) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="Sam@example.com", email_verified_at=timezone.now())
    row = register(email="sam@example.com")
    assert (mailed, row.failure) == ([], "The e-mail address is taken, or none was given.")


def test_an_address_verified_by_another_meanwhile_is_not_verified_twice(
    ours: factories.House, mailed: list[Message]
) -> None:
    register(email="sam@example.com")
    User.objects.filter(pk=ours.staff.pk).update(email="sam@example.com", email_verified_at=timezone.now())
    assert registration_verify(username=PHONE, code=mailed[0].code).email_verified_at is None


# --- where the code of an account goes ---


def test_to_the_phone(ours: factories.House, outbox: list[Message]) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="sam@example.com", email_verified_at=timezone.now())
    assert reset(ours.staff.phone).sent_to == ours.staff.phone
    assert mail.outbox == []


def test_to_the_verified_address_where_phones_are_not_reached(ours: factories.House, mailed: list[Message]) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="sam@example.com")
    row = reset(ours.staff.phone)
    assert (mailed, row.failure) == ([], "Phones are not reached, and there is no verified e-mail address.")
    User.objects.filter(pk=ours.staff.pk).update(email_verified_at=timezone.now())
    reset(ours.staff.phone)
    assert [message.to for message in mailed] == ["sam@example.com"]


def test_to_the_address_that_an_admin_entered_for_an_invited_person(
    ours: factories.House, mailed: list[Message]
) -> None:
    user_create(phone=PHONE, password=None, tenant=ours.tenant, email="sam@example.com", by=ours.tenant_admin)
    reset(PHONE)
    person = reset_confirm(username=PHONE, code=mailed[0].code, password=FRESH)
    assert person.check_password(FRESH)
    assert person.email_verified_at
    assert person.confirmed_at is None


@pytest.mark.parametrize("used", ["confirmed_at", "last_login"])
def test_not_to_the_unverified_address_of_a_used_account(
    ours: factories.House, mailed: list[Message], used: str
) -> None:
    user = user_create(phone=PHONE, password=None, tenant=ours.tenant, email="sam@example.com")
    User.objects.filter(pk=user.pk).update(**{used: timezone.now()})
    reset(PHONE)
    assert mailed == []


def test_an_address_that_two_people_verified_is_nobodys(ours: factories.House, outbox: list[Message]) -> None:
    both = User.objects.filter(pk__in=[ours.staff.pk, ours.reviewer.pk])
    both.update(email="desk@example.com", email_verified_at=timezone.now())
    assert reset("desk@example.com").failure
    assert mail.outbox == []


# --- what a reset proves ---


def test_a_code_by_phone_confirms_the_phone(ours: factories.House, outbox: list[Message]) -> None:
    User.objects.filter(pk=ours.staff.pk).update(confirmed_at=None)
    reset(ours.staff.phone)
    person = reset_confirm(username=ours.staff.phone, code=outbox[0].code, password=FRESH)
    assert person.confirmed_at
    assert person.email_verified_at is None


def test_an_earlier_proof_keeps_its_date(ours: factories.House, outbox: list[Message]) -> None:
    reset(ours.staff.phone)
    person = reset_confirm(username=ours.staff.phone, code=outbox[0].code, password=FRESH)
    assert person.confirmed_at == ours.staff.confirmed_at


def test_an_address_changed_meanwhile_is_not_proved(ours: factories.House, mailed: list[Message]) -> None:
    rows = User.objects.filter(pk=ours.staff.pk)
    rows.update(email="sam@example.com", email_verified_at=timezone.now())
    reset(ours.staff.phone)
    rows.update(email="else@example.com")
    with pytest.raises(Invalid, match="not valid or has expired"):
        reset_confirm(username=ours.staff.phone, code=mailed[0].code, password=FRESH)


def test_codes_of_both_purposes_stand_side_by_side(ours: factories.House, outbox: list[Message]) -> None:
    reset(ours.staff.phone)
    register(phone=ours.staff.phone)
    purposes = OneTimePassword.objects.filter(username=ours.staff.phone).values_list("purpose", flat=True)
    assert set(purposes) == set(CodePurpose)
    reset_confirm(username=ours.staff.phone, code=outbox[0].code, password=FRESH)
