"""Runs of one checkout beside each other, and their end."""

from __future__ import annotations

import os

import httpx

from tests.live.stack import LIVE, Client, Stack, folder_of_its_own, is_alive, own_database

pytestmark = LIVE


def test_two_runs_of_one_checkout_do_not_meet(stack: Stack, client: Client) -> None:
    with folder_of_its_own() as folder, own_database(folder, name=f"live_second_{os.getpid()}") as url:
        second = Stack(folder, url, {"SECRET_KEY": "another-" + "k" * 50})
        try:
            second.start()
            below = [one.pid for one in second.below()]
            for one in (stack, second):
                facts = one.healthz()
                assert facts is not None
                assert facts["status"] == "ok"
            # The key of one opens nothing at the other.
            asked = httpx.get(
                f"{second.base}/core/v1/imageSets", headers={"x-api-key": client.demo["core_api_key"]}, timeout=60
            )
            assert asked.status_code == 401
        finally:
            status = second.stop()
    assert status == 0
    assert not any(is_alive(pid) for pid in below)
    assert client.get("imageSets")["success"] is True


def test_what_was_killed_is_started_again(stack: Stack, client: Client) -> None:
    for name in ("gunicorn", "manage.py pulse"):
        victims = stack.kill(name)
        stack.wait_for_restart(name, victims)
    assert client.get("imageSets")["success"] is True
