"""A thousand changes at once, in a number of queries that does not grow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from damages.models import Damage, DamageDecision
from tests import factories
from tests.api.core.conftest import Scene
from tests.api.core.damage_edits.calls import Bearer, drawn, patch, post

pytestmark = pytest.mark.django_db


def test_a_thousand_changes_in_a_bounded_number_of_queries(
    client: Client,
    ours: factories.House,
    free: Scene,
    bearer: Bearer,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    rows = many(free, 1000)
    items: list[dict[str, Any]] = [{"id": pk, "state": "accepted", "damageFamilyReviewed": True} for pk in rows]
    # SQLite takes 999 parameters with a statement: what is written comes in batches of some hundred rows.
    with django_assert_max_num_queries(120):
        response = patch(client, bearer(ours.reviewer), *items)
    assert [item["id"] for item in response.json()["data"]["items"]] == [str(pk) for pk in rows]
    assert Damage.objects.of(ours.tenant.pk).filter(pk__in=rows, state="accepted", family_reviewed=True).count() == 1000
    assert DamageDecision.objects.of(ours.tenant.pk).filter(damage__in=rows).count() == 2000
    assert patch(client, bearer(ours.reviewer), *items, items[0]).status_code == 400


@pytest.mark.parametrize("count", [3, 60])
def test_number_of_queries_does_not_grow(
    client: Client,
    ours: factories.House,
    free: Scene,
    bearer: Bearer,
    count: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    rows = many(free, count)
    headers = bearer(ours.reviewer)
    with django_assert_max_num_queries(16):
        assert patch(client, headers, *({"id": pk, "state": "accepted"} for pk in rows)).status_code == 200
    with django_assert_max_num_queries(24):
        assert post(client, headers, {"damages": [drawn(free.image) for _ in range(count)]}).status_code == 200


def many(scene: Scene, count: int) -> list[UUID]:
    """Ids of so many proposals on the scene's photo."""
    one = factories.damage(scene.image)
    same = {
        field.attname: getattr(one, field.attname)
        for field in Damage._meta.concrete_fields
        if field.name not in {"id", "created_at", "modified_at"}
    }
    copies = [Damage(**same) for _ in range(count - 1)]
    Damage.objects.of(scene.car.tenant_id).bulk_create(copies)
    return [one.pk, *(row.pk for row in copies)]
