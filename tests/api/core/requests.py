"""A valid request for each operation of the core family, for tests that try them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from assets.models import CaptureUnit, PricePoint
from assets.services.inspections import image_set_open
from damages.models import ManualProcessing, Source, Step
from damages.states import WAITING
from inspection_platform.codes import registration_ask, reset_ask
from tenants.models import Family, Role, TenantGroup, User
from tenants.services.keys import api_key_issue
from tenants.services.people import user_groups
from tenants.services.registration import registration_check
from tenants.services.sessions import session_open
from tenants.services.tenant_groups import tenant_group_create
from tests import factories
from tests.outbox import Message

_NEWCOMER: Final = "+4791234567"
_ANNOUNCED: Final = {"fileName": "1.jpg", "contentType": "image/jpeg"}
_PASSWORD: Final = "An0ther-horse!"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a request is made of: our house, who is going to send it, and how a code arrives."""

    house: factories.House
    caller: User | None
    outbox: list[Message]
    drain: Callable[[], int]

    def colleague(self, **extra: Any) -> User:
        """Somebody of our house whom nothing else is about."""
        return factories.user(self.house.tenant, **extra)

    def unit(self) -> CaptureUnit:
        """A unit of a rig of ours, which records for us."""
        made: CaptureUnit = factories.rig(self.house.tenant, open_to=[self.house.tenant]).units.order_by("side")[0]
        return made

    def code(self) -> str:
        """The code that was sent last."""
        self.drain()
        return self.outbox[-1].code


@dataclass(frozen=True, slots=True)
class Sent:
    """Path below the family's prefix, and body."""

    path: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a valid request is made; `names_ours`: it names something of ours, which others cannot see."""

    make: Callable[[Stage], Sent]
    names_ours: bool


def _key_owner(stage: Stage) -> User:
    person = stage.colleague()
    api_key_issue(tenant=stage.house.tenant, family=Family.CORE, name="matrix", user=person)
    return person


def _switch(stage: Stage) -> Sent:
    _, token = session_open(user=stage.caller or stage.house.staff, tenant=None)
    return Sent("/auth/currentTenant", {"refreshToken": token, "tenant": str(stage.house.tenant.pk)})


def _register(_stage: Stage) -> Sent:
    return Sent("/auth/register", {"phone": _NEWCOMER, "password": _PASSWORD, "firstName": "A", "lastName": "B"})


def _verify(stage: Stage) -> Sent:
    registration_ask(registration_check(phone=_NEWCOMER, password=_PASSWORD))
    return Sent("/auth/register/verify", {"username": _NEWCOMER, "code": stage.code()})


def _confirm(stage: Stage) -> Sent:
    phone = stage.colleague().phone
    reset_ask(phone)
    return Sent("/auth/resetPassword/confirm", {"username": phone, "code": stage.code(), "password": _PASSWORD})


def _refresh(stage: Stage) -> Sent:
    person = stage.colleague()
    _, token = session_open(user=person, tenant=stage.house.tenant)
    return Sent("/auth/token/refresh", {"refreshToken": token, "username": person.phone})


def _group_of_tenants(stage: Stage) -> TenantGroup:
    return tenant_group_create(name="Group", members=[stage.house.tenant], power_tenant=None)


def _belonging(action: str, role: str = Role.USER) -> Callable[[Stage], Sent]:
    def make(stage: Stage) -> Sent:
        named = [{"tenantId": str(stage.house.tenant.pk), "role": role}]
        return Sent(f"/auth/tenants/{action}", {"user": str(stage.colleague().pk), "tenants": named})

    return make


def _joining(action: str) -> Callable[[Stage], Sent]:
    def make(stage: Stage) -> Sent:
        return Sent(f"/auth/groups/{action}", {"groupName": "ANNOTATOR", "userId": str(stage.colleague().pk)})

    return make


def _plate(stage: Stage) -> Sent:
    factories.car(stage.house.tenant, vin="WVWZZZAUZLW000001")
    return Sent("/carInfo/licensePlate/AB12345")


def _price(stage: Stage) -> Sent:
    tenant = stage.house.tenant
    factories.car(tenant, make="VW", model="Golf", year=2021)
    price = {"year": 2021, "km": 0, "price_low": 1, "price_medium": 2, "price_high": 3}
    PricePoint.objects.of(tenant.pk).create(tenant=tenant, make="VW", model="Golf", **price)
    return Sent("/carInfo/price/AB12345?km=0")


def _unit_tenants(action: str) -> Callable[[Stage], Sent]:
    def make(stage: Stage) -> Sent:
        body = {"tenants": [str(stage.house.tenant.pk)]}
        return Sent(f"/captureUnits/{stage.unit().pk}/{action}", body)

    return make


def _unit_default(stage: Stage) -> Sent:
    return Sent(f"/captureUnits/{stage.unit().pk}/default", {"tenant": str(stage.house.tenant.pk)})


def _rig(stage: Stage) -> str:
    return f"/captureSets/{factories.rig(stage.house.tenant).pk}"


def _damages(stage: Stage, count: int = 1) -> list[str]:
    image = factories.image_set(stage.house.tenant, photos=1).images.get()
    return [str(factories.damage(image).pk) for _ in range(count)]


def _own_drawing(stage: Stage) -> str:
    """Annotators delete only what they drew themselves."""
    image = factories.image_set(stage.house.tenant, photos=1).images.get()
    by_hand = {"source": Source.ANNOTATOR, "model_version": None, "confidence": None}
    return str(factories.damage(image, created_by=stage.caller, **by_hand).pk)


def _drawn(stage: Stage) -> Sent:
    image = factories.image_set(stage.house.tenant, photos=1).images.get()
    corners = [{"x": x, "y": y} for x, y in ((10, 10), (60, 10), (10, 60), (60, 60))]
    damage = {"imageId": str(image.pk), "imageSetId": str(image.image_set_id), "points": corners, "state": "accepted"}
    return Sent("/damages", {"damages": [{**damage, "truePositives": {"dents": True}}]})


def _image_set(stage: Stage) -> str:
    return str(factories.image_set(stage.house.tenant, photos=0).pk)


def _claim(stage: Stage) -> Sent:
    rig = factories.rig(stage.house.tenant, open_to=[stage.house.tenant], default=stage.house.tenant)
    factories.car(stage.house.tenant)
    claimed = {"id": str(factories.recording(rig).pk), "registrationNo": "NO#AB12345"}
    return Sent("/imageSets", {"imageSets": [claimed]})


def _redirect(stage: Stage) -> Sent:
    _, token = session_open(user=stage.caller or stage.house.staff, tenant=None)
    return Sent("/imageSets/redirect", {"imageSetIds": [_image_set(stage)], "refreshToken": token})


def _job(stage: Stage, action: str, **held: Any) -> str:
    """The address of a set that waits for the caller's step; who is neither is taken for an annotator."""
    image_set = factories.image_set(stage.house.tenant, photos=0)
    ManualProcessing(
        image_set=image_set, tenant=stage.house.tenant, status=WAITING[_step(stage)], waiting_since=timezone.now(),
        **held,
    ).save()  # fmt: skip
    return f"/imageSets/{image_set.pk}/{action}"


