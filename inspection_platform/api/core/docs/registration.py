"""Reference of registration and password reset."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from inspection_platform.api.core.docs.auth import TAG
from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.presenters import registration as present
from inspection_platform.api.core.serializers.common import Done, Refused
from inspection_platform.api.core.serializers.registration import (
    CoreRegistration,
    CoreReset,
    CoreResetConfirmation,
    CoreVerification,
)

_PHONE: Final = "+47000000000"
_UNIFORM: Final = (
    "No answer, nor the time it takes, tells whether somebody has this name: the message is the same for everybody, "
    "and a worker finds out later whether there is anybody to send a code to. That is ours."
)
_CODES: Final = (
    "A code has six letters and digits, is valid for ten minutes and for five tries, and opens nothing twice; only the "
    "newest of a name counts. Wrong, expired, used, tried too often, never sent: the refusal is one and the same. "
    "Calls are limited by name and by address. These rules are ours but for the form of the code."
)


def _wrong(*fields: tuple[str, str]) -> OpenApiResponse:
    """A 400 with an example for each field that may be at fault."""
    return OpenApiResponse(
        Refused,
        "Something about the input is wrong; `errors` names it.",
        [OpenApiExample(f"Wrong {name}", _refusal(name, reason), response_only=True) for name, reason in fields],
    )


def _refusal(name: str, reason: str) -> dict[str, Any]:
    # The refusal of a code is a sentence of its own, whatever was wrong with it.
    message = reason if name == "code" else f"{name}: {reason}"
    return {"success": False, "message": message, "errors": {name: [reason]}}


_WRONG_PASSWORD: Final = ("password", "At least one capital letter is needed.")
_WRONG_CODE: Final = ("code", "The code is not valid or has expired.")

register = extend_schema(
    operation_id="core_auth_register",
    tags=[TAG],
    summary="Register",
    description=(
        "Asks for an account by phone number and sends a code to it; the account exists once the code has come back "
        f"(`/auth/register/verify`). {_UNIFORM} {callers_text('W12')}"
    ),
    auth=[],
    request=CoreRegistration,
    responses={
        200: answer(Done, "The same whether or not the number is taken.", present.registered()),
        400: _wrong(_WRONG_PASSWORD, ("phone", "This is not a possible phone number.")),
        **refusals(429),
    },
    examples=[
        OpenApiExample(
            "By phone",
            {"phone": _PHONE, "password": "passwordWithLettersNumbers1SpecialsLike!"},
            request_only=True,
        )
    ],
)

verify = extend_schema(
    operation_id="core_auth_register_verify",
    tags=[TAG],
    summary="Confirm a registration with its code",
    description=f"Makes the account of the newest registration of this number. {_CODES} {callers_text('W13')}",
    auth=[],
    request=CoreVerification,
    responses={
        200: answer(Done, "The account exists.", present.verified()),
        400: _wrong(_WRONG_CODE),
        **refusals(429),
    },
    examples=[OpenApiExample("Code", {"username": _PHONE, "code": "123ASD"}, request_only=True)],
)

reset = extend_schema(
    operation_id="core_auth_reset_password",
    tags=[TAG],
    summary="Ask for a code to choose a new password with",
    description=(
        "The code goes to the phone number, or to the verified e-mail address if that was given or phones are not "
        f"reached; never to an address that the account does not hold. {_UNIFORM} {callers_text('W14')}"
    ),
    auth=[],
    request=CoreReset,
    responses={
        200: answer(Done, "The same whether or not anybody has this name.", present.reset()),
        **refusals(400, 429),
    },
    examples=[OpenApiExample("By phone", {"username": _PHONE}, request_only=True)],
)

reset_confirm = extend_schema(
    operation_id="core_auth_reset_password_confirm",
    tags=[TAG],
    summary="Choose a new password with the code",
    description=(
        "The password's rules are looked at first, then the code. All sessions of the person end and failed log-ins "
        "are forgotten. The message is the vendor's, and the same as of the step before. "
        f"{_CODES} {callers_text('W15')}"
    ),
    auth=[],
    request=CoreResetConfirmation,
    responses={
        200: answer(Done, "The password is set.", present.reset()),
        400: _wrong(_WRONG_CODE, _WRONG_PASSWORD),
        **refusals(429),
    },
    examples=[
        OpenApiExample(
            "New password",
            {"username": _PHONE, "code": "ASD123", "password": "NewPasswordWithLettersNumbers1SpecialsLike!"},
            request_only=True,
        )
    ],
)
