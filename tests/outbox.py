"""A message backend that keeps what it is given, so that a test can read the code as the person would."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from tenants.messages import Channel


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was sent."""

    to: str
    subject: str
    text: str

    @property
    def code(self) -> str:
        """The code in it."""
        found = re.match(r"([A-Z0-9]{6}) is the code", self.text)
        assert found, self.text
        return found[1]


class Outbox:
    """Takes every message."""

    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.PHONE})
    messages: ClassVar[list[Message]] = []
    #: Raised by the next sends, one by one, before a message is taken.
    errors: ClassVar[list[Exception]] = []

    def send(self, *, to: str, subject: str, text: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.messages.append(Message(to, subject, text))


class MailOutbox(Outbox):
    """Reaches e-mail addresses only."""

    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.EMAIL})
