"""Rows for tests: houses (a tenant with its people and keys), cars, image sets with real photos."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from assets.models import (
    CaptureSet,
    CaptureUnit,
    Car,
    Image,
    ImageSet,
    ImageSetState,
    ImageState,
    Passage,
    Recording,
    Submission,
    SubmissionState,
    Upload,
    UploadState,
)
from damages.models import Damage
from imaging.models import Detection, ModelVersion, PipelineRun, PlateReading
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, Family, Role, Tenant, User
from tenants.services.keys import api_key_issue
from tenants.services.people import group_assign, groups_ensure, membership_set
from tenants.services.settings import tenant_create, tenant_settings_update
from tests import media

PASSWORD = "Corr3ct-horse!"
_numbers = itertools.count(10_000_001)


@dataclass(slots=True)
class House:
    """A tenant with a person of each role and a key of each family that exists (`keys[family]` is the value)."""

    tenant: Tenant
    global_admin: User
    tenant_admin: User
    annotator: User
    reviewer: User
    staff: User
    keys: dict[str, str] = field(default_factory=dict)


def user(tenant: Tenant, *, role: str = Role.USER, group: str = "", staff: bool = False, **extra: Any) -> User:
    """A confirmed member of the tenant; password PASSWORD."""
    person = User.objects.create_user(
        f"+47{next(_numbers)}", PASSWORD, current_tenant=tenant, confirmed_at=timezone.now(), is_staff=staff, **extra
    )
    membership_set(user=person, tenant=tenant, role=role)
    if group:
        group_assign(user=person, group=group)
    return person


def house(name: str) -> House:
    """A tenant with everybody in it."""
    groups_ensure()
    tenant = tenant_create(name=name)
    made = House(
        tenant=tenant,
        global_admin=user(tenant, role=Role.ADMIN_TENANT, group=GLOBAL_ADMIN, staff=True, first_name="Gail"),
        tenant_admin=user(tenant, role=Role.ADMIN_TENANT, staff=True, first_name="Tom"),
        annotator=user(tenant, group=ANNOTATOR, staff=True, first_name="Anna"),
        reviewer=user(tenant, group=REVIEWER, staff=True, first_name="Rita"),
        staff=user(tenant, staff=True, first_name="Sam"),
    )
    for family in Family.values:
        owner = made.tenant_admin if family == Family.CORE else None
        made.keys[family] = api_key_issue(tenant=tenant, family=family, name="test", user=owner).value
    return made


def settings(tenant: Tenant, **changes: Any) -> None:
    """Change settings by their contract names."""
    tenant_settings_update(tenant=tenant, changes=changes)


def image_set(
    tenant: Tenant,
    *,
    photos: int = 1,
    state: str = ImageSetState.READY,
    external_key: str | None = None,
    published: bool = True,
    **extra: Any,
) -> ImageSet:
    """An Inspektlabs-shaped set with real (drawn) photos in storage, by default as if the pipeline had run."""
    now = timezone.now()
    submission = Submission.objects.of(tenant.pk).create(
        tenant=tenant,
        family=Family.INSPEKTLABS,
        external_key=external_key or f"in{next(_numbers)}",
        case_id="case-1",
        state=SubmissionState.RECEIVED,
        received_at=now,
    )
    made = ImageSet.objects.of(tenant.pk).create(
        tenant=tenant, submission=submission, state=state, recorded_at=now, submitted_at=now, **extra
    )
    for position in range(1, photos + 1):
        photo(made, position=position, published=published)
    return made


def photo(image_set: ImageSet, *, position: int, published: bool = True) -> Image:
    """One stored photo of a drawn car, 640x480."""
    data = media.jpeg(640, 480, seed=next(_numbers))
    upload = Upload.objects.of(image_set.tenant_id or image_set.pk).create(
        image_set=image_set, position=position, name=f"{position}.jpg", state=UploadState.STORED, kind="jpeg",
        size=len(data), sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
    row = Image(
        image_set=image_set, upload=upload, position=position, name=upload.name, sha256=upload.sha256, size=len(data)
    )
    row.received.name = default_storage.save(f"received/{image_set.pk}/{row.pk}.jpg", ContentFile(data))
    if published:
        row.published.name = default_storage.save(f"published/{image_set.pk}/{row.pk}.jpg", ContentFile(data))
        row.width, row.height, row.state = 640, 480, ImageState.USABLE
    row.save()
    return row


def model_version() -> ModelVersion:
    """A model that speaks in tests; what it says with a score below 0.5 is no proposal."""
    card = {"thresholds": {"score": 0.5}}
    made = ModelVersion.objects.get_or_create(
        name="damage_detector", version="test", sha256="0" * 64, defaults={"card": card}
    )
    return made[0]


def run(image_set: ImageSet) -> PipelineRun:
    """A finished run of the set."""
    number = image_set.runs.count() + 1
    return PipelineRun.objects.of(image_set.tenant_id or image_set.pk).create(
        image_set=image_set, number=number, state="done", finished_at=timezone.now()
    )


def detection(image: Image, *, run: PipelineRun, ordinal: int = 0, score: float = 0.8) -> Detection:
    """Something the model saw: a square of a tenth of the photo's side."""
    left = 0.1 + 0.15 * (ordinal % 5)
    return Detection.objects.of(image.image_set.tenant_id or image.pk).create(
        run=run, image=image, model_version=model_version(), ordinal=ordinal, label="scratch", score=score,
        polygon=[[left, 0.4], [left + 0.1, 0.4], [left + 0.1, 0.5], [left, 0.5]], image_width=640, image_height=480,
    )  # fmt: skip


