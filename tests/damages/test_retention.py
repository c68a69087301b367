"""The end of a retention: sets erased for good, told beforehand, recorded, and never under dispute."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from assets.models import Image, ImageSet, ImageSetState, Passage, Recording, RetentionKind, RetentionRecord, Submission
from assets.services.cleanup import published_orphans_remove
from assets.services.received import received_expire, received_tell
from assets.storage import stored_files
from damages.models import Damage, ManualProcessing, ManualStatus, ResultCause, ResultVersion
from damages.services import retention
from damages.services.cleanup import image_sets_prune
from damages.services.image_sets import image_set_delete
from damages.services.results import result_publish
from damages.services.retention import image_sets_erase
from tenants.models import Event
from tests import factories
from tests.factories import House

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]


def aged(house: House, days: int = 31, **extra: object) -> ImageSet:
    """A set created so many days ago, with a photo, a damage and a published result."""
    row = factories.image_set(house.tenant, **extra)  # type: ignore[arg-type]  # columns of any kind
    then = timezone.now() - timedelta(days=days)
    ImageSet.objects.of(house.tenant.pk).filter(pk=row.pk).update(created_at=then, recorded_at=then)
    factories.damage(row.images.get())
    result_publish(image_set=row, cause=ResultCause.MODELS, run=None)
    row.refresh_from_db()
    return row


def keep(house: House, days: int, *, told: bool = True) -> None:
    factories.settings(house.tenant, expiryAfter=days)
    if told:
        received_tell(now=timezone.now())


def erase(*, dry_run: bool = False) -> int:
    return image_sets_erase(now=timezone.now(), dry_run=dry_run)


def left(house: House) -> set[object]:
    return set(ImageSet.objects.of(house.tenant.pk).values_list("pk", flat=True))


def test_sets_go_with_all_that_hangs_on_them(ours: House, outsider: House) -> None:
    old, young, theirs = aged(ours), aged(ours, days=29), aged(outsider)
    removed = aged(ours)
    image_set_delete(image_set=removed, by=ours.tenant_admin)
    keep(ours, 30)
    assert erase(dry_run=True) == 2
    assert len(left(ours)) == 3
    assert erase() == 2
    assert (left(ours), left(outsider)) == ({young.pk}, {theirs.pk})
    for model in (Damage, ResultVersion, Image, Submission):
        assert model.objects.of(ours.tenant.pk).count() == 1, model
    assert Event.objects.of(ours.tenant.pk).count() == 1
    folders = {file.key.split("/")[1] for file in stored_files()}
    assert folders == {str(young.pk), str(theirs.pk)}
    record = RetentionRecord.objects.of(ours.tenant.pk).get(kind=RetentionKind.DELETED)
    assert (record.days, record.image_sets, record.photos) == (30, 2, 2)
    assert {one["id"] for one in record.erased} == {str(old.pk), str(removed.pk)}
    assert {one["recorded_at"] for one in record.erased} >= {old.recorded_at.isoformat()}
    assert erase() == 0


def test_the_first_clean_up_after_a_change_only_tells(ours: House) -> None:
    row = aged(ours)
    keep(ours, 30, told=False)
    assert erase() == 0
    assert received_tell(now=timezone.now()) == 1
    told = RetentionRecord.objects.of(ours.tenant.pk).get()
    assert (told.kind, told.image_sets, told.erased) == (RetentionKind.TOLD, 1, [])
    keep(ours, 20, told=False)
    assert erase() == 0
    keep(ours, 0)
    assert erase() == 0
    assert left(ours) == {row.pk}


def test_what_was_told_of_photos_alone_is_told_anew(ours: House) -> None:
    aged(ours)
    keep(ours, 30, told=False)
    RetentionRecord(tenant=ours.tenant, kind=RetentionKind.TOLD, days=30, photos=1).save()
    assert erase() == 0
    assert received_tell(now=timezone.now()) == 1
    assert erase() == 1


@pytest.mark.parametrize("state", [ImageSetState.OPEN, ImageSetState.PROCESSING])
def test_sets_under_way_stay(ours: House, state: str) -> None:
    aged(ours, state=state)
    keep(ours, 30)
    assert erase() == 0


def test_a_disputed_set_is_never_touched(ours: House) -> None:
    row = aged(ours)
    ImageSet.objects.of(ours.tenant.pk).update(under_dispute=True)
    Image.objects.of(ours.tenant.pk).update(faces_blurred_at=timezone.now())
    keep(ours, 30)
    assert erase() == received_expire(now=timezone.now()) == 0
    assert default_storage.exists(str(row.images.get().received.name))
    ImageSet.objects.of(ours.tenant.pk).update(state=ImageSetState.OPEN, submitted_at=None)
    Damage.objects.of(ours.tenant.pk).delete()
    ResultVersion.objects.of(ours.tenant.pk).delete()
    assert image_sets_prune(before=timezone.now()) == 0
    ImageSet.objects.of(ours.tenant.pk).update(under_dispute=False, state=ImageSetState.READY)
    assert erase() == 1


def test_what_somebody_works_on_stays_until_they_leave_it(ours: House) -> None:
    row = aged(ours)
    now = timezone.now()
    job = ManualProcessing(
        image_set=row, tenant=ours.tenant, status=ManualStatus.ANNOTATION_WAITING, waiting_since=now,
        holder=ours.annotator, locked_until=now + timedelta(minutes=5),
    )  # fmt: skip
    job.save()
    keep(ours, 30)
    assert erase() == 0
    ManualProcessing.objects.of(ours.tenant.pk).update(locked_until=now)
    assert erase() == 1


def test_a_line_goes_on_with_its_next_earliest(ours: House) -> None:
    car = factories.car(ours.tenant)
    old, next_one, last = (aged(ours, days=days, car=car) for days in (31, 20, 10))
    Damage.objects.of(ours.tenant.pk).exclude(image_set=old).update(first_damage=old.damages.get())
    keep(ours, 30)
    assert erase() == 1
    assert next_one.damages.get().first_damage is None
    assert last.damages.get().first_damage == next_one.damages.get()


def test_a_recording_goes_with_its_passage_unless_another_set_tells_of_it(ours: House) -> None:
    rig = factories.rig(ours.tenant, open_to=[ours.tenant])
    sets = [factories.recording(rig, state=ImageSetState.READY) for _ in range(2)]
    for key in ("left.mp4", "right.mp4"):
        default_storage.save(key, ContentFile(b"video"))
    then = timezone.now() - timedelta(days=31)
    rows = ImageSet.objects.all_tenants("a test gives recordings their tenant")
    rows.filter(pk__in=[row.pk for row in sets]).update(tenant=ours.tenant, created_at=then)
    Passage.objects.all_tenants("a test gives passages their tenant").update(tenant=ours.tenant)
    Recording.objects.of(ours.tenant.pk).filter(passage=sets[1].passage).update(file="")
    twin = ImageSet(tenant=ours.tenant, passage=sets[1].passage, recorded_at=then)
    twin.save()
    keep(ours, 30)
    assert erase() == 2
    assert list(Passage.objects.of(ours.tenant.pk)) == [sets[1].passage]
    assert not default_storage.exists("left.mp4")


def test_many_sets_go_in_batches(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_SETS_AT_A_TIME", 2)
    for _ in range(5):
        aged(ours)
    keep(ours, 30)
    assert erase() == 5
    records = RetentionRecord.objects.of(ours.tenant.pk).filter(kind=RetentionKind.DELETED).order_by("created_at")
    assert [row.image_sets for row in records] == [2, 2, 1]


def test_what_a_dying_clean_up_leaves_published_the_next_one_removes(
    ours: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, young = aged(ours), aged(ours, days=1)
    logo = default_storage.save("published/logos/a.png", ContentFile(b"png"))
    keep(ours, 30)

    def killed(_keys: list[str]) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retention, "files_remove", killed)
        with pytest.raises(KeyboardInterrupt):
            erase()
    assert left(ours) == {young.pk}
    soon = timezone.now() + timedelta(minutes=1)
    assert published_orphans_remove(before=timezone.now() - timedelta(days=1)) == 0
    assert published_orphans_remove(before=soon, dry_run=True) == 1
    assert published_orphans_remove(before=soon) == 1
    assert default_storage.exists(logo)
    assert default_storage.exists(str(young.images.get().published.name))
    assert not list(stored_files(f"published/{row.pk}/"))
