"""Clean-up of sets that nobody submitted: never one with a trace of work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from assets.models import ImageSet, ImageSetState
from damages.models import ManualProcessing, PictogramDamage
from damages.services import cleanup
from damages.services.cleanup import image_sets_prune
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db


def opened(house: House, *, days: int = 31, state: str = ImageSetState.OPEN, submitted: bool = False) -> ImageSet:
    row = factories.image_set(house.tenant, state=state)
    rows = ImageSet.objects.of(house.tenant.pk).filter(pk=row.pk)
    rows.update(created_at=timezone.now() - timedelta(days=days), submitted_at=timezone.now() if submitted else None)
    return rows.get()


def prune(*, dry_run: bool = False) -> int:
    return image_sets_prune(before=timezone.now() - timedelta(days=30), dry_run=dry_run)


def left() -> set[object]:
    return set(ImageSet.objects.all_tenants("test").values_list("pk", flat=True))


def files(row: ImageSet) -> list[str]:
    image = row.images.get()
    return [str(image.received.name), str(image.published.name)]


def test_abandoned_sets_go_with_their_files(ours: House, outsider: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_SETS_AT_A_TIME", 2)
    gone = [opened(ours), opened(ours), opened(outsider)]
    lost = [key for row in gone for key in files(row)]
    kept = opened(ours, days=29)
    assert prune(dry_run=True) == 3
    assert all(default_storage.exists(key) for key in lost)
    assert prune() == 3
    assert left() == {kept.pk}
    assert not any(default_storage.exists(key) for key in lost)
    assert all(default_storage.exists(key) for key in files(kept))
    assert prune() == 0


def _result(row: ImageSet) -> None:
    row.results.create(version=1, cause="models", facts={})


def _manual(row: ImageSet) -> None:
    assert row.tenant
    ManualProcessing(image_set=row, tenant=row.tenant, waiting_since=timezone.now()).save()


def _pictogram(row: ImageSet) -> None:
    PictogramDamage(image_set=row, name="car_left.png", x=0.5, y=0.5).save()


@pytest.mark.parametrize(
    "trace", [factories.run, _result, _manual, _pictogram, lambda row: factories.damage(row.images.get())]
)
def test_a_set_with_a_trace_of_work_stays(ours: House, trace: Callable[[ImageSet], object]) -> None:
    row = opened(ours)
    trace(row)
    assert prune(dry_run=True) == 0
    assert prune() == 0
    assert left() == {row.pk}
    assert all(default_storage.exists(key) for key in files(row))


@pytest.mark.parametrize("state", [state for state in ImageSetState if state != ImageSetState.OPEN])
def test_a_set_in_any_other_state_stays(ours: House, state: str) -> None:
    row = opened(ours, state=state)
    submitted = opened(ours, submitted=True)
    assert prune() == 0
    assert left() == {row.pk, submitted.pk}
