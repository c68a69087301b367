"""One-time codes: drawn, sent, tried, spent; what happens when things break on the way."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from inspection_platform import sweep
from inspection_platform.codes import registration_ask, reset_ask
from tenants.errors import Invalid
from tenants.messages import MessageFailed, message_send
from tenants.models import CodePurpose, OneTimePassword, User
from tenants.services.cleanup import one_time_codes_prune
from tenants.services.codes import (
    ALPHABET,
    ATTEMPTS,
    LENGTH,
    LIFE,
    code_ask,
    code_check,
    code_draw,
    code_name,
    code_normalise,
    code_send,
    code_spend,
    codes_due,
)
from tenants.services.registration import registration_check, reset_confirm
from tests import factories
from tests.outbox import Message, Outbox

NOBODY = "+4790000002"
FRESH = "Another-h0rse"
SEND = "tenants.services.codes.message_send"


def asked(username: str) -> OneTimePassword:
    return code_ask(username=username, purpose=CodePurpose.RESET)


def sent(username: str) -> OneTimePassword:
    row = asked(username)
    code_send(code_id=row.pk)
    row.refresh_from_db()
    return row


def check(username: str, code: str) -> OneTimePassword:
    return code_check(username=username, purpose=CodePurpose.RESET, code=code)


# --- the code itself ---


@given(st.data())
def test_a_code_has_six_capital_letters_and_digits(data: st.DataObject) -> None:
    code = code_draw()
    assert re.fullmatch(r"[A-Z0-9]{6}", code)
    typed = data.draw(st.sampled_from([code, code.lower(), f"  {code}\n", f"\t{code.lower()} "]))
    assert code_normalise(typed) == code


@given(st.text())
def test_normalising_anything_ends_where_it_stays(typed: str) -> None:
    once = code_normalise(typed)
    assert code_normalise(once) == once


def test_every_character_is_drawn_everywhere() -> None:
    drawn = [code_draw() for _ in range(3000)]
    assert [{code[place] for code in drawn} for place in range(LENGTH)] == [set(ALPHABET)] * LENGTH


@pytest.mark.parametrize(
    ("typed", "name"),
    [("0047 90000001", "+4790000001"), (" Sam@Example.COM ", "sam@example.com"), ("Nobody\0", "nobody")],
)
def test_one_name_for_each_spelling(typed: str, name: str) -> None:
    assert code_name(typed) == name


# --- sending ---


@pytest.mark.django_db
def test_a_code_is_kept_as_its_hash_and_never_sent_twice(ours: factories.House, outbox: list[Message]) -> None:
    row = sent(ours.staff.phone)
    assert (row.user, row.sent_to, row.attempts, row.next_attempt_at) == (ours.staff, ours.staff.phone, 1, None)
    assert row.sent_at
    assert row.digest.count("$") >= 2
    assert timedelta(0) < row.expires_at - timezone.now() <= LIFE
    code_send(code_id=row.pk)
    assert len(outbox) == 1
    assert outbox[0].code not in serializers.serialize("json", [row])
    assert "10 minutes" in outbox[0].text


@pytest.mark.django_db
def test_a_name_of_nobody_gets_a_code_that_nobody_gets(outbox: list[Message]) -> None:
    row = sent(NOBODY)
    assert outbox == []
    assert row.digest
    assert (row.user, row.sent_to, row.sent_at, row.next_attempt_at) == (None, "", None, None)
    assert row.failure == "Nobody who may log in has this name."


@pytest.mark.django_db
def test_the_code_of_an_unknown_name_opens_nothing_even_if_guessed(
    outbox: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.services.codes.code_draw", lambda: "ABC123")
    sent(NOBODY)
    with pytest.raises(Invalid, match="not valid or has expired"):
        check(NOBODY, "ABC123")
    assert OneTimePassword.objects.get().tries == 1


@pytest.mark.django_db
def test_a_failed_try_is_made_again_with_another_code_and_not_for_ever(
    ours: factories.House, outbox: list[Message]
) -> None:
    Outbox.errors[:] = [MessageFailed("The gateway is away.")]
    row = sent(ours.staff.phone)
    first = row.digest
    assert row.failure == "The gateway is away."
    assert codes_due(now=timezone.now(), limit=10) == []
    OneTimePassword.objects.update(next_attempt_at=timezone.now())
    assert codes_due(now=timezone.now(), limit=10) == [row.pk]
    code_send(code_id=row.pk)
    row.refresh_from_db()
    assert (row.failure, row.attempts, len(outbox)) == ("", 2, 1)
    assert row.digest != first
    assert check(ours.staff.phone, outbox[0].code) == row


@pytest.mark.django_db
def test_sending_is_given_up(ours: factories.House, outbox: list[Message]) -> None:
    Outbox.errors[:] = [MessageFailed("Away.")] * 9
    row = asked(ours.staff.phone)
    for _ in range(ATTEMPTS + 1):
        code_send(code_id=row.pk)
        OneTimePassword.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
    row.refresh_from_db()
    assert (row.attempts, row.next_attempt_at, row.sent_at, row.failure) == (ATTEMPTS, None, None, "Away.")
    assert len(Outbox.errors) == 9 - ATTEMPTS


class Killed(BaseException):
    """The worker is gone."""


@pytest.mark.django_db
def test_a_worker_killed_before_sending_is_replaced(
    ours: factories.House, outbox: list[Message], drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reset_ask(ours.staff.phone)

    def killed(*_args: Any, **_kwargs: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(SEND, killed)
        with pytest.raises(Killed):
            drain()
    row = OneTimePassword.objects.get()
    assert (row.attempts, row.sent_at) == (1, None)
    assert sweep.codes_sweep({}, 1000.0) == 0, "its lease is not over"
    OneTimePassword.objects.update(next_attempt_at=timezone.now())
    remembered: dict[str, float] = {}
    assert sweep.codes_sweep(remembered, 1000.0) == 1
    assert sweep.codes_sweep(remembered, 1001.0) == 0, "it waits its turn already"
    drain()
    assert sweep.codes_sweep(remembered, 1002.0) == 0
    assert remembered == {}
    assert check(ours.staff.phone, outbox[0].code) == row


@pytest.mark.django_db
def test_a_lost_task_is_found_again_while_the_request_is_fresh(ours: factories.House, outbox: list[Message]) -> None:
    lost = asked(ours.staff.phone)
    now = timezone.now()
    assert codes_due(now=now, limit=10) == []
    assert codes_due(now=now + timedelta(seconds=10), limit=10) == [lost.pk]
    assert codes_due(now=now + LIFE, limit=10) == []
    OneTimePassword.objects.update(expires_at=now)
    code_send(code_id=lost.pk)
    assert outbox == []


@pytest.mark.django_db
def test_a_worker_that_comes_back_late_changes_nothing(
    ours: factories.House, outbox: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = asked(ours.staff.phone)

    def slow(**message: Any) -> None:
        monkeypatch.setattr(SEND, message_send)
        OneTimePassword.objects.update(next_attempt_at=timezone.now())
        code_send(code_id=row.pk)
        raise MessageFailed("Too late.")

    monkeypatch.setattr(SEND, slow)
    code_send(code_id=row.pk)
    row.refresh_from_db()
    assert (row.attempts, row.failure) == (2, "")
    assert row.sent_at
    assert check(ours.staff.phone, outbox[0].code) == row


# --- trying and spending ---


@pytest.mark.django_db
def test_tries_are_counted_and_a_code_is_spent_once(ours: factories.House, outbox: list[Message]) -> None:
    sent(ours.staff.phone)
    row = check(ours.staff.phone, outbox[0].code)
    code_spend(row)
    with pytest.raises(Invalid):
        code_spend(row)
    with pytest.raises(Invalid):
        check(ours.staff.phone, outbox[0].code)


@pytest.mark.django_db
def test_a_code_that_was_drawn_anew_meanwhile_is_not_spent(ours: factories.House, outbox: list[Message]) -> None:
    sent(ours.staff.phone)
    row = check(ours.staff.phone, outbox[0].code)
    OneTimePassword.objects.update(digest="another")
    with pytest.raises(Invalid):
        code_spend(row)


@pytest.mark.django_db
def test_a_password_like_the_person_is_told_to_the_holder_of_the_code(
    ours: factories.House, outbox: list[Message]
) -> None:
    sent(ours.staff.phone)
    with pytest.raises(Invalid, match="too similar to the phone"):
        reset_confirm(username=ours.staff.phone, code=outbox[0].code, password=f"Ab{ours.staff.phone}")
    reset_confirm(username=ours.staff.phone, code=outbox[0].code, password=FRESH)


def together(*calls: Callable[[], Any]) -> list[str]:
    """Run the calls at the same moment, each in a thread of its own; how each ended."""
    start = threading.Barrier(len(calls))
    ends: list[str] = []

    def run(call: Callable[[], Any]) -> None:
        start.wait()
        try:
            call()
            ends.append("done")
        except Invalid as error:
            ends.append(error.message)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


WRONG = "The code is not valid or has expired."


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_sets_the_password(ours: factories.House, outbox: list[Message]) -> None:
    sent(ours.staff.phone)
    code = outbox[0].code

    def confirm(password: str) -> Callable[[], Any]:
        return lambda: reset_confirm(username=ours.staff.phone, code=code, password=password)

    assert together(confirm("First-h0rse"), confirm("Second-h0rse")) == [WRONG, "done"]
    ours.staff.refresh_from_db()
    assert ours.staff.check_password("First-h0rse") != ours.staff.check_password("Second-h0rse")
    assert ours.staff.history.filter(history_change_reason="chose a new password with a code").count() == 1


@pytest.mark.django_db(transaction=True)
def test_racing_guesses_have_five_tries_in_all(ours: factories.House, outbox: list[Message]) -> None:
    row = sent(ours.staff.phone)
    assert together(*[lambda: check(ours.staff.phone, "------")] * 12) == [WRONG] * 12
    row.refresh_from_db()
    assert row.tries == 5


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one_message(ours: factories.House, outbox: list[Message]) -> None:
    row = asked(ours.staff.phone)
    assert together(*[lambda: code_send(code_id=row.pk)] * 4) == ["done"] * 4
    assert len(outbox) == 1


# --- nothing secret stays anywhere ---


def rows_as_text() -> Iterator[str]:
    """Every column of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            yield from (repr(row) for row in cursor.fetchall())


