"""kill -9: what was lost runs again, and nothing happens twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import media
from tests.live.stack import LIVE, Client, Mailbox, Process, Stack, eventually, mailbox

pytestmark = LIVE


def _clusters(stack: Stack, name: str) -> list[Process]:
    return stack.below(f"--name {name}")


@pytest.mark.parametrize("whole_cluster", [True, False], ids=["the whole cluster", "its workers alone"])
def test_a_killed_worker_loses_and_doubles_nothing(
    stack: Stack, client: Client, inbox: Mailbox, whole_cluster: bool
) -> None:
    photos = [media.car_photo(seed=seed, scratches=3) for seed in range(10, 18)]
    session = client.upload(photos, callback_url=inbox.url)
    image_set = stack.key(client.image_set(session)["id"])
    job = eventually(lambda: _busy_job(stack, image_set), what="a job in the middle of its work", every=0.02)
    victims = _kill(stack, whole=whole_cluster)

    done = client.finished(session)
    assert done["status"] == "ready", done["reason"]
    ((attempts, state),) = stack.rows("SELECT attempts, state FROM imaging_jobrun WHERE id = %s", job)
    assert (attempts > 1, state) == (True, "done")
    seen = stack.rows(
        "SELECT d.image_id, d.ordinal, d.model_version_id FROM imaging_detection d JOIN imaging_pipelinerun r"
        " ON d.run_id = r.id WHERE r.image_set_id = %s",
        image_set,
    )
    assert len(seen) == len(set(seen))
    proposed = stack.rows("SELECT detection_id FROM damages_damage WHERE image_set_id = %s", image_set)
    assert len(proposed) == len(set(proposed))
    eventually(lambda: inbox.about(session), what="the callback")
    assert stack.rows("SELECT count(*) FROM damages_resultversion WHERE image_set_id = %s", image_set) == [(1,)]
    assert len(inbox.about(session)) == 1
    stack.wait_for_restart("--name ml", victims)


def _busy_job(stack: Stack, image_set: str) -> Any:
    """The id of a running job of the set that has dealt with at least one photo and has others before it."""
    rows = stack.rows(
        "SELECT j.id, j.checkpoint FROM imaging_jobrun j JOIN imaging_pipelinerun r ON j.run_id = r.id"
        " WHERE r.image_set_id = %s AND j.state = 'running' AND j.cluster = 'ml'",
        image_set,
    )
    return next((job for job, checkpoint in rows if str(checkpoint).count("-") > 4), None)


def _kill(stack: Stack, *, whole: bool) -> list[int]:
    if whole:
        return stack.kill("--name ml")
    command, sentinel = _clusters(stack, "ml")[:2]
    assert sentinel.parent == command.pid
    victims = [one.pid for one in _clusters(stack, "ml") if one.parent == sentinel.pid]
    return stack.kill_ids(victims)


def test_a_killed_courier_delivers_once_more_under_the_same_id(stack: Stack, client: Client) -> None:
    held, released = threading.Event(), threading.Event()

    def hold(_message: dict[str, Any]) -> None:
        if not held.is_set():
            held.set()
            assert released.wait(timeout=120)

    with mailbox(client.demo["webhook_secret"], hear=hold) as box:
        session = client.upload([media.car_photo(seed=30)], callback_url=box.url)
        eventually(held.is_set, what="the delivery to be under way")
        victims = stack.kill("--name io")
        released.set()
        # The lease outlasts the longest send; the test does not wait for it but puts its end into the past.
        past = "'2020-01-01 00:00:00+00:00'"
        stack.rows(
            f"UPDATE tenants_delivery SET lease_until = {past}, next_attempt_at = {past} WHERE target = %s", box.url
        )
        eventually(lambda: _delivery(stack, box) == "delivered", what="the second try")
        assert {one["inspectionId"] for one in box.messages} == {session}
        tries = stack.rows(
            "SELECT t.status FROM tenants_deliveryattempt t JOIN tenants_delivery d ON t.delivery_id = d.id"
            " WHERE d.target = %s ORDER BY t.number",
            box.url,
        )
        assert tries == [(None,), (204,)]
        # The receiver heard it at most twice, and could tell by the id that it was one message.
        assert len(box.messages) <= 2
    stack.wait_for_restart("--name io", victims)


def _delivery(stack: Stack, box: Mailbox) -> str:
    ((state,),) = stack.rows("SELECT state FROM tenants_delivery WHERE target = %s", box.url)
    return str(state)


def test_eight_clients_at_once_while_the_workers_write(stack: Stack, client: Client, inbox: Mailbox) -> None:
    def hand_in(number: int) -> list[str]:
        photo = media.car_photo(seed=40 + number, width=640, height=480)
        return [client.upload([photo], callback_url=inbox.url) for _ in range(3)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        sessions = [session for handed in pool.map(hand_in, range(8)) for session in handed]

    assert {client.finished(session)["status"] for session in sessions} == {"ready"}
    eventually(lambda: {one["inspectionId"] for one in inbox.messages} >= set(sessions), what="every callback")
    assert sorted(one["inspectionId"] for one in inbox.messages) == sorted(sessions)
    assert "database is locked" not in stack.log
