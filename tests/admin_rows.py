"""Rows of every model the admin shows: `make(MODEL, house, n)` writes n of them for a house and returns them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

from django.db.models import Model
from django.utils import timezone

from assets.models import (
    CaptureSet,
    CaptureUnit,
    Car,
    Image,
    ImageSet,
    Logo,
    Passage,
    PricePoint,
    Recording,
    RetentionRecord,
    Submission,
    Upload,
)
from damages.models import (
    Action,
    Damage,
    DamageDecision,
    DamagedPart,
    FinishedStep,
    ManualProcessing,
    ManualStatus,
    PictogramDamage,
    ResultCause,
    ResultVersion,
    ReviewerQueueEntry,
    Source,
    Step,
)
from imaging.models import (
    CandidateFile,
    ChangeKind,
    Detection,
    ImageTask,
    JobRun,
    ModelChange,
    ModelVersion,
    PipelineRun,
    PlateReading,
    ShadowRun,
    TaskImage,
    TaskKind,
)
from tenants.models import (
    ApiKey,
    AuthSession,
    CodePurpose,
    Delivery,
    DeliveryAttempt,
    Event,
    Family,
    IdempotencyRecord,
    Invitation,
    Membership,
    OneTimePassword,
    Quota,
    Service,
    SigningSecret,
    Tenant,
    TenantGroup,
    TenantSettings,
    UsageCounter,
    User,
    Webhook,
)
from tenants.services.keys import api_key_issue
from tenants.services.settings import tenant_create
from tests import factories

R = TypeVar("R", bound=Model)
_numbers = itertools.count(1)
_SIDES = ("left", "right")


def _text() -> str:
    return f"row{next(_numbers)}"


def _saved(row: R) -> R:
    row.save()
    return row


def _capture_set(house: factories.House) -> CaptureSet:
    return _saved(CaptureSet(tenant=house.tenant, name=_text()))


def _car(house: factories.House) -> Car:
    return _saved(Car(tenant=house.tenant, plate=f"AB{10000 + next(_numbers)}"))


def _passage(house: factories.House) -> Passage:
    car = _car(house)
    return _saved(
        Passage(
            tenant=house.tenant, car=car, capture_set=_capture_set(house), plate=car.plate, recorded_at=timezone.now()
        )
    )


def _price_point(house: factories.House) -> PricePoint:
    return _saved(
        PricePoint(
            tenant=house.tenant, make="VW", model=_text(), year=2020, km=1000, price_low=1, price_medium=2, price_high=3
        )
    )  # fmt: skip


def _unit(house: factories.House) -> CaptureUnit:
    unit = _saved(CaptureUnit(capture_set=_capture_set(house), side="left", default_tenant=house.tenant))
    unit.tenants.add(house.tenant)
    return unit


def _image_set(house: factories.House) -> ImageSet:
    return factories.image_set(house.tenant, photos=0, car=_car(house), capture_set=_capture_set(house))


def _image(house: factories.House) -> Image:
    """A photo without a file: no list and no page of the admin reads one."""
    image_set = _image_set(house)
    upload = _saved(Upload(image_set=image_set, position=1, name=_text(), state="stored", kind="jpeg", size=1234))
    return _saved(
        Image(image_set=image_set, upload=upload, position=1, name=upload.name, sha256=_text(), width=640, height=480)
    )


def _run(house: factories.House) -> PipelineRun:
    return factories.run(_image_set(house))


def _job(house: factories.House) -> JobRun:
    now = timezone.now()
    return _saved(
        JobRun(run=_run(house), name="quality", cluster="ml", order=1, state="done", started_at=now, finished_at=now)
    )


def _detection(house: factories.House) -> Detection:
    image = _image(house)
    return factories.detection(image, run=factories.run(image.image_set))


def _plate_reading(house: factories.House) -> PlateReading:
    image = _image(house)
    return factories.plate_reading(image, run=factories.run(image.image_set))


def _model_version(house: factories.House) -> ModelVersion:
    return _saved(ModelVersion(name="parts", version=_text(), sha256="1" * 64, card={"a": 1}))


def _candidate_file(house: factories.House) -> CandidateFile:
    version = _model_version(house)
    return _saved(CandidateFile(model_version=version, name=_text(), sha256="2" * 64, size=9, file=f"models/{_text()}"))


def _model_change(house: factories.House) -> ModelChange:
    version = _model_version(house)
    return _saved(ModelChange(name="parts", model_version=version, kind=ChangeKind.DROPPED, by=house.global_admin))


def _shadow_run(house: factories.House) -> ShadowRun:
    image = _image(house)
    run, against = factories.run(image.image_set), factories.model_version()
    return _saved(ShadowRun(run=run, image=image, candidate=_model_version(house), against=against))


def _damage(house: factories.House) -> Damage:
    return factories.damage(_image(house), created_by=house.annotator, decided_by=house.reviewer)


def _part(house: factories.House) -> DamagedPart:
    damage = _damage(house)
    return _saved(DamagedPart(damage=damage, image=damage.image, name="wheel", certainty=0.5))


def _manual(house: factories.House) -> ManualProcessing:
    return _saved(
        ManualProcessing(
            image_set=_image_set(house), tenant=house.tenant, status=ManualStatus.REVIEW_WAITING,
            waiting_since=timezone.now(), last_annotator=house.annotator, holder=house.reviewer,
            locked_until=timezone.now() + timedelta(minutes=5),
        )
    )  # fmt: skip


def _result(house: factories.House) -> ResultVersion:
    image_set = _image_set(house)
    return _saved(ResultVersion(image_set=image_set, version=1, cause=ResultCause.MODELS, facts={"schema": 1}))


def _event(house: factories.House) -> Event:
    return _saved(
        Event(tenant=house.tenant, kind="result", subject_id=uuid.uuid4(), ordering_key=f"image_set:{uuid.uuid4()}")
    )


def _webhook(house: factories.House) -> Webhook:
    return _saved(Webhook(tenant=house.tenant, family=Family.CORE, event=_text(), url="https://example.com/hook"))


def _delivery(house: factories.House) -> Delivery:
    return _saved(
        Delivery(
            tenant=house.tenant, event=_event(house), webhook=_webhook(house), family=Family.CORE, body='{"a": 1}',
            target=f"https://example.com/{_text()}", ordering_key=f"image_set:{uuid.uuid4()}",
        )
    )  # fmt: skip


def _task_image(house: factories.House) -> TaskImage:
    return _saved(TaskImage(tenant=house.tenant, key=_key(), image_type="original", file="x.jpg", sha256="0" * 64))


def _task(house: factories.House) -> ImageTask:
    return _saved(
        ImageTask(tenant=house.tenant, key=_key(), kind=TaskKind.LPA, reference=_text(), original=_task_image(house))
    )


def _key() -> str:
    return f"{next(_numbers):010d}"


def _tenant(house: factories.House) -> Tenant:
    return tenant_create(name=_text())


def _group(house: factories.House) -> TenantGroup:
    group = _saved(TenantGroup(name=_text(), power_tenant=house.tenant))
    group.members.add(house.tenant)
    return group


def _month(house: factories.House) -> UsageCounter:
    number = next(_numbers)
    month = date(2000 + number // 12, 1 + number % 12, 1)
    return _saved(UsageCounter(tenant=house.tenant, service=Service.LPA, month=month))


def _signing_secret(house: factories.House) -> SigningSecret:
    return _saved(SigningSecret(tenant=house.tenant, sealed_value="x", hint="abcd", retires_at=timezone.now()))


def _repeatable(house: factories.House) -> IdempotencyRecord:
    return _saved(
        IdempotencyRecord(
            tenant=house.tenant, actor="key:1", path="/core/v1/x", key=_text(), digest=_text(), fingerprint="1" * 64,
            lease_until=_soon(), expires_at=_soon(), sealed_answer="sealed",
        )
    )  # fmt: skip


def _soon() -> Any:
    return timezone.now() + timedelta(minutes=10)


MAKERS: dict[type[Model], Callable[[factories.House], Any]] = {
    ApiKey: lambda house: api_key_issue(tenant=house.tenant, family=Family.PAVE, name=_text(), user=house.staff).key,
    AuthSession: lambda house: _saved(
        AuthSession(user=house.staff, tenant=house.tenant, digest=_text(), expires_at=_soon())
    ),
    CandidateFile: _candidate_file,
    CaptureSet: _capture_set,
    CaptureUnit: _unit,
    Car: _car,
    Damage: _damage,
    DamageDecision: lambda house: _saved(
        DamageDecision(damage=_damage(house), by=house.reviewer, step=Source.REVIEWER, action=Action.ACCEPTED)
    ),
    DamagedPart: _part,
    Delivery: _delivery,
    DeliveryAttempt: lambda house: _saved(DeliveryAttempt(delivery=_delivery(house), number=1, status=500, error="no")),
    Detection: _detection,
    Event: _event,
    FinishedStep: lambda house: _saved(
        FinishedStep(
            manual_processing=_manual(house),
            tenant=house.tenant,
            step=Step.ANNOTATION,
            by=house.annotator,
            finished_at=timezone.now(),
        )
    ),
    IdempotencyRecord: _repeatable,
    Invitation: lambda house: _saved(
        Invitation(
            tenant=house.tenant,
            phone=f"+47{next(_numbers):08d}",
            invited_by=house.tenant_admin,
            asked_at=timezone.now(),
            expires_at=_soon(),
        )
    ),
    Image: _image,
    ImageSet: _image_set,
    ImageTask: _task,
    JobRun: _job,
    Logo: lambda house: _saved(Logo(tenant=_tenant(house), size="54x54", file="x.png")),
    ManualProcessing: _manual,
    Membership: lambda house: factories.user(house.tenant).memberships.get(),
    ModelChange: _model_change,
    ModelVersion: _model_version,
    OneTimePassword: lambda house: _saved(
        OneTimePassword(
            user=house.staff, username=house.staff.phone, purpose=CodePurpose.RESET, digest="x", expires_at=_soon()
        )
    ),
    Passage: _passage,
    PictogramDamage: lambda house: _saved(
        PictogramDamage(image_set=_image_set(house), name="car_left.png", x=0.1, y=0.2, created_by=house.staff)
    ),
    PipelineRun: _run,
    PlateReading: _plate_reading,
    PricePoint: _price_point,
    Quota: lambda house: _saved(Quota(tenant=_tenant(house), service=Service.LPA, limit=5)),
    RetentionRecord: lambda house: _saved(RetentionRecord(tenant=house.tenant, kind="deleted", days=30, photos=2)),
    Recording: lambda house: _saved(
        Recording(capture_unit=_unit(house), passage=_passage(house), camera="topLeft", file="x.mp4")
    ),
    ResultVersion: _result,
    ReviewerQueueEntry: lambda house: _saved(
        ReviewerQueueEntry(reviewer=factories.user(house.tenant), tenant=house.tenant, queued_at=timezone.now())
    ),
    ShadowRun: _shadow_run,
    SigningSecret: _signing_secret,
    Submission: lambda house: _image_set(house).submission,
    TaskImage: _task_image,
    Tenant: _tenant,
    TenantGroup: _group,
    TenantSettings: lambda house: _tenant(house).settings,
    Upload: lambda house: _image(house).upload,
    UsageCounter: _month,
    User: lambda house: factories.user(house.tenant),
    Webhook: _webhook,
}


def make(model: type[Model], house: factories.House, number: int = 1) -> list[Any]:
    """Write `number` rows of the model that belong to the house (or, where one house holds only one, to new ones)."""
    return [MAKERS[model](house) for _ in range(number)]


def make_own(model: type[Model], house: factories.House) -> Any:
    """One row of the model that belongs to this very house."""
    own: dict[type[Model], Callable[[], Any]] = {
        Logo: lambda: _saved(Logo(tenant=house.tenant, size="54x54", file="x.png")),
        Quota: lambda: _saved(Quota(tenant=house.tenant, service=Service.LPA, limit=5)),
        Tenant: lambda: house.tenant,
        TenantSettings: lambda: house.tenant.settings,
    }
    return own[model]() if model in own else MAKERS[model](house)
