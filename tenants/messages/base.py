"""What a message backend is."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Protocol


class Channel(StrEnum):
    """Where a message arrives."""

    PHONE = "phone"
    EMAIL = "email"


class MessageFailed(Exception):
    """The message was not taken; another try may succeed.

    `reason` is shown to staff and logged: it holds neither the text of the message nor a header or an address.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Backend(Protocol):
    """A way to send messages; made anew for each one, without arguments."""

    #: What it can reach.
    channels: ClassVar[frozenset[Channel]]

    def send(self, *, to: str, subject: str, text: str) -> None:
        """Send to a number in E.164 or an e-mail address; a phone shows no subject. Raises MessageFailed."""