@pytest.mark.django_db
def test_no_code_and_no_password_in_rows_queue_or_log(
    ours: factories.House,
    outbox: list[Message],
    drain: Callable[[], int],
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
) -> None:
    caplog.set_level(logging.DEBUG)
    registration = registration_check(phone=NOBODY, password=FRESH)
    registration_ask(registration)
    reset_ask(ours.staff.phone)
    tasks = [(row.task["args"], row.task["kwargs"]) for row in OrmQ.objects.all()]
    known = {str(pk) for pk in OneTimePassword.objects.values_list("pk", flat=True)}
    assert {argument for arguments, _ in tasks for argument in arguments} == known
    before = "\n".join(rows_as_text())
    drain()
    told = "\n".join([before, *rows_as_text(), caplog.text, repr(registration)])
    assert NOBODY in told
    for secret in (FRESH, *(message.code for message in outbox)):
        assert secret not in told
    assert len(outbox) == 2


@pytest.mark.django_db
def test_over_is_pruned_and_under_way_is_kept(ours: factories.House, outbox: list[Message]) -> None:
    waiting, good, used, nobody = asked(NOBODY), sent(ours.staff.phone), sent(ours.reviewer.phone), sent(NOBODY)
    code_spend(used)
    OneTimePassword.objects.filter(pk=nobody.pk).update(expires_at=timezone.now())
    assert one_time_codes_prune(now=timezone.now()) == 2
    assert set(OneTimePassword.objects.values_list("pk", flat=True)) == {waiting.pk, good.pk}
    assert User.objects.filter(pk=ours.reviewer.pk).exists()
