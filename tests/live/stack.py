"""The whole platform as real processes, started as `make run` starts it, with a database and files of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg import sql

from inspection_platform.receiver import Receiver

ROOT = Path(__file__).resolve().parent.parent.parent
LIVE = [pytest.mark.live, pytest.mark.timeout(900)]
#: Generous, since other tests may run on the same two cores; nothing waits longer than it has to.
PATIENCE_S = 300.0
Value = TypeVar("Value")


def eventually(
    look: Callable[[], Value | None], *, what: str, patience: float = PATIENCE_S, every: float = 0.1
) -> Value:
    """What `look` returns once it returns something true; fails with `what` after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (value := look()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s for {what}"
        time.sleep(every)
    return value


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Process:
    """A running process."""

    pid: int
    parent: int
    command: str


def processes() -> list[Process]:
    """Every process of this machine that is not a zombie."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return [Process(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and row[2][0] != "Z"]


def tree(root: int, *, containing: str = "") -> list[Process]:
    """The processes below `root`, itself left out, parents first."""
    everyone, found, parents = processes(), [], {root}
    while level := [one for one in everyone if one.parent in parents and one not in found]:
        found += level
        parents = {one.pid for one in level}
    return [one for one in found if containing in one.command]


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    return any(one.pid == pid for one in processes())


@dataclass
class Stack:
    """One running platform. `settings` are environment variables on top of the defaults."""

    folder: Path
    database_url: str
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process: nothing of the test suite's own settings leaks in."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return kept | {
            "PORT": str(self.port),
            "DATABASE_URL": self.database_url,
            "STORAGE_URL": f"file://{self.folder / 'media'}",
            "SECRET_KEY": "live-tests-" + "k" * 50,
            "OUTBOUND_ALLOW": "127.0.0.1",
            "WEB_WORKERS": "1",
            **self.settings,
        }

    @property
    def log(self) -> str:
        """What all processes have written so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start and wait until the server answers and both clusters have given a sign of life."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "deploy/run.py"], cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        eventually(self._is_up, what=f"the platform to start; its log is {self.folder / 'log'}", every=0.3)

    def stop(self) -> int:
        """Stop as Ctrl-C does and return the exit status; nothing of it is left afterwards."""
        assert self.process is not None
        below = [one.pid for one in tree(self.process.pid)]
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=60)
        eventually(lambda: not any(is_alive(pid) for pid in below), what="every process to end", patience=20)
        return status

    def below(self, containing: str = "") -> list[Process]:
        """The platform's processes whose command contains the words."""
        assert self.process is not None
        return tree(self.process.pid, containing=containing)

    def kill(self, containing: str) -> list[int]:
        """kill -9 all processes whose command contains the words, and return their ids."""
        return self.kill_ids([one.pid for one in self.below(containing)])

    def kill_ids(self, victims: list[int]) -> list[int]:
        """kill -9 these processes."""
        assert victims, "nothing to kill"
        for pid in victims:
            _kill(pid)
        return victims

    def wait_for_restart(self, containing: str, victims: list[int]) -> None:
        """Until none of the victims is left and as many processes as they were run again."""

        def is_back() -> bool:
            fresh = [one for one in self.below(containing) if one.pid not in victims]
            return len(fresh) >= len(victims) and self.healthz() is not None

        eventually(is_back, what=f"{containing} to run again", every=0.3)
        assert not any(is_alive(pid) for pid in victims)

    def manage(self, *arguments: str) -> str:
        """The output of a management command on this platform's database."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def demo(self) -> dict[str, Any]:
        """The logins and keys of the demo data."""
        found: dict[str, Any] = json.loads(self.manage("demo", "--json"))
        return found

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the platform's database; `%s` stands for a value, ids are given as `self.key(id)`."""
        url = urlsplit(self.database_url)
        if url.scheme == "sqlite":
            with sqlite3.connect(url.path[1:], timeout=30) as database:
                found = database.execute(query.replace("%s", "?"), values).fetchall()
            database.close()
            return found
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def key(self, uuid: str) -> str:
        """An id as the database holds it."""
        return UUID(uuid).hex if self.database_url.startswith("sqlite") else uuid

    def healthz(self) -> dict[str, Any] | None:
        """What /healthz says; None while nobody answers."""
        try:
            facts: dict[str, Any] = httpx.get(f"{self.base}/healthz", timeout=5).json()
        except (httpx.HTTPError, ValueError):
            return None
        return facts

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended:\n{self.log[-3000:]}"
        facts = self.healthz()
        return facts is not None and all(age is not None for age in facts["worker"].values())


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it died with its parent, as it should


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """A folder that is removed afterwards; pytest's own would go when other sessions on this machine come."""
    with tempfile.TemporaryDirectory(prefix="live-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def own_database(folder: Path, *, name: str) -> Iterator[str]:
    """The URL of an empty database: a file, or on TEST_DATABASE_URL's server a database that is dropped afterwards."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        yield f"sqlite:///{folder / 'db.sqlite3'}"
        return
    database = sql.Identifier(name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@dataclass
class Mailbox:
    """What a receiver of callbacks heard, in order; only correctly signed messages get in."""

    url: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def about(self, session: str) -> list[dict[str, Any]]:
        """The messages about one inspection."""
        return [one for one in self.messages if one.get("inspectionId") == session]


@contextmanager
def mailbox(secret: str, *, hear: Callable[[dict[str, Any]], None] | None = None) -> Iterator[Mailbox]:
    """A receiver on the loopback; `hear` may hold a message up before it is taken."""
    box = Mailbox("")

    def take(message: dict[str, Any]) -> None:
        if hear is not None:
            hear(message)
        box.messages.append(message)

    receiver = Receiver(port=0, secrets=lambda: [secret], hear=take)
    box.url = f"http://127.0.0.1:{receiver.server_port}/"
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join(timeout=10)


@dataclass
class Client:
    """An Inspektlabs-shaped client of one demo tenant that reads its results through the core family."""

    stack: Stack
    demo: dict[str, Any]

    def authenticate(self) -> tuple[str, dict[str, str]]:
        """A fresh session and the headers of its token."""
        answer = httpx.post(
            f"{self.stack.base}/inspektlabs/api/authenticate", json={"key": self.demo["inspektlabs"]["key"]}, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["session"], {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def upload(self, photos: Sequence[bytes], *, callback_url: str) -> str:
        """Hand in photos as files; returns the session."""
        session, headers = self.authenticate()
        answer = httpx.post(
            f"{self.stack.base}/inspektlabs/api/upload", headers=headers, timeout=120,
            data={"type": "file", "session": session, "case_id": "live", "callback_url": callback_url},
            files=[("files", (f"{number}.jpg", data, "image/jpeg")) for number, data in enumerate(photos, 1)],
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"status": "success", "id": session, "message": "", "case_id": "live"}
        return session

    def upload_urls(self, urls: Sequence[str], *, callback_url: str) -> str:
        """Hand in addresses of photos; returns the session."""
        session, headers = self.authenticate()
        body = {"type": "urls", "session": session, "case_id": "live", "urls": urls, "callback_url": callback_url}
        answer = httpx.post(f"{self.stack.base}/inspektlabs/api/upload", headers=headers, json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return session

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """A successful answer of the core family."""
        answer = httpx.get(
            f"{self.stack.base}/core/v1/{path}",
            params=query,
            headers={"x-api-key": self.demo["core_api_key"]},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def image_set(self, session: str) -> dict[str, Any]:
        """The image set of a session as it stands."""
        (found,) = self.get("imageSets", externalKey=session)["data"]["items"]
        assert isinstance(found, dict)
        return found

    def finished(self, session: str) -> dict[str, Any]:
        """The image set of a session once it is no longer in the pipeline."""

        def look() -> dict[str, Any] | None:
            found = self.image_set(session)
            return found if found["status"] not in {"open", "processing"} else None

        return eventually(look, what=f"{session} to be processed", every=0.3)

    def damages(self, image_set_id: str) -> list[dict[str, Any]]:
        """The damages of a set."""
        items: list[dict[str, Any]] = self.get("damages", imageSetId=image_set_id, limit="100")["data"]["items"]
        return items
