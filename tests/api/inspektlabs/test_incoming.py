"""Multipart bodies as they arrive: whole, cut off, malformed; what is kept of them and what is not."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from io import BytesIO
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.live_server_helper import LiveServer
from rest_framework.exceptions import ParseError

from assets.models import ImageSet, Submission, SubmissionState
from inspection_platform.api.incoming import BLOCK_BYTES, CHUNK_BYTES, IncomingMultiPartParser, IncomingPart, PartLimits
from tests import factories, media
from tests.api.inspektlabs.conftest import CALLBACK, Caller, incoming_files, stored_files
from tests.api.inspektlabs.uploading import nothing_happened, refusal
from tests.factories import House

BOUNDARY = "frontier"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def body_of(*files: tuple[str, bytes], **fields: str) -> bytes:
    """A multipart body as a client writes it."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts += [
        f'Content-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
        + data
        for name, data in files
    ]
    return b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts) + b"--%s--\r\n" % BOUNDARY.encode()


def fields(caller: Caller) -> dict[str, str]:
    return {"type": "file", "session": caller.session, "case_id": "1", "callback_url": CALLBACK}


def parse(body: bytes, *, length: int | None = None, most: int = 10**9, count: int = 99) -> Any:
    """Parse a body as the upload does."""
    limits = PartLimits(field="files", max_files=count, max_bytes=lambda _name: most)
    request = mock.Mock(META={"CONTENT_LENGTH": str(len(body) if length is None else length)})
    context = {"view": mock.Mock(part_limits=limits), "request": request}
    return IncomingMultiPartParser().parse(BytesIO(body), CONTENT_TYPE, context)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=3 * CHUNK_BYTES // 2), max_size=4))
def test_parts_are_hashed_as_they_arrive(contents: list[bytes]) -> None:
    result = parse(body_of(*((f"{n}.jpg", content) for n, content in enumerate(contents)), type="file"))
    parts: list[IncomingPart] = result.files.getlist("files")
    assert result.data["type"] == "file"
    assert [part.name for part in parts] == [f"{n}.jpg" for n in range(len(contents))]
    for part, content in zip(parts, contents, strict=True):
        assert (part.read(), part.size, part.sha256) == (content, len(content), hashlib.sha256(content).hexdigest())
        part.close()
    assert incoming_files() == []


def test_a_part_beyond_its_limit_is_counted_but_not_kept() -> None:
    (part,) = parse(body_of(("a.jpg", b"x" * 1001)), most=1000).files.getlist("files")
    assert (part.is_kept, part.size) == (False, 1001)
    assert incoming_files() == []


def test_a_part_at_its_limit_is_kept() -> None:
    (part,) = parse(body_of(("a.jpg", b"x" * 1000)), most=1000).files.getlist("files")
    assert (part.is_kept, part.size) == (True, 1000)
    part.close()


def test_parts_beyond_the_number_are_counted_but_not_kept() -> None:
    parts = parse(body_of(*((f"{n}.jpg", b"x") for n in range(5))), count=3).files.getlist("files")
    assert [part.is_kept for part in parts] == [True, True, True, False, False]
    assert len(incoming_files()) == 3
    for part in parts:
        part.close()
    assert incoming_files() == []


WHOLE = body_of(("a.jpg", b"first" * 100), ("b.jpg", b"second" * 100), type="file", session="s")


@settings(deadline=None)
@given(kept=st.integers(min_value=0, max_value=len(WHOLE) - len("--\r\n")), is_honest=st.booleans())
def test_a_body_cut_anywhere_is_refused_and_leaves_nothing(kept: int, is_honest: bool) -> None:
    """Whether its Content-Length tells of the whole or of what is there."""
    with pytest.raises(ParseError):
        parse(WHOLE[:kept], length=kept if is_honest else len(WHOLE))
    assert incoming_files() == []


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_random_bytes_never_crash_the_parser(noise: bytes) -> None:
    try:
        for part in parse(b"--frontier\r\n" + noise).files.getlist("files"):
            part.close()
    except ParseError:
        pass
    assert incoming_files() == []


def test_a_read_error_leaves_nothing() -> None:
    stream = mock.Mock()
    stream.read.side_effect = [WHOLE[:500], OSError("connection reset")]
    context = {
        "view": mock.Mock(part_limits=PartLimits("files", 99, lambda _name: 10**9)),
        "request": mock.Mock(META={"CONTENT_LENGTH": str(len(WHOLE))}),
    }
    with pytest.raises(OSError, match="reset"):
        IncomingMultiPartParser().parse(stream, CONTENT_TYPE, context)
    assert incoming_files() == []


