"""Everything under a family's prefix wears that family's envelope, whoever answered."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.test import Client, RequestFactory
from rest_framework import exceptions as drf

from inspection_platform.api.base import RefusalResponse
from inspection_platform.api.core import errors as core
from inspection_platform.api.core.views.image_sets import ImageSetsView
from inspection_platform.api.families import ENVELOPES, envelope_of
from inspection_platform.api.middleware import FamilyErrors
from inspection_platform.api.refusals import RefusalKind, refusal_of, refusal_of_status
from tenants import errors
from tests import factories

UNEXPECTED = "Something went wrong."


def is_core(body: Any) -> bool:
    return isinstance(body, dict) and body["success"] is False and bool(body["message"])


def is_inspektlabs(body: Any) -> bool:
    return isinstance(body, dict) and body["status"] == "error" and bool(body["message"])


FORMS = {"core/v1": is_core, "inspektlabs": is_inspektlabs}


def test_every_family_is_known_here() -> None:
    assert FORMS.keys() == ENVELOPES.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("mount", FORMS)
@pytest.mark.parametrize(
    "path", ["", "/", "/nope", "/nope/", "/imageSets/a/b/c", "/api/upload//", "/%2e%2e/", "/\u00e6", "/a%00b", "//x"]
)
def test_unknown_routes(client: Client, settings: Any, mount: str, path: str, *, debug: bool) -> None:
    settings.DEBUG = debug
    for method in ("get", "post", "put", "delete", "patch"):
        response = getattr(client, method)(f"/{mount}{path}")
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/json"
        assert FORMS[mount](response.json())


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/core/v1", "core/v1"),
        ("/core/v1/", "core/v1"),
        ("/core/v1/x/y", "core/v1"),
        ("/inspektlabs", "inspektlabs"),
        ("/core/v10/", None),
        ("/core", None),
        ("/inspektlabsx/", None),
        ("/admin/core/v1/", None),
        ("/", None),
        ("", None),
    ],
)
def test_which_family_a_path_belongs_to(path: str, mount: str | None) -> None:
    assert envelope_of(path) is (ENVELOPES[mount] if mount else None)


def test_pages_outside_the_families_are_left_alone(client: Client, db: None) -> None:
    response = client.get("/nope")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_wears_the_envelope_and_tells_nothing(
    client: Client, ours: factories.House, settings: Any, monkeypatch: pytest.MonkeyPatch, *, debug: bool
) -> None:
    def crash(*_args: Any) -> None:
        raise ZeroDivisionError("the secret of the house")

    settings.DEBUG = debug
    monkeypatch.setattr(ImageSetsView, "check_tenant", crash)
    client.raise_request_exception = False
    response = client.get("/core/v1/imageSets", headers={"x-api-key": ours.keys["core"]})
    assert (response.status_code, response.json()) == (500, {"success": False, "message": UNEXPECTED})
    assert b"secret" not in response.content


def test_a_crash_is_raised_so_that_it_is_logged(
    client: Client, ours: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ImageSetsView, "check_tenant", crash)
    with pytest.raises(ZeroDivisionError):
        client.get("/core/v1/imageSets", headers={"x-api-key": ours.keys["core"]})


@pytest.mark.django_db
def test_a_refused_host_wears_the_envelope(client: Client) -> None:
    response = client.get("/core/v1/imageSets", headers={"host": "evil.example.com"})
    assert response.status_code == 400
    assert is_core(response.json())


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods(client: Client, method: str) -> None:
    response = getattr(client, method)("/core/v1/auth/login")
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"
    assert is_core(response.json())


@pytest.mark.django_db
def test_options_and_head(client: Client, ours: factories.House) -> None:
    path, key = "/core/v1/imageSets", {"x-api-key": ours.keys["core"]}
    options = client.options(path)
    assert (options.status_code, options.json()) == (200, {"methods": ["GET", "POST", "PUT", "HEAD", "OPTIONS"]})
    assert options.headers["Allow"] == "GET, POST, PUT, HEAD, OPTIONS"
    assert client.head(path).status_code == 401
    head = client.head(path, headers=key)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", "image/*;q=0"])
def test_accept_is_not_negotiated(client: Client, ours: factories.House, accept: str) -> None:
    headers = {"x-api-key": ours.keys["core"], "accept": accept}
    response = client.get("/core/v1/imageSets", headers=headers)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["auth/login", "imageSets", "damages", "imageSets/x"])
def test_with_and_without_a_trailing_slash(client: Client, path: str) -> None:
    assert client.get(f"/core/v1/{path}").status_code == client.get(f"/core/v1/{path}/").status_code != 404
    assert client.get(f"/core/v1/{path}//").status_code == 404


def test_answers_of_a_view_are_left_as_they_are() -> None:
    made = RefusalResponse({"success": False}, status=409)
    middleware = FamilyErrors(lambda _request: made)
    assert middleware(RequestFactory().get("/core/v1/x")) is made
    fine = HttpResponse("fine", status=399)
    assert FamilyErrors(lambda _request: fine)(RequestFactory().get("/core/v1/x")) is fine


def test_headers_that_help_are_kept() -> None:
    answer = HttpResponse(status=405, headers={"Allow": "GET", "X-Secret": "1"})
    dressed = FamilyErrors(lambda _request: answer)(RequestFactory().get("/core/v1/x"))
    assert dressed.headers["Allow"] == "GET"
    assert "X-Secret" not in dressed.headers
    assert isinstance(dressed, HttpResponse)
    assert dressed.headers["Content-Length"] == str(len(dressed.content))


# --- the vocabulary --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Invalid("no"), 400),
        (errors.NotAuthenticated("no"), 401),
        (errors.Forbidden("no"), 403),
        (errors.NotFound("no"), 404),
        (errors.Conflict("no"), 409),
        (errors.QuotaExceeded("no"), 429),
        (errors.Unavailable("no"), 503),
        (errors.DomainError("no"), 400),
        (drf.NotAuthenticated(), 401),
        (drf.AuthenticationFailed(), 401),
        (drf.PermissionDenied(), 403),
        (PermissionDenied(), 403),
        (drf.NotFound(), 404),
        (Http404(), 404),
        (drf.MethodNotAllowed("GET"), 405),
        (drf.UnsupportedMediaType("a/b"), 400),
        (drf.Throttled(3), 429),
        (drf.ValidationError("no"), 400),
        (drf.ParseError(), 400),
        (MultiPartParserError("no"), 400),
        (SuspiciousOperation("no"), 400),
    ],
)
def test_status_of_each_error(error: Exception, status: int) -> None:
    refusal = refusal_of(error)
    assert refusal is not None
    shown, body = core.render(refusal)
    assert shown == status
    assert body["success"] is False
    assert body["message"]
    if isinstance(error, errors.DomainError):
        assert body["message"] == "no"


def test_what_nobody_foresaw_is_no_refusal() -> None:
    assert refusal_of(ZeroDivisionError()) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 413, 415, 418, 429, 500, 502, 503])
def test_every_status_becomes_one_of_the_familys(status: int) -> None:
    shown, body = core.render(refusal_of_status(status))
    assert shown in {400, 401, 403, 404, 405, 429, 500, 503}
    assert (shown >= 500) == (status >= 500)
    assert body["message"]


def test_every_kind_has_a_status() -> None:
    assert core.STATUS.keys() == set(RefusalKind)
    assert 422 not in core.STATUS.values()


def test_nested_fields_are_named_by_their_path() -> None:
    detail: Any = {
        "damages": [{}, {"points": ["Too few.", "Too far."], "non_field_errors": ["Odd."]}],
        "non_field_errors": ["Nothing fits."],
        "limit": ["Too small."],
    }
    refusal = refusal_of(drf.ValidationError(detail))
    assert refusal is not None
    assert refusal.fields == {
        "damages.1.points": ["Too few.", "Too far."],
        "damages.1": ["Odd."],
        "non_field_errors": ["Nothing fits."],
        "limit": ["Too small."],
    }
    assert refusal.message == "damages.1.points: Too few."


def test_a_domain_errors_fields_are_shown() -> None:
    refusal = refusal_of(errors.Invalid("Not like this.", {"expiryAfter": ["Negative."]}))
    assert refusal is not None
    assert core.render(refusal) == (
        400, {"success": False, "message": "Not like this.", "errors": {"expiryAfter": ["Negative."]}},
    )  # fmt: skip
