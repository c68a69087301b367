"""Photos as received: who looks at them, that it is written down, and when they go."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assets.models import Image, ImageSet, ImageSetState, RetentionKind, RetentionRecord, Upload
from assets.services import received
from assets.services.cleanup import received_orphans_remove
from assets.services.image_sets import image_set_process
from assets.services.received import LOOKED, received_expire, received_open, received_tell
from inspection_platform import workflow
from inspection_platform.cleanup import cleanup
from tenants.errors import Conflict, Forbidden, NotFound
from tests import factories
from tests.admin_pages import login, page, said
from tests.factories import House

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]

PEOPLE = ("tenant_admin", "annotator", "reviewer", "staff")


def photo_of(image_set: ImageSet) -> Image:
    return image_set.images.get()


def content(image: Image) -> bytes:
    with default_storage.open(str(image.received.name)) as file:
        data: bytes = file.read()
        return data


def received_page(image: Image) -> str:
    return reverse("admin:assets_image_open_received", args=[image.pk])


def looks(image: Image) -> list[LogEntry]:
    return list(LogEntry.objects.filter(object_id=str(image.pk)).order_by("action_time"))


# --- who looks -------------------------------------------------------------------------------------------------------


def test_a_global_admin_looks_and_it_is_written_down(ours: House, outsider: House) -> None:
    image = photo_of(factories.image_set(ours.tenant))
    client = login(outsider.global_admin)
    assert received_page(image) in client.get(page(Image, "change", image.pk)).content.decode()
    asked = client.get(received_page(image))
    assert asked.status_code == 200
    assert b"into the log" in asked.content
    assert looks(image) == [], "asking is not looking"
    answer = client.post(received_page(image))
    assert b"".join(answer) == content(image)
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="received-{image.pk}.jpg"'
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    [entry] = looks(image)
    assert (entry.user, entry.get_change_message()) == (outsider.global_admin, LOOKED)
    assert abs(entry.action_time - timezone.now()) < timedelta(minutes=1)
    assert LOOKED in client.get(reverse("admin:admin_logentry_changelist")).content.decode()


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_else_looks(ours: House, outsider: House, person: str, method: str) -> None:
    image = photo_of(factories.image_set(ours.tenant))
    for house in (ours, outsider):
        client = login(getattr(house, person))
        answer = getattr(client, method)(received_page(image))
        assert answer.status_code == 403
        assert not answer.streaming
        shown = client.get(page(Image, "change", image.pk)).content.decode()
        assert received_page(image) not in shown
    assert looks(image) == []


def test_an_id_that_is_none_is_no_photo(ours: House) -> None:
    client = login(ours.global_admin)
    address = reverse("admin:assets_image_open_received", args=["00000000-0000-0000-0000-000000000000"])
    assert client.post(address).status_code == 302


@pytest.mark.parametrize("person", PEOPLE)
def test_the_service_refuses_as_well(ours: House, person: str) -> None:
    image = photo_of(factories.image_set(ours.tenant))
    with pytest.raises(Forbidden):
        received_open(image=image, by=getattr(ours, person))
    assert looks(image) == []


def test_what_is_gone_is_said_to_be_gone(ours: House) -> None:
    image = photo_of(factories.image_set(ours.tenant))
    default_storage.delete(str(image.received.name))
    with pytest.raises(NotFound):
        received_open(image=image, by=ours.global_admin)
    image.received_deleted_at = datetime(2026, 3, 1, tzinfo=timezone.get_current_timezone())
    image.save()
    with pytest.raises(Conflict, match="deleted on 2026-03-01"):
        received_open(image=image, by=ours.global_admin)
    answer = login(ours.global_admin).post(received_page(image), follow=True)
    assert "deleted on 2026-03-01" in said(answer)


# --- when they go ----------------------------------------------------------------------------------------------------


def blurred(house: House, *, days: int = 31, photos: int = 1, **extra: Any) -> ImageSet:
    """A set of that age with blurred pictures."""
    made = factories.image_set(house.tenant, photos=photos, **extra)
    ImageSet.objects.of(house.tenant.pk).filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days))
    Image.objects.of(house.tenant.pk).filter(image_set=made).update(faces_blurred_at=timezone.now())
    return ImageSet.objects.of(house.tenant.pk).get(pk=made.pk)


def is_kept(image_set: ImageSet) -> list[bool]:
    rows = image_set.images.order_by("position")
    return [bool(row.received) and default_storage.exists(str(row.received.name)) for row in rows]


def retention(house: House, days: int, *, told: bool = True) -> None:
    factories.settings(house.tenant, expiryAfter=days)
    if told:
        received_tell(now=timezone.now())


def expire(*, dry_run: bool = False) -> int:
    return received_expire(now=timezone.now(), dry_run=dry_run)


def records(house: House) -> list[tuple[str, int, int]]:
    rows = RetentionRecord.objects.of(house.tenant.pk).order_by("created_at")
    return [(str(row.kind), row.days, row.photos) for row in rows]


def test_received_photos_go_when_the_retention_is_over(ours: House, outsider: House) -> None:
    retention(ours, 30)
    old, young, other = blurred(ours, photos=2), blurred(ours, days=29), blurred(outsider)
    keys = [str(image.received.name) for image in old.images.all()]
    assert expire(dry_run=True) == 2
    assert is_kept(old) == [True, True]
    assert expire() == 2
    assert not any(default_storage.exists(key) for key in keys)
    for image in old.images.all():
        assert (image.received.name, bool(image.received_deleted_at)) == ("", True)
        assert default_storage.exists(str(image.published.name)), "what people see stays"
        assert image.upload
        assert image.upload.file.name == ""
    assert (is_kept(young), is_kept(other)) == ([True], [True])
    assert records(ours)[1:] == [(RetentionKind.DELETED, 30, 2)]
    assert records(outsider) == []
    assert expire() == 0


def _unpublished(row: ImageSet) -> None:
    row.images.update(published="")


def _not_blurred(row: ImageSet) -> None:
    row.images.update(faces_blurred_at=None)


def _moving(state: str) -> Callable[[ImageSet], None]:
    def move(row: ImageSet) -> None:
        ImageSet.objects.all_tenants("test").filter(pk=row.pk).update(state=state)

    return move


@pytest.mark.parametrize(
    "keep",
    [_unpublished, _not_blurred, _moving(ImageSetState.PROCESSING), _moving(ImageSetState.OPEN)],
    ids=["unpublished", "not blurred", "processing", "open"],
)
def test_what_may_still_be_needed_stays(ours: House, keep: Callable[[ImageSet], None]) -> None:
    retention(ours, 30)
    row = blurred(ours)
    keep(row)
    assert expire(dry_run=True) == 0
    assert expire() == 0
    assert is_kept(row) == [True]


def test_no_retention_keeps_everything(ours: House) -> None:
    row = blurred(ours, days=30_000)
    assert (received_tell(now=timezone.now()), expire()) == (0, 0)
    assert is_kept(row) == [True]
    assert records(ours) == []


def test_only_the_blurred_photos_of_a_set_go(ours: House) -> None:
    retention(ours, 30)
    row = blurred(ours, photos=2)
    row.images.filter(position=2).update(faces_blurred_at=None)
    assert expire() == 1
    assert is_kept(row) == [False, True]


def test_the_first_clean_up_after_a_change_only_tells(ours: House) -> None:
    row = blurred(ours)
    retention(ours, 30, told=False)
    assert (expire(), received_tell(now=timezone.now(), dry_run=True)) == (0, 1)
    assert records(ours) == []
    assert received_tell(now=timezone.now()) == 1
    assert is_kept(row) == [True]
    assert records(ours) == [(RetentionKind.TOLD, 30, 1)]
    retention(ours, 7, told=False)
    assert expire() == 0, "another change, told of anew"
    assert received_tell(now=timezone.now()) == 1
    assert received_tell(now=timezone.now()) == 0
    assert expire() == 1


def test_a_retention_that_was_lifted_meanwhile_is_told_of_anew(ours: House) -> None:
    row = blurred(ours)
    for days in (30, 0):
        retention(ours, days)
    retention(ours, 30, told=False)
    assert expire() == 0
    assert is_kept(row) == [True]
    assert records(ours) == [(RetentionKind.TOLD, 30, 1), (RetentionKind.TOLD, 0, 0)]


def test_the_daily_clean_up_tells_and_the_next_one_deletes(ours: House) -> None:
    row = blurred(ours)
    retention(ours, 30, told=False)
    first, second = ({step.what: step.count for step in cleanup()} for _ in range(2))
    deleted = "photos as received past their retention"
    erased = "image sets past their retention"
    told = "image sets past a changed retention, only told"
    assert (first[erased], first[deleted], first[told]) == (0, 0, 1)
    assert (second[erased], second[deleted], second[told]) == (1, 0, 0), "a photo goes with its set"
    assert not ImageSet.objects.of(ours.tenant.pk).filter(pk=row.pk).exists()


def test_a_photo_sent_twice_and_removed_once_is_one_file(ours: House) -> None:
    retention(ours, 30)
    row = blurred(ours)
    image = photo_of(row)
    removed = Image(
        image_set=row, position=2, sha256=image.sha256, received=image.received.name, deleted_at=timezone.now()
    )
    removed.save()
    twin = Upload(image_set=row, position=2, name="again.jpg", kind="jpeg", file=image.received.name)
    twin.save()
    Upload.objects.of(ours.tenant.pk).filter(images=image).update(file=image.received.name)
    assert expire() == 1
    removed.refresh_from_db()
    twin.refresh_from_db()
    assert (removed.received.name, twin.file.name, bool(removed.received_deleted_at)) == ("", "", True)


@pytest.mark.parametrize("is_last", [True, False])
def test_a_video_goes_with_the_last_of_its_frames(ours: House, is_last: bool) -> None:
    retention(ours, 30)
    row = blurred(ours, photos=0)
    key = default_storage.save(f"received/{row.pk}/a.mp4", ContentFile(b"video"))
    video = Upload(image_set=row, position=9, name="a.mp4", kind="mp4", file=key)
    video.save()
    for frame in (1, 2):
        image = factories.photo(row, position=frame)
        image.upload, image.frame, image.faces_blurred_at = video, frame, timezone.now()
        if frame == 2 and not is_last:
            image.faces_blurred_at = None
        image.save()
    assert expire() == (2 if is_last else 1)
    video.refresh_from_db()
    assert (video.file.name == "", default_storage.exists(key)) == (is_last, not is_last)


def test_what_a_dying_clean_up_leaves_the_next_one_removes(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    retention(ours, 30)
    row = blurred(ours)
    key = str(photo_of(row).received.name)

    def killed(_keys: list[str]) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(received, "files_remove", killed)
        with pytest.raises(KeyboardInterrupt):
            expire()
    assert default_storage.exists(key)
    assert photo_of(row).received_deleted_at
    received_orphans_remove(before=timezone.now() + timedelta(minutes=1))
    assert not default_storage.exists(key)


def test_many_sets_go_in_batches_at_a_steady_price(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    retention(ours, 30)
    monkeypatch.setattr(received, "_SETS_AT_A_TIME", 2)
    for _ in range(5):
        blurred(ours)
    assert expire() == 5
    assert [photos for kind, _, photos in records(ours) if kind == RetentionKind.DELETED] == [2, 2, 1]
    monkeypatch.setattr(received, "_SETS_AT_A_TIME", 50)
    counts = []
    for number in (1, 6):
        for _ in range(number):
            blurred(ours)
        with CaptureQueriesContext(connection) as queries:
            assert expire() == number
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- and afterwards --------------------------------------------------------------------------------------------------


def test_a_set_without_its_received_photos_is_not_run_again(ours: House) -> None:
    retention(ours, 30)
    row = blurred(ours)
    expire()
    today = timezone.now()
    with pytest.raises(Conflict, match=f"The received photos were deleted on {today:%Y-%m-%d}"):
        image_set_process(image_set=row)
    with pytest.raises(Conflict, match="received photos were deleted"):
        workflow.run_again(image_set=row)
    row.refresh_from_db()
    assert (row.state, row.runs.count()) == (ImageSetState.READY, 0)
    answer = login(ours.tenant_admin).post(reverse("portal:run-again", args=[row.pk]), follow=True)
    assert "The received photos were deleted on" in said(answer)


def test_the_photos_page_shows_when(ours: House) -> None:
    retention(ours, 30)
    row = blurred(ours)
    expire()
    answer = login(ours.tenant_admin).get(page(Image, "change", photo_of(row).pk)).content.decode()
    assert "Received photo deleted" in answer
    assert "Faces blurred" in answer


@pytest.mark.django_db(transaction=True)
def test_a_run_and_the_clean_up_at_once_never_leave_a_run_without_photos(ours: House) -> None:
    retention(ours, 30)
    rows = [blurred(ours) for _ in range(6)]

    def process(row: ImageSet) -> bool:
        try:
            image_set_process(image_set=ImageSet(pk=row.pk))
        except Conflict:
            return False
        finally:
            connections.close_all()
        return True

    def clean() -> int:
        try:
            return expire()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        cleaned = pool.submit(clean)
        started = list(pool.map(process, rows))
    kept = [is_kept(row) == [True] for row in rows]
    assert kept == started
    assert cleaned.result() == started.count(False)
