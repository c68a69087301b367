"""Throttles whose counters are shared by all processes and cannot be overrun by racing requests."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from typing import ClassVar

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from tenants.phones import e164


class SlotThrottle(BaseThrottle, ABC):
    """At most `limit` requests of one identity in each window of `window_s` seconds (windows begin on the clock).

    A window has as many numbered slots as it allows requests, and a request takes one by `cache.add`, which is atomic
    on every cache backend. Counting up (as DRF does: read, then write) is not, and lets racing requests through.
    """

    scope: ClassVar[str]
    window_s: ClassVar[int] = 60
    _wait: float | None = None

    @abstractmethod
    def limit(self) -> int:
        """Requests allowed in a window; 0 switches the throttle off."""

    @abstractmethod
    def identity(self, request: Request) -> str:
        """Whose requests are counted together."""

    def allow_request(self, request: Request, _view: APIView) -> bool:
        """Whether a slot was free; it is taken then."""
        limit = self.limit()
        if not limit:
            return True
        now = time.time()
        window = int(now // self.window_s)
        who = hashlib.sha256(self.identity(request).encode(errors="backslashreplace")).hexdigest()
        slots = [f"throttle:{self.scope}:{who}:{window}:{number}" for number in range(limit)]
        taken = cache.get_many(slots)
        if any(cache.add(slot, 1, timeout=self.window_s) for slot in slots if slot not in taken):
            return True
        self._wait = (window + 1) * self.window_s - now
        return False

    def wait(self) -> float | None:
        """Seconds until the next window."""
        return self._wait


class LoginNameThrottle(SlotThrottle):
    """Logins with one user name, from wherever they come."""

    scope = "login-name"

    def limit(self) -> int:
        """LOGIN_RATE_PER_NAME a minute."""
        return int(settings.LOGIN_RATE_PER_NAME)

    def identity(self, request: Request) -> str:
        """The phone number, however it is spelt."""
        return _typed_name(request, "username")


class LoginAddressThrottle(SlotThrottle):
    """Logins from one address, with whatever user names."""

    scope = "login-address"

    def limit(self) -> int:
        """LOGIN_RATE_PER_ADDRESS a minute."""
        return int(settings.LOGIN_RATE_PER_ADDRESS)

    def identity(self, request: Request) -> str:
        """The client's address as far as TRUSTED_PROXIES may be believed."""
        return self.get_ident(request)


class CodeAskThrottle(SlotThrottle):
    """One-time codes asked for with one name, from wherever: each may cost a message."""

    scope = "code-ask"
    window_s = 600

    def limit(self) -> int:
        """CODE_RATE_PER_NAME in ten minutes."""
        return int(settings.CODE_RATE_PER_NAME)

    def identity(self, request: Request) -> str:
        """The phone number, however it is spelt; a registration calls it `phone`."""
        return _typed_name(request, "username", "phone")


class CodeTryThrottle(SlotThrottle):
    """One-time codes tried with one name, beyond the five tries that each code has."""

    scope = "code-try"
    window_s = 600

    def limit(self) -> int:
        """CODE_TRY_RATE_PER_NAME in ten minutes."""
        return int(settings.CODE_TRY_RATE_PER_NAME)

    def identity(self, request: Request) -> str:
        """The phone number, however it is spelt."""
        return _typed_name(request, "username")


class CodeAddressThrottle(SlotThrottle):
    """One-time codes asked for and tried from one address, with whatever names."""

    scope = "code-address"
    window_s = 600

    def limit(self) -> int:
        """CODE_RATE_PER_ADDRESS in ten minutes."""
        return int(settings.CODE_RATE_PER_ADDRESS)

    def identity(self, request: Request) -> str:
        """The client's address as far as TRUSTED_PROXIES may be believed."""
        return self.get_ident(request)


class DeviceThrottle(SlotThrottle):
    """Requests of one capture unit."""

    scope = "device"

    def limit(self) -> int:
        """DEVICE_RATE a minute."""
        return int(settings.DEVICE_RATE)

    def identity(self, request: Request) -> str:
        """The unit, whichever key it has by now."""
        unit = getattr(request.auth, "capture_unit", None)
        return str(unit.pk) if unit else self.get_ident(request)


def slot_wait(request: HttpRequest, *throttles: type[SlotThrottle]) -> int | None:
    """For pages of forms: take a slot of each throttle; the seconds to wait if one had none left, else None."""
    asked = Request(request, parsers=[FormParser(), MultiPartParser()])
    for throttle in (kind() for kind in throttles):
        if not throttle.allow_request(asked, APIView()):
            return max(1, round(throttle.wait() or 0))
    return None


def _typed_name(request: Request, *keys: str) -> str:
    """The name in the body under the first of `keys` that is there: a number in E.164, anything else in lower case."""
    data = request.data
    found = (str(data[key]) for key in keys if key in data) if isinstance(data, dict) else iter(())
    typed = next(found, "")
    try:
        return e164(typed)
    except ValueError:
        return typed.strip().lower()
