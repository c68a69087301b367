"""The main job over a live server and live workers: photos in, damages and a signed callback out."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.live.stack import LIVE, Client, Mailbox, Stack, eventually

pytestmark = LIVE


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which a web server on the loopback serves it."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def test_photos_become_a_result_that_api_and_callback_tell_alike(client: Client, inbox: Mailbox) -> None:
    photos = [media.car_photo(seed=seed, scratches=4) for seed in (1, 2, 3)]
    session = client.upload(photos, callback_url=inbox.url)

    image_set = client.finished(session)
    assert image_set["status"] == "ready", image_set["reason"]
    assert image_set["externalKey"] == session
    assert image_set["mlProcessing"]["damageIdentificationFinished"] is True
    (message,) = eventually(lambda: inbox.about(session), what="the callback")
    assert (message["status"], message["caseId"], message["vendor"]) == ("Available", "live", "Inspektlabs")
    assert message["uploadStatus"] == "complete upload"
    assert len(message["relevantImages"]) == len(photos)

    told = sorted(box["damageId"][0] for image in message["relevantImages"] for box in image["boundingBoxInformation"])
    assert told == sorted(damage["id"] for damage in client.damages(image_set["id"]))
    for image in message["relevantImages"]:
        served = httpx.get(image["imageUrl"], timeout=30)
        assert (served.status_code, served.headers["content-type"]) == (200, "image/jpeg")
        assert (image["imageWidth"], image["imageHeight"]) == (1280, 960)


def test_a_damage_that_a_person_drew_goes_out_as_a_correction(stack: Stack, client: Client, inbox: Mailbox) -> None:
    session = client.upload([media.car_photo(seed=5)], callback_url=inbox.url)
    image_set = client.finished(session)
    eventually(lambda: inbox.about(session), what="the first callback")
    before = len(client.damages(image_set["id"]))
    people = {who: client.demo["users"][who]["id"] for who in ("annotator", "reviewer")}
    stack.manage("shell", "-c", _DRAW.format(image_set=image_set["id"], **people))

    _, corrected = eventually(
        lambda: inbox.about(session) if len(inbox.about(session)) > 1 else None, what="the corrected callback"
    )
    boxes = [box for image in corrected["relevantImages"] for box in image["boundingBoxInformation"]]
    assert len(boxes) == before + 1
    assert {"x": 128, "y": 96, "width": 256, "height": 96} in [box["coordinates"] for box in boxes]


#: What the portal does when people draw, decide and finish.
_DRAW = """
from assets.models import ImageSet
from damages.models import Damage, Source, Step
from damages.services.decisions import damage_decide, damage_draw
from damages.services.manual import manual_job_finish, manual_job_lock
from inspection_platform.workflow import manual_finished
from tenants.models import User
image_set = ImageSet.objects.all_tenants("a test").get(pk="{image_set}")
annotator, reviewer = User.objects.get(pk="{annotator}"), User.objects.get(pk="{reviewer}")
manual_job_lock(user=annotator, image_set=image_set, step=Step.ANNOTATION)
damage_draw(user=annotator, image=image_set.images.get(), polygon=[(.1, .1), (.3, .1), (.3, .2), (.1, .2)],
            category="lineScratches", step=Source.ANNOTATOR)
manual_job_finish(user=annotator, image_set=image_set, step=Step.ANNOTATION)
manual_job_lock(user=reviewer, image_set=image_set, step=Step.REVIEW)
for damage in Damage.objects.all_tenants("a test").filter(image_set=image_set, deleted_at=None):
    damage_decide(user=reviewer, damage=damage, action="accept", step=Source.REVIEWER)
manual_job_finish(user=reviewer, image_set=image_set, step=Step.REVIEW)
manual_finished(image_set=image_set)
"""


def test_photos_on_which_nothing_can_be_seen_are_rejected(client: Client, inbox: Mailbox) -> None:
    session = client.upload([_plain(0), _plain(2)], callback_url=inbox.url)

    assert client.finished(session)["status"] == "rejected"
    (message,) = eventually(lambda: inbox.about(session), what="the callback")
    assert (message["status"], message["caseId"]) == ("Rejected", "live")
    assert message["message"]


def test_a_photo_without_a_car_has_no_damages(client: Client, inbox: Mailbox) -> None:
    session = client.upload([_wall()], callback_url=inbox.url)

    image_set = client.finished(session)
    assert image_set["status"] == "ready", image_set["reason"]
    assert client.damages(image_set["id"]) == []
    (message,) = eventually(lambda: inbox.about(session), what="the callback")
    assert [image["boundingBoxInformation"] for image in message["relevantImages"]] == [[]]


def test_addresses_that_fail_leave_an_incomplete_upload(
    client: Client, inbox: Mailbox, files: tuple[Path, str]
) -> None:
    folder, address = files
    (folder / "good.jpg").write_bytes(media.car_photo(seed=7))
    (folder / "page.jpg").write_bytes(media.disguised())
    urls = [f"{address}/good.jpg", f"{address}/page.jpg", f"{address}/missing.jpg"]
    session = client.upload_urls(urls, callback_url=inbox.url)

    assert client.finished(session)["status"] == "ready"
    (message,) = eventually(lambda: inbox.about(session), what="the callback")
    assert (message["status"], message["uploadStatus"]) == ("Available", "incomplete upload")
    assert [image["requestImageUrl"] for image in message["relevantImages"]] == [urls[0]]


def _plain(level: int) -> bytes:
    return media._saved(Image.fromarray(np.full((480, 640, 3), level, np.uint8)), "JPEG")


def _wall() -> bytes:
    """A softly lit wall: something to see, nothing to find."""
    light = np.linspace(90, 170, 640)[None, :] + np.linspace(-20, 20, 480)[:, None]
    grain = np.random.default_rng(1).normal(0, 2, (480, 640))
    pixels = np.repeat((light + grain).clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    return media._saved(Image.fromarray(pixels), "JPEG")
