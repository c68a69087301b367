"""The migration after which lines begin with the earliest sighting that stands."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from assets.models import Car, ImageSet
from damages.models import Action, Damage, DamageDecision, DamageState
from tests import factories

pytestmark = pytest.mark.django_db


def line(house: factories.House, car: Car, *states: str) -> list[Damage]:
    """Sightings of one damage a day apart, as they were matched before anybody asked whether the first one stands."""
    seen: list[Damage] = []
    for number, state in enumerate(states):
        row = factories.image_set(house.tenant, photos=1, car=car)
        moment = timezone.now() - timedelta(days=9 - number)
        ImageSet.objects.of(house.tenant.pk).filter(pk=row.pk).update(recorded_at=moment)
        seen.append(factories.damage(row.images.get(), state=state, first_damage=seen[0] if seen else None))
    return seen


def firsts(line: list[Damage]) -> list[int | None]:
    places = {row.pk: place for place, row in enumerate(line)}
    for row in line:
        row.refresh_from_db()
    return [None if row.first_damage_id is None else places[row.first_damage_id] for row in line]


def test_lines_begin_with_what_stands(ours: factories.House, outsider: factories.House) -> None:
    new, out, ok = DamageState.CREATED, DamageState.REJECTED, DamageState.ACCEPTED
    cars = [factories.car(house.tenant, f"AB1234{number}") for number, house in enumerate((ours, ours, outsider))]
    hidden, standing = line(ours, cars[0], out, new, ok), line(ours, cars[1], ok, out, new)
    theirs = line(outsider, cars[2], out, out)
    doubtful = line(ours, cars[1], ok, ok)
    Damage.objects.of(ours.tenant.pk).filter(pk=doubtful[0].pk).update(is_potential=True)
    migration = import_module("damages.migrations.0005_first_occurrences_that_stand")
    for _ in range(2):
        migration.begin_lines_anew(apps, SimpleNamespace(connection=connection))
        assert firsts(hidden) == [1, None, 1]
        assert firsts(standing) == [None, 0, 0]
        assert firsts(theirs) == [None, 0]
        assert firsts(doubtful) == [1, None]
    records = DamageDecision.objects.of(ours.tenant.pk)
    assert {row.damage_id for row in records} == {row.pk for row in (*hidden, *doubtful)}
    record = records.get(damage=hidden[2])
    assert (record.action, record.before, record.after) == (
        Action.SETTLED, {"first_damage_id": str(hidden[0].pk)}, {"first_damage_id": str(hidden[1].pk)},
    )  # fmt: skip
