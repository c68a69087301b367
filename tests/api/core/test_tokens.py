"""Tokens and keys that must open nothing: forged, tampered, expired, foreign, of people who left."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from inspection_platform.api.base import Actor
from inspection_platform.api.core.authentication import IdTokenAuthentication, id_token_mint
from inspection_platform.api.tokens import token_claims, token_mint
from tenants.errors import NotAuthenticated
from tenants.models import ApiKey, Family, Role, Tenant, User
from tenants.services.keys import api_key_revoke
from tenants.services.people import group_assign, group_unassign, membership_remove, membership_set, reach_of
from tests import factories
from tests.api.conftest import Headers

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
LIST = "/core/v1/imageSets"


def status(client: Client, token: str) -> int:
    return client.get(LIST, headers={"authorization": f"Bearer {token}"}).status_code


def payload(user: User, tenant: Tenant, **changes: Any) -> dict[str, Any]:
    """What a good token holds."""
    now = int(time.time())
    good = {
        "token_type": "id", "exp": now + 3600, "iat": now, "jti": "1", "sub": str(user.pk), "tenant": str(tenant.pk),
        "aud": "core", "iss": "inspection-platform", "pwd": stamp(user),
    }  # fmt: skip
    return {name: value for name, value in (good | changes).items() if value is not None}


def stamp(user: User) -> str:
    """What a token says of its user's password."""
    return str(jwt.decode(id_token_mint(user, None), options={"verify_signature": False})["pwd"])


def signed(body: dict[str, Any], key: str | None = None, algorithm: str = "HS256") -> str:
    return jwt.encode(body, settings.SECRET_KEY if key is None else key, algorithm=algorithm)


def unsigned(body: dict[str, Any], algorithm: str) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "typ": "JWT"}, body)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def test_the_good_token_of_these_tests_is_good(client: Client, ours: factories.House) -> None:
    assert status(client, signed(payload(ours.staff, ours.tenant))) == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "HS256", ""])
def test_unsigned_tokens(client: Client, ours: factories.House, algorithm: str) -> None:
    assert status(client, unsigned(payload(ours.staff, ours.tenant), algorithm)) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"aud": "inspektlabs"},
        {"aud": None},
        {"iss": "somebody-else"},
        {"iss": None},
        {"token_type": "access"},
        {"token_type": "refresh"},
        {"token_type": None},
        {"jti": None},
        {"pwd": None},
        {"pwd": ""},
        {"pwd": 1},
        {"pwd": "0" * 16},
    ],
)
def test_signed_tokens_of_another_time_family_or_kind(
    client: Client, ours: factories.House, changes: dict[str, Any]
) -> None:
    assert status(client, signed(payload(ours.staff, ours.tenant, **changes))) == 401


def test_foreign_keys_and_algorithms(client: Client, ours: factories.House) -> None:
    body = payload(ours.staff, ours.tenant)
    assert status(client, signed(body, "another-secret-" + "y" * 40)) == 401
    assert status(client, signed(body, algorithm="HS512")) == 401


def test_a_changed_claim_breaks_the_signature(client: Client, ours: factories.House, outsider: factories.House) -> None:
    header, _, signature = id_token_mint(outsider.staff, outsider.tenant).split(".")
    body = json.dumps(payload(outsider.staff, ours.tenant)).encode()
    forged = ".".join((header, base64.urlsafe_b64encode(body).decode().rstrip("="), signature))
    assert status(client, forged) == 401


def test_a_token_for_a_tenant_one_never_belonged_to(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    assert status(client, id_token_mint(outsider.staff, ours.tenant)) == 401


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80))
def test_noise_is_refused_never_a_crash(text: str) -> None:
    with pytest.raises(NotAuthenticated):
        token_claims(text, family=Family.CORE, kind="id")


