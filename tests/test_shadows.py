"""A candidate in shadow, on the way real workers go: it sees the same photos later, and touches nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files import File
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task
from PIL import Image

from assets.models import ImageSet, ImageSetState
from assets.services.submissions import IncomingFile, SubmissionDetails
from damages.models import Damage, ResultVersion
from imaging.models import Detection, JobRun, ModelVersion, ShadowRun, ShadowState, VersionState
from imaging.ops.media import judge
from imaging.services import shadows
from imaging.services.candidates import model_promote, shadow_start
from inspection_platform import sweep, tasks, workflow
from tenants.models import Delivery, Family
from tests import candidates, factories, media, models, queue
from tests.imaging.ml.test_registry import panel

pytestmark = pytest.mark.django_db

Shadowed = Callable[..., ModelVersion]


@pytest.fixture(autouse=True)
def current(monkeypatch: pytest.MonkeyPatch) -> models.ChosenModel:
    """The current model sees two marks on every photo; as a model of masks it sees no vehicle, so all of it counts."""
    model = models.use(monkeypatch, lambda _image: [models.square(0.1, 0.1), models.square(0.6, 0.6, score=0.6)])
    monkeypatch.setattr(shadows, "load", lambda _name, *, threads: model)
    return model


@pytest.fixture
def shadowed(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> Shadowed:
    """Put a candidate in shadow for ours; `see` is what it sees."""

    def start(see: models.See, *, version: str = "9.0.0", for_all: bool = False) -> ModelVersion:
        candidates.no_probe(monkeypatch)
        row = candidates.received(ours.global_admin, version)
        model = models.ChosenModel(see)
        monkeypatch.setattr(shadows, "version_load", lambda _name, _pk, *, threads: model)
        return shadow_start(version=row, tenants=[ours.tenant], for_all=for_all, by=ours.global_admin)

    return start


def submit(house: factories.House, *photos: bytes) -> ImageSet:
    files = []
    for number, data in enumerate(photos, 1):
        facts = judge(BytesIO(data))
        files.append(
            IncomingFile(
                name=f"{number}.jpg", file=File(BytesIO(data), f"{number}.jpg"), size=len(data),
                sha256=hashlib.sha256(data).hexdigest(), kind=str(facts.kind), width=facts.width, height=facts.height,
            )
        )  # fmt: skip
    return workflow.submit(
        tenant=house.tenant, family=Family.INSPEKTLABS, external_key="in1", details=SubmissionDetails(case_id="case-1"),
        files=files,
    )  # fmt: skip


def processed(house: factories.House, photos: int = 1) -> ImageSet:
    image_set = submit(house, *(media.jpeg(640, 480, seed) for seed in range(1, photos + 1)))
    queue.drain()
    image_set.refresh_from_db()
    return image_set


def looked() -> list[ShadowRun]:
    """Let the sweep and the worker do what waits; the rows in the order of the photos."""
    while sweep.shadows_sweep():
        queue.drain()
    return rows()


def scratched() -> bytes:
    """The photo of a panel with a scratch that the released model sees."""
    file = BytesIO()
    Image.fromarray(panel()).save(file, "JPEG", quality=95)
    return file.getvalue()


def rows() -> list[ShadowRun]:
    return list(ShadowRun.objects.all_tenants("a test").order_by("image__position"))


def other_marks(_image: Any) -> list[Any]:
    """One of the current model's marks with another word, none of the other, and one of its own."""
    return [models.square(0.11, 0.1, label="dent"), models.square(0.3, 0.7)]


def test_a_candidate_sees_what_the_current_version_saw(ours: factories.House, shadowed: Shadowed) -> None:
    candidate = shadowed(other_marks)
    image_set = processed(ours, photos=2)
    assert [row.state for row in rows()] == [ShadowState.WAITING] * 2
    done = looked()
    assert [row.state for row in done] == [ShadowState.DONE] * 2
    for row in done:
        assert (row.candidate, str(row.against)) == (candidate, "damage_detector test-1")
        assert (row.agreed, row.kind_differs, row.only_current, row.only_candidate) == (0, 1, 1, 1)
        assert row.pairs == [["kind_differs", 0, 0], ["only_current", 1, None], ["only_candidate", None, 1]]
        assert [one["label"] for one in row.findings] == ["dent", "scratch"]
        assert [one["score"] for one in row.current_findings] == [0.8, 0.6]
        assert row.seconds is not None
        assert row.run.image_set == image_set


