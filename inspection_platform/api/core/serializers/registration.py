"""Shapes of registration and password reset."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from tenants.phones import LONGEST_LOGIN_NAME

_LONGEST_PASSWORD: Final = 1000
#: A code has six characters; more are wrong, and told so in the same words as any wrong code.
_LONGEST_CODE: Final = 100
_POLICY: Final = "Capital and small letters and digits, at least 8 characters, none of the common passwords."
_CODE: Final = "Six letters and digits; small letters will do."


class CoreRegistration(serializers.Serializer[Any]):
    """Somebody who wants an account (W12)."""

    phone = serializers.CharField(max_length=100, help_text="With country code; the user name later.")
    password = serializers.CharField(
        max_length=_LONGEST_PASSWORD, trim_whitespace=False, write_only=True, help_text=_POLICY
    )
    firstName = serializers.CharField(max_length=150, required=False, allow_blank=True)
    lastName = serializers.CharField(max_length=150, required=False, allow_blank=True)
    email = serializers.EmailField(
        max_length=LONGEST_LOGIN_NAME,
        required=False,
        allow_blank=True,
        help_text="Needed if the installation sends its codes by e-mail alone. Name and field are ours.",
    )


class CoreVerification(serializers.Serializer[Any]):
    """The code of a registration (W13)."""

    username = serializers.CharField(max_length=LONGEST_LOGIN_NAME, help_text="The phone number as registered.")
    code = serializers.CharField(max_length=_LONGEST_CODE, help_text=_CODE)


class CoreReset(serializers.Serializer[Any]):
    """Whose password is forgotten (W14)."""

    username = serializers.CharField(
        max_length=LONGEST_LOGIN_NAME, help_text="Phone number with country code, or verified e-mail."
    )


class CoreResetConfirmation(serializers.Serializer[Any]):
    """A new password with its code (W15)."""

    username = serializers.CharField(max_length=LONGEST_LOGIN_NAME, help_text="As when the code was asked for.")
    code = serializers.CharField(max_length=_LONGEST_CODE, help_text=_CODE)
    password = serializers.CharField(
        max_length=_LONGEST_PASSWORD, trim_whitespace=False, write_only=True, help_text=_POLICY
    )