@pytest.mark.parametrize("scheme", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Token x", "bearerx y", ""])
def test_other_schemes_are_no_credentials(client: Client, db: None, scheme: str) -> None:
    response = client.get(LIST, headers={"authorization": scheme})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_scheme_in_any_case(client: Client, ours: factories.House) -> None:
    token = id_token_mint(ours.staff, ours.tenant)
    assert client.get(LIST, headers={"authorization": f"bearer  {token}"}).status_code == 200


def test_tokens_of_another_family_are_refused(client: Client, ours: factories.House) -> None:
    token = token_mint(
        family=Family.INSPEKTLABS, kind="id", seconds=60,
        claims={"sub": str(ours.staff.pk), "tenant": str(ours.tenant.pk)},
    )  # fmt: skip
    assert status(client, token) == 401


def test_a_token_ends_after_its_time(ours: factories.House) -> None:
    token = token_mint(family=Family.CORE, kind="id", seconds=-1, claims={})
    with pytest.raises(NotAuthenticated):
        token_claims(token, family=Family.CORE, kind="id")


def test_a_token_ends_with_its_password_at_once(client: Client, ours: factories.House, bearer: Bearer) -> None:
    headers, colleague = bearer(ours.staff), bearer(ours.annotator)
    person = User.objects.get(pk=ours.staff.pk)
    person.set_password("An0ther-horse!")
    person.save()
    assert client.get(LIST, headers=headers).status_code == 401
    assert client.get(LIST, headers=bearer(person)).status_code == 200
    assert client.get(LIST, headers=colleague).status_code == 200


def test_the_stamp_of_a_password_is_another_for_everybody_and_no_hash_of_it(ours: factories.House) -> None:
    stamps = {stamp(user) for user in (ours.staff, ours.annotator)}
    assert len(stamps) == 2
    for user in (ours.staff, ours.annotator):
        assert stamp(user) not in user.get_session_auth_hash()
        assert stamp(user) not in user.password


@pytest.mark.parametrize("end", ["deactivated", "deleted", "tenant inactive", "removed"])
def test_people_who_left_are_refused_at_once(client: Client, ours: factories.House, bearer: Bearer, end: str) -> None:
    headers = bearer(ours.staff)
    key = {"x-api-key": ours.keys[Family.CORE]}
    assert client.get(LIST, headers=headers).status_code == 200
    assert client.get(LIST, headers=key).status_code == 200
    for person in (ours.staff, ours.tenant_admin):
        if end == "deactivated":
            User.objects.filter(pk=person.pk).update(is_active=False)
        elif end == "deleted":
            User.objects.filter(pk=person.pk).update(deleted_at=timezone.now())
        elif end == "tenant inactive":
            Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
        else:
            membership_remove(user=person, tenant=ours.tenant)
    assert client.get(LIST, headers=headers).status_code == 401
    assert client.get(LIST, headers=key).status_code == 401


# --- keys ------------------------------------------------------------------------------------------------------------


def test_key_acts_as_its_user_in_its_tenant(client: Client, ours: factories.House, outsider: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, photos=0)
    path = f"{LIST}/{image_set.pk}"
    assert client.get(path, headers={"x-api-key": ours.keys[Family.CORE]}).status_code == 200
    assert client.get(path, headers={"x-api-key": outsider.keys[Family.CORE]}).status_code == 404
    # The key's user is a tenant admin.
    curated = client.get("/core/v1/damages", {"sortBy": "createdAt"}, headers={"x-api-key": ours.keys[Family.CORE]})
    assert curated.status_code == 200


@pytest.mark.parametrize("family", [Family.INSPEKTLABS, Family.PAVE, Family.INSTAVID360])
def test_keys_of_other_families_open_nothing(client: Client, ours: factories.House, family: str) -> None:
    response = client.get(LIST, headers={"x-api-key": ours.keys[family]})
    assert (response.status_code, response.json()["message"]) == (401, "The API key is not valid.")


def test_revoked_and_expired_keys_open_nothing(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    api_key_revoke(key=ApiKey.objects.of(ours.tenant.pk).get(family=Family.CORE))
    ApiKey.objects.of(outsider.tenant.pk).filter(family=Family.CORE).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    for house in (ours, outsider):
        assert client.get(LIST, headers={"x-api-key": house.keys[Family.CORE]}).status_code == 401


@pytest.mark.parametrize("value", ["x", "0" * 5000, "\u00e9"])
def test_made_up_keys_open_nothing(client: Client, ours: factories.House, value: str) -> None:
    assert client.get(LIST, headers={"x-api-key": value}).status_code == 401


def test_a_broken_token_is_not_saved_by_a_good_key(client: Client, ours: factories.House) -> None:
    headers = {"authorization": "Bearer x", "x-api-key": ours.keys[Family.CORE]}
    assert client.get(LIST, headers=headers).status_code == 401


# --- reach -----------------------------------------------------------------------------------------------------------


def actor_of(token: str) -> Actor:
    request = Request(APIRequestFactory().get("/", headers={"authorization": f"Bearer {token}"}))
    found = IdTokenAuthentication().authenticate(request)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("who", ["global_admin", "tenant_admin", "annotator", "reviewer", "staff"])
def test_reach_is_that_of_the_services(ours: factories.House, outsider: factories.House, who: str) -> None:
    user = getattr(ours, who)
    membership_set(user=user, tenant=outsider.tenant, role=Role.USER)
    for tenant in (ours.tenant, outsider.tenant):
        assert actor_of(id_token_mint(user, tenant)).reach == reach_of(user, tenant)


def test_what_groups_and_roles_allow(ours: factories.House) -> None:
    def rights(user: User) -> tuple[bool, bool, bool]:
        actor = actor_of(id_token_mint(user, ours.tenant))
        return actor.is_global_admin, actor.is_tenant_admin, actor.may_curate

    assert rights(ours.global_admin) == (True, True, True)
    assert rights(ours.tenant_admin) == (False, True, True)
    assert rights(ours.annotator) == rights(ours.reviewer) == (False, False, True)
    assert rights(ours.staff) == (False, False, False)
    group_assign(user=ours.staff, group="REVIEWER")
    assert rights(ours.staff) == (False, False, True)
    group_unassign(user=ours.staff, group="REVIEWER")
    assert rights(ours.staff) == (False, False, False)
    User.objects.filter(pk=ours.staff.pk).update(is_superuser=True)
    assert rights(ours.staff) == (True, True, True)
