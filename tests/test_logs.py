"""What must not reach the log does not."""

from __future__ import annotations

import pytest
from django.urls import reverse

from inspection_platform.api.files import file_url
from inspection_platform.logs import black_out
from tenants.models import Invitation
from tenants.services.invitation_answers import invitation_token


@pytest.mark.parametrize(
    "name", ["password", "api_key", "x-api-key", "Authorization", "refreshToken", "secret", "code"]
)
def test_values_under_secret_names(name: str) -> None:
    assert black_out(None, "info", {name: "hunter2"}) == {name: "***"}


def test_a_status_is_no_secret() -> None:
    assert black_out(None, "info", {"code": 404, "event": "request_finished"})["code"] == 404


@pytest.mark.parametrize("text", ["Bearer abc.def", "whsec_MfKQ9r8GKYqrTwjU", "eyJhbGciOiJIUzI1NiJ9.e30.sig"])
def test_tokens_inside_texts(text: str) -> None:
    shown = black_out(None, "info", {"event": f"sent {text} away"})["event"]
    assert "***" in shown
    assert text not in shown


def test_a_signed_address_is_not_usable_from_the_log() -> None:
    address = file_url("published/a.jpg", seconds=60)
    shown = str(black_out(None, "info", {"request": f"GET {address}"})["request"])
    signature = address.rpartition(".")[2]
    assert signature not in shown
    assert "/files/" in shown


def test_the_link_of_an_invitation_is_not_usable_from_the_log() -> None:
    address = reverse("invitation", args=[invitation_token(Invitation())])
    shown = str(black_out(None, "info", {"request": f"GET {address}"})["request"])
    assert shown == "GET /admin/invitation/***"
