"""Keys into tokens and sessions: every text and status of IX1, IX3 and of our refresh, letter by letter."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from unittest import mock

import jwt
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from assets.models import Submission, SubmissionState
from inspection_platform.api.tokens import token_mint
from tenants.models import ApiKey, Family
from tenants.services.keys import api_key_issue, api_key_revoke
from tests.api.inspektlabs.conftest import Caller, photo
from tests.factories import House

AUTHENTICATE = "/inspektlabs/api/authenticate"
GET_TOKEN = "/inspektlabs/auth/get_token/"
REFRESH = "/inspektlabs/api/token/refresh"


def post(path: str, body: Any, content_type: str = "application/json") -> tuple[int, dict[str, Any]]:
    response = Client(raise_request_exception=False).post(path, body, content_type=content_type)
    return response.status_code, response.json()


def key_row(house: House) -> ApiKey:
    return ApiKey.objects.of(house.tenant.pk).get(family=Family.INSPEKTLABS)


def test_authenticate_answers_session_and_both_tokens(ours: House) -> None:
    status, body = post(AUTHENTICATE, {"key": ours.keys["inspektlabs"], "client_id": "any"})
    assert status == 200
    assert sorted(body) == ["access_token", "refresh_token", "session"]
    assert re.fullmatch(r"in\d{4}\d{14}", body["session"])
    issued = dt.datetime.strptime(body["session"][-14:] + "+0000", "%Y%m%d%H%M%S%z")
    assert abs(timezone.now() - issued) < dt.timedelta(minutes=1)
    row = Submission.objects.of(ours.tenant.pk).get(external_key=body["session"])
    assert (row.family, row.state) == (Family.INSPEKTLABS, SubmissionState.ISSUED)


def test_get_token_answers_the_access_token_alone(ours: House) -> None:
    status, body = post(GET_TOKEN, {"key": ours.keys["inspektlabs"], "client_id": ""})
    assert (status, list(body)) == (200, ["access_token"])


def test_lifetimes_are_an_hour_and_a_day(ours: House) -> None:
    _, body = post(AUTHENTICATE, {"key": ours.keys["inspektlabs"]})
    for name, seconds in (("access_token", 3600), ("refresh_token", 86_400)):
        claims = jwt.decode(body[name], options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("path", [AUTHENTICATE, AUTHENTICATE + "/", GET_TOKEN, GET_TOKEN.rstrip("/")])
def test_paths_answer_with_and_without_slash(ours: House, path: str) -> None:
    assert post(path, {"key": ours.keys["inspektlabs"]})[0] == 200


BAD_BODIES: list[tuple[Any, str]] = [
    ({}, "application/json"),
    ({"key": ""}, "application/json"),
    ({"key": None}, "application/json"),
    ({"key": {"a": 1}}, "application/json"),
    ({"key": "x\u0000y"}, "application/json"),
    ({"key": "x" * 501}, "application/json"),
    ([1, 2], "application/json"),
    ("{not json", "application/json"),
    ("", "application/json"),
    ("key=abc", "application/x-www-form-urlencoded"),
    ("[" * 100_000, "application/json"),
    ('{"key": "' + "x" * 3_000_000 + '"}', "application/json"),
]


@pytest.mark.parametrize(("body", "content_type"), BAD_BODIES)
def test_authenticate_refuses_a_missing_or_malformed_key(db: None, body: Any, content_type: str) -> None:
    assert post(AUTHENTICATE, body, content_type) == (400, {"status": "error", "message": "Invalid API key"})


def test_authenticate_refuses_an_unknown_key(db: None) -> None:
    assert post(AUTHENTICATE, {"key": "nobody's"}) == (401, {"status": "error", "message": "API Key not valid"})


@pytest.mark.parametrize("path", [AUTHENTICATE, GET_TOKEN, REFRESH])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_405_in_the_envelope(db: None, path: str, method: str) -> None:
    response = getattr(Client(), method)(path)
    assert (response.status_code, response.json()) == (405, {"status": "error", "message": "method not allowed"})
    assert response.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("body", [{}, {"key": ""}, {"key": None}])
def test_get_token_misses_a_key(db: None, body: Any) -> None:
    assert post(GET_TOKEN, body) == (400, {"status": "error", "message": "API Key is required"})


@pytest.mark.parametrize(("body", "content_type"), [case for case in BAD_BODIES[3:] if case[0] != ""])
def test_get_token_says_what_is_wrong_with_the_body(db: None, body: Any, content_type: str) -> None:
    status, answer = post(GET_TOKEN, body, content_type)
    assert (status, answer["status"]) == (400, "error")
    assert re.fullmatch(r"Invalid data: .+", answer["message"])


def test_get_token_refuses_an_unknown_key(db: None) -> None:
    message = "Invalid API Key. Please try again or contact support"
    assert post(GET_TOKEN, {"key": "nobody's"}) == (401, {"status": "error", "message": message})


def test_get_token_says_that_a_key_is_blocked(ours: House) -> None:
    api_key_revoke(key=key_row(ours))
    blocked = (403, {"status": "error", "message": "Unauthorized access"})
    assert post(GET_TOKEN, {"key": ours.keys["inspektlabs"]}) == blocked


def test_get_token_has_its_own_text_for_the_unexpected(ours: House) -> None:
    with mock.patch("inspection_platform.api.inspektlabs.views.api_key_find", side_effect=RuntimeError("boom")):
        answer = post(GET_TOKEN, {"key": ours.keys["inspektlabs"]})
    assert answer == (400, {"status": "error", "message": "Something went wrong. Please try again later."})


def test_authenticate_says_something_went_worng(ours: House) -> None:
    with mock.patch("inspection_platform.api.inspektlabs.views.api_key_find", side_effect=RuntimeError("boom")):
        answer = post(AUTHENTICATE, {"key": ours.keys["inspektlabs"]})
    assert answer == (404, {"status": "error", "message": "Something Went Worng"})


@pytest.mark.parametrize("family", ["core", "pave", "instavid360"])
def test_keys_of_other_families_open_nothing_here(ours: House, family: str) -> None:
    assert post(AUTHENTICATE, {"key": ours.keys[family]})[0] == 401
    assert post(GET_TOKEN, {"key": ours.keys[family]})[0] == 401


def test_expired_and_inactive_keys_open_nothing(ours: House) -> None:
    past = timezone.now() - dt.timedelta(seconds=1)
    expired = api_key_issue(tenant=ours.tenant, family=Family.INSPEKTLABS, expires_at=past)
    assert post(AUTHENTICATE, {"key": expired.value})[0] == 401
    assert post(GET_TOKEN, {"key": expired.value})[0] == 403
    ours.tenant.is_active = False
    ours.tenant.save()
    assert post(AUTHENTICATE, {"key": ours.keys["inspektlabs"]})[0] == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("field", ["refresh_token", "refresh", "access_token"])
def test_either_kind_of_token_renews_under_any_name(caller: Caller, kind: str, field: str) -> None:
    status, body = post(REFRESH, {field: caller.authenticate()[kind]})
    assert (status, sorted(body)) == (200, ["access_token", "refresh_token"])
    caller.token = body["access_token"]
    assert caller.files(photo()).status_code == 200


def test_nothing_is_renewed_beyond_the_day(ours: House) -> None:
    first = post(AUTHENTICATE, {"key": ours.keys["inspektlabs"]})[1]
    end = jwt.decode(first["refresh_token"], options={"verify_signature": False})["exp"]
    second = post(REFRESH, {"access_token": first["access_token"]})[1]
    third = post(REFRESH, {"access_token": second["access_token"]})[1]
    for token in (*second.values(), *third.values()):
        assert jwt.decode(token, options={"verify_signature": False})["exp"] <= end


def test_refresh_without_a_token_names_the_field(db: None) -> None:
    missing = {"status": "error", "message": "Missing a required field", "fields": ["refresh_token"]}
    assert post(REFRESH, {}) == (400, missing)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_either_kind_of_token_opens_the_upload(caller: Caller, kind: str) -> None:
    caller.token = caller.authenticate()[kind]
    assert caller.files(photo()).status_code == 200


def _tampered(token: str) -> str:
    head, body, mark = token.split(".")
    return f"{head}.{body}.{'A' if mark[0] != 'A' else 'B'}{mark[1:]}"


def _unsigned(token: str) -> str:
    return jwt.encode(jwt.decode(token, options={"verify_signature": False}), "", algorithm="none")


def _expired(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims | {"exp": claims["iat"] - 1}, settings.SECRET_KEY, algorithm="HS256")


def _of_core(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return token_mint(family=Family.CORE, kind="access", seconds=60, claims={"key": claims["key"]})


def _other_secret(token: str) -> str:
    return jwt.encode(jwt.decode(token, options={"verify_signature": False}), "x" * 64, algorithm="HS256")


@pytest.mark.parametrize(
    "spoil", [_tampered, _unsigned, _expired, _of_core, _other_secret, lambda _: "", lambda _: "a.b.c"]
)
def test_bad_tokens_are_401_token_invalid(caller: Caller, spoil: Any) -> None:
    good = caller.token
    caller.token = spoil(good)
    response = caller.files(photo())
    assert (response.status_code, response.json()) == (401, {"status": "error", "message": "token invalid"})
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="inspektlabs"'
    assert post(REFRESH, {"refresh_token": spoil(good) or "x"})[0] == 401


def test_without_a_header_it_is_401_as_well(db: None) -> None:
    response = Client().post("/inspektlabs/api/upload")
    assert (response.status_code, response.json()) == (401, {"status": "error", "message": "token invalid"})


def test_a_revoked_key_takes_its_tokens_along(ours: House, caller: Caller) -> None:
    api_key_revoke(key=key_row(ours))
    assert caller.files(photo()).json()["message"] == "token invalid"
    assert post(REFRESH, {"access_token": caller.token})[0] == 401


def test_tokens_of_an_inactive_tenant_are_refused(ours: House, caller: Caller) -> None:
    ours.tenant.is_active = False
    ours.tenant.save()
    assert caller.files(photo()).status_code == 401


@pytest.mark.parametrize(
    "path", ["/inspektlabs/", "/inspektlabs/api/nothing", "/inspektlabs/api/upload/x", "/inspektlabs"]
)
def test_unknown_paths_wear_the_envelope(db: None, path: str) -> None:
    response = Client().get(f"/inspektlabs{path}")
    assert (response.status_code, response.json()) == (404, {"status": "error", "message": "not found"})
