"""Short messages to people: one-time codes on their way to a phone or an e-mail address.

Which way they go is the setting `CODE_BACKEND`: `console`, `email`, `sms`, or the dotted path of a class of the
installation's own with the shape of `Backend`.
"""

from tenants.messages.backends import BACKENDS, CONSOLE, SMS, backend_class, message_send, serves
from tenants.messages.base import Backend, Channel, MessageFailed

__all__ = [
    "BACKENDS", "CONSOLE", "SMS", "Backend", "Channel", "MessageFailed", "backend_class", "message_send", "serves",
]  # fmt: skip
