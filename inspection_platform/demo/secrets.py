"""Secrets of the demo data, derived from SECRET_KEY: the same at every call, others in every installation."""

from __future__ import annotations

import base64
import uuid

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tenants.outbound.signing import SECRET_BYTES, SECRET_PREFIX


def demo_uuid(purpose: str) -> str:
    """A key in the form of a UUID (version 4)."""
    return str(uuid.UUID(bytes=_derived(purpose, 16), version=4))


def demo_token(purpose: str) -> str:
    """A key of 43 characters A-Z a-z 0-9 _ -."""
    return base64.urlsafe_b64encode(_derived(purpose, 32)).decode("ascii").rstrip("=")


def demo_password(purpose: str) -> str:
    """A password with upper and lower case letters and a digit, easy to type: `Demo-` and twelve characters."""
    return "Demo-" + base64.b32encode(_derived(purpose, 10)).decode("ascii").lower()[:11] + "7"


def demo_signing_secret(purpose: str) -> str:
    """A signing secret in the form of Standard Webhooks."""
    return SECRET_PREFIX + base64.b64encode(_derived(purpose, SECRET_BYTES)).decode("ascii")


def _derived(purpose: str, length: int) -> bytes:
    """`length` bytes for one purpose (HKDF, RFC 5869)."""
    key = HKDF(algorithm=SHA256(), length=length, salt=None, info=f"demo:{purpose}".encode())
    return key.derive(settings.SECRET_KEY.encode())
