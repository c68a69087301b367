"""Who gets to which staff page: every route of the portal, as everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from damages.models import DamageDecision
from inspection_platform.portal import urls
from tests import factories
from tests.portal.conftest import Held, Login

pytestmark = pytest.mark.django_db

#: Every route about one set: its method and what its path names besides the set.
ROUTES: dict[str, tuple[str, Callable[[Held], dict[str, object]]]] = {
    "work": ("GET", lambda _: {}),
    "lock": ("POST", lambda _: {}),
    "unlock": ("POST", lambda _: {}),
    "renew": ("POST", lambda _: {}),
    "finish": ("POST", lambda _: {}),
    "skip": ("POST", lambda _: {}),
    "decide": ("POST", lambda held: {"damage_id": held.damage.pk}),
    "category": ("POST", lambda held: {"damage_id": held.damage.pk}),
    "undo": ("POST", lambda held: {"damage_id": held.damage.pk}),
    "delete": ("POST", lambda held: {"damage_id": held.damage.pk}),
    "draw": ("POST", lambda held: {"image_id": held.image.pk}),
    "weaker-add": ("POST", lambda held: {"detection_id": held.weaker.pk}),
    "inspection": ("GET", lambda _: {}),
    "weaker": ("GET", lambda _: {}),
    "photo": ("GET", lambda held: {"image_id": held.image.pk}),
    "result": ("GET", lambda _: {"version": 1}),
    "run-again": ("POST", lambda _: {}),
    "removed": ("GET", lambda _: {}),
    "remove": ("POST", lambda _: {}),
    "restore": ("POST", lambda _: {}),
    "remove-photo": ("POST", lambda held: {"image_id": held.image.pk}),
    "restore-photo": ("POST", lambda held: {"image_id": held.image.pk}),
    "dispute": ("POST", lambda _: {}),
    "reopen": ("POST", lambda _: {}),
    "send-again": ("POST", lambda held: {"delivery_id": held.delivery.pk}),
}
#: Routes about no particular set.
COMMON = {
    "accuracy": "GET",
    "accuracy-csv": "GET",
    "queue": "GET",
    "claim-next": "POST",
    "acting": "GET",
    "acting-choose": "POST",
    "audit": "GET",
    "invite": "GET",
    "invitation-answer": "POST",
    "invitations": "GET",
    "invite-again": "POST",
    "remind": "POST",
    "models": "GET",
    "model-upload": "POST",
}
#: What their paths name.
_PLACES: dict[str, dict[str, Any]] = {
    "invitation-answer": {"invitation_id": uuid4()},
    "invite-again": {"invitation_id": uuid4()},
    "remind": {"membership_id": uuid4()},
}
_VERSION: dict[str, Any] = {"name": "damage_detector", "version_id": uuid4()}
#: Routes about a model or a version of it; what they do is in test_portal_models.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "model": ("GET", {"name": "damage_detector"}),
    "model-release": ("POST", {"name": "damage_detector"}),
    "model-version": ("GET", _VERSION),
    "model-disagreements": ("GET", _VERSION),
    "model-promote": ("POST", _VERSION),
    "model-drop": ("POST", _VERSION),
    "model-shadow": ("POST", _VERSION),
    "model-unshadow": ("POST", _VERSION),
}


def ask(client: Client, held: Held, name: str) -> int:
    method, extra = ROUTES[name]
    url = held.url(name, **extra(held))
    response = client.get(url) if method == "GET" else client.post(url, {"step": "ANNOTATION"}, "application/json")
    return response.status_code


def test_the_table_names_every_route() -> None:
    known = {*ROUTES, *COMMON, *MODELS}
    assert {route.name for route in urls.urlpatterns if isinstance(route, URLPattern)} == known


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("person", ["tenant_admin", "annotator", "reviewer", "staff"])
def test_the_outsiders_find_nothing_of_ours(
    held: Held, outsider: factories.House, login: Login, name: str, person: str
) -> None:
    assert ask(login(getattr(outsider, person)), held, name) == 404
    assert not DamageDecision.objects.of(held.house.tenant.pk).exists()


@pytest.mark.parametrize("name", ROUTES)
def test_nobody_gets_anywhere_without_logging_in(held: Held, client: Client, name: str) -> None:
    method, extra = ROUTES[name]
    response = client.generic(method, held.url(name, **extra(held)))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(("name", "method"), COMMON.items())
def test_pages_about_no_set_want_a_login_too(client: Client, name: str, method: str) -> None:
    response = client.generic(method, reverse(f"portal:{name}", kwargs=_PLACES.get(name, {})))
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("name", MODELS)
def test_pages_of_models_want_a_login_our_own_form_and_one_method(ours: factories.House, name: str) -> None:
    method, places = MODELS[name]
    address = reverse(f"portal:{name}", kwargs=places)
    assert Client().generic(method, address)["Location"].startswith("/admin/login/")
    client = Client(enforce_csrf_checks=True)
    client.force_login(ours.global_admin, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(address).status_code == 403
    other = Client()
    other.force_login(ours.global_admin, backend="django.contrib.auth.backends.ModelBackend")
    assert other.generic("POST" if method == "GET" else "GET", address).status_code == 405


@pytest.mark.parametrize("name", ROUTES)
def test_members_without_admin_access_are_sent_to_the_login(held: Held, login: Login, name: str) -> None:
    person = factories.user(held.house.tenant)
    assert ask(login(person), held, name) == 302


# A photo is a file: whatever may be asked of it, nothing is written.
@pytest.mark.parametrize("name", [name for name in ROUTES if name != "photo"])
def test_routes_take_one_method(held: Held, login: Login, name: str) -> None:
    method, extra = ROUTES[name]
    other = "POST" if method == "GET" else "GET"
    response = login(held.house.annotator).generic(other, held.url(name, **extra(held)))
    assert response.status_code == 405


@pytest.mark.parametrize("name", [name for name, (method, _) in ROUTES.items() if method == "POST"])
def test_posts_from_another_site_are_refused(held: Held, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(held.house.annotator, backend="django.contrib.auth.backends.ModelBackend")
    assert ask(client, held, name) == 403
    held.damage.refresh_from_db()
    assert held.damage.state == "created"


@pytest.mark.parametrize("name", ROUTES)
def test_deleted_and_unknown_sets_are_not_found(held: Held, login: Login, name: str) -> None:
    held.image_set.deleted_at = held.image_set.created_at
    held.image_set.save()
    assert ask(login(held.house.annotator), held, name) == 404


def test_rows_of_another_set_are_not_found_through_this_one(held: Held, login: Login) -> None:
    other = factories.image_set(held.house.tenant).images.get()
    strange = factories.damage(other)
    client = login(held.house.annotator)
    for name, extra in {
        "decide": {"damage_id": strange.pk}, "undo": {"damage_id": strange.pk}, "draw": {"image_id": other.pk},
        "delete": {"damage_id": uuid4()},
    }.items():  # fmt: skip
        response = client.post(held.url(name, **extra), {"step": "ANNOTATION", "action": "accept"}, "application/json")
        assert response.status_code == 404
    assert client.get(held.url("photo", image_id=other.pk)).status_code == 404
    assert not DamageDecision.objects.of(held.house.tenant.pk).exists()


def test_global_admins_reach_every_tenant(held: Held, outsider: factories.House, login: Login) -> None:
    client = login(outsider.global_admin)
    assert client.get(held.url("inspection")).status_code == 200
    assert client.get(held.url("photo", image_id=held.image.pk)).status_code == 200


@pytest.mark.parametrize("person", ["annotator", "reviewer", "staff"])
def test_only_admins_run_and_send_again(held: Held, login: Login, person: str) -> None:
    client = login(getattr(held.house, person))
    for name, extra in {"run-again": {}, "send-again": {"delivery_id": held.delivery.pk}}.items():
        response = client.post(held.url(name, **extra), follow=True)
        assert "Only admins of the tenant may do this." in response.content.decode()
    held.image_set.refresh_from_db()
    assert held.image_set.state == "ready"
