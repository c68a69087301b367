"""The fetch job: files named by address, from a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pytest_django import Settings

from assets.models import ImageSet, UploadState
from assets.services.submissions import IncomingUrl, SubmissionDetails, image_set_receive
from imaging.jobs import fetch
from imaging.models import JobRun, JobState
from imaging.services.runs import job_claim, run_start
from tenants.models import Family
from tests import factories, media

pytestmark = pytest.mark.django_db


class Shelf(ThreadingHTTPServer):
    """Serves what is on it; notes who asked for what with which authorisation."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.missing = 404

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Clerk(BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        body = self.server.files.get(self.path)
        self.send_response(200 if body is not None else self.server.missing)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def shelf(settings: Settings) -> Iterator[Shelf]:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    server = Shelf()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def receive(ours: factories.House, *urls: str, auth: str = "") -> ImageSet:
    return image_set_receive(
        tenant=ours.tenant,
        family=Family.INSPEKTLABS,
        external_key="in1",
        details=SubmissionDetails(case_id="c", fetch_auth=auth),
        urls=[IncomingUrl(url=url, original_id="side") for url in urls],
        then=lambda image_set: run_start(image_set=image_set, off={}),
    )


def claim(image_set: ImageSet) -> JobRun:
    job = job_claim(job_id=image_set.runs.get().jobs.get(name="fetch").pk, worker="w")
    assert job is not None
    return job


def test_photos_are_fetched_with_the_given_authorisation(ours: factories.House, shelf: Shelf) -> None:
    shelf.files = {"/a.jpg": media.jpeg(seed=1), "/b.png": media.png(seed=2)}
    image_set = receive(ours, shelf.url("/a.jpg"), shelf.url("/b.png"), auth="s3cret")
    fetch.run(claim(image_set))
    assert list(image_set.uploads.values_list("state", "kind")) == [("stored", "jpeg"), ("stored", "png")]
    assert image_set.images.count() == 2
    assert {header for _, header in shelf.asked} == {"Bearer s3cret"}


def test_a_second_run_fetches_nothing_again(ours: factories.House, shelf: Shelf) -> None:
    shelf.files = {"/a.jpg": media.jpeg(seed=1)}
    image_set = receive(ours, shelf.url("/a.jpg"))
    job = claim(image_set)
    fetch.run(job)
    fetch.run(job)
    assert len(shelf.asked) == 1
    assert image_set.images.count() == 1


def test_the_same_photo_under_two_addresses_is_one_image(ours: factories.House, shelf: Shelf) -> None:
    shelf.files = dict.fromkeys(["/a.jpg", "/b.jpg"], media.jpeg(seed=1))
    image_set = receive(ours, shelf.url("/a.jpg"), shelf.url("/b.jpg"))
    fetch.run(claim(image_set))
    assert image_set.uploads.filter(state=UploadState.STORED).count() == 2
    assert image_set.images.count() == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (media.truncated(media.jpeg(seed=1)), "incomplete"),
        (media.disguised(), "not"),
        (b"", "empty"),
        (media.bomb_png(), "pixel"),
        (media.video(1, (64, 64), "mp4"), "Please upload video greater than 1 MB."),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason(
    ours: factories.House, shelf: Shelf, body: bytes, reason: str
) -> None:
    shelf.files = {"/x.jpg": body}
    image_set = receive(ours, shelf.url("/x.jpg"))
    fetch.run(claim(image_set))
    upload = image_set.uploads.get()
    assert upload.state == UploadState.REFUSED
    assert reason.lower() in upload.reason.lower()
    assert image_set.images.count() == 0
    assert not upload.file


def test_a_private_address_is_refused_at_once(ours: factories.House, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = []
    image_set = receive(ours, "http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/a.jpg")
    fetch.run(claim(image_set))
    assert set(image_set.uploads.values_list("state", flat=True)) == {UploadState.REFUSED}


def test_what_fails_for_now_is_tried_again_and_refused_in_the_end(ours: factories.House, shelf: Shelf) -> None:
    shelf.files, shelf.missing = {"/a.jpg": media.jpeg(seed=1)}, 503
    image_set = receive(ours, shelf.url("/a.jpg"), shelf.url("/gone.jpg"))
    job = claim(image_set)
    with pytest.raises(fetch.FetchIncomplete, match="1 of 2"):
        fetch.run(job)
    assert image_set.images.count() == 1, "what came is kept"
    job.attempts = job.max_attempts
    fetch.run(job)
    gone = image_set.uploads.get(position=2)
    assert gone.state == UploadState.REFUSED
    assert "503" in gone.reason
    assert [path for path, _ in shelf.asked].count("/a.jpg") == 1


def test_no_reason_tells_the_query_of_an_address(ours: factories.House, shelf: Shelf) -> None:
    image_set = receive(ours, shelf.url("/gone.jpg?token=s3cret"))
    job = claim(image_set)
    job.attempts = job.max_attempts
    fetch.run(job)
    assert "s3cret" not in image_set.uploads.get().reason
    assert image_set.runs.get().jobs.filter(state=JobState.RUNNING).count() == 1


@pytest.mark.parametrize(("status", "is_final"), [(403, True), (404, True), (410, True), (408, False), (429, False)])
def test_a_client_error_is_final_unless_it_says_later(
    ours: factories.House, shelf: Shelf, status: int, is_final: bool
) -> None:
    shelf.missing = status
    image_set = receive(ours, shelf.url("/gone.jpg"))
    job = claim(image_set)
    if is_final:
        fetch.run(job)
        assert image_set.uploads.get().state == UploadState.REFUSED
    else:
        with pytest.raises(fetch.FetchIncomplete):
            fetch.run(job)
        assert image_set.uploads.get().state == UploadState.WAITING
