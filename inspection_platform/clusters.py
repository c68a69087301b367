"""Queue clusters whose processes live and die together.

A django-q cluster is a tree: the command, its sentinel, and the sentinel's workers, pusher and monitor. Left to itself
it has two holes: children outlive a sentinel that was killed, each holding its memory and waiting for ever; and a
process that is killed while it holds the lock of a queue between them leaves the others waiting for ever.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing import Process
from typing import Final

import django

_PR_SET_PDEATHSIG: Final = 1
#: EX_SOFTWARE of sysexits.h.
_BROKEN: Final = 70


def run(arguments: Sequence[str]) -> None:
    """Run `manage.py qcluster` with these arguments and both holes closed; returns when the cluster was stopped."""
    options, _ = _parser().parse_known_args(arguments)
    # django-q reads the name when it is imported; the command's own option comes too late for a process that forks.
    os.environ["Q_CLUSTER_NAME"] = options.name
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - Django has to be set up first
    from django_q import cluster  # noqa: PLC0415

    children_tie()
    cluster.Sentinel = careful(cluster.Sentinel)
    call_command("qcluster", *arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-n", "--name", required=True)
    return parser


def children_tie() -> None:
    """Let every process that this one forks, and those that they fork, die with the one that forked it."""
    forking: list[int] = []

    def before() -> None:
        forking[:] = [os.getpid()]

    def in_child() -> None:
        die_with_parent()
        if os.getppid() != forking[0]:
            os._exit(_BROKEN)  # the parent died before the tie was made

    os.register_at_fork(before=before, after_in_child=in_child)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (prctl(2); Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def careful(sentinel: type) -> type:
    """A sentinel class that gives up, to be started anew, when a child died that may have held a queue's lock."""

    class CarefulSentinel(sentinel):  # type: ignore[misc]  # a class of django-q, which has no types
        """django-q's sentinel; whoever started the cluster starts it again after it gave up."""

        def reincarnate(self, process: Process) -> None:
            """Replace a dead child, or end the cluster when a replacement would wait for the dead one's lock.

            A worker that was at work holds no lock: only it is replaced, the others go on.
            """
            if may_hold_lock(process, is_worker=process in self.pool):
                os._exit(_BROKEN)
            super().reincarnate(process)

    return CarefulSentinel


def may_hold_lock(process: Process, *, is_worker: bool) -> bool:
    """Whether a dead child may have taken a queue's lock along: it was killed, and not while it worked on a task.

    A worker's `timer` is above 0 while it works, 0 when it ran out of time, negative when it waits or was recycled.
    """
    if process.exitcode is None or process.exitcode >= 0:
        return False
    return not is_worker or process.timer.value < 0  # type: ignore[attr-defined]  # django-q hangs it on the process
