"""The web server of the project under measurement."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Server:
    """A web server under measurement; `pid` is the worker process that answers (one of them)."""

    url: str
    pid: int

    def reset_peak(self) -> int:
        """Forget the peak of memory so far; returns what is resident now, in bytes."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")
        return self._status("VmRSS")

    def peak(self) -> int:
        """The largest resident size since `reset_peak`, in bytes."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@contextmanager
def served(workers: int = 1, **environment: str) -> Iterator[Server]:
    """The web server of the project on a free port until the block ends, with an environment on top of this one's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "inspection_platform.wsgi"]
    command += ["-b", f"127.0.0.1:{port}", "-w", str(workers), "--threads", "4", "--timeout", "300"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/healthz")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        yield Server(url, int(children[0]))
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