def test_a_malformed_header_is_refused_in_the_envelope(ours: House, caller: Caller) -> None:
    for content_type in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\u00e9",
    ):
        status, message = refusal(caller.raw(b"--x--", content_type))
        assert status == 400
        assert message.startswith("Invalid data: ")
    assert nothing_happened(ours)


NAMES = [
    b'form-data; name="files"; filename="caf\xe9.jpg"',
    b'form-data; name="files"; filename=".."',
    b'form-data; filename="a.jpg"',
    b"form-data",
]


@pytest.mark.parametrize("disposition", NAMES)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_no_part_is_passed_over_in_silence(disposition: bytes, number: int) -> None:
    names = [b'form-data; name="files"; filename="%d.jpg"' % n for n in range(3)]
    names[number] = disposition
    body = b"".join(b"--frontier\r\nContent-Disposition: %s\r\n\r\ndata\r\n" % name for name in names)
    with pytest.raises(ParseError, match="UTF-8"):
        parse(body + b"--frontier--\r\n")
    assert incoming_files() == []


@pytest.mark.parametrize("shift", range(-16, 4))
def test_boundaries_across_blocks_are_seen_once(shift: int) -> None:
    head = b'--frontier\r\nContent-Disposition: form-data; name="files"; filename="1.jpg"\r\n\r\n'
    first = head + b"x" * (BLOCK_BYTES - len(head) + shift) + b"\r\n"
    parts = parse(first + body_of(("2.jpg", b"second"))).files.getlist("files")
    assert [part.name for part in parts] == ["1.jpg", "2.jpg"]
    for part in parts:
        part.close()


def test_too_many_or_too_large_fields_are_refused(ours: House, caller: Caller) -> None:
    many = body_of(**{f"field{n}": "x" for n in range(1100)})
    large = body_of(note="x" * 3_000_000)
    for body in (many, large):
        assert refusal(caller.raw(body, CONTENT_TYPE)) == (400, "Invalid data: the body is too large")
    assert nothing_happened(ours)


def test_files_in_base64_are_read_too(ours: House, caller: Caller) -> None:
    content = media.jpeg(64, 64)
    body = body_of(("a.jpg", base64.encodebytes(content)), **fields(caller))
    body = body.replace(b"Content-Type: image/jpeg", b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64")
    assert caller.raw(body, CONTENT_TYPE).status_code == 200
    upload = ImageSet.objects.of(ours.tenant.pk).get().uploads.get()
    assert (upload.size, upload.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.django_db(transaction=True)
def test_a_client_that_dies_in_the_middle_leaves_nothing(live_server: LiveServer, client: Any) -> None:
    house = factories.house("Cut Rental")
    caller = Caller(client, house.keys["inspektlabs"])
    caller.authenticate()
    before = stored_files()
    body = body_of(*((f"{n}.jpg", media.jpeg(640, 480, seed=n)) for n in range(10)), **fields(caller))
    answer = _send_half(live_server.url, caller.token, body)
    assert b"400" in answer.split(b"\r\n", 1)[0]
    assert stored_files() == before
    assert incoming_files() == []
    assert not ImageSet.objects.of(house.tenant.pk).exists()
    assert Submission.objects.of(house.tenant.pk).get().state == SubmissionState.ISSUED


def _send_half(url: str, token: str, body: bytes) -> bytes:
    """Announce the whole body, send half of it and hang up; what the server answers to nobody."""
    where = urlsplit(url)
    head = (
        f"POST /inspektlabs/api/upload HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        line.sendall(head.encode() + body[: len(body) // 2])
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.django_db(transaction=True)
def test_of_eight_requests_with_one_session_exactly_one_wins() -> None:
    house = factories.house("Busy Rental")
    first = Caller(Client(raise_request_exception=False), house.keys["inspektlabs"])
    first.authenticate()
    start, answers = threading.Barrier(8), []

    def upload(number: int) -> None:
        try:
            caller = Caller(Client(raise_request_exception=False), first.key, first.token, first.session)
            body = body_of((f"{number}.jpg", media.jpeg(64, 64, seed=number)), **fields(caller))
            start.wait()
            response = caller.raw(body, CONTENT_TYPE)
            answers.append((response.status_code, response.json()["message"]))
        finally:
            connection.close()

    before = len(stored_files())
    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(200, "")] + [(400, "please generate new token and session")] * 7
    assert ImageSet.objects.of(house.tenant.pk).get().uploads.count() == 1
    assert len(stored_files()) == before + 1
    assert house.tenant.usage.get().used == 1
