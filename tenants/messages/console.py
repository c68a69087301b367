"""Messages for a developer's eyes: written to standard output, sent to nobody."""

from __future__ import annotations

import sys
from typing import ClassVar

from tenants.messages.base import Channel


class ConsoleBackend:
    """Prints every message. `check --deploy` refuses it: whoever reads the output can open any account."""

    channels: ClassVar[frozenset[Channel]] = frozenset(Channel)

    def send(self, *, to: str, subject: str, text: str) -> None:
        """Print the message."""
        sys.stdout.write(f"\n--- message to {to}: {subject}\n{text}\n---\n")
        sys.stdout.flush()
