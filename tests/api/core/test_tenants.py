"""Tenants: the list and new ones, W19 and W20."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tenants.models import Tenant
from tenants.services.settings import tenant_create
from tests import factories
from tests.api.core.conftest import golden
from tests.api.core.tenants import TENANTS, Bearer, call, vendors_tenant

pytestmark = pytest.mark.django_db


def test_list_is_the_golden_json(client: Client, ours: factories.House, bearer: Bearer) -> None:
    tenant_create(name="Another Rental")
    vendors_tenant("79d9e895-b96c-4574-a059-f8cb7ea0fc57", "Tenant B")
    vendors_tenant("594302d9-f090-4dce-b7ad-66043c9ae000", "Tenant A")
    response = client.get(TENANTS, {"limit": "2", "page": "2"}, headers=bearer(ours.global_admin))
    assert (response.status_code, response.json()) == (200, golden("tenants"))


def test_a_list_of_many_costs_as_many_queries_as_one_of_few(
    client: Client, ours: factories.House, bearer: Bearer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    headers = bearer(ours.global_admin)
    with CaptureQueriesContext(connection) as few:
        client.get(TENANTS, headers=headers)
    Tenant.objects.bulk_create(Tenant(name=f"Tenant {number}") for number in range(120))
    with django_assert_num_queries(len(few)):
        body = client.get(TENANTS, {"limit": "500"}, headers=headers).json()
    assert (len(body["data"]["items"]), body["meta"]["totalItems"]) == (100, 121)
    assert client.get(TENANTS, {"page": "99"}, headers=headers).json()["data"] == {"items": []}


def test_a_tenant_is_created_with_settings(client: Client, ours: factories.House, bearer: Bearer) -> None:
    headers = bearer(ours.global_admin)
    response = call(client, "post", TENANTS, {"name": " Tenant C "}, headers)
    assert (response.status_code, response.json()) == (200, golden("tenant_created"))
    made = Tenant.objects.get(name="Tenant C")
    assert client.get(f"{TENANTS}/{made.pk}", headers=headers).json()["data"]["settings"]["expiryAfter"] == 0
    newest = made.history.first()
    assert newest is not None
    assert newest.history_user == ours.global_admin
    taken = call(client, "post", TENANTS, {"name": "Tenant C"}, headers)
    assert (taken.status_code, taken.json()["message"]) == (409, "A tenant with this name exists already.")


@pytest.mark.parametrize("name", ["", "  ", None, "x" * 201, "a\0b", "\ud800", ["x"], {"a": 1}, True])
def test_a_name_that_is_none_is_named(client: Client, ours: factories.House, bearer: Bearer, name: Any) -> None:
    response = call(client, "post", TENANTS, json.dumps({"name": name}), bearer(ours.global_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, ["name"])
    assert Tenant.objects.count() == 1


def test_only_global_admins_list_and_create(client: Client, ours: factories.House, bearer: Bearer) -> None:
    for person in (ours.tenant_admin, ours.annotator, ours.staff):
        assert client.get(TENANTS, headers=bearer(person)).status_code == 403
        assert call(client, "post", TENANTS, {}, bearer(person)).status_code == 403
    assert client.get(TENANTS).status_code == 401
