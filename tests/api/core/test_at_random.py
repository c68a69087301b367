"""Random requests that the public reference allows, and some that it does not: no crash, no answer it does not know."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from assets.models import CaptureUnit
from tenants.models import User
from tenants.services.sessions import session_open
from tenants.services.tenant_groups import tenant_group_create
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import build_scene
from tests.api.test_reference import reference
from tests.outbox import Message

PREFIX: Final = "/core/v1/"
ROLES: Final = ("global_admin", "tenant_admin", "annotator")
#: Requests to each operation in each role, most of them allowed; RANDOM_REQUESTS=100 makes a long hunt of it.
REQUESTS: Final = int(os.environ.get("RANDOM_REQUESTS", "12"))

CHECKED: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

#: What fields are mostly filled with, by their names; those of several meanings with path or shape before them.
FIELDS: Final = {
    "user": ("user_id", "userId", "user", "users", "reviewerId", "revieverId"),
    "tenant": ("tenant_id", "tenantId", "tenant", "tenants", "tenantIds", "members", "powerTenantId"),
    "group": ("group_id",),
    "rig": ("capture_set_id", "deviceSetId"),
    "unit": ("unit_id", "unitId"),
    "car": ("carId", "carIds"),
    "passage": ("passage_id", "passageIds"),
    "image_set": ("image_set_id", "imageSetId", "imageSetIds", "closestToImageSetId", "imageSets.ids"),
    "waiting": ("ImageSetClaimRequest.id",),
    "image": ("image_id", "imageId", "closestToImageId"),
    "damage": (
        *("damage_id", "firstDamageId", "representativeId", "returnFamilyOf"),
        *("damages.ids", "DamagePatchRequest.id", "DamagesMergeRequest.damages"),
    ),
    "plate": ("plate", "registrationNo", "licensePlate"),
    "vin": ("vin",),
    "phone": ("username",),
    "token": ("refreshToken",),
}
KINDS: Final = {name: kind for kind, names in FIELDS.items() for name in names}
#: Texts that hold several, with commas between them.
LISTS: Final = ("ids", "users", "carIds", "passageIds")
MOST: Final = 8
#: What there is of each kind. Drawn by its place, so that one run asks the same as another though ids differ.
KNOWN: Final[dict[str, list[str]]] = {kind: [""] for kind in FIELDS}


def known(kind: str) -> st.SearchStrategy[str]:
    """Something of the kind that exists; now and then something that does not."""
    there = st.integers(0, MOST - 1).map(lambda place: KNOWN[kind][place % len(KNOWN[kind])])
    return st.one_of(there, there, there, there, there, st.uuids(version=4).map(str))


for _kind in FIELDS:
    schemathesis.openapi.format(f"known-{_kind}", known(_kind))
    schemathesis.openapi.format(f"known-{_kind}-list", st.lists(known(_kind), min_size=1, max_size=3).map(",".join))


def described() -> dict[str, Any]:
    """The reference, with the fields of FIELDS marked as what they are filled with."""
    made = deepcopy(reference())
    for shape, schema in made["components"]["schemas"].items():
        for name, field in schema.get("properties", {}).items():
            _mark(shape, name, field)
    for path, methods in made["paths"].items():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                _mark(path.removeprefix(PREFIX).partition("/")[0], parameter["name"], parameter["schema"])
    return made


def _mark(owner: str, name: str, field: dict[str, Any]) -> None:
    kind = KINDS.get(f"{owner}.{name}") or KINDS.get(name)
    item = field.get("items", field)
    if kind and item.get("type") == "string":
        item.pop("pattern", None)
        item["format"] = f"known-{kind}-list" if name in LISTS else f"known-{kind}"


def operations() -> Iterator[tuple[str, str]]:
    """Path and method of each operation of the family for people, or for everybody."""
    for path, methods in reference()["paths"].items():
        for method, operation in methods.items():
            schemes = {name for rule in operation.get("security", []) for name in rule}
            if path.startswith(PREFIX) and (not schemes or "idToken" in schemes):
                yield path, method.upper()


@pytest.fixture(scope="module")
def api() -> Iterator[Any]:
    """The reference to draw requests from, which the platform answers in this process and the test's transaction."""
    load_all_checks()
    made = schemathesis.openapi.from_dict(described())
    made.app = get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield made
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def house(ours: factories.House, settings: Settings, outbox: list[Message]) -> factories.House:
    """Our house with something of every kind, all of it in KNOWN; nobody is told to come back later."""
    rates = ("LOGIN_RATE_PER_NAME", "CODE_RATE_PER_NAME", "CODE_TRY_RATE_PER_NAME")
    for rate in (*rates, "LOGIN_RATE_PER_ADDRESS", "CODE_RATE_PER_ADDRESS"):
        setattr(settings, rate, 0)
    scene = build_scene(ours)
    rig = factories.rig(ours.tenant, open_to=[ours.tenant], default=ours.tenant)
    waiting = factories.recording(rig)
    group = tenant_group_create(name="Group", members=[ours.tenant], power_tenant=ours.tenant)
    people = [*(getattr(ours, role) for role in ROLES), ours.reviewer, ours.staff, factories.user(ours.tenant)]
    damages = [scene.representative, scene.member, scene.drawn, scene.removed]
    found: dict[str, list[Any]] = {
        "user": people,
        "tenant": [ours.tenant],
        "group": [group],
        "rig": [rig, scene.image_set.capture_set],
        "unit": list(CaptureUnit.objects.of(ours.tenant.pk).order_by("side")),
        "car": [scene.car],
        "passage": [scene.image_set.passage, waiting.passage],
        "image_set": [scene.image_set, waiting],
        "waiting": [waiting],
        "image": [scene.image],
        "damage": [*damages, *(factories.damage(scene.image) for _ in range(2))],
    }
    KNOWN.update({kind: [str(row.pk) for row in rows] for kind, rows in found.items()})
    KNOWN["plate"] = ["AB12345", "NO#AB12345", "ab 123-45", "DK99999"]
    KNOWN["vin"] = ["WVWZZZAUZLW000001"]
    KNOWN["phone"] = [person.phone for person in people]
    KNOWN["token"] = [session_open(user=getattr(ours, role), tenant=ours.tenant)[1] for role in ROLES]
    return ours


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), list(operations()))
def test_answers_are_those_of_the_reference(
    house: factories.House, api: Any, bearer: Callable[[User], Headers], path: str, method: str
) -> None:
    operation = api[path][method]
    allowed, refused = operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    cases = st.one_of(allowed, allowed, refused)
    for role in ROLES:
        ask(cases, bearer(getattr(house, role)))


def ask(cases: st.SearchStrategy[Any], headers: Headers) -> None:
    """Send requests, each on its own, and hold the answers against the reference."""
    checks = [CHECKS.get_one(name) for name in CHECKED]

    @rules(
        max_examples=REQUESTS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def answered(case: Any) -> None:
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        case.validate_response(response, checks=checks)

    answered()
