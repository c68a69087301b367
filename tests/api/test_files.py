"""Signed addresses: what they open, for how long, and with which headers."""

from __future__ import annotations

import time
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.test import Client
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from inspection_platform.api import files
from inspection_platform.api.files import file_url

BODY = bytes(range(256)) * 10


@pytest.fixture
def key() -> str:
    """A published file of 2560 bytes."""
    return default_storage.save("published/some/photo.jpg", ContentFile(BODY))


def path_of(key: str, seconds: int = 60) -> str:
    return urlsplit(file_url(key, seconds=seconds)).path


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_address_is_absolute_and_opens_the_file(client: Client, key: str) -> None:
    address = file_url(key, seconds=60)
    assert address.startswith("http://testserver/files/")
    response = client.get(urlsplit(address).path)
    assert response.status_code == 200
    assert body_of(response) == BODY
    assert {
        name: response.headers[name]
        for name in ("Content-Type", "Content-Length", "Content-Disposition", "X-Content-Type-Options", "Accept-Ranges")
    } == {
        "Content-Type": "image/jpeg", "Content-Length": "2560", "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes",
    }  # fmt: skip
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_caches_keep_it_no_longer_than_the_address_lives(client: Client, key: str) -> None:
    control = client.get(path_of(key, seconds=100)).headers["Cache-Control"]
    kind, _, age = control.partition(", max-age=")
    assert kind == "private"
    assert 95 <= int(age) <= 100


def test_it_ends(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, now = path_of(key, seconds=60), time.time()
    monkeypatch.setattr("inspection_platform.api.files.time.time", lambda: now + 61)
    response = client.get(path)
    assert (response.status_code, response.headers["Cache-Control"]) == (410, "no-store")


@pytest.mark.parametrize("bad", ["", "received/a.jpg", "/etc/passwd", "../published/x", "published", "upload.jpg"])
def test_only_published_files_are_signed(bad: str) -> None:
    with pytest.raises(ValueError, match="not a published file"):
        file_url(bad, seconds=60)


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), letter=st.sampled_from("abcXYZ019-_."))
def test_changed_addresses_open_nothing(client: Client, key: str, place: float, letter: str) -> None:
    token = path_of(key).removeprefix("/files/")
    index = round(place * (len(token) - 1))
    assume(letter != token[index])
    response = client.get(f"/files/{token[:index]}{letter}{token[index + 1 :]}")
    assert response.status_code == 404


@pytest.mark.parametrize("token", ["x", "a.b", "e30.x", "\u00e6", "%00", "..", "published%2Fsome%2Fphoto.jpg"])
def test_made_up_addresses_open_nothing(client: Client, token: str) -> None:
    assert client.get(f"/files/{token}").status_code == 404


def test_a_signature_of_something_else_opens_nothing(client: Client) -> None:
    from django.core.signing import dumps

    assert client.get(f"/files/{dumps({'k': 'published/x.jpg', 'e': 2**40})}").status_code == 404


def test_a_file_that_is_gone_or_outside(client: Client, key: str) -> None:
    path = path_of(key)
    default_storage.delete(key)
    assert client.get(path).status_code == 404
    assert client.get(path_of("published/../../../../etc/passwd")).status_code == 404
    assert client.get(path_of("published/")).status_code == 404


def test_a_page_cannot_be_served_from_here(client: Client) -> None:
    page = default_storage.save("published/some/page.html", ContentFile(b"<script>alert(1)</script>"))
    response = client.get(path_of(page))
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == "attachment"


def test_unchanged_files_are_not_sent_twice(client: Client, key: str) -> None:
    path = path_of(key)
    etag = client.get(path).headers["ETag"]
    response = client.get(path, headers={"if-none-match": etag})
    assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", etag)
    assert client.get(path_of(key, seconds=999), headers={"if-none-match": etag}).status_code == 304
    default_storage.delete(key)
    default_storage.save(key, ContentFile(BODY[1:]))
    assert client.get(path, headers={"if-none-match": etag}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=0-99", 206, 0, 99),
        ("bytes=2500-", 206, 2500, 2559),
        ("bytes=2500-9999", 206, 2500, 2559),
        ("bytes=-10", 206, 2550, 2559),
        ("bytes=-9999", 206, 0, 2559),
        ("bytes=10-5", 200, 0, 2559),
        ("bytes=-", 200, 0, 2559),
        ("bytes=0-1,5-6", 200, 0, 2559),
        ("lines=0-1", 200, 0, 2559),
        ("bytes=a-b", 200, 0, 2559),
        ("bytes=" + "9" * 30 + "-", 200, 0, 2559),
    ],
)
def test_ranges(client: Client, key: str, asked: str, status: int, first: int, last: int) -> None:
    response = client.get(path_of(key), headers={"range": asked})
    assert response.status_code == status
    assert body_of(response) == BODY[first : last + 1]
    assert response.headers["Content-Length"] == str(last + 1 - first)
    if status == 206:
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/2560"


@pytest.mark.parametrize("asked", ["bytes=2560-", "bytes=3000-4000", "bytes=-0"])
def test_ranges_behind_the_end(client: Client, key: str, asked: str) -> None:
    response = client.get(path_of(key), headers={"range": asked})
    assert (response.status_code, response.headers["Content-Range"]) == (416, "bytes */2560")


def test_a_range_of_another_version_is_the_whole_file(client: Client, key: str) -> None:
    etag = client.get(path_of(key)).headers["ETag"]
    same = client.get(path_of(key), headers={"range": "bytes=0-9", "if-range": etag})
    other = client.get(path_of(key), headers={"range": "bytes=0-9", "if-range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_head_and_other_methods(client: Client, key: str) -> None:
    head = client.head(path_of(key))
    assert (head.status_code, head.headers["Content-Length"], body_of(head)) == (200, "2560", b"")
    assert client.post(path_of(key)).status_code == 405


class Bucket(InMemoryStorage):
    """A storage that gives out addresses of its own, as S3 does."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def url(self, name: str | None, **how: Any) -> str:
        self.asked.append({"name": name, **how})
        return "https://bucket.example.com/signed"


def test_other_storages_lead_to_their_own_address(client: Client, key: str, settings: Any) -> None:
    path = path_of(key, seconds=100_000)
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "tests.api.test_files.Bucket"}}
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, "https://bucket.example.com/signed")
    assert Bucket.asked == [
        {"name": key, "parameters": {"ResponseContentDisposition": "inline"}, "expire": files.REDIRECT_SECONDS}
    ]
    assert response.headers["Cache-Control"] == "private, max-age=150"
