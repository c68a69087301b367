"""Sessions are issued, take one upload, and an upload that fails leaves nothing behind."""

from __future__ import annotations

import datetime as dt
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from assets.models import Image, ImageSet, ImageSetState, Submission, SubmissionState, Upload, UploadState
from assets.services.submissions import (
    IncomingFile,
    IncomingUrl,
    SubmissionDetails,
    image_set_receive,
    session_key,
    submission_is_used,
    submission_issue,
)
from tenants.errors import Conflict, Unavailable
from tenants.models import Family, Tenant
from tenants.services.sealing import unseal
from tests.assets.conftest import Incoming, content, received
from tests.factories import House

FAMILY = Family.INSPEKTLABS
YEAR_2000 = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - hypothesis wants its bounds naive


def folders() -> set[str]:
    return set(default_storage.listdir("received")[0]) if default_storage.exists("received") else set()


@given(st.datetimes(min_value=YEAR_2000, timezones=st.just(dt.UTC)))
def test_a_session_key_is_in_four_digits_and_the_time(moment: dt.datetime) -> None:
    key = session_key(moment)
    assert re.fullmatch(r"in\d{18}", key)
    assert key.endswith(f"{moment:%Y%m%d%H%M%S}")


def test_issuing_opens_a_session(ours: House) -> None:
    submission = submission_issue(tenant=ours.tenant, family=FAMILY)
    stored = Submission.objects.of(ours.tenant.pk).get()
    assert (stored.pk, stored.state, stored.external_key) == (
        submission.pk, SubmissionState.ISSUED, submission.external_key,
    )  # fmt: skip
    assert not submission_is_used(tenant=ours.tenant, family=FAMILY, external_key=submission.external_key)


def test_issuing_passes_over_keys_that_are_taken(ours: House) -> None:
    taken = submission_issue(tenant=ours.tenant, family=FAMILY).external_key
    with mock.patch("assets.services.submissions.session_key", side_effect=[taken, taken, "in9"]):
        assert submission_issue(tenant=ours.tenant, family=FAMILY).external_key == "in9"
    with mock.patch("assets.services.submissions.session_key", return_value=taken), pytest.raises(Unavailable):
        submission_issue(tenant=ours.tenant, family=FAMILY)


def test_receiving_files_makes_a_set_with_uploads_and_images(ours: House, incoming: Incoming) -> None:
    session = submission_issue(tenant=ours.tenant, family=FAMILY).external_key
    details = SubmissionDetails(
        case_id="case", callback_url="https://x.example/", email="a@b.example", agent_id="1", agent_name="Ann",
        metadata={"model": "Corolla"}, fetch_auth="secret",
    )  # fmt: skip
    image_set = image_set_receive(
        tenant=ours.tenant, family=FAMILY, external_key=session, details=details,
        files=[incoming(b"one", name="1.jpg"), incoming(b"two", name="2.png", kind="png")],
    )  # fmt: skip
    submission = image_set.submission
    assert submission is not None
    assert (submission.state, submission.case_id, submission.email) == (SubmissionState.RECEIVED, "case", "a@b.example")
    assert (submission.agent_id, submission.agent_name, submission.metadata) == ("1", "Ann", {"model": "Corolla"})
    assert "secret" not in submission.sealed_fetch_auth
    assert unseal(submission.sealed_fetch_auth) == "secret"
    assert submission.received_at is not None
    assert (image_set.state, image_set.submitted_at) == (ImageSetState.OPEN, image_set.recorded_at)
    uploads = list(image_set.uploads.all())
    assert [(u.position, u.name, u.kind, u.state, u.size) for u in uploads] == [
        (1, "1.jpg", "jpeg", UploadState.STORED, 3), (2, "2.png", "png", UploadState.STORED, 3),
    ]  # fmt: skip
    images = list(image_set.images.all())
    assert [(i.position, i.frame, i.name, i.width, i.height, i.upload_id) for i in images] == [
        (1, 0, "1.jpg", 4, 3, uploads[0].pk), (2, 0, "2.png", 4, 3, uploads[1].pk),
    ]  # fmt: skip
    assert [content(i.received) for i in images] == [b"one", b"two"]
    assert received(image_set.pk) == sorted([f"{images[0].sha256}.jpg", f"{images[1].sha256}.png"])


def test_keeping_a_file_renames_it(ours: House, incoming: Incoming) -> None:
    file = incoming(b"one")
    inode = os.fstat(file.file.fileno()).st_ino
    image_set = image_set_receive(
        tenant=ours.tenant, family=FAMILY, external_key="moved", details=SubmissionDetails(), files=[file]
    )
    assert Path(image_set.images.get().received.path).stat().st_ino == inode


def test_the_same_photo_twice_is_stored_once(ours: House, incoming: Incoming) -> None:
    image_set = image_set_receive(
        tenant=ours.tenant, family=FAMILY, external_key="twice", details=SubmissionDetails(),
        files=[incoming(b"one"), incoming(b"two"), incoming(b"one", name="again.jpg")],
    )  # fmt: skip
    assert [image.position for image in image_set.images.all()] == [1, 2]
    uploads = list(image_set.uploads.all())
    assert len(uploads) == 3
    assert uploads[0].file.name == uploads[2].file.name
    assert len(received(image_set.pk)) == 2


