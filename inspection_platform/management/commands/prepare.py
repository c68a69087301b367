"""`manage.py prepare`: what has to be there before the server starts."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand

from inspection_platform.demo.house import demo_build, demo_table


class Command(BaseCommand):
    """Database, cache table, static files, and in development the demo data. Quick when there is nothing to do."""

    help = "Migrate, create the cache table, collect static files; in development also make the demo data."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Progress goes to standard error, what the operator needs to know to standard output."""
        self._say("Preparing the database ...")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        if static_files_collect(Path(settings.STATIC_ROOT)):
            self._say("Static files collected.")
        if settings.DEBUG:
            self._say("Making sure of the demo data ...")
            self.stdout.write(demo_table(demo_build()))
        else:
            self.stdout.write(f"The platform is running at {settings.PUBLIC_URL}")

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()


def static_files_collect(root: Path) -> bool:
    """Collect the static files into `root` unless it holds them already; whether anything was done.

    Two runs of one checkout take turns, and the second finds the work done: no file changes under a running server.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    stamp = root.with_name(f"{root.name}.stamp")
    wanted = _fingerprint()
    with _locked(root.with_name(f"{root.name}.lock")):
        if root.is_dir() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
            return False
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(wanted, encoding="ascii")
    return True


def _fingerprint() -> str:
    """A digest of every static file's path, size and time of change."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(None):
            facts = Path(storage.path(path)).stat()
            digest.update(f"{path}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
