"""Which backend sends a message."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from tenants.messages.base import Backend, Channel
from tenants.messages.console import ConsoleBackend
from tenants.messages.mail import EmailBackend
from tenants.messages.sms import SmsBackend

CONSOLE: Final = "console"
EMAIL: Final = "email"
SMS: Final = "sms"
BACKENDS: Final[dict[str, type[Backend]]] = {CONSOLE: ConsoleBackend, EMAIL: EmailBackend, SMS: SmsBackend}


def backend_class() -> type[Backend]:
    """The class that `CODE_BACKEND` names; ImportError if there is none."""
    name = settings.CODE_BACKEND
    if name in BACKENDS:
        return BACKENDS[name]
    found: type[Backend] = import_string(name)
    return found


def serves(channel: Channel) -> bool:
    """Whether the installation's backend reaches this channel."""
    return channel in backend_class().channels


def message_send(*, channel: Channel, to: str, subject: str, text: str) -> None:
    """Send by the installation's backend; what it does not reach goes by e-mail. Raises MessageFailed."""
    backend = backend_class() if serves(channel) else BACKENDS[EMAIL]
    backend().send(to=to, subject=subject, text=text)
