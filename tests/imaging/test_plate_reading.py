"""The `plate_reading` job, and what becomes of a recording by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assets.models import CaptureSet, ImageSet, ImageSetState
from assets.plates import Plate
from assets.services.image_sets import image_set_process
from assets.services.routing import ROUTED_EVENT
from damages.models import Damage, ManualProcessing, ManualStatus, ResultVersion
from imaging.jobs import plate_reading
from imaging.ml.types import Finding
from imaging.models import JobRun, JobState, ModelVersion, PipelineRun, PlateReading
from imaging.services.plates import plate_verdict
from imaging.services.runs import LeaseLost, run_start
from inspection_platform import tasks, workflow
from inspection_platform.portal.presenters import facts_of
from tenants.models import Event
from tenants.scope import Reach
from tests import factories, models, queue

pytestmark = pytest.mark.django_db

#: Shares of the drawn photos, 640 x 480: 256 x 120 = 30,720 pixels, and 64 x 24 = 1,536.
LARGE, SMALL = (0.3, 0.4, 0.4, 0.25), (0.05, 0.05, 0.1, 0.05)
EVERY = Reach.every()


def plate(left: float, top: float, width: float, height: float) -> Finding:
    right, bottom = left + width, top + height
    return Finding("plate", 0.9, ((left, top), (right, top), (right, bottom), (left, bottom)))


def by_size(crop: NDArray[np.uint8]) -> str:
    """The large plate is that of the car; the small one is another's."""
    return "AB12345" if crop.shape[1] > 150 else "CD54321"


@pytest.fixture
def damage_model(monkeypatch: pytest.MonkeyPatch) -> models.ChosenModel:
    """A damage model that sees one scratch on each photo."""
    return models.use(monkeypatch, lambda _image: [models.square(0.1, 0.1)])


@pytest.fixture
def eyes(
    monkeypatch: pytest.MonkeyPatch, damage_model: models.ChosenModel
) -> tuple[models.ChosenModel, models.ChosenReader]:
    """Models that see the car's plate and a smaller one on each photo."""
    return models.use_plates(monkeypatch, lambda _image: [plate(*SMALL), plate(*LARGE)], by_size)


@pytest.fixture
def lane(ours: factories.House) -> CaptureSet:
    """A rig that records for us."""
    return factories.rig(ours.tenant, open_to=[ours.tenant])


def fresh(image_set: ImageSet) -> ImageSet:
    return ImageSet.objects.of(EVERY).select_related("passage").get(pk=image_set.pk)


def process(image_set: ImageSet) -> ImageSet:
    """Send the set through the whole pipeline."""
    workflow.start(image_set)
    queue.drain()
    return fresh(image_set)


def started(image_set: ImageSet) -> JobRun:
    """A run of the set whose photos wait to be read, the job claimed."""
    image_set_process(image_set=image_set)
    run, _ = run_start(image_set=image_set, off={})
    rows = JobRun.objects.of(EVERY).filter(run=run, name="plate_reading")
    rows.update(state=JobState.RUNNING, attempts=1)
    return rows.select_related("run__image_set").get()


def readings(run: PipelineRun) -> list[PlateReading]:
    return list(PlateReading.objects.of(EVERY).filter(run=run).order_by("image__position", "ordinal"))


def facts(image_set: ImageSet) -> dict[str, str]:
    return dict(facts_of(fresh(image_set)))


def test_every_plate_is_stored_and_the_car_s_own_counts(ours: factories.House, eyes: Any) -> None:
    image_set = factories.image_set(ours.tenant, photos=2, state=ImageSetState.OPEN)
    job = started(image_set)
    plate_reading.run(job)
    rows = readings(job.run)
    assert [(row.text, row.counted, row.why_not, row.area_pixels) for row in rows] == [
        ("AB12345", True, "", 30_720), ("CD54321", False, "beside", 1_536),
    ] * 2  # fmt: skip
    assert rows[0].characters == [[character, 0.99] for character in "AB12345"]
    assert rows[0].polygon == [list(point) for point in plate(*LARGE).polygon]
    assert {(str(row.detector), str(row.reader)) for row in rows} == {("plate_detector test-1", "plate_reader test-1")}
    verdict = plate_verdict(run=job.run)
    assert (verdict.plate, verdict.agreeing, verdict.photos) == ("AB12345", 2, 2)
    noted = JobRun.objects.of(EVERY).get(pk=job.pk)
    assert (noted.model_version, list(noted.helpers.all())) == (rows[0].detector, [rows[0].reader])


def test_only_the_tenant_reaches_its_readings(ours: factories.House, outsider: factories.House, eyes: Any) -> None:
    job = started(factories.image_set(ours.tenant, state=ImageSetState.OPEN))
    plate_reading.run(job)
    assert PlateReading.objects.of(ours.tenant.pk).count() == 2
    assert not PlateReading.objects.of(outsider.tenant.pk).exists()


