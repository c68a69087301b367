"""Plain rows: the driver's ids, times and JSON read the same on every database."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from damages.models import Damage
from tenants.models import Tenant
from tenants.rows import AmongIds, id_text, in_utc, json_value, maybe_id_text, plain_rows
from tests import factories


@pytest.mark.django_db
def test_rows_are_what_django_reads(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    row = factories.house("ours").tenant
    with django_assert_num_queries(1):
        ((key, name, created, is_active),) = plain_rows(
            Tenant.objects.filter(pk=row.pk).values_list("id", "name", "created_at", "is_active")
        )
    assert (id_text(key), name, in_utc(created)) == (str(row.pk), row.name, row.created_at)
    assert is_active is True


@pytest.mark.django_db
def test_json_is_read_from_its_text() -> None:
    house = factories.house("ours")
    damage = factories.damage(factories.image_set(house.tenant, photos=1).images.get())
    ((polygon,),) = plain_rows(Damage.objects.of(house.tenant.pk).values_list("polygon"))
    assert json_value(polygon) == json_value(damage.polygon) == damage.polygon


@pytest.mark.django_db
def test_no_rows_without_a_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert plain_rows(Tenant.objects.filter(pk__in=[]).values_list("id")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("as_text", [False, True])
def test_among_ids_is_what_in_says(*, as_text: bool) -> None:
    found = [factories.house(name).tenant.pk for name in ("one", "two", "three")]
    wanted: list[UUID | str] = [found[0], found[2], uuid4()]
    if as_text:
        wanted = [str(one) for one in wanted]
    rows = Tenant.objects.filter(AmongIds("id", wanted)).order_by()
    assert set(rows.values_list("pk", flat=True)) == {found[0], found[2]}
    assert not Tenant.objects.filter(AmongIds("id", [])).exists()
    assert Tenant.objects.exclude(AmongIds("id", wanted)).filter(pk__in=found).get().pk == found[1]


def test_ids_have_their_dashes() -> None:
    key = uuid4()
    assert id_text(key) == id_text(key.hex) == id_text(str(key)) == maybe_id_text(key) == str(key)
    assert maybe_id_text(None) is None


def test_times_have_a_zone() -> None:
    now = timezone.now()
    assert in_utc(now) == in_utc(now.replace(tzinfo=None)) == now
