"""`manage.py restore FILE`: everything back from one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inspection_platform.backup import BackupDamaged, BackupRefused, backup_check, backup_restore
from inspection_platform.management.bars import Bars


class Command(BaseCommand):
    """A thin door to `inspection_platform.backup`."""

    help = (
        "Bring all rows and stored files back from FILE, which `backup` wrote, into an empty database with the same "
        "migrations (run `migrate` first, nothing else); it may be PostgreSQL where the backup was made from SQLite, "
        "and the other way round. A damaged file is refused before anything is touched; files are put back before "
        "rows, and rows all together or not at all, so that a broken restore can be started again. Give the "
        "installation the SEALING_KEYS (in development the SECRET_KEY) of the one that was saved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--check", action="store_true", help="Only compare every part of FILE with its hash.")

    def handle(self, *_args: Any, file: Path, check: bool, **_options: Any) -> None:
        """Do it and say what came back."""
        try:
            with Bars() as bars:
                made = backup_check(file, meter=bars) if check else backup_restore(file, meter=bars)
        except (BackupDamaged, BackupRefused, OSError) as error:
            raise CommandError(str(error)) from error
        rows, done = sum(made.rows.values()), "intact" if check else "restored"
        self.stdout.write(f"{file}: {rows} rows and {made.files} files of {made.made_at} {done}.")
        if not made.opens_here:
            self.stderr.write("The SEALING_KEYS here are not those of the backup: its sealed secrets cannot be opened.")
