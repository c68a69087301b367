"""Start the whole platform in the foreground: prepare the database and files, then web server and workers.

supervisord keeps the programs alive (deploy/supervisord.conf). This process copies their output, says when the server
answers, and ends when supervisord ends. SIGINT and SIGTERM stop everything.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

import environ
from tied import die_with_parent

ROOT = Path(__file__).resolve().parent.parent
#: Seconds to wait for the first answer before saying that something is wrong.
PATIENCE_S = 120


def main() -> int:
    """Run until stopped; 0 after an orderly stop, 1 when the platform could not start."""
    os.chdir(ROOT)
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM)
    environ.Env.read_env(ROOT / ".env")
    port = int(os.environ.setdefault("PORT", "8000"))
    if not os.environ.get("BIND") and not _is_free(port):
        sys.stderr.write(f"Port {port} is in use; choose another one: PORT={port + 1} make run\n")
        return 1
    prepared = subprocess.run([sys.executable, "manage.py", "prepare"], stdout=subprocess.PIPE, text=True, check=False)
    if prepared.returncode:
        sys.stdout.write(prepared.stdout)
        return prepared.returncode
    return _supervise(port, prepared.stdout)


def _supervise(port: int, greeting: str) -> int:
    run_dir = Path(tempfile.mkdtemp(prefix="inspection-platform-"))
    try:
        environment = os.environ | {
            "HOUSE_ROOT": str(ROOT),
            "HOUSE_PYTHON": sys.executable,
            "HOUSE_RUN_DIR": str(run_dir),
        }
        supervisor = subprocess.Popen(
            _command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
        _forward_signals(supervisor)
        threading.Thread(target=_greet, args=(supervisor, port, greeting), daemon=True).start()
        _copy_output(supervisor)
        failed = supervisor.wait() != 0 or (run_dir / "fatal").exists()
        return int(failed)
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


def _command() -> list[str]:
    command = [sys.executable, "deploy/tied.py", sys.executable, "-m", "supervisor.supervisord"]
    command += ["--configuration", "deploy/supervisord.conf"]
    # In a container root may be all there is; without the option supervisord calls that critical.
    return [*command, "--user", "root"] if os.geteuid() == 0 else command


def _forward_signals(supervisor: subprocess.Popen[bytes]) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        if supervisor.poll() is None:
            supervisor.send_signal(signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _copy_output(supervisor: subprocess.Popen[bytes]) -> None:
    """Copy until every program has closed its end; go on reading when nobody reads ours any more."""
    for line in supervisor.stdout or ():
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - stays open as long as this process


def _greet(supervisor: subprocess.Popen[bytes], port: int, greeting: str) -> None:
    """Print the greeting once the server answers."""
    deadline = time.monotonic() + PATIENCE_S
    while supervisor.poll() is None:
        if _answers(port):
            sys.stdout.write(f"\n{greeting}\n")
            sys.stdout.flush()
            return
        if time.monotonic() > deadline:
            sys.stderr.write(f"The server has not answered for {PATIENCE_S} s; see the lines above.\n")
            return
        time.sleep(0.3)


def _answers(port: int) -> bool:
    host = os.environ.get("BIND") or f"127.0.0.1:{port}"
    try:
        with urllib.request.urlopen(f"http://{host}/healthz", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # somebody is there; what is wrong is in the answer
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
