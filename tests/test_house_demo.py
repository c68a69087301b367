"""`manage.py demo`: what it prints opens the doors, however often it is called."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from assets.carinfo.facts import CarFacts
from assets.carinfo.vins import vin_decode, vin_parse
from assets.models import CaptureUnit, Car, ImageSet, ImageSetState
from assets.plates import Plate
from assets.services.car_info import PRICED_BY, car_by_plate, car_price
from assets.services.cars import car_release
from damages.models import Damage, DamageDecision, Source
from imaging.models import JobRun, JobState
from inspection_platform import workflow
from inspection_platform.demo import inspections
from tenants.models import ApiKey, Membership, Role, Tenant, User
from tenants.outbound import sign
from tenants.scope import Reach
from tenants.services.keys import api_key_find, api_key_reveal, api_key_revoke
from tenants.services.people import user_groups
from tenants.services.secrets import signing_secrets_valid
from tenants.services.settings import tenant_configuration, tenant_settings_update
from tests import models

pytestmark = pytest.mark.django_db
ROLES = ["global_admin", "tenant_admin", "annotator", "reviewer", "staff"]


@pytest.fixture(autouse=True)
def development(settings: Settings) -> None:
    """The command is for development."""
    settings.DEBUG = True
    cache.clear()


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> models.ChosenModel:
    """A model that sees nothing."""
    return models.use(monkeypatch, lambda _pixels: [])


def demo() -> dict[str, Any]:
    out = io.StringIO()
    call_command("demo", "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_the_json_has_exactly_the_agreed_form(blind: models.ChosenModel, settings: Settings) -> None:
    made = demo()
    assert list(made) == ["base_url", "tenants"]
    assert made["base_url"] == settings.PUBLIC_URL
    assert list(made["tenants"]) == ["demo", "other"]
    for tenant in made["tenants"].values():
        assert list(tenant) == [
            "id", "users", "core_api_key", "inspektlabs", "pave", "instavid360", "webhook_secret", "capture_sets",
            "car",
        ]  # fmt: skip
        assert list(tenant["users"]) == ROLES
        assert all(list(user) == ["id", "username", "password"] for user in tenant["users"].values())
        assert list(tenant["inspektlabs"]) == ["key"]
        assert list(tenant["pave"]) == ["api_key", "api_secret", "username"]
        assert list(tenant["instavid360"]) == ["token"]
        assert list(tenant["capture_sets"]) == ["pickup", "return"]
    assert blind.asked == 12


def test_every_call_prints_the_same_and_changes_nothing(blind: models.ChosenModel) -> None:
    first = demo()
    sets, damages, keys = ImageSet.plain.count(), Damage.plain.count(), ApiKey.plain.count()
    assert demo() == first
    assert (ImageSet.plain.count(), Damage.plain.count(), ApiKey.plain.count()) == (sets, damages, keys)
    assert blind.asked == 12


@pytest.mark.usefixtures("blind")
def test_people_have_their_roles_and_their_passwords_fit_the_rule() -> None:
    for key, name in (("demo", "Demo Rental"), ("other", "Other Rental")):
        made = demo()["tenants"][key]
        tenant = Tenant.objects.get(pk=made["id"])
        assert tenant.name == name
        groups = {}
        for who, login in made["users"].items():
            user = User.objects.get(pk=login["id"])
            assert (user.phone, user.current_tenant, user.is_staff) == (login["username"], tenant, True)
            assert user.check_password(login["password"])
            assert re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{8,}", login["password"])
            groups[who] = set(user_groups(user))
        assert groups == {
            "global_admin": {"GLOBAL_ADMIN"}, "tenant_admin": set(), "annotator": {"ANNOTATOR"},
            "reviewer": {"REVIEWER"}, "staff": set(),
        }  # fmt: skip
        roles = dict(Membership.objects.of(tenant.pk).values_list("user__phone", "role"))
        admins = {made["users"][who]["username"] for who in ("global_admin", "tenant_admin")}
        assert {phone for phone, role in roles.items() if role == Role.ADMIN_TENANT} == admins
        assert len(roles) == len(ROLES)


@pytest.mark.usefixtures("blind")
def test_every_key_opens_its_family_for_its_own_tenant() -> None:
    made = demo()["tenants"]
    assert made["demo"]["inspektlabs"] != made["other"]["inspektlabs"]
    for tenant in made.values():
        core = api_key_find(family="core", value=tenant["core_api_key"])
        assert core is not None
        assert str(core.user_id) == tenant["users"]["tenant_admin"]["id"]
        pave = api_key_find(family="pave", value=tenant["pave"]["api_key"])
        assert pave is not None
        assert (pave.username, api_key_reveal(pave).secret) == (
            tenant["pave"]["username"],
            tenant["pave"]["api_secret"],
        )
        for family, value in (
            ("inspektlabs", tenant["inspektlabs"]["key"]),
            ("instavid360", tenant["instavid360"]["token"]),
        ):
            key = api_key_find(family=family, value=value)
            assert key is not None
            assert str(key.tenant_id) == tenant["id"]
        assert signing_secrets_valid(Tenant.objects.get(pk=tenant["id"])) == [tenant["webhook_secret"]]
        assert sign([tenant["webhook_secret"]], msg_id="m", timestamp=core.created_at, body=b"{}")


@pytest.mark.usefixtures("blind")
def test_everything_is_on_and_nothing_is_limited() -> None:
    for tenant in demo()["tenants"].values():
        values = tenant_configuration(Tenant.objects.get(pk=tenant["id"]))
        assert {key: values[key] for key in _WANTED} == _WANTED
        assert {value for key, value in values.items() if key.startswith("quota.")} == {"none"}
        assert int(values["rate.instavid360"]) > 1_000_000


_WANTED = {
    "manualAnnotationEnabled": True,
    "manualReviewEnabled": True,
    "publishResult": "afterModels",
    "window.inspektlabs": "open",
    "feature.incremental": "on",
    "damageDetectionServiceEnabled": True,
}


@pytest.mark.usefixtures("blind")
def test_the_yard_has_two_rigs_of_two_units_and_an_assigned_car() -> None:
    for tenant in demo()["tenants"].values():
        for label, rig in tenant["capture_sets"].items():
            units = CaptureUnit.plain.filter(capture_set=rig, capture_set__label=label, capture_set__is_virtual=False)
            assert sorted(units.values_list("side", flat=True)) == ["left", "right"]
            assert {str(unit.default_tenant_id) for unit in units} == {tenant["id"]}
        car = Car.plain.get(tenant=tenant["id"])
        assert car.registration_no == tenant["car"]
        assert vin_decode(vin_parse(car.vin)) == CarFacts(vin=car.vin, make="Volkswagen", year=2023)
        known = car_by_plate(plate=Plate("NO", car.plate), reach=Reach.only(car.tenant_id), wanted=PRICED_BY)
        assert car_price(car=known, km=car.mileage or 0, tenant_id=None) == (307_325, 323_500, 339_675)
        pickup, return_ = ImageSet.plain.filter(car=car).order_by("recorded_at")
        assert [str(pickup.capture_set_id), str(return_.capture_set_id)] == list(tenant["capture_sets"].values())
        assert {pickup.state, return_.state} == {ImageSetState.READY}
        assert (pickup.related_image_set, return_.related_image_set) == (return_, pickup)
        assert [pickup.results.count(), return_.results.count()] == [1, 1]


@pytest.mark.usefixtures("blind")
def test_a_car_that_was_deleted_is_assigned_again() -> None:
    demo()
    for car in Car.plain.all():
        car_release(car=car)
    demo()
    assert [car.released_at for car in Car.plain.all()] == [None, None]


@pytest.mark.usefixtures("blind")
def test_the_annotator_marks_what_a_blind_model_overlooked() -> None:
    for tenant in demo()["tenants"].values():
        pickup, return_ = ImageSet.plain.filter(tenant=tenant["id"]).order_by("recorded_at")
        marked = Damage.plain.filter(image_set__tenant=tenant["id"])
        assert (marked.filter(image_set=pickup).count(), marked.filter(image_set=return_).count()) == (2, 4)
        assert set(marked.values_list("source", flat=True)) == {Source.ANNOTATOR}
        decided = DamageDecision.plain.filter(damage__in=marked).values_list("by", flat=True)
        assert {str(person) for person in decided} == {tenant["users"]["annotator"]["id"]}


def test_what_the_model_sees_is_left_to_people(monkeypatch: pytest.MonkeyPatch) -> None:
    models.use(monkeypatch, lambda _pixels: [models.square(0.4, 0.4)])
    demo()
    assert set(Damage.plain.values_list("source", flat=True)) == {Source.MODEL}
    assert Damage.plain.count() == 12


@pytest.mark.usefixtures("blind")
def test_what_people_changed_stays_but_what_is_printed_opens_the_door() -> None:
    made = demo()["tenants"]["demo"]
    tenant = Tenant.objects.get(pk=made["id"])
    tenant.name = "Renamed Rental"
    tenant.save()
    tenant_settings_update(tenant=tenant, changes={"expiryAfter": 30})
    annotator = User.objects.get(pk=made["users"]["annotator"]["id"])
    annotator.set_password("An0ther-password")
    annotator.save()
    for family, value in (("core", made["core_api_key"]), ("inspektlabs", made["inspektlabs"]["key"])):
        key = api_key_find(family=family, value=value)
        assert key is not None
        api_key_revoke(key=key)

    assert demo()["tenants"]["demo"] == made
    assert tenant_configuration(Tenant.objects.get(pk=made["id"]))["expiryAfter"] == 30
    annotator.refresh_from_db()
    assert annotator.check_password(made["users"]["annotator"]["password"])
    assert api_key_find(family="core", value=made["core_api_key"])
    assert api_key_find(family="inspektlabs", value=made["inspektlabs"]["key"])


@pytest.mark.usefixtures("blind")
def test_another_secret_key_makes_other_secrets_that_open_the_same_doors(settings: Settings) -> None:
    first = demo()["tenants"]["demo"]
    settings.SECRET_KEY = "another-" + "k" * 50
    second = demo()["tenants"]["demo"]
    assert (second["id"], second["car"], second["capture_sets"]) == (first["id"], first["car"], first["capture_sets"])
    assert second["inspektlabs"] != first["inspektlabs"]
    assert api_key_find(family="core", value=second["core_api_key"])
    assert api_key_find(family="core", value=first["core_api_key"]) is None
    assert signing_secrets_valid(Tenant.objects.get(pk=second["id"])) == [second["webhook_secret"]]


def test_an_interrupted_call_is_finished_by_the_next(
    blind: models.ChosenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        """Ctrl-C."""

    def interrupt(_job: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setitem(workflow.CALLABLES, "quality", interrupt)
        with pytest.raises(Interrupted):
            demo()
    assert set(ImageSet.plain.values_list("state", flat=True)) == {ImageSetState.PROCESSING}
    # The lease of the interrupted job is over by the time somebody tries again.
    assert JobRun.plain.filter(state=JobState.RUNNING).update(lease_until=timezone.now()) == 1
    demo()
    assert set(ImageSet.plain.values_list("state", flat=True)) == {ImageSetState.READY}
    assert blind.asked == 12


def test_a_run_that_failed_is_tried_again_by_the_next_call(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def fail(_job: object) -> None:
        raise RuntimeError("no model yet")

    settings.JOB_MAX_ATTEMPTS = 1
    with monkeypatch.context() as patch:
        patch.setitem(workflow.CALLABLES, "damage_detection", fail)
        first = demo()
    assert set(ImageSet.plain.values_list("state", flat=True)) == {ImageSetState.FAILED}
    models.use(monkeypatch, lambda _pixels: [models.square(0.4, 0.4)])
    assert demo() == first
    assert set(ImageSet.plain.values_list("state", flat=True)) == {ImageSetState.READY}


def test_it_is_refused_where_debug_is_off(settings: Settings, blind: models.ChosenModel) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG is off"):
        demo()
    assert not Tenant.objects.exists()
    call_command("demo", "--force", stdout=io.StringIO())
    assert Tenant.objects.count() == 2
    assert blind.asked == 12


@pytest.mark.usefixtures("blind")
def test_the_printed_logins_open_the_admin(client: Client) -> None:
    out = io.StringIO()
    call_command("demo", stdout=out)
    logins = re.findall(r"^  (tenant_admin|annotator|reviewer) +(\+\d+) +(\S+)$", out.getvalue(), re.MULTILINE)
    assert [who for who, _, _ in logins] == ["tenant_admin", "annotator", "reviewer"]
    for _, username, password in logins:
        answer = client.post("/admin/login/", {"username": username, "password": password, "next": "/admin/"})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_the_drawn_photos_can_be_had_as_files(tmp_path: Path) -> None:
    call_command("demo", "--photos", str(tmp_path / "photos"), stdout=io.StringIO())
    written = sorted(path.name for path in (tmp_path / "photos").iterdir())
    assert written == [f"{label}-{view}.jpg" for label in inspections.LABELS for view in ("front", "left", "right")]
