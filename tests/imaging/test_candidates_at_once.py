"""One version number is uploaded once: two admins at the same moment, and installations where it happened before."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from imaging.models import CandidateFile, ChangeKind, ModelChange, ModelVersion, VersionState
from imaging.services import candidates as services
from imaging.services.candidate_intake import Sent
from imaging.services.candidates import candidate_receive
from tenants.errors import Conflict
from tests import candidates, factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_storage")]

BEFORE = [("imaging", "0005_shadow_measures")]


def upload(more: bytes) -> list[Sent]:
    """Version 9.0.0 with a file of its own: what follows a flatbuffer is not read."""
    files = {name: data + more for name, data in candidates.contents().items()}
    [entry] = candidates.card()["files"]
    [data] = files.values()
    changed = {**entry, "sha256": hashlib.sha256(data).hexdigest()}
    return candidates.sent(candidates.card(files=[changed]), files)


def test_two_uploads_of_one_version_at_once_keep_one(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, own_storage: Path
) -> None:
    """Both have looked whether the version is there before either keeps its own."""
    both = threading.Barrier(2, timeout=60)
    monkeypatch.setattr(services, "_try", lambda _unpacked: both.wait())
    said: list[str] = []

    def send(more: bytes) -> None:
        try:
            row = candidate_receive(sent=upload(more), by=ours.global_admin, known_labels=candidates.LABELS)
            said.append(str(row.sha256))
        except Conflict as refusal:
            said.append(refusal.message)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[more]) for more in (b"one", b"other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = ModelVersion.objects.get()
    assert sorted(said) == sorted([
        kept.sha256,
        "Somebody else uploaded damage_detector 9.0.0 just now. Look at theirs, or give yours a version of its own.",
    ])  # fmt: skip
    [file] = CandidateFile.objects.all()
    assert (file.model_version, file.sha256) == (kept, kept.sha256)
    assert ModelChange.objects.filter(kind=ChangeKind.UPLOADED).count() == 1
    assert [path.stem for path in (own_storage / "models").rglob("*.tflite")] == [kept.sha256]
    assert default_storage.exists(str(file.file.name))


def test_the_database_holds_an_uploaded_version_once() -> None:
    """What came with a release may have been built anew without another version."""
    for digest in ("1", "2"):
        ModelVersion.objects.create(name="face_detector", version="1.0", sha256=digest * 64)
    ModelVersion.objects.create(name="face_detector", version="1.0", sha256="3" * 64, state=VersionState.CANDIDATE)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.create(name="face_detector", version="1.0", sha256="4" * 64, state=VersionState.DROPPED)


def test_versions_that_were_both_kept_are_named_apart() -> None:
    executor = MigrationExecutor(connection)
    old = executor.migrate(BEFORE).apps.get_model("imaging", "ModelVersion")
    kept = [("2.0", "former"), ("2.0", "current"), ("2.1", "candidate"), ("3" * 40, "candidate"), ("3" * 40, "dropped")]
    try:
        for number, (version, state) in enumerate(kept):
            card = {"version": version}
            old.objects.create(name="plates", version=version, sha256=str(number) * 64, state=state, card=card)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    rows = list(ModelVersion.objects.order_by("sha256"))
    assert [row.version for row in rows] == ["2.0+00000000", "2.0", "2.1", "3" * 40, f"{'3' * 31}+44444444"]
    assert all(row.card["version"] == row.version for row in rows)
