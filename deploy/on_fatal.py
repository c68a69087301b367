"""An event listener of supervisord: when a program will not start, say so and end the run with a failure."""

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Speak supervisor's listener protocol on standard input and output."""
    while True:
        _say("READY\n")
        header = dict(pair.split(":", 1) for pair in sys.stdin.readline().split())
        event = dict(pair.split(":", 1) for pair in sys.stdin.read(int(header["len"])).split())
        name = event.get("processname", "?")
        sys.stderr.write(f"{name} does not start: see the lines above. Stopping everything.\n")
        (Path(os.environ["HOUSE_RUN_DIR"]) / "fatal").touch()
        os.kill(os.getppid(), signal.SIGTERM)
        _say("RESULT 2\nOK")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
