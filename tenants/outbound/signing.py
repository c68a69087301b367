"""Signed callbacks in the form of Standard Webhooks 1.0 (headers webhook-id, webhook-timestamp, webhook-signature)."""

import base64
import re
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public prefix of every secret, not one of them
SECRET_BYTES = 32  # the specification asks for 24 to 64

# A full stop in the id would let one signature stand for two different (id, timestamp, body).
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)


class SignatureError(Exception):
    """The message does not carry a valid, fresh signature by one of the secrets."""


def secret_new() -> str:
    """Return a fresh signing secret: "whsec_" and 32 random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(SECRET_BYTES)).decode("ascii")


def sign(secrets: Sequence[str], *, msg_id: str, timestamp: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that sign `body`, one signature per secret (two while a rotation lasts).

    `body` is UTF-8, as JSON is. Raises ValueError for no secret, an id with other characters than A-Z a-z 0-9 _ -, a
    naive timestamp, or a body that is not UTF-8.
    """
    if not secrets:
        raise ValueError("at least one secret is needed to sign")
    if not _MESSAGE_ID.fullmatch(msg_id):
        raise ValueError("a message id is made of A-Z, a-z, 0-9, _ and -")
    if timestamp.tzinfo is None:
        raise ValueError("the timestamp has no time zone")
    # The package overwrites the zone with UTC instead of converting, so it must be given UTC.
    moment, data = timestamp.astimezone(UTC), body.decode("utf-8")
    return {
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(msg_id, moment, data) for secret in secrets),
    }


def verify(secrets: Sequence[str], *, headers: Mapping[str, str], body: bytes) -> None:
    """Return if one of `secrets` signed `body` within the last five minutes; raise SignatureError otherwise."""
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # ValueError: a header that is no base64 or lacks its comma
            continue
        return
    raise SignatureError("no valid signature")