def _step(stage: Stage) -> Step:
    return Step.REVIEW if stage.caller and "REVIEWER" in user_groups(stage.caller) else Step.ANNOTATION


def _locking(action: str) -> Callable[[Stage], Sent]:
    return lambda stage: Sent(_job(stage, action), {"manualProcess": _step(stage).value})


def _skip(stage: Stage) -> Sent:
    held = {"holder": stage.caller, "locked_until": timezone.now() + timedelta(minutes=5)} if stage.caller else {}
    return Sent(_job(stage, "status", **held), {"isSkipped": True})


def _open_set(stage: Stage) -> UUID:
    return image_set_open(tenant=stage.house.tenant).pk


def _submit(stage: Stage) -> Sent:
    image_set = image_set_open(tenant=stage.house.tenant)
    factories.photo(image_set, position=1, published=False)
    return Sent(f"/imageSets/{image_set.pk}/submit", {})


def _image(stage: Stage) -> UUID:
    return factories.image_set(stage.house.tenant, photos=1).images.get().pk


def _nothing(path: str, body: dict[str, Any] | None = None) -> Recipe:
    return Recipe(lambda _stage: Sent(path, body), names_ours=False)


def _about(make: Callable[[Stage], Sent]) -> Recipe:
    return Recipe(make, names_ours=True)


