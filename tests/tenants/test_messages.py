"""Message backends: what is sent, by which way, and what a failure tells."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend as LocmemBackend
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tenants.messages import Channel, MessageFailed, message_send, serves
from tenants.messages.sms import body_fill
from tenants.models import OneTimePassword
from tenants.services.codes import code_send
from tenants.services.registration import reset_request
from tests import factories
from tests.tenants.outbound.conftest import peer
from tests.tenants.outbound.peers import Peer, answer

__all__ = ["peer"]

MakePeer = Callable[..., Peer]
TO, TEXT = "+4790000001", 'ABC123 is "it" {to}\n'
TOKEN = "Bearer gateway-token-77"


def send(channel: Channel = Channel.PHONE, to: str = TO) -> None:
    message_send(channel=channel, to=to, subject="Your code", text=TEXT)


@pytest.fixture
def gateway(peer: MakePeer, settings: Settings) -> Callable[..., Peer]:
    """An SMS gateway of this machine that answers as told."""

    def make(talk: Any = b"", **configured: Any) -> Peer:
        server = peer(talk or answer(b"{}", status="201 Created"))
        settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
        settings.CODE_BACKEND = "sms"
        settings.SMS_URL = server.url("/v1/messages")
        settings.SMS_HEADERS = {"Authorization": TOKEN}
        for name, value in configured.items():
            setattr(settings, name, value)
        return server

    return make


# --- console ---


def test_the_console_prints_for_both_channels(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.CODE_BACKEND = "console"
    send()
    send(Channel.EMAIL, "sam@example.com")
    printed = capsys.readouterr().out
    assert printed.count(TEXT) == 2
    assert TO in printed
    assert "sam@example.com" in printed


# --- e-mail ---


def test_mail_is_sent_and_phones_are_not_reached(settings: Settings) -> None:
    settings.CODE_BACKEND = "email"
    assert not serves(Channel.PHONE)
    send(Channel.EMAIL, "sam@example.com")
    (sent,) = mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["sam@example.com"], "Your code", TEXT)


class Refusing(LocmemBackend):
    """A mail server that repeats what it was told."""

    def send_messages(self, messages: Any) -> int:
        raise smtplib.SMTPDataError(550, f"no: {messages[0].body}".encode())


class Hurried(LocmemBackend):
    """Notes how long the mail server may take."""

    seconds: int | None = None

    def __init__(self, *args: Any, timeout: int | None = None, **kwargs: Any) -> None:
        Hurried.seconds = timeout
        super().__init__(*args, **kwargs)


def test_a_mail_server_does_not_keep_a_worker_for_ever(settings: Settings) -> None:
    settings.CODE_BACKEND = "email"
    settings.EMAIL_BACKEND = f"{__name__}.Hurried"
    send(Channel.EMAIL, "sam@example.com")
    assert Hurried.seconds == 10


def test_a_refusal_of_the_mail_server_tells_nothing_of_the_message(settings: Settings) -> None:
    settings.CODE_BACKEND = "email"
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    with pytest.raises(MessageFailed) as failed:
        send(Channel.EMAIL, "sam@example.com")
    assert failed.value.reason == "The mail server did not take the message (SMTPDataError)."
    assert failed.value.__cause__ is None


def test_an_address_that_would_add_a_header_is_refused(settings: Settings) -> None:
    settings.CODE_BACKEND = "email"
    with pytest.raises(MessageFailed):
        send(Channel.EMAIL, "sam@example.com\nBcc: eve@example.com")
    assert mail.outbox == []


# --- SMS ---


def test_the_gateway_gets_the_configured_request(gateway: MakePeer) -> None:
    server = gateway(SMS_METHOD="PUT", SMS_BODY='{"messages": [{"to": "{to}", "content": "{text}", "from": "Cars"}]}')
    send()
    (asked,) = server.received
    assert (asked.method, asked.target) == ("PUT", "/v1/messages")
    assert (asked.headers["authorization"], asked.headers["content-type"]) == (TOKEN, "application/json")
    assert json.loads(asked.body) == {"messages": [{"to": TO, "content": TEXT, "from": "Cars"}]}


def test_a_form_where_the_gateway_wants_one(gateway: MakePeer) -> None:
    server = gateway(
        SMS_HEADERS={"content-type": "application/x-www-form-urlencoded"}, SMS_BODY="To={to}&Body={text}&From=Cars"
    )
    send()
    assert parse_qs(server.received[0].body.decode()) == {"To": [TO], "Body": [TEXT], "From": ["Cars"]}


@given(st.text(), st.text())
def test_whatever_is_said_stays_inside_its_string(to: str, text: str) -> None:
    body = body_fill('{"to": "{to}", "text": "{text}"}', to=to, text=text, content_type="application/json")
    assert json.loads(body) == {"to": to, "text": text}


def test_mail_goes_by_mail_beside_a_gateway(gateway: MakePeer) -> None:
    server = gateway()
    send(Channel.EMAIL, "sam@example.com")
    assert server.received == []
    assert [sent.to for sent in mail.outbox] == [["sam@example.com"]]


@pytest.mark.parametrize("status", ["302 Found", "400 Bad", "401 No", "429 Busy", "500 Oops"])
def test_anything_but_2xx_is_a_failure_that_repeats_nothing(gateway: MakePeer, status: str) -> None:
    gateway(answer(f"{TEXT} {TOKEN}".encode(), status=status))
    with pytest.raises(MessageFailed) as failed:
        send()
    assert failed.value.reason == f"The SMS gateway answered with status {status[:3]}."


def test_a_private_gateway_needs_leave(gateway: MakePeer) -> None:
    server = gateway(OUTBOUND_ALLOW=[])
    with pytest.raises(MessageFailed, match="was not reached"):
        send()
    assert server.connections == 0


@pytest.mark.django_db
def test_a_dead_gateway_shows_in_the_row_and_its_secrets_nowhere(
    gateway: MakePeer, ours: factories.House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    gateway().close()
    row = reset_request(username=ours.staff.phone)
    code_send(code_id=row.pk)
    row.refresh_from_db()
    assert row.failure.startswith("The SMS gateway was not reached: ")
    assert row.next_attempt_at
    assert row.sent_at is None
    told = repr(OneTimePassword.objects.values().get()) + caplog.text
    assert "gateway-token-77" not in told
    assert "/v1/messages" not in told