def test_a_second_run_of_the_job_changes_nothing(lane: CaptureSet, ours: factories.House, eyes: Any) -> None:
    factories.car(ours.tenant)
    job = started(factories.recording(lane, photos=2))
    for image in job.run.image_set.images.all():
        image.state = "usable"
        image.save()
    plate_reading.run(job)
    before = [(row.pk, row.modified_at) for row in readings(job.run)]
    JobRun.objects.of(EVERY).filter(pk=job.pk).update(checkpoint=[])
    job.checkpoint = []
    plate_reading.run(job)
    assert [(row.pk, row.modified_at) for row in readings(job.run)] == before
    assert len(before) == 4
    assert Event.objects.of(EVERY).filter(kind=ROUTED_EVENT).count() == 1


def test_a_job_that_was_killed_goes_on_where_it_was(ours: factories.House, eyes: Any) -> None:
    detector, reader = eyes
    job = started(factories.image_set(ours.tenant, photos=3, state=ImageSetState.OPEN))
    read = reader.text_of

    def dies_on_the_second(crop: NDArray[np.uint8]) -> str:
        if detector.asked == 2:
            raise KeyboardInterrupt
        return str(read(crop))

    reader.text_of = dies_on_the_second
    with pytest.raises(KeyboardInterrupt):
        plate_reading.run(job)
    assert len(readings(job.run)) == 2
    reader.text_of, detector.asked = read, 0
    plate_reading.run(JobRun.objects.of(EVERY).select_related("run__image_set").get(pk=job.pk))
    assert detector.asked == 2, "the first photo was dealt with"
    assert len(readings(job.run)) == 6


def test_who_lost_the_job_stores_nothing(ours: factories.House, eyes: Any) -> None:
    job = started(factories.image_set(ours.tenant, state=ImageSetState.OPEN))
    JobRun.objects.of(EVERY).filter(pk=job.pk).update(attempts=2)
    with pytest.raises(LeaseLost):
        plate_reading.run(job)
    assert not readings(job.run)


def test_a_recording_goes_to_the_tenant_of_its_car(
    lane: CaptureSet, ours: factories.House, damage_model: models.ChosenModel, eyes: Any
) -> None:
    car = factories.car(ours.tenant)
    image_set = process(factories.recording(lane, photos=2))
    assert image_set.state == ImageSetState.READY
    assert (image_set.tenant, image_set.car, image_set.plate) == (ours.tenant, car, "AB12345")
    assert image_set.passage is not None
    assert (image_set.passage.tenant_id, image_set.passage.car_id) == (ours.tenant.pk, car.pk)
    damages = Damage.objects.of(ours.tenant.pk)
    assert damages.count() == 2
    assert {damage.car for damage in damages} == {car}
    told = ResultVersion.objects.of(ours.tenant.pk).get()
    assert told.facts["tenant_id"] == str(ours.tenant.pk)
    names = ["damage_detector", "plate_detector", "plate_reader", "view_and_wheels"]
    assert [model["name"] for model in told.facts["models"]] == names
    assert ManualProcessing.objects.of(ours.tenant.pk).filter(image_set=image_set).exists()
    event = Event.objects.of(ours.tenant.pk).get(kind=ROUTED_EVENT)
    run = image_set.runs.get()
    assert event.payload["run"] == str(run.pk)
    assert (event.payload["agreeing"], event.payload["photos"], event.payload["confidence"]) == (2, 2, 0.99)
    assert facts(image_set)["Read on the photos"] == "AB12345 on 2 of 2 photos (0.99), assigned by its plate"


def test_an_event_that_comes_late_publishes_nothing_twice(
    lane: CaptureSet, ours: factories.House, damage_model: object, eyes: Any
) -> None:
    factories.car(ours.tenant)
    image_set = process(factories.recording(lane, photos=1))
    event = Event.objects.of(ours.tenant.pk).get(kind=ROUTED_EVENT)
    tasks.handle_event(str(event.pk))
    event.refresh_from_db()
    assert (event.handled_at is not None, event.failure) == (True, "")
    assert image_set.results.count() == 1


@pytest.mark.parametrize(("smallest", "counts"), [(30_720, True), (30_721, False)])
def test_the_smallest_plate_of_the_rig_is_respected(
    ours: factories.House, eyes: Any, smallest: int, counts: bool
) -> None:
    factories.car(ours.tenant)
    lane = factories.rig(ours.tenant, open_to=[ours.tenant], min_license_plate_area=smallest)
    image_set = process(factories.recording(lane, photos=1))
    assert (image_set.tenant == ours.tenant) is counts
    counted = readings(image_set.runs.get())[0]
    assert (counted.counted, counted.why_not) == (counts, "" if counts else "small")


