"""Messages by e-mail, through the installation's mail server (`EMAIL_URL`)."""

from __future__ import annotations

import smtplib
from typing import ClassVar, Final

from django.core.mail import EmailMessage, get_connection

from tenants.messages.base import Channel, MessageFailed

#: Seconds that the mail server may take for each step; Django's own default is for ever.
SECONDS: Final = 10


class EmailBackend:
    """Sends plain e-mails."""

    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.EMAIL})

    def send(self, *, to: str, subject: str, text: str) -> None:
        """Hand the message to the mail server. Raises MessageFailed."""
        mail = EmailMessage(subject, text, to=[to], connection=get_connection(timeout=SECONDS))
        try:
            mail.send()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            # A server's own words may repeat the address or what was said to it.
            raise MessageFailed(f"The mail server did not take the message ({type(error).__name__}).") from None
