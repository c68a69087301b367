"""`manage.py backup FILE`: everything into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inspection_platform.backup import BackupRefused, backup_write
from inspection_platform.management.bars import Bars


class Command(BaseCommand):
    """A thin door to `inspection_platform.backup`."""

    help = (
        "Write all rows, as of one moment, and all stored files into FILE (a gzipped tar archive); the platform may go "
        "on working meanwhile. FILE appears when it is complete: until then it is FILE.part. Secrets in it stay "
        "sealed, so keep SEALING_KEYS (in development SECRET_KEY) as well, and apart from it: without them a restored "
        "installation cannot open its keys. Sessions, caches and the task queue are not saved; what is unfinished is "
        "taken up again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", metavar="FILE", type=Path, help="A name that does not exist yet.")

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        """Write it and say what is in it."""
        try:
            with Bars() as bars:
                made = backup_write(file, meter=bars)
        except (BackupRefused, OSError) as error:
            raise CommandError(str(error)) from error
        rows = sum(made.rows.values())
        self.stdout.write(f"{file}: {rows} rows and {made.files} files ({made.file_bytes} bytes).")