def test_nothing_of_it_reaches_detections_damages_or_results(ours: factories.House, shadowed: Shadowed) -> None:
    candidate = shadowed(lambda _image: [models.square(0.3, 0.7)])
    processed(ours)
    before = ResultVersion.objects.of(ours.tenant.pk).get().facts, Delivery.objects.of(ours.tenant.pk).count()
    looked()
    assert not Detection.objects.of(ours.tenant.pk).filter(model_version=candidate).exists()
    assert not JobRun.objects.of(ours.tenant.pk).filter(model_version=candidate).exists()
    assert Damage.objects.of(ours.tenant.pk).count() == 2
    after = ResultVersion.objects.of(ours.tenant.pk).get().facts, Delivery.objects.of(ours.tenant.pk).count()
    assert after == before
    assert "9.0.0" not in str(after)


def test_a_candidate_that_fails_touches_nothing(ours: factories.House, shadowed: Shadowed) -> None:
    def fail(_image: Any) -> list[Any]:
        raise MemoryError("too large a dream")

    shadowed(fail)
    image_set = processed(ours)
    assert image_set.state == ImageSetState.READY
    [row] = looked()
    assert (row.state, row.attempts, row.error) == (ShadowState.FAILED, 2, "MemoryError: too large a dream")
    assert image_set.runs.get().state == "done"
    assert not sweep.shadows_sweep()


