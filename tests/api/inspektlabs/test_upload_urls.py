"""Uploads by addresses (I2): nothing is fetched in the request, and every refusal letter by letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assets.models import ImageSet, Upload, UploadState
from tenants.services.sealing import unseal
from tests.api.inspektlabs.conftest import Caller
from tests.api.inspektlabs.uploading import nothing_happened, refusal
from tests.factories import House

ONE = ["https://example.com/img1.jpg"]


def test_urls_and_pairs_wait_for_the_worker(ours: House, caller: Caller) -> None:
    response = caller.urls(
        urls=["https://example.com/img1.jpg", "https://example.com/img2"],
        url_pairs=[
            ["https://example.com/p1.png", "https://example.com/p2.png"],
            ["https://example.com/p3", "https://e.example/p4"],
        ],
        original_Id=["side", "front_back"],
        original_pair_Id=["back", "front"],
        auth="fetch-me",
        inputMetaData={"customerName": "John Doe", "nested": {"a": [1, None, True, 2.5]}, "ü": "ß"},
    )
    assert response.status_code == 200
    assert response.json() == {"status": "success", "id": caller.session, "message": "", "case_id": "case_001"}
    rows = Upload.objects.of(ours.tenant.pk).values_list("position", "url", "original_id", "pair", "state")
    assert list(rows) == [
        (1, "https://example.com/img1.jpg", "side", None, UploadState.WAITING),
        (2, "https://example.com/img2", "front_back", None, UploadState.WAITING),
        (3, "https://example.com/p1.png", "back", 1, UploadState.WAITING),
        (4, "https://example.com/p2.png", "back", 1, UploadState.WAITING),
        (5, "https://example.com/p3", "front", 2, UploadState.WAITING),
        (6, "https://e.example/p4", "front", 2, UploadState.WAITING),
    ]
    submission = ImageSet.objects.of(ours.tenant.pk).get().submission
    assert submission is not None
    assert submission.metadata == {"customerName": "John Doe", "nested": {"a": [1, None, True, 2.5]}, "ü": "ß"}
    assert unseal(submission.sealed_fetch_auth) == "fetch-me"


@pytest.mark.parametrize(
    "fields",
    [
        {"urls": ONE},
        {"urls": ONE, "url_pairs": []},
        {"urls": ONE, "url_pairs": None, "original_Id": [], "original_pair_Id": None, "auth": None},
        {"url_pairs": [["https://example.com/a", "https://example.com/b"]]},
        {"urls": ["https://example.com/signed.jpg?X-Sig=a.b%2Fc&name=x.exe#frag"]},
        {"urls": ["https://example.com/v1.2/photos/77"]},
        {"urls": ["https://example.com/a.HEIC"]},
        {"urls": ["https://example.com/a.mp4"]},
        {"urls": ["http://example.com:8080/a.jpg"]},
        {"urls": ONE * 99},
        {"urls": ONE, "inputMetaData": {}},
        {"urls": ONE, "case_id": 17},
    ],
)
def test_accepted_forms(caller: Caller, fields: dict[str, Any]) -> None:
    assert caller.urls(**fields).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"urls": ONE * 100},
        {"urls": ONE * 98, "url_pairs": [ONE * 2]},
        {"url_pairs": [ONE * 2] * 50},
    ],
)
def test_more_than_99_are_too_many(ours: House, caller: Caller, fields: dict[str, Any]) -> None:
    assert refusal(caller.urls(**fields)) == (400, "Maximum 99 images upload possible")
    assert nothing_happened(ours)


@pytest.mark.parametrize("name", ["a.pdf", "a.webp", "a.php", "a.jpg.html"])
def test_other_extensions_are_refused(ours: House, caller: Caller, name: str) -> None:
    response = caller.urls(urls=[*ONE, f"https://example.com/{name}?x=.jpg"])
    assert refusal(response) == (400, "Invalid file type, only image or video allowed")
    assert [fault["name"] for fault in response.json()["files"]] == [name]
    assert nothing_happened(ours)


def test_photos_and_videos_do_not_mix(caller: Caller) -> None:
    response = caller.urls(urls=[*ONE, "https://example.com/a.mov"])
    assert refusal(response) == (400, "Please upload either images or videos, not both")


@pytest.mark.parametrize(
    "pairs",
    [
        [ONE],
        [ONE * 3],
        [[]],
        [ONE * 2, ONE],
        [["https://example.com/a.mp4", "https://example.com/b.mp4"]],
    ],
)
def test_a_pair_is_two_images(ours: House, caller: Caller, pairs: list[list[str]]) -> None:
    response = caller.urls(url_pairs=pairs)
    assert refusal(response) == (400, "Each of url_pairs must have exactly 2 images")
    assert nothing_happened(ours)


@pytest.mark.parametrize("fields", [{}, {"urls": []}, {"urls": None, "url_pairs": []}])
def test_urls_or_pairs_are_needed(caller: Caller, fields: dict[str, Any]) -> None:
    response = caller.urls(**fields)
    assert refusal(response) == (400, "Missing a required field")
    assert response.json()["fields"] == ["urls"]


@pytest.mark.parametrize("field", ["type", "session", "case_id"])
@pytest.mark.parametrize("value", ["", None])
def test_required_fields(ours: House, caller: Caller, field: str, value: object) -> None:
    body = {"type": "urls", "session": caller.session, "case_id": "1", "urls": ONE, field: value}
    response = caller.json(body)
    assert response.status_code == 400
    if not (field == "type" and value == ""):
        assert refusal(response) == (400, "Missing a required field")
        assert response.json()["fields"] == [field]
    assert nothing_happened(ours)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "file"),
        ("type", ["urls"]),
        ("session", {"a": 1}),
        ("session", ["x"]),
        ("session", True),
        ("session", "x\u0000y"),
        ("session", "\ud800"),
        ("session", "x/y"),
        ("case_id", {"a": 1}),
        ("case_id", "\u0000"),
        ("case_id", "\udfff"),
        ("urls", "https://example.com/a.jpg"),
        ("urls", {"0": "https://example.com/a.jpg"}),
        ("urls", [{"url": "https://example.com/a.jpg"}]),
        ("urls", [["https://example.com/a.jpg"]]),
        ("urls", [None]),
        ("urls", 5),
        ("urls", ["https://example.com/\u0000.jpg"]),
        ("urls", ["https://example.com/\ud800.jpg"]),
        ("urls", ["https://example.com/" + "x" * 2000]),
        ("url_pairs", [5]),
        ("url_pairs", ["https://example.com/a.jpg"]),
        ("url_pairs", [["https://example.com/a.jpg", 5, {}]]),
        ("original_Id", ["a", "b"]),
        ("original_Id", "a"),
        ("original_Id", [{}]),
        ("original_Id", ["x" * 256]),
        ("original_pair_Id", ["a"]),
        ("auth", {"token": "x"}),
        ("auth", "x" * 4001),
        ("inputMetaData", "text"),
        ("inputMetaData", [1]),
        ("inputMetaData", 5),
        ("inputMetaData", {"a": "\u0000"}),
        ("inputMetaData", {"\ud800": 1}),
        ("inputMetaData", {"a": "x" * 100_000}),
        ("callback_url", ["https://client.example/"]),
        ("callback_url", "javascript:alert(1)"),
        ("callback_url", "https://localhost/"),
        ("email_id", 5),
        ("email_id", "a@b"),
        ("agent_name", {"first": "Ann"}),
    ],
)
def test_impossible_values_are_refused(ours: House, caller: Caller, field: str, value: object) -> None:
    response = caller.urls(**({"urls": ONE} | {field: value}))
    status, message = refusal(response)
    assert status == 400
    assert message.startswith(f"Invalid data: {field}")
    assert nothing_happened(ours)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a.jpg",
        "ftp://example.com/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "http://127.0.0.1/a.jpg",
        "http://2130706433/a.jpg",
        "http://0x7f.1/a.jpg",
        "http://localhost/a.jpg",
        "http://10.0.0.8/a.jpg",
        "http://192.168.1.1/a.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/a.jpg",
        "http://[::ffff:127.0.0.1]/a.jpg",
        "http://[fd00::1]/a.jpg",
        "http://user:pass@example.com/a.jpg",
        "http://example.com:22/a.jpg",
        "http://exa mple.com/a.jpg",
        "http://[::1/a.jpg",
    ],
)
def test_addresses_that_may_not_be_called_are_refused_at_once(ours: House, caller: Caller, url: str) -> None:
    status, message = refusal(caller.urls(urls=[*ONE, url]))
    assert status == 400
    assert message.startswith("Invalid data: urls")
    assert nothing_happened(ours)


def test_a_result_needs_a_receiver(caller: Caller) -> None:
    assert refusal(caller.urls(urls=ONE, callback_url=None)) == (400, "please provide callback_url")


def test_a_session_takes_one_upload(caller: Caller) -> None:
    assert caller.urls(urls=ONE).status_code == 200
    assert refusal(caller.urls(urls=ONE)) == (400, "please generate new token and session")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"NaN",
        b'{"session": Infinity}',
        b'{"type":"urls","session":"s","case_id":"1","urls":["https://example.com/a.jpg"],"pad":"'
        + b"x" * 3_000_000
        + b'"}',
        json.dumps({"type": "urls", "session": "s", "case_id": "1", "urls": ONE}).encode("utf-16"),
    ],
    ids=range(13),
)
def test_bodies_that_are_no_request(ours: House, caller: Caller, body: bytes) -> None:
    status, message = refusal(caller.raw(body, "application/json"))
    assert status == 400
    assert message.startswith(("Invalid data: ", "Missing a required field"))
    assert nothing_happened(ours)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "image/jpeg", "x", "a/b/c;d"]
)
def test_other_content_types_are_415(caller: Caller, content_type: str) -> None:
    response = caller.raw(b'{"type": "urls"}', content_type)
    assert refusal(response) == (415, "unsupported file type only images or videos")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "bz2_codec", "nonsense", "utf-7"])
def test_charsets_do_not_crash(caller: Caller, charset: str) -> None:
    response = caller.raw(b'{"type": "urls"}', f"application/json; charset={charset}")
    assert response.status_code == 400