#: By the contract's number, as in the table of operations.
REQUESTS: Final[dict[str, Recipe]] = {
    "W1": _nothing("/profile"),
    "W2": Recipe(lambda stage: Sent(f"/profile/names?users={stage.colleague().pk}"), names_ours=False),
    "W3": _about(lambda stage: Sent(f"/profile/{stage.colleague().pk}")),
    "W4": _about(lambda stage: Sent(f"/profile/{stage.colleague().pk}/tenants")),
    "W5": Recipe(
        lambda stage: Sent("/auth/login", {"username": stage.colleague().phone, "password": factories.PASSWORD}),
        names_ours=False,
    ),
    "W6": _about(lambda stage: Sent("/auth/apiKey", {"userId": str(stage.colleague().pk)})),
    "W7": _about(lambda stage: Sent(f"/auth/apiKey/{_key_owner(stage).pk}")),
    "W8": _about(lambda stage: Sent(f"/auth/apiKey/{_key_owner(stage).pk}")),
    "W9": _about(_switch),
    "W10": _about(_joining("assign")),
    "W11": _about(_joining("unassign")),
    "W12": Recipe(_register, names_ours=False),
    "W13": Recipe(_verify, names_ours=False),
    "W14": Recipe(lambda stage: Sent("/auth/resetPassword", {"username": stage.colleague().phone}), names_ours=False),
    "W15": Recipe(_confirm, names_ours=False),
    "W16": _nothing("/auth/tenantGroups"),
    "W17": _about(lambda stage: Sent("/auth/tenantGroups", {"name": "New", "members": [str(stage.house.tenant.pk)]})),
    "W18": _about(lambda stage: Sent(f"/auth/tenantGroups/{_group_of_tenants(stage).pk}", {"name": "Renamed"})),
    "W19": _nothing("/auth/tenants"),
    "W20": _nothing("/auth/tenants", {"name": "New Rental"}),
    "W21": _about(_belonging("assign", Role.ADMIN_TENANT)),
    "W22": _about(_belonging("unassign")),
    "W23": Recipe(lambda stage: Sent(f"/auth/tenants/users?users={stage.colleague().pk}"), names_ours=False),
    "W24": _about(lambda stage: Sent(f"/auth/tenants/{stage.house.tenant.pk}")),
    "W25": _about(lambda stage: Sent(f"/auth/tenants/{stage.house.tenant.pk}", {"settings": {"expiryAfter": 3}})),
    "W26": Recipe(_refresh, names_ours=False),
    "W27": _about(lambda stage: Sent(f"/auth/users/{stage.colleague().pk}")),
    "W28": _about(_plate),
    "W29": _about(_price),
    "W30": _nothing("/carInfo/vin/WVWZZZAUZLW000001"),
    "W31": _nothing("/annotators/statistics"),
    "W32": _nothing("/reviewers/queue", {}),
    "W33": _about(lambda stage: Sent(f"/imageSets/{_image_set(stage)}")),
    "W34": _nothing("/captureSets"),
    "W35": _nothing("/captureSets?virtual=true", {"name": "Virtual", "label": "pickup", "location": "Oslo"}),
    "W36": _nothing("/captureSets/search?name=a"),
    "W37": _about(lambda stage: Sent(_rig(stage))),
    "W38": _about(lambda stage: Sent(_rig(stage), {"name": "Renamed"})),
    "W39": _nothing("/captureUnits"),
    "W40": _about(lambda stage: Sent(f"/captureUnits/{stage.unit().pk}")),
    "W41": _about(_unit_tenants("assign")),
    "W42": _about(_unit_default),
    "W43": _about(_unit_tenants("unassign")),
    "W44": _about(lambda stage: Sent(f"/cars?registrationNo={factories.car(stage.house.tenant).plate}")),
    "W45": _about(lambda stage: Sent(f"/cars?tenantId={stage.house.tenant.pk}")),
    "W46": _nothing("/cars", {"registrationNumbersByCountryCode": {"NO": ["AB12345"]}}),
    "W47": _nothing("/cars", {"cars": [{"licensePlate": "NO#AB12345"}]}),
    "W48": _about(lambda stage: Sent(f"/damages?ids={_own_drawing(stage)}")),
    "W49": _about(lambda stage: Sent(f"/damages?tenantId={stage.house.tenant.pk}")),
    "W50": _about(lambda stage: Sent("/damages", {"damages": [{"id": _damages(stage)[0], "state": "rejected"}]})),
    "W51": _about(_drawn),
    "W52": _about(lambda stage: Sent("/damages/merge", {"damages": _damages(stage, 2)})),
    "W53": _about(lambda stage: Sent(f"/damages/{_damages(stage)[0]}")),
    "W54": _about(lambda stage: Sent(f"/imageSets?tenantId={stage.house.tenant.pk}")),
    "W55": _about(lambda stage: Sent("/imageSets", {"tenantId": str(stage.house.tenant.pk), "recDate": "1606748208"})),
    "W55-images": _about(lambda stage: Sent(f"/imageSets/{_open_set(stage)}/images", {"files": [_ANNOUNCED]})),
    "W55-submit": _about(_submit),
    "W56": _about(_claim),
    "W57": _nothing("/imageSets/count?forManualAnnotation=true&forManualReview=true"),
    "W58": _about(lambda stage: Sent(f"/imageSets/newDamages?ids={_image_set(stage)}")),
    "W59": _about(_redirect),
    "W60": _about(lambda stage: Sent(f"/imageSets/{factories.image_set(stage.house.tenant, photos=0).pk}")),
    "W61": _about(lambda stage: Sent(f"/imageSets/{_image_set(stage)}", {"partnerState": "reviewed"})),
    "W62": _about(_locking("lock")),
    "W63": _about(_skip),
    "W64": _about(_locking("unlock")),
    "W65": _about(lambda stage: Sent(f"/images?imageSetId={_image_set(stage)}")),
    "W66": _about(lambda stage: Sent(f"/images/{_image(stage)}")),
    "W67": _about(lambda stage: Sent(f"/images/{_image(stage)}")),
    "W68": _about(lambda stage: Sent(f"/logos?tenantIds={stage.house.tenant.pk}")),
    "W69": _about(lambda stage: Sent("/logos", {"fileName": "a.png", "tenantId": str(stage.house.tenant.pk)})),
}
