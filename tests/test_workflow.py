"""The main job from submission to published result, with a model whose findings are known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.core.files import File
from django.utils import timezone
from django_q.models import OrmQ
from PIL import Image as PillowImage

from assets.models import ImageSet, ImageSetState, ImageState, UploadState
from assets.services.submissions import IncomingFile, SubmissionDetails
from assets.services.uploads import upload_refuse
from damages.models import Damage, ManualStatus, ResultCause, ResultVersion
from damages.services.weaker import weaker_of
from imaging.jobs.damage_detection import WEAKER_KEPT
from imaging.models import Detection, JobState, RunState
from imaging.ops.media import judge
from inspection_platform import sweep, tasks, workflow
from tenants.errors import Conflict
from tenants.models import Delivery, Event, Family
from tenants.outbound import Answer
from tenants.services import deliveries
from tests import factories, media, models, queue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def receiver(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A receiver that takes everything; the bodies it got."""
    got: list[bytes] = []

    def send(_method: str, _url: str, *, body: bytes, **_options: object) -> Answer:
        got.append(body)
        return Answer(status=200, excerpt="", elapsed_s=0.01)

    monkeypatch.setattr(deliveries, "send", send)
    return got


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> models.ChosenModel:
    """A model that sees two marks on every photo."""
    return models.use(monkeypatch, lambda _image: [models.square(0.1, 0.1), models.square(0.6, 0.6, score=0.6)])


def incoming(data: bytes, name: str = "1.jpg") -> IncomingFile:
    facts = judge(BytesIO(data))
    return IncomingFile(
        name=name,
        file=File(BytesIO(data), name),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        kind=str(facts.kind),
        width=facts.width,
        height=facts.height,
    )


def submit(ours: factories.House, *photos: bytes, key: str = "in1", **details: Any) -> ImageSet:
    values = {"case_id": "case-1", "callback_url": "https://client.example/hook"} | details
    files = [incoming(photo, f"{number}.jpg") for number, photo in enumerate(photos, 1)]
    return workflow.submit(
        tenant=ours.tenant,
        family=Family.INSPEKTLABS,
        external_key=key,
        details=SubmissionDetails(**values),
        files=files,
    )


def facts(image_set: ImageSet) -> dict[str, Any]:
    found: dict[str, Any] = ResultVersion.objects.of(image_set.tenant_id or image_set.pk).latest("version").facts
    return found


def settle(image_set: ImageSet) -> ImageSet:
    queue.drain()
    image_set.refresh_from_db()
    return image_set


def test_photos_become_damages_a_result_and_a_delivery(ours: factories.House, drawn: models.ChosenModel) -> None:
    image_set = settle(submit(ours, media.jpeg(640, 480, 1), media.jpeg(640, 480, 2)))
    assert image_set.state == ImageSetState.READY
    run = image_set.runs.get()
    assert run.state == RunState.DONE
    assert drawn.asked == 2
    assert Detection.objects.of(ours.tenant.pk).count() == 4
    damages = Damage.objects.of(ours.tenant.pk).standing()
    assert damages.count() == 4
    assert all(damage.representative_id is None for damage in damages), "photos are never joined"
    assert {str(damage.model_version) for damage in damages} == {"damage_detector test-1"}
    told = facts(image_set)
    assert (told["status"], told["damage_detection"], len(told["damages"])) == ("available", "done", 4)
    delivery = Delivery.objects.of(ours.tenant.pk).get()
    assert delivery.target == "https://client.example/hook"
    assert delivery.retry_delays == [3600, 3600]
    assert '"caseId": "case-1"' in delivery.body


def test_a_published_photo_shows_no_metadata_and_stands_upright(ours: factories.House, drawn: object) -> None:
    image_set = settle(submit(ours, media.jpeg(640, 480, 1, exif_orientation=6, gps=True)))
    image = image_set.images.get()
    assert (image.width, image.height) == (480, 640)
    with image.published.open() as file, PillowImage.open(file) as picture:
        assert picture.size == (480, 640)
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    with image.received.open() as file:
        assert hashlib.sha256(file.read()).hexdigest() == image.sha256, "what was received stays as it came"


