"""`manage.py cleanup [--dry-run]`: remove what nobody needs any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inspection_platform.cleanup import cleanup


class Command(BaseCommand):
    """A thin door to `inspection_platform.cleanup`, which the pulse also opens once a day."""

    help = (
        "Remove sessions and sets nobody came back for (SESSION_DAYS), files without rows, expired codes, logins, "
        "stored answers and queue records, this machine's copies of models that no version needs; photos as received "
        "whose tenant's retention is over (expiryAfter) where a blurred picture is published. Nothing else with a "
        "result is touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch."""
        parser.add_argument("--dry-run", action="store_true", help="Only count what would be removed.")

    def handle(self, *_args: Any, dry_run: bool, **_options: Any) -> None:
        """A line for each kind of thing; an error in the end if one could not be done."""
        failed = False
        for outcome in cleanup(dry_run=dry_run):
            failed = failed or bool(outcome.failure)
            self.stdout.write(f"{outcome.failure or outcome.count:>8}  {outcome.what}")
        if dry_run:
            self.stdout.write("Nothing was removed (--dry-run).")
        if failed:
            raise CommandError("Not everything could be cleaned up.")
