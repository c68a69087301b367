"""The public reference: valid OpenAPI without warnings, an example for each answer, and answers that fit it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft4Validator

from inspection_platform.api.docs import document
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import build_scene


@lru_cache(maxsize=1)
def reference() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(document(as_json=True))
    return made


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in reference()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_reference_is_valid_and_without_warnings(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    assert (tmp_path / "schema.yml").stat().st_size > 10_000


@pytest.mark.django_db
def test_reference_is_public_and_holds_every_family(client: Client) -> None:
    response = client.get("/api/schema/", headers={"accept": "application/json"})
    assert response.status_code == 200
    body = response.json()
    assert body["openapi"].startswith("3.")
    assert body == reference()
    mounts = {
        "/".join(path.split("/")[1:3]) if path.startswith("/core") else path.split("/")[1] for path in body["paths"]
    }
    assert mounts == {"core/v1", "inspektlabs"}


@pytest.mark.django_db
def test_reference_as_yaml_unless_json_is_asked_for(client: Client) -> None:
    plain = client.get("/api/schema")
    assert plain.headers["Content-Type"].startswith("application/vnd.oai.openapi")
    assert plain.content.startswith(b"openapi: 3.")
    assert client.get("/api/schema/?format=json").json() == reference()
    assert client.post("/api/schema/").status_code == 405


@pytest.mark.django_db
def test_pages_load_nothing_from_elsewhere(client: Client) -> None:
    response = client.get("/api/docs/")
    assert response.status_code == 200
    page = response.content.decode()
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert len(addresses) >= 3
    assert all(address.startswith("/static/drf_spectacular_sidecar/") for address in addresses)
    assert "://" not in re.sub(r"//[^\n]*", "", page)


def test_every_operation_has_summary_tag_and_examples() -> None:
    for path, method, operation in operations():
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
        for status, response in operation["responses"].items():
            for media in response.get("content", {}).values():
                assert media.get("examples"), f"{where} {status}"
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert media.get("examples"), f"{where} request"


def test_core_operations_name_their_credentials() -> None:
    public = {
        "core_auth_login", "core_auth_token_refresh", "core_auth_register", "core_auth_register_verify",
        "core_auth_reset_password", "core_auth_reset_password_confirm",
    }  # fmt: skip
    for path, _, operation in operations():
        if not path.startswith("/core/"):
            continue
        schemes = {name for rule in operation.get("security", []) for name in rule}
        shown = {"deviceKey"} if path.startswith("/core/v1/recordings") else {"idToken", "apiKey"}
        assert schemes == (set() if operation["operationId"] in public else shown)


def strict(schema: Any) -> Any:
    """The schema with every object closed and OpenAPI's `nullable` in JSON Schema's words."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    if made.pop("nullable", False):
        made = {"anyOf": [made, {"type": "null"}]}
    return made


def validator(schema: dict[str, Any]) -> Draft4Validator:
    return Draft4Validator({**strict(schema), "components": strict(reference()["components"])})


def test_examples_fit_their_shapes() -> None:
    checked = 0
    for path, method, operation in operations():
        for status, response in operation["responses"].items():
            for media in response.get("content", {}).values():
                for name, example in media["examples"].items():
                    problems = [error.message for error in validator(media["schema"]).iter_errors(example["value"])]
                    assert problems == [], f"{method} {path} {status} {name}"
                    checked += 1
    assert checked > 10


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/core/v1/imageSets", "/core/v1/imageSets"),
        ("/core/v1/imageSets/{image_set_id}", "/core/v1/imageSets/00000000-0000-4000-8000-000000000004"),
        ("/core/v1/damages", "/core/v1/damages?returnRepresentatives=false"),
        ("/core/v1/damages", "/core/v1/damages?limit=x"),
        ("/core/v1/damages/{damage_id}", "/core/v1/damages/00000000-0000-4000-8000-000000000007"),
        ("/core/v1/imageSets/{image_set_id}", "/core/v1/imageSets/00000000-0000-4000-8000-000000000099"),
    ],
)
def test_answers_fit_the_reference(
    client: Client, ours: factories.House, bearer: Callable[[User], Headers], template: str, path: str
) -> None:
    build_scene(ours)
    factories.image_set(ours.tenant, photos=0, state="open")
    response = client.get(path, headers=bearer(ours.staff))
    described = reference()["paths"][template]["get"]["responses"][str(response.status_code)]
    schema = described["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(response.json())] == []