def test_a_model_that_sees_nothing_is_named_all_the_same(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.use(monkeypatch, lambda _image: [])
    told = facts(settle(submit(ours, media.jpeg(seed=1))))
    assert told["damages"] == []
    assert told["damage_detection"] == "done"
    names = ["damage_detector", "plate_detector", "plate_reader", "view_and_wheels"]
    assert [model["name"] for model in told["models"]] == names


def test_what_the_model_is_unsure_of_is_kept_but_told_to_nobody(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [0.19, 0.2, 0.5, 0.49, 0.9]
    findings = [models.square(0.15 * place, 0.1, score=score) for place, score in enumerate(scores)]
    models.use(monkeypatch, lambda _image: findings, floor=0.2)
    image_set = settle(submit(ours, media.jpeg(640, 480, 1)))
    kept = Detection.objects.of(ours.tenant.pk).order_by("-score")
    assert [row.score for row in kept] == [0.9, 0.5, 0.49, 0.2]
    assert sorted(Damage.objects.of(ours.tenant.pk).values_list("detection__score", flat=True)) == [0.5, 0.9]
    assert len(facts(image_set)["damages"]) == 2
    assert [row.score for row in weaker_of(image_set)] == [0.49, 0.2]


def test_no_more_unsure_findings_of_a_photo_are_kept_than_people_look_through(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [models.square(0.1, 0.1, score=0.9 if place < 3 else 0.3) for place in range(50)]
    models.use(monkeypatch, lambda _image: findings, floor=0.2)
    settle(submit(ours, media.jpeg(640, 480, 1)))
    assert Detection.objects.of(ours.tenant.pk).count() == 3 + WEAKER_KEPT


def test_every_job_may_run_twice(ours: factories.House, drawn: models.ChosenModel) -> None:
    image_set = settle(submit(ours, media.jpeg(seed=1)))
    run = image_set.runs.get()
    before = list(Damage.objects.of(ours.tenant.pk).values_list("pk", "polygon").order_by("pk"))
    for name in ("quality", "damage_detection", "damage_identification"):
        run.jobs.filter(name=name).update(state=JobState.RUNNING, attempts=1)
        workflow.CALLABLES[name](run.jobs.get(name=name))
        run.jobs.filter(name=name).update(state=JobState.RUNNING, checkpoint=[])
        workflow.CALLABLES[name](run.jobs.get(name=name))
    assert list(Damage.objects.of(ours.tenant.pk).values_list("pk", "polygon").order_by("pk")) == before
    assert Detection.objects.of(ours.tenant.pk).count() == 2


def test_a_second_task_for_a_finished_job_does_nothing(ours: factories.House, drawn: models.ChosenModel) -> None:
    image_set = settle(submit(ours, media.jpeg(seed=1)))
    for job in image_set.runs.get().jobs.all():
        tasks.run_job(str(job.pk))
    for event in Event.objects.of(ours.tenant.pk):
        tasks.handle_event(str(event.pk))
    assert OrmQ.objects.count() == 0
    assert drawn.asked == 1
    assert Delivery.objects.of(ours.tenant.pk).count() == 1
    assert image_set.results.count() == 1


@pytest.mark.parametrize("level", [0, 255])
def test_a_set_on_which_nothing_can_be_seen_is_rejected(ours: factories.House, drawn: object, level: int) -> None:
    flat = BytesIO()
    PillowImage.new("RGB", (640, 480), (level,) * 3).save(flat, "JPEG")
    image_set = settle(submit(ours, flat.getvalue()))
    assert image_set.state == ImageSetState.REJECTED
    told = facts(image_set)
    assert told["status"] == "rejected"
    assert told["reason"].startswith("Poor image quality")
    assert '"Rejected"' in Delivery.objects.of(ours.tenant.pk).get().body


def test_one_good_photo_saves_the_set(ours: factories.House, drawn: models.ChosenModel) -> None:
    flat = BytesIO()
    PillowImage.new("RGB", (640, 480)).save(flat, "JPEG")
    image_set = settle(submit(ours, flat.getvalue(), media.jpeg(seed=1)))
    assert image_set.state == ImageSetState.READY
    assert drawn.asked == 1, "the black one is not shown to the model"
    assert sorted(image_set.images.values_list("state", flat=True)) == [ImageState.UNUSABLE, ImageState.USABLE]


def test_with_detection_off_nobody_pretends_to_have_looked(ours: factories.House, drawn: models.ChosenModel) -> None:
    factories.settings(ours.tenant, damageDetectionServiceEnabled=False)
    image_set = settle(submit(ours, media.jpeg(seed=1)))
    assert image_set.state == ImageSetState.READY
    assert drawn.asked == 0
    assert facts(image_set)["damage_detection"] == "off"
    assert image_set.runs.get().jobs.get(name="damage_detection").state == JobState.SKIPPED


def test_a_mask_switches_a_job_off(ours: factories.House, drawn: models.ChosenModel) -> None:
    image_set = factories.image_set(ours.tenant, state=ImageSetState.OPEN, pipeline_mask=["damage_identification"])
    workflow.start(image_set)
    settle(image_set)
    assert drawn.asked == 1
    assert Damage.objects.of(ours.tenant.pk).count() == 0


def test_frames_of_a_video_become_photos(ours: factories.House, drawn: models.ChosenModel) -> None:
    factories.settings(ours.tenant)
    video = media.video(3, (320, 240), "mp4")
    image_set = settle(submit(ours, video))
    assert image_set.state == ImageSetState.READY
    frames = list(image_set.images.order_by("frame"))
    assert 2 <= len(frames) <= 32
    assert [frame.frame for frame in frames] == list(range(1, len(frames) + 1))
    assert all(frame.position == 1 for frame in frames)


def test_a_damage_in_neighbouring_frames_is_one_family(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    models.use(monkeypatch, lambda _image: [models.square(0.4, 0.4, 0.2)])
    monkeypatch.setattr("imaging.jobs.frames.select_frames", still_frames)
    image_set = settle(submit(ours, media.video(2, (320, 240), "mp4")))
    damages = Damage.objects.of(ours.tenant.pk)
    assert damages.count() == 3
    assert damages.representatives().count() == 1
    told = facts(image_set)
    assert len({damage["representative_id"] for damage in told["damages"]}) == 1


def still_frames(_path: object, *, limit: int) -> Any:
    """Three frames of one scene, a touch brighter each, as a camera on a tripod makes them."""
    from imaging.ops.video import Frame

    scene = media.scene(320, 240, 5)
    assert limit == 32
    return iter([Frame(index, index / 5.0, (scene // 2 + index * 3).astype(np.uint8), 0.5) for index in range(3)])


def test_people_come_after_the_models(ours: factories.House, drawn: object) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True, publishResult="afterReview")
    image_set = settle(submit(ours, media.jpeg(seed=1)))
    assert image_set.manual_processing.status == ManualStatus.ANNOTATION_WAITING
    assert image_set.results.count() == 0, "the result waits for people"
    image_set.manual_processing.status = ManualStatus.ANNOTATED
    image_set.manual_processing.save()
    workflow.manual_finished(image_set=image_set)
    assert [result.cause for result in image_set.results.all()] == [ResultCause.REVIEW]
    workflow.manual_finished(image_set=image_set)
    assert image_set.results.order_by("-version")[0].cause == ResultCause.CORRECTION
    queue.drain()
    assert Delivery.objects.of(ours.tenant.pk).count() == 2, "the correction is told too"


def test_a_failing_job_is_tried_again_then_given_up(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_image: object) -> list[Any]:
        raise RuntimeError("the model is broken")

    models.use(monkeypatch, broken)
    image_set = settle(submit(ours, media.jpeg(seed=1)))
    assert image_set.state == ImageSetState.PROCESSING
    for _ in range(5):
        image_set.runs.get().jobs.update(lease_until=timezone.now() - timedelta(seconds=1))
        sweep.jobs_sweep()
        settle(image_set)
    assert image_set.state == ImageSetState.FAILED
    assert "the model is broken" in image_set.reason
    assert image_set.results.count() == 0, "a failure is no result"


def test_a_failed_set_may_run_again(ours: factories.House, drawn: models.ChosenModel) -> None:
    image_set = factories.image_set(ours.tenant, state=ImageSetState.FAILED, published=False)
    workflow.run_again(image_set=image_set)
    assert settle(image_set).state == ImageSetState.READY
    ImageSet.objects.of(ours.tenant.pk).update(state=ImageSetState.PROCESSING)
    with pytest.raises(Conflict):
        workflow.run_again(image_set=image_set)


def test_running_again_replaces_what_nobody_judged(ours: factories.House, drawn: models.ChosenModel) -> None:
    image_set = settle(submit(ours, media.jpeg(seed=1)))
    judged = Damage.objects.of(ours.tenant.pk).filter(polygon__0__0=0.1)[0]
    Damage.objects.of(ours.tenant.pk).filter(pk=judged.pk).update(state="rejected", decided_at=timezone.now())
    workflow.run_again(image_set=image_set)
    settle(image_set)
    standing = Damage.objects.of(ours.tenant.pk).standing()
    assert standing.count() == 1, "the other one, proposed anew; the rejected one is not proposed again"
    assert standing.filter(detection__run__number=2).exists()
    judged.refresh_from_db()
    assert (judged.state, judged.deleted_at) == ("rejected", None)


def test_a_set_a_person_holds_is_not_run_again(ours: factories.House, drawn: object) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True)
    image_set = settle(submit(ours, media.jpeg(seed=1)))
    work = image_set.manual_processing
    work.holder, work.locked_until = ours.annotator, timezone.now() + timedelta(minutes=5)
    work.save()
    with pytest.raises(Conflict):
        workflow.run_again(image_set=image_set)


def test_some_files_missing_is_an_incomplete_upload(ours: factories.House, drawn: object) -> None:
    image_set = submit(ours, media.jpeg(seed=1), media.jpeg(seed=2))
    upload = image_set.uploads.get(position=2)
    image_set.images.filter(upload=upload).delete()
    upload_refuse(upload=upload, reason="HTTP 404")
    told = facts(settle(image_set))
    assert told["upload_status"] == "incomplete upload"
    assert told["refused"][0]["reason"] == "HTTP 404"
    assert image_set.uploads.filter(state=UploadState.REFUSED).count() == 1


def test_the_configured_webhook_hears_when_the_request_names_no_address(ours: factories.House, drawn: object) -> None:
    ours.tenant.webhooks.create(family="inspektlabs", url="https://hook.example/in", extra_payload={"site": "Oslo"})
    settle(submit(ours, media.jpeg(seed=1), callback_url=""))
    delivery = Delivery.objects.of(ours.tenant.pk).get()
    assert delivery.target == "https://hook.example/in"
    assert '"site": "Oslo"' in delivery.body


def test_an_event_whose_task_was_lost_is_found(ours: factories.House, drawn: object) -> None:
    image_set = submit(ours, media.jpeg(seed=1))
    while not image_set.results.exists():
        row = OrmQ.objects.order_by("pk").first()
        assert row is not None
        task = row.task
        row.delete()
        tasks.run_job(*task["args"])
    OrmQ.objects.all().delete()
    assert sweep.events_sweep() == 0, "its own task may still come"
    Event.objects.of(ours.tenant.pk).update(modified_at=timezone.now() - timedelta(minutes=1))
    assert sweep.events_sweep() == 1
    queue.drain()
    assert Delivery.objects.of(ours.tenant.pk).count() == 1


def test_a_set_that_fails_to_start_leaves_nothing(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, drain: Callable[[], int]
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("the queue is away")

    monkeypatch.setattr(workflow, "async_task", broken)
    with pytest.raises(RuntimeError):
        submit(ours, media.jpeg(seed=1))
    assert ImageSet.objects.of(ours.tenant.pk).count() == 0
    assert drain() == 0


def test_while_workers_are_away_events_wait_as_long_as_it_takes(ours: factories.House, drawn: object) -> None:
    image_set = submit(ours, media.jpeg(seed=1))
    for _ in range(20):
        Event.objects.of(ours.tenant.pk).update(modified_at=timezone.now() - timedelta(hours=1))
        assert sweep.events_sweep() == 0, "their tasks are still in the queue"
    settle(image_set)
    assert Delivery.objects.of(ours.tenant.pk).count() == 1


def test_an_event_that_cannot_be_told_is_left_to_people(
    ours: factories.House, drawn: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_event: Event) -> list[Delivery]:
        raise RuntimeError("no words for it")

    monkeypatch.setattr(tasks, "event_deliveries", broken)
    settle(submit(ours, media.jpeg(seed=1)))
    for _ in range(tasks.EVENT_ATTEMPTS + 3):
        Event.objects.of(ours.tenant.pk).update(modified_at=timezone.now() - timedelta(minutes=1))
        sweep.events_sweep()
        queue.drain()
    event = Event.objects.of(ours.tenant.pk).get()
    assert event.attempts == tasks.EVENT_ATTEMPTS
    assert "no words for it" in event.failure
    assert event.handled_at is None
