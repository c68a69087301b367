"""The house itself: its commands are there, its settings are listed, its static files are collected once."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.management import get_commands
from pytest_django import Settings

from inspection_platform.management.commands import prepare

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {"run", "test", "test-browser", "lint", "bench", "train", "evaluate", "lock", "clean", "help"}


def make_targets() -> set[str]:
    """What `make help` lists."""
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  make (\S+)", listed, re.MULTILINE))


def test_make_lists_every_command() -> None:
    assert make_targets() >= TARGETS


def test_every_setting_of_the_environment_is_listed() -> None:
    read = re.compile(r"""(?:env\.\w+|environ(?:\.get|\.setdefault)?)[(\[]\s*"([A-Z][A-Z_]+)\"""")
    sources = [ROOT / "inspection_platform/settings.py", *(ROOT / "deploy").glob("*.py"), *ROOT.glob("imaging/**/*.py")]
    names = {name for path in sources for name in read.findall(path.read_text(encoding="utf-8"))}
    listed = set(re.findall(r"^# (?:! )?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    listed.add("DEBUG")
    internal = {"DJANGO_SETTINGS_MODULE", "HOUSE_RUN_DIR", "MAKELEVEL"}
    assert names - listed - internal == set()
    assert len(names) > 30


def test_every_command_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"manage\.py ([a-z]+)", text))
    assert commands <= set(get_commands())
    assert {"demo", "tenant", "inspect", "receive", "prepare", "pulse"} <= commands
    assert set(re.findall(r"`make ([a-z0-9-]+)", text)) <= make_targets()
    for path in re.findall(r"\]\(([^)#]+)\)", text):
        assert path.startswith("http") or (ROOT / path).exists(), path


@pytest.mark.parametrize("script", [".ci/run", "deploy/radosgw.sh", "deploy/setup.sh"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
    assert (ROOT / script).read_text(encoding="utf-8").splitlines()[0].endswith("bash")
    subprocess.run(["bash", "-n", script], cwd=ROOT, check=True)


def test_a_port_in_use_is_said_before_anything_is_touched() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        started = subprocess.run(
            [sys.executable, "deploy/run.py"], cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PORT": str(port)},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert started.returncode == 1
    assert f"Port {port} is in use" in started.stderr
    assert started.stdout == ""


@pytest.fixture
def one_static_file(tmp_path: Path, settings: Settings) -> Path:
    """A project with a single static file, collected below tmp_path."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "page.css").write_text("body { color: black }")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = str(tmp_path / "collected")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    return source / "page.css"


def test_static_files_are_collected_when_they_changed_and_only_then(one_static_file: Path, tmp_path: Path) -> None:
    root = tmp_path / "collected"
    assert prepare.static_files_collect(root) is True
    assert (root / "page.css").read_text() == "body { color: black }"
    collected = {path.name: path.stat().st_mtime_ns for path in root.iterdir()}
    assert prepare.static_files_collect(root) is False
    assert {path.name: path.stat().st_mtime_ns for path in root.iterdir()} == collected
    one_static_file.write_text("body { color: blue }")
    later = time.time() + 5
    os.utime(one_static_file, (later, later))  # collectstatic compares whole seconds
    assert prepare.static_files_collect(root) is True
    assert (root / "page.css").read_text() == "body { color: blue }"


@pytest.mark.usefixtures("one_static_file")
def test_of_two_runs_at_once_one_collects(tmp_path: Path) -> None:
    did: list[bool] = []
    barrier = threading.Barrier(2)

    def collect() -> None:
        barrier.wait()
        did.append(prepare.static_files_collect(tmp_path / "collected"))

    threads = [threading.Thread(target=collect) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(did) == [False, True]


#: A stand-in for supervisord: starts the listener, hands it one event, and says whether it was asked to stop.
_SUPERVISOR = """
import signal, subprocess, sys
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
pipe = subprocess.PIPE
listener = subprocess.Popen([sys.executable, "deploy/on_fatal.py"], stdin=pipe, stdout=pipe, text=True)
assert listener.stdout.readline() == "READY\\n"
payload = "processname:web groupname:web from_state:BACKOFF"
listener.stdin.write(f"ver:3.0 server:supervisor eventname:PROCESS_STATE_FATAL len:{len(payload)}\\n{payload}")
listener.stdin.flush()
assert listener.stdout.readline() == "RESULT 2\\n" and listener.stdout.read(2) == "OK"
listener.kill()
listener.wait()
print("asked to stop" if asked else "left alone")
"""


def test_a_program_that_does_not_start_ends_the_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SUPERVISOR], cwd=ROOT, env=os.environ | {"HOUSE_RUN_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout == "asked to stop\n", done.stderr
    assert "web does not start" in done.stderr
    assert (tmp_path / "fatal").exists()
