"""What `manage.py check --deploy` finds wrong with an installation, beyond Django's own checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name

from assets.services.car_info_http import http_provider_faults
from tenants.messages import BACKENDS, CONSOLE, SMS, backend_class
from tenants.messages.sms import PLACES, gateway_headers
from tenants.outbound import OutboundRefused, check_headers, check_url
from tenants.outbound.addresses import networks_parse
from tenants.outbound.client import METHODS

#: Backends that write messages somewhere instead of sending them.
_SILENT_MAIL: Final = ("console", "dummy", "filebased", "locmem")
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1", ""})
#: More proxies than this in a row is a mistaken number.
_MOST_PROXIES: Final = 10


def car_info_check(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """What is wrong with the settings of the system that is asked about cars; every command tells it at its start."""
    del app_configs
    return [Error(fault, hint="See .env.example.", id="platform.E020") for fault in http_provider_faults()]


def deployment_check(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Every finding about secrets, mail, one-time codes, database, outbound calls and proxies."""
    del app_configs
    checks: tuple[Callable[[], Iterator[CheckMessage]], ...] = (_sealing, _mail, _codes, _database, _networks, _address)
    return [message for check in checks for message in check()]


def _sealing() -> Iterator[CheckMessage]:
    keys = settings.SEALING_KEYS
    if not keys:
        yield Error(
            "SEALING_KEYS is empty: stored secrets are sealed with a key derived from SECRET_KEY.",
            hint="Set it to a key of its own; the README tells how to make one and how to rotate it.",
            id="platform.E001",
        )
    if settings.SECRET_KEY in keys:
        yield Error("SEALING_KEYS holds SECRET_KEY itself.", hint="Make a key of its own.", id="platform.E002")
    if not all(_is_fernet_key(key) for key in keys):
        yield Error("SEALING_KEYS holds a value that is not a Fernet key.", id="platform.E003")


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _mail() -> Iterator[CheckMessage]:
    backend = settings.EMAIL_BACKEND
    if any(f".{name}." in backend for name in _SILENT_MAIL):
        yield Error(
            f"E-mail is not sent ({backend}): one-time codes would be written where others may read them.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.com:587.",
            id="platform.E004",
        )


def _codes() -> Iterator[CheckMessage]:
    name = settings.CODE_BACKEND
    if name == CONSOLE:
        yield Error(
            "CODE_BACKEND is console: whoever reads the output of the worker can open any account.",
            hint="Set it to email or sms.",
            id="platform.E011",
        )
    try:
        backend_class()
    except ImportError as error:
        yield Error(f"CODE_BACKEND is {name!r}: {error}", hint=f"One of {', '.join(BACKENDS)}.", id="platform.E012")
    if name == SMS:
        yield from _gateway()


def _gateway() -> Iterator[CheckMessage]:
    """Whether the gateway's settings can make a request; their values are secret and not told."""
    try:
        check_url(settings.SMS_URL)
        check_headers(gateway_headers(settings.SMS_HEADERS))
    except (OutboundRefused, AttributeError) as error:
        yield Error(f"SMS_URL or SMS_HEADERS cannot be used: {error}", id="platform.E013")
    if settings.SMS_METHOD not in METHODS:
        yield Error(f"SMS_METHOD is none of {', '.join(sorted(METHODS))}.", id="platform.E014")
    missing = [place for place in PLACES if place not in settings.SMS_BODY]
    if missing:
        yield Error(f"SMS_BODY has no place for {' and '.join(missing)}.", id="platform.E015")


def _database() -> Iterator[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield Warning(
            "The database is SQLite: one writer at a time, one machine.",
            hint="Set DATABASE_URL=postgres://...",
            id="platform.W005",
        )


def _networks() -> Iterator[CheckMessage]:
    for name, parse in (("OUTBOUND_ALLOW", networks_parse), ("METRICS_ALLOW", _networks_of)):
        try:
            parse(tuple(getattr(settings, name)))
        except ValueError as error:
            yield Error(f"{name} is not a list of addresses and networks: {error}", id="platform.E006")


def _networks_of(entries: Sequence[str]) -> None:
    for entry in entries:
        ip_network(entry, strict=False)


def _address() -> Iterator[CheckMessage]:
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme not in {"http", "https"} or (url.hostname or "") in _LOCAL_HOSTS:
        yield Error(
            f"PUBLIC_URL is {settings.PUBLIC_URL!r}: nobody outside can follow the addresses in results.",
            hint="Set it to the https:// address at which clients reach the platform.",
            id="platform.E007",
        )
    if not 0 <= settings.TRUSTED_PROXIES <= _MOST_PROXIES:
        yield Error(
            f"TRUSTED_PROXIES is {settings.TRUSTED_PROXIES}: the number of proxies in front.", id="platform.E008"
        )
    elif url.scheme == "https" and not settings.TRUSTED_PROXIES and settings.SECURE_SSL_REDIRECT:
        yield Warning(
            "PUBLIC_URL is https, but no proxy is trusted: every request looks like http and is redirected for ever.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front (1 with a single HTTPS proxy).",
            id="platform.W009",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning("ALLOWED_HOSTS accepts every host name.", id="platform.W010")
