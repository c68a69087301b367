"""Logos of the core family: W68 (addresses) and W69 (a signed form), and what is uploaded by it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Picture
from pytest_django import DjangoAssertNumQueries

from assets.models import Logo
from inspection_platform.api import presigned
from tenants.models import Role, User
from tenants.services.people import membership_set
from tenants.services.settings import tenant_create
from tests import factories, media
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]
Bearer = Callable[[User], Headers]
LOGOS = "/core/v1/logos"


def drawn(side: int = 54, colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Picture.new("RGB", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def form(client: Client, ours: factories.House, bearer: Bearer) -> dict[str, Any]:
    """A form that our admin asked for."""
    body = {"fileName": "logo.png", "tenantId": str(ours.tenant.pk)}
    data: dict[str, Any] = client.post(LOGOS, body, "application/json", headers=bearer(ours.tenant_admin)).json()[
        "data"
    ]
    return data


def put(client: Client, form: dict[str, Any], data: bytes, **changes: str) -> Any:
    file = SimpleUploadedFile("x", data, "image/png")
    return client.post(urlsplit(form["url"]).path, {**form["fields"], **changes, "file": file})


def test_a_logo_is_uploaded_and_shown(
    client: Client, ours: factories.House, bearer: Bearer, form: dict[str, Any], own_storage: Path
) -> None:
    assert put(client, form, drawn(54)).status_code == 204
    response = client.get(f"{LOGOS}?tenantIds={ours.tenant.pk}", headers=bearer(ours.staff))
    body = response.json()
    address = body["data"]["items"][str(ours.tenant.pk)]["54x54"]
    body["data"]["items"][str(ours.tenant.pk)]["54x54"] = ""
    named = {name: {"TENANT": values[str(ours.tenant.pk)]} for name, values in body["data"].items()}
    assert body | {"data": named} == golden("logos")
    shown: Any = client.get(urlsplit(address).path)
    assert shown.headers["Content-Type"] == "image/png"
    assert Picture.open(io.BytesIO(b"".join(shown.streaming_content))).size == (54, 54)
    assert LogEntry.objects.filter(user=ours.tenant_admin, change_message="Logo 54x54 uploaded.").count() == 1


def test_a_logo_is_replaced_and_its_file_goes(
    client: Client, ours: factories.House, form: dict[str, Any], own_storage: Path,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    for colour in ("red", "blue", "blue"):
        with django_capture_on_commit_callbacks(execute=True):
            assert put(client, form, drawn(100, colour)).status_code == 204
    assert Logo.objects.of(ours.tenant.pk).get().size == "100x100"
    assert len([path for path in (own_storage / "published").rglob("*") if path.is_file()]) == 1


def test_capture_sets_show_the_logo(
    client: Client, ours: factories.House, bearer: Bearer, form: dict[str, Any]
) -> None:
    put(client, form, drawn(54))
    factories.rig(ours.tenant, open_to=[ours.tenant])
    (item,) = client.get("/core/v1/captureSets?logos=true", headers=bearer(ours.staff)).json()["data"]["items"]
    assert "/files/" in item["logos"][str(ours.tenant.pk)]["54x54"]


def test_the_form_is_the_golden_json(client: Client, ours: factories.House, bearer: Bearer) -> None:
    body = {"fileName": "../a\\image.JPEG"}
    data = client.post(LOGOS, body, "application/json", headers=bearer(ours.tenant_admin)).json()
    fields = data["data"]["fields"]
    assert fields["key"].startswith(f"logos/{ours.tenant.pk}/")
    assert fields["key"].endswith("-image.JPEG")
    assert data["data"]["url"].startswith("http://testserver/uploads/")
    for name in ("key", "policy", "signature", "x-amz-security-token"):
        assert fields[name]
        fields[name] = ""
    data["data"]["url"] = ""
    assert data == golden("logo_form")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (drawn(55), "A logo has 54x54 or 100x100 pixels"),
        (media.disguised(), "neither a photo nor a video"),
        (media.truncated(drawn(54)), "incomplete"),
        (b"x" * 600_000, "too large"),
        (b"", "empty"),
    ],
)
def test_what_is_no_logo_is_refused(
    client: Client, ours: factories.House, form: dict[str, Any], data: bytes, words: str
) -> None:
    response = put(client, form, data)
    assert (response.status_code, words in response.json()["message"]) == (400, True), response.content
    assert not Logo.objects.of(ours.tenant.pk).exists()


@pytest.mark.parametrize("name", ["key", "acl", "policy", "signature", "x-amz-security-token", "AWSAccessKeyId"])
def test_a_changed_form_opens_nothing(client: Client, ours: factories.House, form: dict[str, Any], name: str) -> None:
    assert put(client, form, drawn(54), **{name: "changed"}).status_code == 403
    assert not Logo.objects.of(ours.tenant.pk).exists()


def test_a_form_ends(
    client: Client, ours: factories.House, form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + presigned.UPLOAD_SECONDS + 1)
    assert put(client, form, drawn(54)).status_code == 403
    assert not Logo.objects.of(ours.tenant.pk).exists()


def test_a_form_of_somebody_gone_opens_nothing(client: Client, ours: factories.House, form: dict[str, Any]) -> None:
    User.objects.filter(pk=ours.tenant_admin.pk).update(is_active=False)
    assert put(client, form, drawn(54)).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "fileName"),
        ({"fileName": "a.svg"}, "fileName"),
        ({"fileName": "a.png", "tenantId": "x"}, "tenantId"),
        ({"fileName": "x" * 201 + ".png"}, "fileName"),
    ],
)
def test_wrong_bodies_are_named(
    client: Client, ours: factories.House, bearer: Bearer, body: dict[str, Any], field: str
) -> None:
    response = client.post(LOGOS, body, "application/json", headers=bearer(ours.tenant_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])


def test_two_tenants_in_one_body_are_refused(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    body = {"fileName": "a.png", "tenantId": str(ours.tenant.pk), "tenant": str(outsider.tenant.pk)}
    assert client.post(LOGOS, body, "application/json", headers=bearer(ours.tenant_admin)).status_code == 404
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    response = client.post(LOGOS, body, "application/json", headers=bearer(ours.tenant_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, ["tenant"])


@pytest.mark.parametrize("name", ["tenant", "tenantId"])
def test_the_outsider_puts_no_logo_on_us(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer, name: str
) -> None:
    body = {"fileName": "a.png", name: str(ours.tenant.pk)}
    for person, status in ((outsider.tenant_admin, 404), (ours.staff, 403), (ours.reviewer, 403)):
        assert client.post(LOGOS, body, "application/json", headers=bearer(person)).status_code == status


@pytest.mark.parametrize("query", ["", "tenantIds=", "tenantIds=x", "tenantIds={ours}&more=1"])
def test_wrong_queries_are_refused(client: Client, ours: factories.House, bearer: Bearer, query: str) -> None:
    path = f"{LOGOS}?{query.format(ours=ours.tenant.pk)}"
    assert client.get(path, headers=bearer(ours.staff)).status_code == 400


@pytest.mark.parametrize("count", [1, 8])
def test_logos_of_many_tenants_cost_the_same(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer, count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    tenants = [tenant_create(name=f"Rental {number}") for number in range(count)]
    headers = bearer(ours.global_admin)
    path = f"{LOGOS}?tenantIds={','.join(str(tenant.pk) for tenant in tenants)}"
    with django_assert_num_queries(3):
        assert len(client.get(path, headers=headers).json()["data"]["items"]) == count
    mixed = f"{LOGOS}?tenantIds={ours.tenant.pk},{outsider.tenant.pk}"
    assert client.get(mixed, headers=bearer(ours.staff)).status_code == 404
    assert client.get(f"{LOGOS}?tenantIds={uuid4()}", headers=headers).status_code == 404
