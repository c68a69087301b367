"""Webhook signatures: the specification's own example, rotation, and what must not verify."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants.outbound import SignatureError, secret_new, sign, verify

BODY = b'{"session": "in1"}'


def signed(*secrets: str, body: bytes = BODY, age: timedelta = timedelta()) -> dict[str, str]:
    return sign(secrets, msg_id="msg_1", timestamp=datetime.now(UTC) - age, body=body)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=3, minutes=30))])
def test_published_example_is_reproduced_in_every_time_zone(zone: timezone) -> None:
    headers = sign(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        msg_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=datetime.fromtimestamp(1614265330, tz=zone),
        body=b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_secret_has_the_specified_form_and_is_new_each_time() -> None:
    secrets = {secret_new() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_both_secrets_verify_during_a_rotation() -> None:
    old, new, stranger = secret_new(), secret_new(), secret_new()
    headers = signed(new, old)
    assert headers["webhook-signature"].count("v1,") == 2
    for receiver in (old, new):
        verify([receiver], headers=headers, body=BODY)
    verify([stranger, old], headers=headers, body=BODY)
    with pytest.raises(SignatureError):
        verify([stranger], headers=headers, body=BODY)


@hypothesis_settings(deadline=None)  # a busy machine is no failure
@given(text=st.text(max_size=200))
def test_any_text_verifies_and_a_longer_one_does_not(text: str) -> None:
    secret, body = secret_new(), text.encode("utf-8", errors="ignore")
    headers = signed(secret, body=body)
    verify([secret], headers=headers, body=body)
    with pytest.raises(SignatureError):
        verify([secret], headers=headers, body=body + b" ")


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "1614265330"},
        {"webhook-timestamp": "tomorrow"},
        {"webhook-timestamp": "nan"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,not base64"},
        {"webhook-signature": ""},
        {"webhook-id": ""},
    ],
)
def test_changed_header_does_not_verify(change: dict[str, str]) -> None:
    secret = secret_new()
    with pytest.raises(SignatureError):
        verify([secret], headers=signed(secret) | change, body=BODY)


@pytest.mark.parametrize("age", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_stale_message_does_not_verify(age: timedelta) -> None:
    secret = secret_new()
    with pytest.raises(SignatureError):
        verify([secret], headers=signed(secret, age=age), body=BODY)


def test_header_names_verify_in_any_case() -> None:
    secret = secret_new()
    verify([secret], headers={name.title(): value for name, value in signed(secret).items()}, body=BODY)


def test_what_cannot_be_signed_is_an_error() -> None:
    secret, now = secret_new(), datetime.now(UTC)
    with pytest.raises(ValueError, match="at least one secret"):
        sign([], msg_id="m", timestamp=now, body=BODY)
    for msg_id in ("", "a.b", "a b", "a\r\n", "ä"):
        with pytest.raises(ValueError, match="message id"):
            sign([secret], msg_id=msg_id, timestamp=now, body=BODY)
    with pytest.raises(ValueError, match="time zone"):
        sign([secret], msg_id="m", timestamp=now.replace(tzinfo=None), body=BODY)
    with pytest.raises(ValueError, match="utf-8"):
        sign([secret], msg_id="m", timestamp=now, body=b"\xff")
