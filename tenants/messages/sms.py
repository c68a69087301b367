"""Messages by SMS, through any gateway that takes an HTTP request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import ClassVar, Final
from urllib.parse import quote

from django.conf import settings

from tenants.messages.base import Channel, MessageFailed
from tenants.outbound import OutboundError, send

#: Seconds for the whole call.
SECONDS: Final = 10
PLACES: Final = ("{to}", "{text}")
_PLACE: Final = re.compile("|".join(map(re.escape, PLACES)))
_CONTENT_TYPE: Final = "content-type"
_FORM: Final = "application/x-www-form-urlencoded"


class SmsBackend:
    """Sends by the gateway that `SMS_URL`, `SMS_METHOD`, `SMS_HEADERS` and `SMS_BODY` describe."""

    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.PHONE})

    def send(self, *, to: str, subject: str, text: str) -> None:
        """Ask the gateway to send `text`; the subject is left out. Raises MessageFailed unless the answer is 2xx."""
        del subject
        headers = gateway_headers(settings.SMS_HEADERS)
        body = body_fill(settings.SMS_BODY, to=to, text=text, content_type=headers[_CONTENT_TYPE])
        try:
            answer = send(
                settings.SMS_METHOD, settings.SMS_URL, body=body.encode(), headers=headers, deadline_s=SECONDS
            )
        except OutboundError as error:
            raise MessageFailed(f"The SMS gateway was not reached: {error.reason}.") from None
        if not answer.ok:
            # What it says is left out: gateways like to repeat the message.
            raise MessageFailed(f"The SMS gateway answered with status {answer.status}.")


def gateway_headers(configured: Mapping[str, str]) -> dict[str, str]:
    """The headers by lower-case name, with the content type that the body has unless another is configured."""
    given = {name.lower(): str(value) for name, value in configured.items()}
    return {_CONTENT_TYPE: "application/json", **given}


def body_fill(template: str, *, to: str, text: str, content_type: str) -> str:
    """The template with number and text put in: quoted for a form if it is one, otherwise escaped for JSON strings."""
    is_form = content_type.partition(";")[0].strip().lower() == _FORM
    values = {
        place: quote(value, safe="") if is_form else json.dumps(value)[1:-1]
        for place, value in zip(PLACES, (to, text), strict=True)
    }
    return _PLACE.sub(lambda match: values[match.group()], template)
