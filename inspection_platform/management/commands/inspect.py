"""`manage.py inspect PHOTO... [--out DIR] [--json] [--release]`: the models on local files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from imaging.gate import reasons
from imaging.ops.errors import UnusableMedia
from inspection_platform.inspecting import Inspected, NotLoaded, Speakers, photo_drawn, photo_inspect, promoted_ask


class Command(BaseCommand):
    """A thin door to `inspection_platform.inspecting`."""

    help = (
        "Look for damages on local photos, without a server. Where a database is there, the versions of the models "
        "that were promoted in it look; otherwise, and with --release, those that came with the release."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The photos, and what to make of them."""
        parser.add_argument("photos", metavar="PHOTO", nargs="+", type=Path)
        parser.add_argument("--out", metavar="DIR", type=Path, help="Write copies with the damages drawn on them.")
        parser.add_argument("--json", action="store_true", help="Print one JSON array instead of lines.")
        parser.add_argument(
            "--release", action="store_true", help="Look with the models of the release, and ask no database."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look at each photo; CommandError (exit status 1) if none of them could be read."""
        speakers = Speakers({} if options["release"] else self._promoted())
        try:
            looked = [found for path in options["photos"] if (found := self._look(path, speakers)) is not None]
        except NotLoaded as error:
            raise CommandError(f"{error} With --release the models that came with the release look.") from error
        if options["out"]:
            self._draw(looked, options["out"])
        if options["json"]:
            self.stdout.write(json.dumps([found.as_json() for found in looked], indent=2))
        else:
            for found in looked:
                self._tell(found)
            self._tell_models(looked)
        if not looked:
            raise CommandError("None of the photos could be read.")

    def _promoted(self) -> dict[str, UUID]:
        """The promoted versions; a database that cannot be asked is told of, and keeps nobody from looking."""
        try:
            return promoted_ask()
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            self.stderr.write(f"The database cannot be asked ({reason}): the models of the release look.")
            return {}

    def _look(self, path: Path, speakers: Speakers) -> Inspected | None:
        try:
            return photo_inspect(path, max_pixels=settings.MAX_PHOTO_PIXELS, speakers=speakers)
        except UnusableMedia as unusable:
            self.stderr.write(f"{path}: {unusable.reason}")
        except OSError as error:
            self.stderr.write(f"{path}: {error.strerror or error}")
        return None

    def _tell(self, found: Inspected) -> None:
        view = f" ({found.said.view.replace('_', ' ')})" if found.said.view else ""
        count = len(found.damages)
        self.stdout.write(f"{found.path}{view}: {count or 'no'} {'damage' if count == 1 else 'damages'}")
        for reason in reasons(found.said.flags):
            self.stdout.write(f"  {reason}")
        for one in found.damages:
            box = f"{one.box.width} x {one.box.height} px at {one.box.x},{one.box.y}"
            self.stdout.write(f"  {one.category:<16} {one.confidence:.2f}  {box}")

    def _tell_models(self, looked: list[Inspected]) -> None:
        """Which versions looked, once for all photos; nothing where none did."""
        models = sorted({str(one) for found in looked for one in found.models})
        if models:
            self.stdout.write(f"Looked with {', '.join(models)}.")

    def _draw(self, looked: list[Inspected], folder: Path) -> None:
        """Copies carry the photo's name; a number keeps photos of one name apart, and the photos as they are."""
        folder.mkdir(parents=True, exist_ok=True)
        taken = {found.path.resolve() for found in looked}
        for found in looked:
            target, number = folder / f"{found.path.stem}.jpg", 1
            while target.resolve() in taken:
                number += 1
                target = folder / f"{found.path.stem}-{number}.jpg"
            taken.add(target.resolve())
            target.write_bytes(photo_drawn(found))