def test_a_video_is_an_upload_without_an_image(ours: House, incoming: Incoming) -> None:
    image_set = image_set_receive(
        tenant=ours.tenant, family=FAMILY, external_key="video", details=SubmissionDetails(),
        files=[incoming(b"film", name="walk.mp4", kind="mp4")],
    )  # fmt: skip
    assert content(image_set.uploads.get().file) == b"film"
    assert not image_set.images.exists()


def test_addresses_wait_for_the_worker(ours: House) -> None:
    urls = [
        IncomingUrl("https://x.example/a%20b.jpg?sig=1", original_id="side"),
        IncomingUrl("https://x.example/c", original_id="back", pair=1),
    ]
    image_set = image_set_receive(
        tenant=ours.tenant, family=FAMILY, external_key="urls", details=SubmissionDetails(), urls=urls
    )
    rows = [(u.position, u.name, u.original_id, u.pair, u.url, u.state) for u in image_set.uploads.all()]
    assert rows == [
        (1, "a b.jpg", "side", None, urls[0].url, UploadState.WAITING),
        (2, "c", "back", 1, urls[1].url, UploadState.WAITING),
    ]
    assert not image_set.images.exists()


def test_a_session_takes_one_upload(ours: House, incoming: Incoming) -> None:
    session = submission_issue(tenant=ours.tenant, family=FAMILY).external_key
    first = image_set_receive(
        tenant=ours.tenant, family=FAMILY, external_key=session, details=SubmissionDetails(case_id="a"),
        files=[incoming(b"1")],
    )  # fmt: skip
    before = folders()
    with pytest.raises(Conflict):
        image_set_receive(
            tenant=ours.tenant, family=FAMILY, external_key=session, details=SubmissionDetails(case_id="b"),
            files=[incoming(b"2")],
        )  # fmt: skip
    assert submission_is_used(tenant=ours.tenant, family=FAMILY, external_key=session)
    assert ImageSet.objects.of(ours.tenant.pk).get().pk == first.pk
    assert Submission.objects.of(ours.tenant.pk).get().case_id == "a"
    assert folders() == before


def test_the_same_session_of_another_tenant_or_family_is_another_one(ours: House, outsider: House) -> None:
    for tenant, family in ((ours.tenant, FAMILY), (outsider.tenant, FAMILY), (ours.tenant, Family.PAVE)):
        image_set_receive(tenant=tenant, family=family, external_key="own", details=SubmissionDetails())
    with pytest.raises(Conflict):
        image_set_receive(tenant=ours.tenant, family=FAMILY, external_key="own", details=SubmissionDetails())


def _no_rows(*_args: object) -> None:
    raise RuntimeError("a bug while rows are made")


class FullDisk:
    """A storage that takes one file and no more."""

    def __init__(self) -> None:
        self.save = default_storage.save
        self.count = 0

    def __call__(self, name: str, content: File[bytes]) -> str:
        self.count += 1
        if self.count > 1:
            raise OSError("disk full")
        return self.save(name, content)


@pytest.mark.parametrize("at", ["storage", "rows", "then"])
def test_a_failure_leaves_neither_rows_nor_files_nor_a_burnt_session(
    ours: House, incoming: Incoming, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    session = submission_issue(tenant=ours.tenant, family=FAMILY).external_key
    before = folders()
    files = [incoming(b"one"), incoming(b"two")]
    with monkeypatch.context() as patch:
        if at == "storage":
            patch.setattr("assets.services.uploads.default_storage", mock.Mock(wraps=default_storage, save=FullDisk()))
        elif at == "rows":
            patch.setattr("assets.services.submissions._rows_add", _no_rows)
        with pytest.raises((RuntimeError, OSError)):
            image_set_receive(
                tenant=ours.tenant, family=FAMILY, external_key=session, details=SubmissionDetails(), files=files,
                then=_fail,
            )  # fmt: skip
    assert not ImageSet.objects.of(ours.tenant.pk).exists()
    assert not Upload.objects.of(ours.tenant.pk).exists()
    assert not Image.objects.of(ours.tenant.pk).exists()
    assert folders() == before
    assert Submission.objects.of(ours.tenant.pk).get().state == SubmissionState.ISSUED
    image_set_receive(tenant=ours.tenant, family=FAMILY, external_key=session, details=SubmissionDetails())


def _fail(_image_set: ImageSet) -> None:
    raise RuntimeError("the run did not start")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("issued", [True, False])
def test_of_eight_uploads_at_once_exactly_one_wins(issued: bool, incoming: Incoming) -> None:
    tenant = Tenant.objects.create(name="Busy Rental")
    session = submission_issue(tenant=tenant, family=FAMILY).external_key if issued else "brought"
    outcomes = _together(8, lambda number: _receive(tenant, session, incoming(b"photo %d" % number)))
    assert sorted(outcomes) == ["conflict"] * 7 + ["won"]
    image_set = ImageSet.objects.of(tenant.pk).get()
    assert len(received(image_set.pk)) == 1
    uploads = Upload.objects.of(tenant.pk).values_list("image_set_id", flat=True)
    assert list(uploads) == [image_set.pk]


def _receive(tenant: Tenant, session: str, file: IncomingFile) -> str:
    try:
        image_set_receive(tenant=tenant, family=FAMILY, external_key=session, details=SubmissionDetails(), files=[file])
    except Conflict:
        return "conflict"
    return "won"


def _together(count: int, work: Callable[[int], str]) -> list[str]:
    """Run `work` in `count` threads that start at the same moment."""
    start = threading.Barrier(count)
    outcomes: list[str] = []

    def body(number: int) -> None:
        try:
            start.wait()
            outcomes.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
