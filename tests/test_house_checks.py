"""The deploy checks: each finding by a table, and nothing found where all is well."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from inspection_platform.checks import deployment_check

GOOD: dict[str, Any] = {
    "SECRET_KEY": "s" * 60,
    "SEALING_KEYS": [Fernet.generate_key().decode()],
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
    "OUTBOUND_ALLOW": ["10.0.0.0/8", "192.168.1.7"],
    "METRICS_ALLOW": ["10.0.0.0/8"],
    "PUBLIC_URL": "https://inspections.example.com",
    "TRUSTED_PROXIES": 1,
    "SECURE_SSL_REDIRECT": True,
    "ALLOWED_HOSTS": ["inspections.example.com"],
    "CODE_BACKEND": "email",
}
BY_SMS: dict[str, Any] = {
    "CODE_BACKEND": "sms",
    "SMS_URL": "https://sms.example.com/send",
    "SMS_HEADERS": {"X-Key": "k"},
}
SHARED = Fernet.generate_key().decode()


def findings(settings: Settings, changes: dict[str, Any]) -> list[str]:
    for name, value in (GOOD | changes).items():
        setattr(settings, name, value)
    return [str(message.id) for message in deployment_check(None)]


def test_a_sound_installation_has_no_findings(settings: Settings) -> None:
    assert findings(settings, {}) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SEALING_KEYS": []}, ["platform.E001"]),
        ({"SEALING_KEYS": [SHARED], "SECRET_KEY": SHARED}, ["platform.E002"]),
        ({"SEALING_KEYS": ["too short"]}, ["platform.E003"]),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, ["platform.E004"]),
        ({"EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend"}, ["platform.E004"]),
        ({"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}, ["platform.W005"]),
        ({"OUTBOUND_ALLOW": ["10.0.0.0/99"]}, ["platform.E006"]),
        ({"METRICS_ALLOW": ["everybody"]}, ["platform.E006"]),
        ({"PUBLIC_URL": "http://127.0.0.1:8000"}, ["platform.E007"]),
        ({"PUBLIC_URL": "inspections.example.com"}, ["platform.E007"]),
        ({"TRUSTED_PROXIES": -1}, ["platform.E008"]),
        ({"TRUSTED_PROXIES": 99}, ["platform.E008"]),
        ({"TRUSTED_PROXIES": 0}, ["platform.W009"]),
        ({"TRUSTED_PROXIES": 0, "SECURE_SSL_REDIRECT": False}, []),
        ({"ALLOWED_HOSTS": ["*"]}, ["platform.W010"]),
        ({"CODE_BACKEND": "console"}, ["platform.E011"]),
        ({"CODE_BACKEND": "pigeon"}, ["platform.E012"]),
        ({"CODE_BACKEND": "tenants.messages.mail.Pigeon"}, ["platform.E012"]),
        ({"CODE_BACKEND": "tenants.messages.mail.EmailBackend"}, []),
        (BY_SMS, []),
        (BY_SMS | {"SMS_URL": ""}, ["platform.E013"]),
        (BY_SMS | {"SMS_HEADERS": {"Host": "elsewhere"}}, ["platform.E013"]),
        (BY_SMS | {"SMS_HEADERS": ["X-Key"]}, ["platform.E013"]),
        (BY_SMS | {"SMS_METHOD": "BREW"}, ["platform.E014"]),
        (BY_SMS | {"SMS_BODY": '{"text": "{text}"}'}, ["platform.E015"]),
    ],
)
def test_each_weakness_is_found(settings: Settings, changes: dict[str, Any], expected: list[str]) -> None:
    assert findings(settings, changes) == expected
