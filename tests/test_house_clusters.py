"""Processes that live and die together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from inspection_platform.clusters import careful, may_hold_lock

ROOT = Path(__file__).resolve().parent.parent


def dead(exitcode: int | None, timer: float) -> Any:
    """A child process of a cluster: how it ended and what it was doing (django-q's timer)."""
    return SimpleNamespace(exitcode=exitcode, timer=SimpleNamespace(value=timer))


@pytest.mark.parametrize(
    ("exitcode", "timer", "is_worker", "expected"),
    [
        (None, -1, True, False),
        (0, -2, True, False),
        (1, -1, True, False),
        (-9, -1, True, True),
        (-11, -1, True, True),
        (-9, 890, True, False),
        (-15, 0, True, False),
        (-9, 0, False, True),
        (0, 0, False, False),
    ],
    ids=[
        "runs still", "was recycled", "raised", "killed while it waited", "crashed while it waited", "killed at work",
        "ran out of time", "pusher or monitor killed", "pusher or monitor ended",
    ],
)  # fmt: skip
def test_who_may_have_died_with_a_lock(exitcode: int | None, timer: float, is_worker: bool, expected: bool) -> None:
    assert may_hold_lock(dead(exitcode, timer), is_worker=is_worker) is expected


def test_a_sentinel_replaces_a_worker_that_held_no_lock_and_gives_up_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sentinel:
        def __init__(self) -> None:
            self.pool: list[Any] = []
            self.replaced: list[Any] = []

        def reincarnate(self, process: Any) -> None:
            self.replaced.append(process)

    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    sentinel = cast("Any", careful(Sentinel))()
    at_work, waiting = dead(-9, 5), dead(-9, -1)
    sentinel.pool = [at_work, waiting]

    sentinel.reincarnate(at_work)
    assert (sentinel.replaced, ended) == ([at_work], [])
    sentinel.reincarnate(waiting)
    assert ended == [70]


#: A parent that forks a child which would sleep for ever, prints its id and waits.
_FAMILY = """
import os, sys, time
from inspection_platform.clusters import children_tie
children_tie()
child = os.fork()
if child == 0:
    time.sleep(600)
print(child, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is the Linux kernel's")
def test_a_child_does_not_outlive_a_parent_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _FAMILY], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert not is_gone(child)
    parent.kill()
    parent.wait(timeout=10)
    parent.stdout.close()
    wait_until_gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is the Linux kernel's")
def test_a_tied_command_dies_with_whoever_started_it() -> None:
    script = (
        "import subprocess, sys, time\n"
        "command = [sys.executable, 'deploy/tied.py', sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "print(subprocess.Popen(command).pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    deadline = time.monotonic() + 20
    while (command := Path(f"/proc/{child}/cmdline").read_bytes()) == b"" or b"tied.py" in command:
        assert time.monotonic() < deadline, "the command has not replaced tied.py"
        time.sleep(0.02)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(timeout=10)
    parent.stdout.close()
    wait_until_gone(child)


def is_gone(pid: int) -> bool:
    """Whether the process ended (a zombie nobody has asked about counts)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while not is_gone(pid):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.02)
