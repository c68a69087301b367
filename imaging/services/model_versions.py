"""Models that have spoken here."""

from __future__ import annotations

from imaging.ml.card import Card
from imaging.ml.runtime import preferred
from imaging.models import ModelVersion


def model_version_note(card: Card) -> ModelVersion:
    """The row of the model file that this process runs, made at its first use."""
    sha256 = card.file_for(preferred()).sha256
    row, _ = ModelVersion.objects.get_or_create(
        name=card.name, version=card.version, sha256=sha256, defaults={"card": dict(card.raw)}
    )
    return row
