"""Families and first occurrences: W50, merging (W52), deleting (W48)."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client

from assets.models import ImageSet
from tests import factories
from tests.api.core.conftest import Scene
from tests.api.core.damage_edits.calls import MERGE, PATH, Bearer, now, patch, post

pytestmark = pytest.mark.django_db


def test_representatives_and_first_occurrences(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer
) -> None:
    early = factories.image_set(ours.tenant, photos=1, car=free.car)
    ImageSet.objects.of(ours.tenant.pk).filter(pk=early.pk).update(recorded_at=datetime(2026, 1, 1, tzinfo=UTC))
    first = factories.damage(early.images.get())
    headers = bearer(ours.reviewer)
    said = {
        "id": free.member.pk, "representativeId": str(free.member.pk), "firstDamageId": str(first.pk),
        "damageFamilyReviewed": True,
    }  # fmt: skip
    assert patch(client, headers, said).status_code == 200
    assert (now(free.member).representative_id, now(free.member).first_damage_id) == (None, first.pk)
    assert now(free.representative).representative_id == free.member.pk
    assert (now(free.representative).first_damage_id, now(free.representative).family_reviewed) == (first.pk, True)
    assert patch(client, headers, {"id": free.member.pk, "firstDamageId": None}).status_code == 200
    assert (now(free.representative).first_damage_id, now(free.member).first_damage_id) == (None, None)
    for wrong in (
        {"id": first.pk, "firstDamageId": str(free.member.pk)},
        {"id": first.pk, "representativeId": str(free.member.pk)},
        {"id": free.drawn.pk, "firstDamageId": str(free.member.pk)},
    ):
        response = patch(client, headers, wrong)
        assert (response.status_code, list(response.json()["errors"])) == (409, [str(wrong["id"])])
    stranger = factories.damage(
        factories.image_set(ours.tenant, photos=1, car=factories.car(ours.tenant, "ZZ1")).images.get()
    )
    assert patch(client, headers, {"id": stranger.pk, "firstDamageId": str(first.pk)}).status_code == 409


def test_merge_and_delete(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    headers = bearer(ours.reviewer)
    merged = post(client, headers, {"damages": [str(free.drawn.pk), str(free.member.pk)]}, MERGE)
    assert (merged.status_code, merged.json()) == (
        200,
        {"success": True, "message": "Successfully merged unique damages"},
    )
    assert now(free.drawn).representative_id == free.representative.pk
    ids = [str(free.representative.pk)]
    deleted = client.delete(f"{PATH}?ids={ids[0]}", headers=headers)
    assert deleted.json() == {"success": True, "data": {"ids": ids}, "message": "Successfully deleted damages"}
    assert {now(free.drawn).representative_id, now(free.member).representative_id} == {None, free.drawn.pk}
    again = client.delete(f"{PATH}?ids={free.drawn.pk}&deleteRepresentatives=true", headers=headers)
    assert again.json()["data"]["ids"] == [str(free.drawn.pk), str(free.member.pk)]
    assert client.get(f"{PATH}?imageSetId={free.image_set.pk}", headers=headers).json()["data"] == {"items": []}
    for query, status in (
        ("", 400),
        ("?ids=", 400),
        ("?ids=42", 400),
        (f"?ids={uuid4()}", 404),
        (f"?ids={ids[0]}", 404),
    ):
        assert client.delete(f"{PATH}{query}", headers=headers).status_code == status
