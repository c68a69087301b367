"""`python -m bench [--json] [NAME ...]`: each benchmark in a process and a scratch installation of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bench import claim, fleet
from bench.databases import NoServer, postgresql, sqlite
from bench.figure import not_measured

#: Which database each benchmark wants.
BENCHMARKS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "models": sqlite,
    "pipeline": sqlite,
    "intake": sqlite,
    "accounts": sqlite,
    "claim": postgresql,
    "fleet": postgresql,
}
#: What is not measured without that database, and its goal.
MISSED = {"claim": (claim.NAME, claim.GOAL), "fleet": (fleet.NAME, fleet.GOAL)}
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run what was asked for; 0 unless a benchmark broke. A missed goal is a figure, not a failure."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown benchmark {min(unknown)!r}; there are {', '.join(BENCHMARKS)}")
    results = [run(name) for name in options.names or BENCHMARKS]
    figures = [figure for found in results for figure in found or []]
    print(json.dumps(figures, indent=2) if options.json else table(figures))
    return int(None in results)


def run(name: str) -> list[dict[str, Any]] | None:
    """The figures of one benchmark; None if it broke (what it said is on standard error)."""
    print(f"bench: {name} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
        scratch = Path(folder)
        try:
            with BENCHMARKS[name](scratch) as database:
                return child(name, environment(scratch, database))
        except NoServer as missing:
            return [not_measured(*MISSED[name], str(missing)).as_json()]


def child(name: str, settings: dict[str, str]) -> list[dict[str, Any]] | None:
    """Run a benchmark in a process of its own and read the line of JSON that it ends with."""
    command = [sys.executable, "-m", "bench.child", name]
    done = subprocess.run(command, env=os.environ | settings, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        print(f"bench: {name} failed with exit code {done.returncode}", file=sys.stderr)
        return None
    figures: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return figures


def environment(scratch: Path, database: str) -> dict[str, str]:
    """A scratch installation: own database, own files, production-like settings, no chatter."""
    return {
        "DJANGO_SETTINGS_MODULE": "inspection_platform.settings",
        "DATABASE_URL": database,
        "STORAGE_URL": f"file://{scratch / 'media'}",
        "SECRET_KEY": "only-for-benchmarks-" + "x" * 40,
        "DEBUG": "off",
        "PUBLIC_URL": "http://127.0.0.1",
        "LOG_LEVEL": "WARNING",
        "BENCH_SCRATCH": str(scratch),
    }


def table(figures: list[dict[str, Any]]) -> str:
    """The figures for people."""
    rows = [("figure", "ratio", "goal", "met", "detail")]
    verdict = {True: "yes", False: "NO", None: "-"}
    for figure in figures:
        ratio = "-" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
        rows.append((figure["name"], ratio, figure["goal"], verdict[figure["met"]], figure["detail"]))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )


if __name__ == "__main__":
    sys.exit(main())
