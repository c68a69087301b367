"""One benchmark in a process of its own: set the installation up, measure, print one line of JSON."""

from __future__ import annotations

import importlib
import json
import sys

import django
from django.core.management import call_command


def main() -> None:
    """Run the benchmark that the command line names. Its module is imported once Django is set up."""
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    figures = importlib.import_module(f"bench.{sys.argv[1]}_run").figures()
    print(json.dumps([figure.as_json() for figure in figures]))


if __name__ == "__main__":
    main()
