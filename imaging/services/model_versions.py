"""Models that have spoken here, and which version of each speaks now."""

from __future__ import annotations

from uuid import UUID

from imaging.ml import registry
from imaging.ml.card import Card, CardError
from imaging.ml.model import Model
from imaging.ml.runtime import preferred
from imaging.models import ModelVersion, VersionState
from imaging.services.model_files import card_local


def load(name: str, *, threads: int) -> Model:
    """The model `name` in the version that speaks here: the one that was promoted, else the one of the release.

    Asked for each job: one look at a row tells whether somebody promoted another one since. Raises what
    `registry.load` raises, and CardError when the promoted version's files cannot be had.
    """
    current = current_id(name)
    if current is None:
        return registry.load(name, threads=threads)
    return version_load(name, current, threads=threads)


def version_load(name: str, version_id: UUID, *, threads: int | None) -> Model:
    """An uploaded version of a model; its files are fetched from storage where this machine does not have them yet."""

    def find() -> Card:
        return card_local(ModelVersion.objects.get(pk=version_id))

    try:
        return registry.load_version(name, str(version_id), find=find, threads=threads)
    except CardError:
        # The clean-up may take a copy between being found and being read; what is wrong otherwise stays wrong.
        return registry.load_version(name, str(version_id), find=find, threads=threads)


def current_id(name: str) -> UUID | None:
    """Id of the version that was promoted; None while the release's speaks."""
    return ModelVersion.objects.filter(name=name, state=VersionState.CURRENT).values_list("pk", flat=True).first()


def promoted_ids() -> dict[str, UUID]:
    """Name of each model of which a version was promoted -> that version's id."""
    return dict(ModelVersion.objects.filter(state=VersionState.CURRENT).values_list("name", "pk"))


def model_version_note(card: Card) -> ModelVersion:
    """The row of the model that this process runs; of one that came with a release it is made at its first use."""
    digests = [file.sha256 for file in card.files]
    known = ModelVersion.objects.filter(name=card.name, version=card.version, sha256__in=digests)
    row = known.order_by("created_at").first()
    if row is None:
        row, _ = ModelVersion.objects.get_or_create(
            name=card.name,
            version=card.version,
            sha256=card.file_for(preferred()).sha256,
            defaults={"card": dict(card.raw)},
        )
    return row
