"""The tenant switcher on real pages: what is shown, what is refused, and in which time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from assets.models import Car, ImageSet, Passage
from damages.services.manual import manual_open
from inspection_platform.middleware.station_time import StationTime
from inspection_platform.portal.acting import MOST_IN_SWITCHER
from tenants.models import Role, Tenant, User
from tenants.services.people import membership_set
from tests import factories
from tests.factories import House
from tests.portal.conftest import Login

pytestmark = pytest.mark.django_db

CARS = "/admin/assets/car/"
CHOOSE = "/admin/acting/choose/"


@pytest.fixture
def of_both(ours: House, outsider: House) -> User:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    return ours.tenant_admin


@pytest.fixture
def cars(ours: House, outsider: House) -> dict[str, Car]:
    made = {"ours": Car(tenant=ours.tenant, plate="OURS1"), "theirs": Car(tenant=outsider.tenant, plate="THEIRS1")}
    for car in made.values():
        car.save()
    return made


def choose(client: Client, tenant: Tenant | None, **extra: Any) -> Any:
    return client.post(CHOOSE, {"tenant": str(tenant.pk) if tenant else "", **extra})


def seen(client: Client, address: str = CARS) -> set[str]:
    page = client.get(address).content.decode()
    return {plate for plate in ("OURS1", "THEIRS1") if plate in page}


def test_a_list_shows_the_chosen_tenants_rows(
    ours: House, outsider: House, of_both: User, cars: dict[str, Car], login: Login
) -> None:
    client = login(of_both)
    assert seen(client) == {"OURS1", "THEIRS1"}
    assert choose(client, outsider.tenant).status_code == 302
    assert seen(client) == {"THEIRS1"}
    assert client.get(f"{CARS}{cars['ours'].pk}/change/").status_code == 302
    assert client.get(f"{CARS}{cars['theirs'].pk}/change/").status_code == 200
    choose(client, None)
    assert seen(client) == {"OURS1", "THEIRS1"}


def test_a_global_admin_chooses_too(ours: House, cars: dict[str, Car], login: Login) -> None:
    client = login(ours.global_admin)
    assert seen(client) == {"OURS1", "THEIRS1"}
    choose(client, ours.tenant)
    assert seen(client) == {"OURS1"}


def test_the_portal_follows(ours: House, outsider: House, of_both: User, login: Login) -> None:
    mine, theirs = factories.image_set(ours.tenant), factories.image_set(outsider.tenant)
    client = login(of_both)

    def found(row: ImageSet) -> tuple[int, int]:
        pages = (f"/admin/inspections/{row.pk}/", f"/admin/inspections/{row.pk}/photos/{row.images.get().pk}/")
        answers: list[Any] = [client.get(page) for page in pages]
        for answer in answers:
            if answer.streaming:
                b"".join(answer.streaming_content)  # reads the file to its end, which closes it
        return answers[0].status_code, answers[1].status_code

    assert (found(mine), found(theirs)) == ((200, 200), (200, 200))
    choose(client, outsider.tenant)
    assert (found(mine), found(theirs)) == ((404, 404), (200, 200))


def test_the_queue_follows(ours: House, outsider: House, login: Login) -> None:
    membership_set(user=ours.annotator, tenant=outsider.tenant, role=Role.USER)
    for house in (ours, outsider):
        factories.settings(house.tenant, manualAnnotationEnabled=True)
        manual_open(image_set=factories.image_set(house.tenant, external_key=f"in{house.tenant.name.split()[0]}"))
    client = login(ours.annotator)
    assert b"inOur" in client.get("/admin/queue/").content
    choose(client, outsider.tenant)
    page = client.get("/admin/queue/").content
    assert b"inOther" in page
    assert b"inOur" not in page
    taken = client.post("/admin/queue/next/", {"step": "ANNOTATION"})
    theirs = ImageSet.objects.of(outsider.tenant.pk).get()
    assert taken.headers["Location"] == reverse("portal:work", args=[theirs.pk])
    finished = client.post(
        reverse("portal:finish", args=[theirs.pk]), {"step": "ANNOTATION", "next": True}, "application/json"
    )
    assert finished.json() == {"location": "/admin/queue/?empty=ANNOTATION"}


@pytest.mark.parametrize("target", ["theirs", "unknown"])
def test_a_tenant_beyond_reach_is_not_there(
    ours: House, outsider: House, cars: dict[str, Car], login: Login, target: str
) -> None:
    client = login(ours.tenant_admin)
    wanted = outsider.tenant.pk if target == "theirs" else uuid4()
    assert client.post(CHOOSE, {"tenant": str(wanted)}).status_code == 404
    assert seen(client) == {"OURS1"}


def test_a_choice_is_posted_by_staff_with_a_token(ours: House, of_both: User, login: Login) -> None:
    assert login(of_both).get(CHOOSE, {"tenant": str(ours.tenant.pk)}).status_code == 405
    assert Client().post(CHOOSE, {"tenant": str(ours.tenant.pk)}).status_code == 302
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(of_both, backend="django.contrib.auth.backends.ModelBackend")
    assert careful.post(CHOOSE, {"tenant": str(ours.tenant.pk)}).status_code == 403


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        (CARS, CARS),
        (f"{CARS}?tenant__id__exact=1", CARS),
        ("/admin/queue/", "/admin/queue/"),
        (f"{CARS}add/", "/admin/"),
        ("/core/v1/damages", "/admin/"),
        ("https://evil.example/admin/assets/car/", "/admin/"),
        ("//evil.example/admin/assets/car/", "/admin/"),
        ("/no/such/page", "/admin/"),
        ("", "/admin/"),
    ],
)
def test_one_returns_to_a_list_or_to_the_start(of_both: User, login: Login, asked: str, leads_to: str) -> None:
    assert choose(login(of_both), None, next=asked).headers["Location"] == leads_to


def test_the_switcher_is_for_those_with_a_choice(ours: House, of_both: User, login: Login) -> None:
    field = b'id="acting-tenant"'
    assert field not in login(ours.staff).get("/admin/").content
    client = login(of_both)
    page = client.get("/admin/").content.decode()
    assert "All my tenants" in page
    assert 'id="acting-tenant"' in page
    choose(client, ours.tenant)
    for address in ("/admin/", CARS, "/admin/queue/"):
        page = client.get(address).content.decode()
        assert f'<option value="{ours.tenant.pk}" selected>' in page


def test_with_many_tenants_a_page_with_a_search_takes_the_drop_downs_place(ours: House, login: Login) -> None:
    client = login(ours.global_admin)
    Tenant.objects.bulk_create([Tenant(name=f"Tenant {number:03}") for number in range(MOST_IN_SWITCHER + 20)])
    start = client.get("/admin/").content.decode()
    assert '<select id="acting-tenant"' not in start
    assert 'href="/admin/acting/"' in start
    first = client.get("/admin/acting/").content.decode()
    assert "Tenant 000" in first
    assert "Tenant 069" not in first
    assert "Tenant 069" in client.get("/admin/acting/?page=2").content.decode()
    found = client.get("/admin/acting/?q=tenant 06").content.decode()
    assert "Tenant 069" in found
    assert "Tenant 000" not in found
    assert "No tenant of yours" in client.get("/admin/acting/?q=nobody").content.decode()


def test_the_page_lists_only_ones_own(ours: House, outsider: House, login: Login) -> None:
    page = login(ours.staff).get("/admin/acting/").content.decode()
    assert ours.tenant.name in page
    assert outsider.tenant.name not in page


def test_times_are_those_of_the_stations(ours: House, outsider: House, of_both: User, login: Login) -> None:
    factories.settings(ours.tenant, timeZone="Asia/Tokyo")
    Passage(tenant=ours.tenant, plate="AB12345", recorded_at=datetime(2026, 1, 2, 21, 30, tzinfo=UTC)).save()
    in_utc, in_tokyo = "2 Jan 2026, 21:30", "3 Jan 2026, 06:30"

    def shown(client: Client) -> set[str]:
        page = client.get("/admin/assets/passage/").content.decode()
        return {text for text in (in_utc, in_tokyo) if text in page}

    member_of_one, member_of_both = login(ours.staff), login(of_both)
    assert shown(member_of_one) == {in_tokyo}
    assert shown(member_of_both) == {in_utc}
    choose(member_of_both, ours.tenant)
    assert shown(member_of_both) == {in_tokyo}
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    ("path", "zone"), [("/admin/x/", "Asia/Tokyo"), ("/core/v1/x", "UTC"), ("/inspektlabs/x", "UTC")]
)
def test_only_staff_pages_leave_utc(ours: House, rf: RequestFactory, path: str, zone: str) -> None:
    factories.settings(ours.tenant, timeZone="Asia/Tokyo")
    request = rf.get(path)
    request.user = ours.staff
    seen: list[str] = []

    def view(_: HttpRequest) -> HttpResponse:
        seen.append(timezone.get_current_timezone_name())
        raise KeyError("a view that fails")

    with pytest.raises(KeyError):
        StationTime(view)(request)
    assert seen == [zone]
    assert timezone.get_current_timezone_name() == "UTC"
