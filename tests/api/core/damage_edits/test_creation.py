"""Damages that people draw: W51."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from damages.models import Action, Damage, PictogramDamage
from inspection_platform.api.core.docs.damage_edits import CREATE
from tests import factories
from tests.api.core.conftest import Scene
from tests.api.core.damage_edits.calls import Bearer, box, drawn, post

pytestmark = pytest.mark.django_db


def test_what_a_person_drew_is_accepted(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    before = set(Damage.objects.of(ours.tenant.pk).values_list("pk", flat=True))
    mark = {**CREATE["pictogramDamages"][0], "imageSetId": str(free.image_set.pk)}
    items = [
        drawn(
            free.image, carId=str(free.car.pk), truePositives={"dents": True}, falsePositives={"notOnVehicle": False}
        ),
        drawn(free.image, state="created"),
        drawn(free.image, points=box(0, 0, 40, 30), state="rejected", falsePositives={"fakeScratches": True}),
    ]
    response = post(client, bearer(ours.annotator), {"damages": items, "pictogramDamages": [mark]})
    assert (response.status_code, response.json()) == (
        200,
        {"success": True, "message": "Successfully created damages"},
    )
    dent, proposal, fake = Damage.objects.of(ours.tenant.pk).exclude(pk__in=before).order_by("created_at")
    assert (dent.state, dent.category, dent.source, dent.created_by) == (
        "accepted",
        "dents",
        "annotator",
        ours.annotator,
    )
    assert (dent.car_id, dent.decided_by, dent.confidence) == (free.car.pk, ours.annotator, None)
    assert (proposal.state, proposal.category, proposal.decided_by) == ("created", "lineScratches", None)
    assert (fake.state, fake.category, fake.false_positives["fakeScratches"]) == ("rejected", "areaScratches", True)
    assert [row.decisions.get().action for row in (dent, proposal, fake)] == [Action.DRAWN] * 3
    stored = PictogramDamage.objects.of(ours.tenant.pk).get()
    assert (stored.name, stored.x, stored.y, stored.is_new) == ("car_front_180.png", 0.12, 0.34, True)
    assert (stored.image_set, stored.created_by) == (free.image_set, ours.annotator)


def test_creating_is_all_or_nothing(
    client: Client, ours: factories.House, outsider: factories.House, free: Scene, bearer: Bearer
) -> None:
    other = factories.image_set(ours.tenant, photos=1).images.get()
    theirs = factories.image_set(outsider.tenant, photos=1).images.get()
    mark = {"imageSetId": str(free.image_set.pk), "pictogramName": "car_left.png", "x": 0.5, "y": 0.5}
    headers, good = bearer(ours.reviewer), drawn(free.image)
    cases: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
        (404, drawn(theirs), mark),
        (404, drawn(other, imageSetId=str(free.image_set.pk)), mark),
        (404, drawn(free.image, firstDamageId=str(uuid4())), mark),
        (404, drawn(free.image, carId=str(uuid4())), mark),
        (404, good, mark | {"imageSetId": str(theirs.image_set_id)}),
        (400, drawn(other, carId=str(free.car.pk)), mark),
        (400, drawn(free.image, points=box(0, 0, 900, 9)), mark),
        (400, drawn(free.image, falsePositives={"notOnVehicle": True}), mark),
        (400, good, mark | {"x": 1.1}),
        (400, good, mark | {"pictogramName": "../car.png"}),
        (409, drawn(free.image, firstDamageId=str(free.drawn.pk)), mark),
    ]
    count = Damage.objects.of(ours.tenant.pk).count()
    for status, item, pictogram in cases:
        response = post(client, headers, {"damages": [good, item], "pictogramDamages": [pictogram]})
        assert response.status_code == status, (item, pictogram)
    assert Damage.objects.of(ours.tenant.pk).count() == count
    assert not PictogramDamage.objects.of(ours.tenant.pk).exists()


def test_creation_is_not_repeated(client: Client, ours: factories.House, free: Scene, bearer: Bearer) -> None:
    headers = {**bearer(ours.reviewer), "Idempotency-Key": "once"}
    count = Damage.objects.of(ours.tenant.pk).count()
    for _ in range(2):
        assert post(client, headers, {"damages": [drawn(free.image)]}).status_code == 200
    assert Damage.objects.of(ours.tenant.pk).count() == count + 1


def test_a_new_damage_may_name_its_first_occurrence(
    client: Client, ours: factories.House, free: Scene, bearer: Bearer
) -> None:
    late = factories.image_set(ours.tenant, photos=1, car=free.car).images.get()
    items = [drawn(late, firstDamageId=str(free.member.pk)), drawn(late, points=box(0, 0, 9, 9))]
    assert post(client, bearer(ours.reviewer), {"damages": items}).status_code == 200
    found = Damage.objects.of(ours.tenant.pk).filter(image=late).order_by("created_at")
    assert [row.first_damage_id for row in found] == [free.representative.pk, None]
