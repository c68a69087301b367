"""`manage.py demo [--json]`: two tenants with everything a visitor needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inspection_platform.demo.house import demo_build, demo_table
from inspection_platform.demo.inspections import LABELS, demo_photos
from inspection_platform.demo.people import SPECS


class Command(BaseCommand):
    """A thin door to `inspection_platform.demo`."""

    help = "Make (or find) the demo data: two tenants, their people, keys, rigs, and a car's pickup and return."

    def add_arguments(self, parser: CommandParser) -> None:
        """How to print, and what else to write."""
        parser.add_argument("--json", action="store_true", help="Print one JSON object with every login and key.")
        parser.add_argument("--photos", metavar="DIR", type=Path, help="Only write the drawn photos into DIR.")
        parser.add_argument("--force", action="store_true", help="Also where DEBUG is off.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Build and print."""
        if options["photos"]:
            self._write_photos(options["photos"])
            return
        if not settings.DEBUG and not options["force"]:
            raise CommandError("DEBUG is off: demo logins have no place here. (--force if you mean it.)")
        demo = demo_build()
        self.stdout.write(json.dumps(demo, indent=2) if options["json"] else demo_table(demo))

    def _write_photos(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for label in LABELS:
            for photo in demo_photos(SPECS[0].key, label):
                path = folder / f"{label}-{photo.name}"
                path.write_bytes(photo.data)
                self.stdout.write(str(path))