def test_what_nobody_owns_is_processed_and_waits(
    lane: CaptureSet, ours: factories.House, damage_model: models.ChosenModel, eyes: Any
) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True)
    image_set = process(factories.recording(lane, photos=1))
    assert (image_set.state, image_set.tenant, image_set.plate) == (ImageSetState.READY, None, "AB12345")
    assert damage_model.asked == 1
    assert Damage.objects.of(EVERY).get().car is None
    assert not image_set.results.exists(), "a result has a tenant"
    assert not ManualProcessing.objects.of(EVERY).exists()
    assert "no car with this plate is registered" in facts(image_set)["Read on the photos"]
    car = factories.car(ours.tenant)
    assert [one.pk for one in workflow.route_waiting([Plate("NO", "AB12345")])] == [image_set.pk]
    assert Damage.objects.of(ours.tenant.pk).get().car == car
    assert fresh(image_set).results.count() == 1
    assert ManualProcessing.objects.of(ours.tenant.pk).get().status == ManualStatus.ANNOTATION_WAITING
    assert workflow.route_waiting([Plate("NO", "AB12345")]) == []
    assert fresh(image_set).results.count() == 1


def test_who_wants_to_see_no_faces_gets_none_of_what_waited(
    lane: CaptureSet, ours: factories.House, damage_model: object, eyes: Any
) -> None:
    image_set = process(factories.recording(lane, photos=1))
    factories.settings(ours.tenant, faceblurServiceEnabled={"topLeft": True})
    factories.car(ours.tenant)
    workflow.route_waiting([Plate("NO", "AB12345")])
    image_set = fresh(image_set)
    assert (image_set.tenant, image_set.state) == (ours.tenant, ImageSetState.PROCESSING)
    assert not image_set.results.exists(), "it is handed over once its faces are blurred"
    jobs = image_set.runs.get(number=2).jobs
    assert jobs.get(name="face_blur").state == JobState.WAITING


def test_the_news_of_a_route_hands_a_finished_set_over(
    lane: CaptureSet, ours: factories.House, damage_model: object, eyes: Any
) -> None:
    """Whoever routed it died before telling the workflow: the event is still there."""
    from assets.services.routing import waiting_route

    image_set = process(factories.recording(lane, photos=1))
    factories.car(ours.tenant)
    assert len(waiting_route(plates=[Plate("NO", "AB12345")])) == 1
    assert fresh(image_set).results.count() == 0
    tasks.handle_event(str(Event.objects.of(ours.tenant.pk).get(kind=ROUTED_EVENT).pk))
    assert fresh(image_set).results.count() == 1


def test_photos_that_do_not_agree_route_nothing(
    lane: CaptureSet, ours: factories.House, monkeypatch: pytest.MonkeyPatch, damage_model: object
) -> None:
    factories.car(ours.tenant)
    texts: Iterator[str] = iter(["AB12345", "AB12346"])
    models.use_plates(monkeypatch, lambda _image: [plate(*LARGE)], lambda _crop: next(texts))
    image_set = process(factories.recording(lane, photos=2))
    assert (image_set.state, image_set.tenant, image_set.plate) == (ImageSetState.READY, None, "")
    assert facts(image_set)["Read on the photos"] == "AB1234_, unsure: The photos do not agree on a character."


def test_one_weak_reading_is_no_plate(
    lane: CaptureSet, ours: factories.House, monkeypatch: pytest.MonkeyPatch, damage_model: object
) -> None:
    factories.car(ours.tenant)
    models.use_plates(monkeypatch, lambda _image: [plate(*LARGE)], lambda _crop: "AB12345", confidence=0.8)
    assert process(factories.recording(lane, photos=1)).tenant is None


def test_a_set_of_a_client_only_learns_what_was_read(
    ours: factories.House, outsider: factories.House, damage_model: object, eyes: Any
) -> None:
    factories.car(outsider.tenant)
    image_set = process(factories.image_set(ours.tenant, state=ImageSetState.OPEN))
    assert (image_set.tenant, image_set.car, image_set.plate) == (ours.tenant, None, "")
    assert plate_verdict(run=image_set.runs.get()).plate == "AB12345"
    assert facts(image_set)["Read on the photos"] == "AB12345 on 1 of 1 photos (0.99)"


def test_the_rules_of_the_tenant_hold_from_the_moment_it_is_known(
    lane: CaptureSet, ours: factories.House, damage_model: models.ChosenModel, eyes: Any
) -> None:
    factories.settings(ours.tenant, damageDetectionServiceEnabled=False)
    factories.car(ours.tenant)
    image_set = process(factories.recording(lane, photos=1))
    assert (image_set.state, image_set.tenant) == (ImageSetState.READY, ours.tenant)
    assert damage_model.asked == 0
    job = image_set.runs.get().jobs.get(name="damage_detection")
    assert (job.state, job.reason) == (JobState.SKIPPED, "Damage detection is switched off for the tenant.")


def test_photos_without_a_plate_leave_no_reading(lane: CaptureSet, damage_model: object) -> None:
    image_set = process(factories.recording(lane, photos=1))
    assert (image_set.state, image_set.tenant) == (ImageSetState.READY, None)
    assert not PlateReading.objects.of(EVERY).exists()
    assert "Read on the photos" not in facts(image_set)
    assert set(ModelVersion.objects.values_list("name", flat=True)) >= {"plate_detector", "plate_reader"}
