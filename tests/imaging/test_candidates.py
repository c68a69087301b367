"""Candidates: taken in, put in shadow, promoted, rolled back and dropped; and what workers load meanwhile."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from imaging.ml import registry
from imaging.ml.card import CardError
from imaging.ml.probe import Probe
from imaging.models import CandidateFile, ChangeKind, ModelChange, ModelVersion, ShadowRun, VersionState
from imaging.services import candidates as services
from imaging.services import model_files
from imaging.services.candidates import candidate_drop, candidate_receive, model_promote, shadow_end, shadow_start
from imaging.services.model_versions import load, model_version_note
from imaging.states import NEXT, state_checked
from tenants.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from tenants.models import User
from tests import candidates, factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage", "cache_dir")]

S = VersionState


@pytest.fixture
def cache_dir(settings: Settings, tmp_path: Path) -> Path:
    """An empty place for copies, and a process that has loaded nothing."""
    settings.MODEL_CACHE_DIR = tmp_path / "copies"
    registry._loaded.forget()
    return tmp_path / "copies"


@pytest.fixture
def admin(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> User:
    """A global admin, where trying a model takes no time."""
    candidates.no_probe(monkeypatch)
    return ours.global_admin


def promoted(version: ModelVersion, by: User, instead_of: ModelVersion | None = None) -> ModelVersion:
    return model_promote(
        version=version, by=by, reason="better", instead_of=instead_of.pk if instead_of is not None else None
    )


def version_now() -> str:
    return load("damage_detector", threads=1).version


def stored() -> list[str]:
    return [str(key) for key in CandidateFile.objects.values_list("file", flat=True)]


# --- the table ---


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_only_what_the_table_names_may_follow(before: S, after: S) -> None:
    if after in NEXT[before]:
        assert state_checked(before, after) == after
    else:
        with pytest.raises(Conflict, match="cannot become"):
            state_checked(before, after)


def test_the_table_knows_every_state() -> None:
    assert set(NEXT) == set(S)
    assert set().union(*NEXT.values()) == set(S) - {S.RELEASED}


# --- taking in ---


def test_an_upload_becomes_a_candidate(admin: User) -> None:
    row = candidates.received(admin)
    assert (str(row), row.state, row.uploaded_by) == ("damage_detector 9.0.0", S.CANDIDATE, admin)
    [file] = row.files.all()
    assert stored()[0].startswith(f"models/{row.pk}/")
    with default_storage.open(stored()[0]) as content:
        assert content.read() == candidates.contents()[file.name]
    [change] = row.changes.all()
    assert (change.kind, change.by, change.name) == (ChangeKind.UPLOADED, admin, "damage_detector")


def test_nothing_is_kept_of_a_model_that_fails_its_try(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "probe", lambda _card, *, seconds: Probe("It crashes."))
    with pytest.raises(Invalid, match="It crashes"):
        candidates.received(admin)
    assert not ModelVersion.objects.exists()
    assert not default_storage.exists("models")


def test_a_real_file_is_really_tried(ours: factories.House) -> None:
    assert candidates.received(ours.global_admin).state == S.CANDIDATE
    broken = {name: data[: len(data) // 3] for name, data in candidates.contents().items()}
    [file] = candidates.card()["files"]
    digest = hashlib.sha256(next(iter(broken.values()))).hexdigest()
    sent = candidates.sent(candidates.card("9.0.1", files=[{**file, "sha256": digest}]), broken)
    with pytest.raises(Invalid, match=r"runtime|not work"):
        candidate_receive(sent=sent, by=ours.global_admin, known_labels=candidates.LABELS)


def test_a_version_comes_once(admin: User) -> None:
    candidates.received(admin)
    with pytest.raises(Conflict, match="there already"):
        candidates.received(admin)
    with pytest.raises(Conflict, match="there already"):
        candidates.received(admin, registry.card("damage_detector").version)
    assert len(stored()) == 1


def test_a_failure_while_storing_leaves_no_file(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(services, "_keep", fail)
    with pytest.raises(Conflict):
        candidates.received(admin)
    folder = default_storage.path("models")
    assert not [path for path in Path(folder).rglob("*") if path.is_file()]


@pytest.mark.parametrize("role", ["tenant_admin", "annotator", "reviewer", "staff"])
def test_only_global_admins_keep_models(role: str, admin: User, ours: factories.House) -> None:
    row, person = candidates.received(admin), getattr(ours, role)
    steps: list[Callable[[], object]] = [
        lambda: candidates.received(person, "9.0.1"),
        lambda: shadow_start(version=row, tenants=[], for_all=True, by=person),
        lambda: shadow_end(version=row, by=person),
        lambda: promoted(row, person),
        lambda: candidate_drop(version=row, by=person, reason="no"),
    ]
    for step in steps:
        with pytest.raises(Forbidden):
            step()
    row.refresh_from_db()
    assert row.state == S.CANDIDATE


# --- promotion ---


def test_without_a_promotion_the_release_speaks(admin: User) -> None:
    candidates.received(admin)
    assert version_now() == registry.card("damage_detector").version


def test_a_promoted_version_speaks_from_the_next_load_on(admin: User, cache_dir: Path) -> None:
    before = load("damage_detector", threads=1)
    row = promoted(candidates.received(admin), admin)
    model = load("damage_detector", threads=1)
    assert (before.version, model.version) == (registry.card("damage_detector").version, "9.0.0")
    assert model_version_note(model.card) == row, "its detections name the row that was promoted"
    assert [path.name for path in cache_dir.iterdir()] == [f"{row.sha256}.tflite"]


def test_a_load_costs_one_query_and_the_file_is_fetched_once(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(candidates.received(admin), admin)
    load("damage_detector", threads=1)
    monkeypatch.setattr(model_files, "_download", lambda *_: pytest.fail("It is here already."))
    with CaptureQueriesContext(connection) as queries:
        load("damage_detector", threads=1)
    assert len(queries) == 1
    registry._loaded.forget()  # another worker of this machine
    assert version_now() == "9.0.0"


def test_the_history_says_who_and_why_and_rolling_back_works(admin: User) -> None:
    first = promoted(candidates.received(admin), admin)
    released = ModelChange.objects.get(kind=ChangeKind.PROMOTED).replaced
    assert released is not None
    assert (released.state, released.version) == (S.RELEASED, registry.card("damage_detector").version)
    second = promoted(candidates.received(admin, "9.1.0"), admin, first)
    assert version_now() == "9.1.0"
    first.refresh_from_db()
    assert first.state == S.FORMER
    promoted(first, admin, second)
    assert version_now() == "9.0.0"
    first.refresh_from_db()
    promoted(released, admin, first)
    assert version_now() == registry.card("damage_detector").version
    assert not ModelVersion.objects.filter(state=S.CURRENT).exists()
    told = ModelChange.objects.filter(kind=ChangeKind.PROMOTED).order_by("created_at")
    assert [(str(one.model_version), str(one.replaced), one.reason, one.by) for one in told] == [
        ("damage_detector 9.0.0", str(released), "better", admin),
        ("damage_detector 9.1.0", "damage_detector 9.0.0", "better", admin),
        ("damage_detector 9.0.0", "damage_detector 9.1.0", "better", admin),
        (str(released), "damage_detector 9.0.0", "better", admin),
    ]


def test_a_release_that_no_longer_runs_cannot_be_promoted(admin: User) -> None:
    current = promoted(candidates.received(admin), admin)
    old = ModelVersion.objects.create(name="damage_detector", version="0.0.1", sha256="0" * 64)
    with pytest.raises(Conflict, match="did not come with the running release"):
        promoted(old, admin, current)
    running = model_version_note(registry.card("damage_detector"))
    promoted(running, admin, current)
    with pytest.raises(Conflict, match="what runs already"):
        promoted(running, admin)


def test_the_second_of_two_admins_is_told(admin: User, ours: factories.House) -> None:
    one, other = candidates.received(admin), candidates.received(admin, "9.1.0")
    promoted(one, admin)
    with pytest.raises(Conflict, match="Somebody else promoted another version"):
        promoted(other, admin)
    assert version_now() == "9.0.0"
    with pytest.raises(Conflict, match="cannot become"):
        promoted(one, admin, one)


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 501])
def test_a_promotion_and_a_drop_need_a_reason(admin: User, reason: str) -> None:
    row = candidates.received(admin)
    with pytest.raises(Invalid):
        model_promote(version=row, by=admin, reason=reason, instead_of=None)
    with pytest.raises(Invalid):
        candidate_drop(version=row, by=admin, reason=reason)
    row.refresh_from_db()
    assert row.state == S.CANDIDATE


def test_what_cannot_be_loaded_is_not_promoted(admin: User) -> None:
    row = candidates.received(admin)
    default_storage.delete(stored()[0])
    with pytest.raises(Conflict, match="not in storage"):
        promoted(row, admin)
    with pytest.raises(Conflict, match="not in storage"):
        shadow_start(version=row, tenants=[], for_all=True, by=admin)
    assert version_now() == registry.card("damage_detector").version


def test_a_file_that_changed_in_storage_is_not_run(admin: User, cache_dir: Path) -> None:
    promoted(candidates.received(admin), admin)
    (path,) = cache_dir.iterdir()
    path.write_bytes(b"somebody wrote here")
    assert version_now() == "9.0.0", "a spoilt copy is fetched anew"
    path.unlink()
    registry._loaded.forget()
    Path(default_storage.path(stored()[0])).write_bytes(b"x")
    with pytest.raises(CardError, match="sha256 differs"):
        version_now()


def test_the_database_holds_one_current_version(admin: User) -> None:
    promoted(candidates.received(admin), admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.create(name="damage_detector", version="x", sha256="1", state=S.CURRENT)


def test_a_version_that_is_gone_cannot_be_promoted(admin: User) -> None:
    row = candidates.received(admin)
    row.files.all().delete()
    ModelChange.objects.all().delete()
    ModelVersion.objects.all().delete()
    with pytest.raises(DomainError) as refusal:
        candidate_drop(version=row, by=admin, reason="gone")
    assert isinstance(refusal.value, NotFound)


@pytest.mark.django_db(transaction=True)
def test_two_admins_at_once_promote_one_version(admin: User) -> None:
    rows = [candidates.received(admin), candidates.received(admin, "9.1.0")]
    start, outcomes = threading.Barrier(2), []

    def promote(row: ModelVersion) -> None:
        try:
            start.wait()
            outcomes.append(promoted(row, admin).version)
        except Conflict as refusal:
            outcomes.append(refusal.message)
        finally:
            connection.close()

    threads = [threading.Thread(target=promote, args=[row]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    current = ModelVersion.objects.get(state=S.CURRENT)
    assert min(outcomes) == current.version
    assert "Somebody else promoted another version" in max(outcomes)
    assert ModelChange.objects.filter(kind=ChangeKind.PROMOTED).count() == 1


# --- dropping ---


@pytest.mark.django_db(transaction=True)
def test_a_dropped_version_loses_its_files_and_may_come_again(admin: User) -> None:
    row = candidates.received(admin)
    [key] = stored()
    candidate_drop(version=row, by=admin, reason="worse")
    assert not default_storage.exists(key)
    row.refresh_from_db()
    assert row.state == S.DROPPED
    with pytest.raises(Conflict, match="cannot be loaded"):
        promoted(row, admin)
    with pytest.raises(Conflict, match="version of its own"):
        candidates.received(admin, thresholds={**candidates.card()["thresholds"], "score": 0.1})
    again = candidates.received(admin)
    assert (again.pk, again.state) == (row.pk, S.CANDIDATE)
    assert promoted(again, admin).state == S.CURRENT


def test_the_current_version_and_the_release_s_are_not_dropped(admin: User) -> None:
    row = promoted(candidates.received(admin), admin)
    for one in (row, model_version_note(registry.card("damage_detector"))):
        with pytest.raises(Conflict, match="cannot become 'dropped'"):
            candidate_drop(version=one, by=admin, reason="no")
    assert len(stored()) == 1


def test_files_that_no_version_has_are_cleaned_up(admin: User) -> None:
    candidates.received(admin)
    kept, gone = stored()[0], default_storage.save("models/of-nobody/x.tflite", ContentFile(b"x"))
    later = timezone.now() + timedelta(minutes=1)
    assert model_files.model_orphans_remove(before=timezone.now() - timedelta(days=1)) == 0
    assert model_files.model_orphans_remove(before=later, dry_run=True) == 1
    assert default_storage.exists(gone)
    assert model_files.model_orphans_remove(before=later) == 1
    assert not default_storage.exists(gone)
    assert default_storage.exists(kept)


# --- shadow ---


def test_shadow_is_for_chosen_tenants_or_for_all(admin: User, ours: factories.House, outsider: factories.House) -> None:
    row = candidates.received(admin)
    with pytest.raises(Invalid, match="at least one tenant"):
        shadow_start(version=row, tenants=[], for_all=False, by=admin)
    row = shadow_start(version=row, tenants=[ours.tenant], for_all=False, by=admin)
    assert (row.state, list(row.shadow_tenants.all())) == (S.SHADOW, [ours.tenant])
    row = shadow_start(version=row, tenants=[], for_all=True, by=admin)
    assert (row.shadow_for_all, list(row.shadow_tenants.all())) == (True, [])
    told = row.changes.filter(kind=ChangeKind.SHADOWED).order_by("created_at").values_list("details", flat=True)
    assert list(told) == [{"tenants": ["Our Rental"]}, {"tenants": "all tenants"}]


@pytest.mark.parametrize("end", ["recalled", "promoted", "dropped"])
def test_whatever_leaves_the_shadow_sees_no_more_photos(admin: User, ours: factories.House, end: str) -> None:
    row = shadow_start(version=candidates.received(admin), tenants=[ours.tenant], for_all=False, by=admin)
    image_set = factories.image_set(ours.tenant, photos=2)
    run, against = factories.run(image_set), factories.model_version()
    for image, state in zip(image_set.images.all(), ("waiting", "done"), strict=True):
        ShadowRun(run=run, image=image, candidate=row, against=against, state=state).save()
    steps: dict[str, Callable[[], object]] = {
        "recalled": lambda: shadow_end(version=row, by=admin),
        "promoted": lambda: promoted(row, admin),
        "dropped": lambda: candidate_drop(version=row, by=admin, reason="worse"),
    }
    steps[end]()
    row.refresh_from_db()
    assert not row.shadow_for_all
    assert not row.shadow_tenants.exists()
    assert [one.state for one in row.shadow_runs.all()] == ["done"], "what it said stays"
    assert row.changes.order_by("created_at").last().kind == end  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        shadow_end(version=row, by=admin)


def test_a_model_that_sees_no_whole_photos_cannot_run_in_shadow(admin: User) -> None:
    sent = candidates.sent(candidates.card(name="plate_reader"), candidates.contents("plate_reader"))
    row = candidate_receive(sent=sent, by=admin, known_labels=candidates.LABELS)
    with pytest.raises(Invalid, match="cannot run in shadow"):
        shadow_start(version=row, tenants=[], for_all=True, by=admin)


def test_a_process_keeps_two_versions_of_a_model_besides_the_released_one(admin: User) -> None:
    current: ModelVersion | None = None
    for version in ("9.0.0", "9.1.0", "9.2.0"):
        current = promoted(candidates.received(admin, version), admin, current)
        version_now()
    kept = [model.version for model in registry._loaded._models.values()]
    assert kept == ["9.1.0", "9.2.0"]
