"""One-time codes: asked for, drawn and sent by a worker, tried, spent.

No answer tells whether a name is somebody's, and neither does the time it takes: a request writes a row and looks
nobody up. The worker finds out whose the name is, and draws a code for every row; where there is nobody to send it to,
nobody ever knows it. So the row of an unknown name is tried and counted like any other. The row is the queue: a worker
that dies leaves it to the next one, which draws another code, since none is stored that could be sent again.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tenants.errors import Invalid
from tenants.messages import MessageFailed, message_send
from tenants.models import CodePurpose, OneTimePassword
from tenants.phones import login_name
from tenants.services.recipients import Recipient, recipient_of

ALPHABET: Final = string.ascii_uppercase + string.digits
LENGTH: Final = 6
#: How long a code is good for after it was drawn, and a request for one before that.
LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5
#: How often sending is tried, and the pause before the next time.
ATTEMPTS: Final = 3
PAUSE: Final = timedelta(seconds=5)
#: A worker that has not written down how it went by then is taken for dead; the backends give up much earlier.
LEASE: Final = timedelta(seconds=60)

SUBJECT: Final = "Your code"
_MEANING: Final = {
    CodePurpose.REGISTER: "confirms your registration",
    CodePurpose.RESET: "lets you choose a new password",
}


def code_name(typed: str) -> str:
    """The name under which codes are kept: the number in E.164, or the address in lower case."""
    return login_name(typed).lower()


def code_draw() -> str:
    """A new code: six capital letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def code_normalise(typed: str) -> str:
    """The code as it was drawn, from how people type it: in small letters, with blanks around it."""
    return typed.strip().upper()


def code_ask(*, username: str, purpose: CodePurpose, pending: Mapping[str, Any] | None = None) -> OneTimePassword:
    """Write down that a code is wanted for this name, as typed. A worker has to be told (`code_send`).

    `pending` is the registration that the code will confirm; it must hold no clear password.
    """
    now = timezone.now()
    return OneTimePassword.objects.create(
        username=code_name(username),
        purpose=purpose,
        pending=dict(pending or {}),
        expires_at=now + LIFE,
        next_attempt_at=now,
    )


# --- the worker's part ---


def codes_due(*, now: datetime, limit: int) -> list[UUID]:
    """The ids of up to `limit` rows that a worker should be told of (again): the last try failed or its worker died.

    A new row counts as forgotten after a few seconds, since it came with a task of its own.
    """
    forgotten = Q(attempts__gt=0) | Q(created_at__lte=now - PAUSE)
    rows = OneTimePassword.objects.filter(
        forgotten, next_attempt_at__lte=now, attempts__lt=ATTEMPTS, expires_at__gt=now, used_at__isnull=True
    )
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


def code_send(*, code_id: UUID) -> None:
    """Claim the row if it is due, draw a code, send it outside any transaction and write down how it went."""
    row = _claim(code_id)
    if row is None:
        return
    recipient = recipient_of(row)
    code = code_draw()
    if _store(row, recipient, code) and recipient.to is not None:
        _record(row, _send(row, recipient, code))


def _claim(code_id: UUID) -> OneTimePassword | None:
    now = timezone.now()
    due = OneTimePassword.objects.filter(
        pk=code_id, next_attempt_at__lte=now, attempts__lt=ATTEMPTS, expires_at__gt=now, used_at__isnull=True
    )
    claimed = due.update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE, modified_at=now)
    return OneTimePassword.objects.get(pk=code_id) if claimed else None


def _held(row: OneTimePassword) -> QuerySet[OneTimePassword]:
    """The row, as long as no other worker has claimed it since and its code was not used."""
    return OneTimePassword.objects.filter(pk=row.pk, attempts=row.attempts, used_at__isnull=True)


def _store(row: OneTimePassword, recipient: Recipient, code: str) -> bool:
    """Keep the code's hash and whose it is; the ten minutes begin. Returns whether the row is still ours."""
    now = timezone.now()
    values: dict[str, Any] = {
        "user": recipient.user,
        "digest": make_password(code),
        "expires_at": now + LIFE,
        "modified_at": now,
    }
    if recipient.to is None:
        values |= {"pending": {}, "next_attempt_at": None, "failure": recipient.reason}
    else:
        values |= {"sent_to": recipient.to.lower()}
    return bool(_held(row).update(**values))


def _send(row: OneTimePassword, recipient: Recipient, code: str) -> str:
    """Send the code and return what went wrong, "" if nothing did."""
    try:
        message_send(
            channel=recipient.channel, to=str(recipient.to), subject=SUBJECT, text=message_text(row.purpose, code)
        )
    except MessageFailed as error:
        return error.reason
    except Exception as error:  # noqa: BLE001 - an installation's own backend may raise anything, with the code in it
        return f"The backend failed ({type(error).__name__})."
    return ""


def message_text(purpose: str, code: str) -> str:
    """What the person reads."""
    minutes = int(LIFE.total_seconds() // 60)
    meaning = _MEANING[CodePurpose(purpose)]
    return (
        f"{code} is the code that {meaning}. It is valid for {minutes} minutes. "
        "If you did not ask for it, ignore this message and tell the code to nobody."
    )


def _record(row: OneTimePassword, failure: str) -> None:
    now = timezone.now()
    if not failure:
        _held(row).update(sent_at=now, next_attempt_at=None, failure="", modified_at=now)
        return
    again = now + PAUSE if row.attempts < ATTEMPTS else None
    _held(row).update(next_attempt_at=again, failure=failure[:300], modified_at=now)


# --- the person's part ---


def code_wrong() -> Invalid:
    """The one refusal for every cause: wrong, expired, used, tried too often, somebody else's, never asked for."""
    reason = "The code is not valid or has expired."
    return Invalid(reason, {"code": [reason]})


def code_check(*, username: str, purpose: CodePurpose, code: str) -> OneTimePassword:
    """The newest row of the name, if this is its code and it was sent; otherwise the refusal of `code_wrong` is raised.

    The try is counted before the code is compared, so that racing requests have five tries in all. Every call costs the
    same queries and one hash, whatever is found. The code is not spent yet. Not to be called inside a transaction: a
    refusal would take the count back.
    """
    rows = OneTimePassword.objects.filter(username=code_name(username), purpose=purpose)
    row = rows.order_by("-created_at").first() or OneTimePassword()
    now = timezone.now()
    counted = (
        OneTimePassword.objects.filter(pk=row.pk, tries__lt=TRIES, used_at__isnull=True, expires_at__gt=now)
        .exclude(digest="")
        .update(tries=F("tries") + 1, modified_at=now)
    )
    # Without a digest Django hashes all the same, to take its time.
    matches = check_password(code_normalise(code), row.digest)
    if not (counted and matches and row.sent_to):
        raise code_wrong()
    return row


def code_spend(row: OneTimePassword) -> None:
    """Use the code up; of two requests at once one succeeds, the other gets the refusal of `code_wrong`."""
    now = timezone.now()
    rows = OneTimePassword.objects.filter(pk=row.pk, digest=row.digest, used_at__isnull=True, expires_at__gt=now)
    if not rows.update(used_at=now, next_attempt_at=None, pending={}, modified_at=now):
        raise code_wrong()