def test_trouble_in_opening_looks_does_not_keep_a_job_from_being_done(
    ours: factories.House, shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed(other_marks)

    def fail(*_args: object) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        return 0

    monkeypatch.setattr(shadows, "_open", fail)
    assert processed(ours).state == ImageSetState.READY
    assert rows() == []


def test_only_the_chosen_tenants_photos_are_seen(
    ours: factories.House, outsider: factories.House, shadowed: Shadowed
) -> None:
    shadowed(other_marks)
    processed(outsider)
    assert rows() == []
    processed(ours)
    assert [row.run.image_set.tenant for row in rows()] == [ours.tenant]


def test_for_all_means_others_too(ours: factories.House, outsider: factories.House, shadowed: Shadowed) -> None:
    shadowed(other_marks, for_all=True)
    processed(outsider)
    assert [row.run.image_set.tenant for row in rows()] == [outsider.tenant]


def test_without_candidates_a_run_leaves_nothing(ours: factories.House) -> None:
    processed(ours)
    assert rows() == []
    assert not sweep.shadows_sweep()


def test_below_the_threshold_the_current_version_said_nothing(
    ours: factories.House, shadowed: Shadowed, current: models.ChosenModel
) -> None:
    shadowed(lambda _image: [])
    processed(ours)
    ModelVersion.objects.filter(version="test-1").update(card={"thresholds": {"score": 0.7}})
    [row] = looked()
    assert (row.only_current, len(row.current_findings)) == (1, 1)


def test_models_whose_findings_are_not_kept_look_again(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates.no_probe(monkeypatch)
    row = candidates.received(ours.global_admin, name="plate_detector")
    shadow_start(version=row, tenants=[], for_all=True, by=ours.global_admin)
    detector, _ = models.use_plates(
        monkeypatch, lambda _image: [models.square(0.4, 0.4, label="plate")], lambda _crop: "AB12345"
    )
    monkeypatch.setattr(shadows, "load", lambda _name, *, threads: detector)
    other = models.ChosenModel(lambda _image: [models.square(0.4, 0.41, label="plate")], "plate_detector")
    monkeypatch.setattr(shadows, "version_load", lambda _name, _pk, *, threads: other)
    processed(ours)
    [look] = looked()
    assert (look.candidate, look.state, look.agreed) == (row, ShadowState.DONE, 1), look.error
    assert str(look.against) == "plate_detector test-1"


def test_a_candidate_waits_until_nothing_else_does(ours: factories.House, shadowed: Shadowed) -> None:
    shadowed(other_marks)
    processed(ours, photos=2)
    async_task("inspection_platform.tasks.heartbeat", "ml", cluster="ml", task_name="heartbeat")
    assert not sweep.shadows_sweep(), "the models have other work"
    async_task("inspection_platform.tasks.run_shadows", cluster="ml", task_name="shadows")
    tasks.run_shadows()
    assert [row.state for row in rows()] == [ShadowState.WAITING] * 2, "it gives way to what came meanwhile"
    OrmQ.objects.order_by("pk")[0].delete()
    tasks.run_shadows()
    assert [row.state for row in rows()] == [ShadowState.DONE] * 2


def test_a_vanished_worker_s_photo_is_seen_again_and_then_given_up(ours: factories.House, shadowed: Shadowed) -> None:
    shadowed(other_marks)
    processed(ours)
    late = timezone.now() - timedelta(seconds=1)
    lost = ShadowRun.objects.all_tenants("a test")
    lost.update(state=ShadowState.RUNNING, attempts=1, lease_until=late)
    assert sweep.shadows_sweep()
    queue.drain()
    assert rows()[0].state == ShadowState.DONE
    lost.update(state=ShadowState.RUNNING, attempts=2, lease_until=late)
    assert not sweep.shadows_sweep()
    assert (rows()[0].state, rows()[0].error) == (ShadowState.FAILED, "The worker vanished while the candidate looked.")


def test_a_look_that_another_worker_took_over_is_not_stored(
    ours: factories.House, shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_image: Any) -> list[Any]:
        ShadowRun.objects.all_tenants("a test").update(attempts=2)
        return []

    shadowed(slow)
    processed(ours)
    shadows.shadow_next()
    assert rows()[0].state == ShadowState.RUNNING


def test_a_second_run_of_a_set_asks_once_for_each_photo(ours: factories.House, shadowed: Shadowed) -> None:
    shadowed(other_marks)
    image_set = processed(ours)
    workflow.run_again(image_set=image_set)
    queue.drain()
    assert len(rows()) == 1
    assert len(looked()) == 1


def test_opening_looks_costs_the_same_for_one_photo_and_many(ours: factories.House, shadowed: Shadowed) -> None:
    shadowed(other_marks)
    counts = []
    for photos in (1, 12):
        image_set = factories.image_set(ours.tenant, photos=photos)
        job = JobRun(
            run=factories.run(image_set), name="damage_detection", cluster="ml", order=1,
            model_version=factories.model_version(),
        )  # fmt: skip
        job.save()
        with CaptureQueriesContext(connection) as queries:
            assert shadows.shadows_open(job=job) == photos
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


def test_a_real_candidate_runs_in_shadow_and_then_in_the_pipeline(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model is put in anybody's place here: the released one, and the same with a lower threshold."""
    monkeypatch.undo()
    candidates.no_probe(monkeypatch)
    lower = {**candidates.card()["thresholds"], "score": 0.05}
    row = candidates.received(ours.global_admin, thresholds=lower)
    shadow_start(version=row, tenants=[ours.tenant], for_all=False, by=ours.global_admin)
    image_set = submit(ours, scratched())
    queue.drain()
    [look] = looked()
    assert look.state == ShadowState.DONE, look.error
    assert look.agreed + look.kind_differs >= 1, "there is a scratch to be seen"
    assert look.only_current == 0, "the same network misses nothing of what it saw"
    assert len(look.findings) == look.agreed + look.kind_differs + look.only_candidate
    assert all(one["score"] >= 0.05 for one in look.findings)

    model_promote(version=row, by=ours.global_admin, reason="sees more", instead_of=None)
    run = workflow.run_again(image_set=image_set)
    queue.drain()
    job = JobRun.objects.of(ours.tenant.pk).get(run=run, name="damage_detection")
    assert job.model_version == row
    said = Detection.objects.of(ours.tenant.pk)
    assert {one.model_version for one in said.filter(run=run)} == {row}
    assert said.filter(run=run, score__gte=0.05).count() == len(look.findings)
    assert {one.model_version for one in said.exclude(run=run)} == {look.against}, "earlier ones name who said them"
    assert ModelVersion.objects.get(pk=row.pk).state == VersionState.CURRENT
