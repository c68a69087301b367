"""Sealing: what goes in comes out, also after the keys were rotated, and nothing else does."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tenants.services.sealing import SealBroken, digest, reseal, seal, unseal

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@given(st.text())
def test_what_is_sealed_opens_and_cannot_be_read(text: str) -> None:
    sealed = seal(text)
    assert unseal(sealed) == text
    assert len(text) < 4 or text not in sealed


def test_the_same_text_never_seals_alike() -> None:
    assert seal("secret") != seal("secret")


def test_a_rotated_key_still_opens_and_a_resealed_text_needs_only_the_new_one(settings: Settings) -> None:
    settings.SEALING_KEYS = [OLD]
    sealed = seal("secret")
    settings.SEALING_KEYS = [NEW, OLD]
    assert unseal(sealed) == "secret"
    moved = reseal(sealed)
    settings.SEALING_KEYS = [NEW]
    assert unseal(moved) == "secret"
    with pytest.raises(SealBroken):
        unseal(sealed)


def test_without_keys_of_its_own_another_secret_key_opens_nothing(settings: Settings) -> None:
    settings.SEALING_KEYS = []
    sealed = seal("secret")
    settings.SECRET_KEY = "another one"
    with pytest.raises(SealBroken):
        unseal(sealed)


@pytest.mark.parametrize("broken", ["", "gAAAA", "ünseal", "x" * 200])
def test_what_was_never_sealed_does_not_open(broken: str) -> None:
    with pytest.raises(SealBroken):
        unseal(broken)


def test_a_wrong_key_in_the_settings_says_so(settings: Settings) -> None:
    settings.SEALING_KEYS = ["hunter2"]
    with pytest.raises(ImproperlyConfigured, match="SEALING_KEYS"):
        seal("secret")


def test_digest_is_sha256() -> None:
    assert digest("æ") == hashlib.sha256("æ".encode()).hexdigest()
