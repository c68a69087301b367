"""Image sets with damages that are new or recent: W58."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assets.models import ImageSet
from damages.models import Damage
from tenants.models import Tenant
from tests import factories
from tests.api.core.image_set_edits.answers import LIST, with_ids
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db


def seen(tenant: Tenant, hours: float) -> ImageSet:
    """A set with a damage, recorded so many hours ago."""
    row = factories.image_set(tenant)
    ImageSet.objects.of(tenant.pk).filter(pk=row.pk).update(recorded_at=timezone.now() - timedelta(hours=hours))
    factories.damage(row.images.get())
    return row


def test_freshness_is_the_golden_json(ask: Sender, ours: factories.House) -> None:
    day, week, old = seen(ours.tenant, 23), seen(ours.tenant, 119), seen(ours.tenant, 121)
    ids = f"{old.pk}, {day.pk},{week.pk},"
    answer = ask(ours.staff, "get", f"{LIST}/newDamages?ids={ids}").json()
    assert answer == with_ids("image_sets_new_damages", new=day.pk, recent=week.pk, none=old.pk)
    assert list(answer["data"]) == [str(row.pk) for row in (old, day, week)]


def test_freshness_counts_from_the_first_occurrence(ask: Sender, ours: factories.House) -> None:
    old, new_set = seen(ours.tenant, 30), seen(ours.tenant, 1)
    Damage.objects.of(ours.tenant.pk).filter(image_set=new_set).update(first_damage=old.damages.get())
    answer = ask(ours.staff, "get", f"{LIST}/newDamages?ids={new_set.pk}").json()
    assert answer["data"][str(new_set.pk)] == {"hasNewDamages": False, "hasRecentDamages": True}


@pytest.mark.parametrize(
    "query", ["", "?ids=", "?ids=,", "?ids=x", f"?ids={','.join(f'{number:032x}' for number in range(101))}"]
)
def test_wrong_ids_are_refused(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.staff, "get", f"{LIST}/newDamages{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["ids"])


def test_one_unseen_set_refuses_the_whole(ask: Sender, ours: factories.House, outsider: factories.House) -> None:
    mine, theirs = seen(ours.tenant, 1), seen(outsider.tenant, 1)
    assert ask(ours.staff, "get", f"{LIST}/newDamages?ids={mine.pk},{theirs.pk}").status_code == 404
    assert ask(ours.global_admin, "get", f"{LIST}/newDamages?ids={mine.pk},{theirs.pk}").status_code == 200
