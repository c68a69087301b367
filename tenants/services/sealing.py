"""Secrets at rest: sealed where they must be shown or used again, digested where they only must be recognised."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_PURPOSE: Final = b"tenants.sealing"


class SealBroken(ValueError):
    """A sealed text that none of the present keys opens."""


def seal(text: str) -> str:
    """Encrypt `text` with the newest key (Fernet: AES-128-CBC and HMAC-SHA256)."""
    return _box().encrypt(text.encode()).decode("ascii")


def unseal(text: str) -> str:
    """Return what `seal` was given, under the newest key or an older one; SealBroken if no key opens it."""
    try:
        return _box().decrypt(text.encode("ascii")).decode()
    except (InvalidToken, UnicodeEncodeError) as error:
        raise SealBroken("No key of SEALING_KEYS opens this secret.") from error


def reseal(text: str) -> str:
    """Seal again under the newest key what an older one sealed; SealBroken if no key opens it."""
    return seal(unseal(text))


def digest(value: str) -> str:
    """SHA-256 of `value` in hexadecimal, for looking up random values (it is too fast for passwords)."""
    return hashlib.sha256(value.encode()).hexdigest()


def _box() -> MultiFernet:
    return _box_of(tuple(settings.SEALING_KEYS), settings.SECRET_KEY)


@lru_cache(maxsize=8)
def _box_of(keys: tuple[str, ...], secret_key: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys or (_derived(secret_key),)])
    except ValueError as error:
        raise ImproperlyConfigured("SEALING_KEYS holds a value that is not a Fernet key.") from error


def _derived(secret_key: str) -> bytes:
    """A Fernet key from SECRET_KEY (HKDF, RFC 5869), for installations without keys of their own."""
    raw = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return base64.urlsafe_b64encode(raw)