def plate_reading(image: Image, *, run: PipelineRun, text: str = "AB12345", **extra: Any) -> PlateReading:
    """A plate that was read surely in the middle of the photo, and counts."""
    values: dict[str, Any] = {
        "ordinal": 0,
        "polygon": [[0.4, 0.45], [0.6, 0.45], [0.6, 0.55], [0.4, 0.55]],
        "area_pixels": 30_000,
        "detection_score": 0.9,
        "text": text,
        "score": 0.99,
        "characters": [[character, 0.99] for character in text],
        "counted": True,
    }
    version = model_version()
    return PlateReading.objects.of(image.image_set.tenant_id or image.pk).create(
        run=run, image=image, detector=version, reader=version, **(values | extra)
    )


def car(tenant: Tenant, plate: str = "AB12345", **extra: Any) -> Car:
    """A registered car."""
    return Car.objects.of(tenant.pk).create(tenant=tenant, plate=plate, **extra)


def rig(owner: Tenant, *, open_to: Sequence[Tenant] = (), default: Tenant | None = None, **extra: Any) -> CaptureSet:
    """A capture set with its two units, which record for these tenants."""
    made = CaptureSet.objects.of(owner.pk).create(tenant=owner, name=f"Lane {next(_numbers)}", **extra)
    for side in ("left", "right"):
        unit = CaptureUnit.objects.of(owner.pk).create(capture_set=made, side=side, default_tenant=default)
        unit.tenants.set(open_to)
    return made


def recording(rig: CaptureSet, *, photos: int = 0, state: str = ImageSetState.OPEN, **extra: Any) -> ImageSet:
    """A set that both units of the rig recorded: of nobody until its plate says whose it is."""
    now = timezone.now()
    passage = Passage.objects.of(rig.tenant_id).create(capture_set=rig, recorded_at=now)
    for unit in rig.units.all():
        Recording.objects.of(rig.tenant_id).create(
            capture_unit=unit, passage=passage, camera=f"top{unit.side.capitalize()}", file=f"{unit.side}.mp4"
        )
    made = ImageSet.objects.of(rig.tenant_id).create(
        tenant=None, passage=passage, capture_set=rig, state=state, recorded_at=now, submitted_at=now,
        country_code=rig.country_code, **extra
    )  # fmt: skip
    for position in range(1, photos + 1):
        photo(made, position=position, published=False)
    return made


def damage(image: Image, **extra: Any) -> Damage:
    """A proposal of the model on the photo."""
    values: dict[str, Any] = {
        "category": "lineScratches",
        "confidence": 0.8,
        "model_version": model_version(),
        "polygon": [[0.1, 0.4], [0.2, 0.4], [0.2, 0.5], [0.1, 0.5]],
        "image_width": 640,
        "image_height": 480,
        "car": image.image_set.car,
    }
    return Damage.objects.of(image.image_set.tenant_id or image.pk).create(
        image_set=image.image_set, image=image, **(values | extra)
    )
