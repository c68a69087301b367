"""The README's tour, run as a stranger would: its code blocks, on a live platform."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.live.stack import LIVE, ROOT, Client, Stack, free_port

pytestmark = LIVE

#: The first block starts the platform; it runs already.
_START = "OUTBOUND_ALLOW=127.0.0.1 make run\n"


def tour_blocks() -> list[str]:
    """The code blocks of the tour in their order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tour = text.partition("## A tour of five minutes")[2].partition("\n## ")[0]
    return re.findall(r"```bash\n(.*?)```", tour, re.DOTALL)


def test_the_tour_of_the_readme_works(stack: Stack, client: Client, tmp_path: Path) -> None:
    start, *blocks = tour_blocks()
    assert start == _START
    assert len(blocks) >= 7
    # What the blocks write goes to tmp_path; everything else of the checkout is where the reader has it.
    (tmp_path / "var").mkdir()
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / ".venv" / "bin" / "python").chmod(0o755)
    environment = stack.environment | {"BASE": stack.base, "RECEIVER_PORT": str(free_port()), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False, timeout=600,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    session = json.loads((tmp_path / "var" / "callback.json").read_text())["inspectionId"]
    image_set = client.image_set(session)
    assert f"Image set {image_set['id']} is ready" in done.stdout
    assert '"status": "success"' in done.stdout or '"status":"success"' in done.stdout
    assert '"metadata"' in done.stdout
    assert '"priceMedio":' in done.stdout
    message = json.loads((tmp_path / "var" / "callback.json").read_text())
    assert (message["status"], message["caseId"], len(message["relevantImages"])) == ("Available", "tour-1", 6)
