"""Image sets that clients add, claim, look at, change and remove: W33, W55, W56, W58, W59, W61."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from assets.models import ImageSet, ImageSetState, Passage
from damages.models import Damage
from tenants.models import Event, Role, Tenant, User
from tenants.services.people import membership_set
from tenants.services.sessions import session_find, session_open
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import Scene, golden
from tests.api.core.rigs import NOBODY, Sender, virtual

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
LIST = "/core/v1/imageSets"


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Sender:
    """Sends a JSON request as a person."""
    return Sender(client, bearer)


def refused(answer: Any, status: int) -> str:
    """The message of a refusal."""
    assert answer.status_code == status, answer.content
    return str(answer.json()["message"])


def with_ids(name: str, **ids: object) -> Any:
    """The golden JSON with ids that a test cannot choose."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {put(key): put(one) for key, one in value.items()}
        if isinstance(value, list):
            return [put(one) for one in value]
        return str(ids[value[1:-1]]) if isinstance(value, str) and value[1:-1] in ids else value

    return put(golden(name))


# --- W55 -------------------------------------------------------------------------------------------------------------


def new(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    said = {"registrationNo": "KL 9802", "countryCode": "dk", "recDate": "1669982152"}
    return {"tenantId": str(tenant.pk), **said, **changes}


def only(tenant: Tenant) -> ImageSet:
    return ImageSet.objects.of(tenant.pk).select_related("passage").get()


def test_a_set_is_added_with_its_passage(ask: Sender, ours: factories.House) -> None:
    rig = virtual(ours.tenant)
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, deviceSetId=str(rig.pk), vin="jh4ka8162mc010197"))
    row = only(ours.tenant)
    assert answer.status_code == 200
    assert answer.json() == with_ids("image_set_added", id=row.pk)
    assert (row.state, row.car, row.capture_set, row.plate_is_read) == (ImageSetState.OPEN, None, rig, False)
    assert (row.country_code, row.plate, int(row.recorded_at.timestamp())) == ("DK", "KL9802", 1669982152)
    assert row.passage
    for name in ("tenant", "capture_set", "car", "country_code", "plate", "recorded_at"):
        assert getattr(row.passage, name) == getattr(row, name)
    shown = ask(ours.staff, "get", f"{LIST}/{row.pk}").json()["data"]
    assert shown["carInfo"]["registrationNo"] == "DK#KL9802"
    assert shown["carInfo"]["vin"] == "JH4KA8162MC010197"
    assert (shown["hasImages"], shown["recDate"], shown["origin"]["type"]) == (False, 1669982152, "virtual")


def test_the_least_that_can_be_said(ask: Sender, ours: factories.House) -> None:
    assert ask(ours.staff, "post", LIST, {"tenantId": str(ours.tenant.pk)}).status_code == 200
    row = only(ours.tenant)
    assert (row.plate, row.country_code) == ("", "NO")
    assert abs(row.recorded_at - timezone.now()) < timedelta(minutes=1)


@pytest.mark.parametrize("said", ["2022-12-02T11:55:52Z", "2022-12-02T12:55:52+01:00", "1669982152.0", 1669982152])
def test_moments_in_any_spelling(ask: Sender, ours: factories.House, said: object) -> None:
    assert ask(ours.staff, "post", LIST, new(ours.tenant, recDate=said)).status_code == 200
    assert int(only(ours.tenant).recorded_at.timestamp()) == 1669982152


def test_the_tenants_own_car_is_linked_and_anothers_is_refused(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    own = factories.car(ours.tenant, "KL9802", country_code="DK")
    factories.car(outsider.tenant, "ZZ98020")
    assert ask(ours.staff, "post", LIST, new(ours.tenant)).status_code == 200
    assert (only(ours.tenant).car, Passage.objects.of(ours.tenant.pk).get().car) == (own, own)
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, registrationNo="NO#ZZ98020"))
    assert refused(answer, 409) == "The plate NO#ZZ98020 belongs to another tenant."
    assert ImageSet.objects.of(ours.tenant.pk).count() == Passage.objects.of(ours.tenant.pk).count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recDate": "yesterday"}, "recDate"),
        ({"recDate": "2022-12-02T11:55:52"}, "recDate"),
        ({"recDate": "9" * 12}, "recDate"),
        ({"recDate": "9999999999"}, "recDate"),
        ({"recDate": True}, "recDate"),
        ({"recDate": "1\x00"}, "recDate"),
        ({"registrationNo": "??"}, "registrationNo"),
        ({"countryCode": "1"}, "registrationNo"),
        ({"vin": "TOO SHORT"}, "vin"),
        ({"deviceSetId": "x"}, "deviceSetId"),
        ({"tenantId": "mine"}, "tenantId"),
    ],
)
def test_a_wrong_set_is_not_added(ask: Sender, ours: factories.House, changes: dict[str, Any], field: str) -> None:
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, **changes))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not ImageSet.objects.of(ours.tenant.pk).exists()


def test_what_the_asker_does_not_see_cannot_be_named(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    theirs = factories.rig(outsider.tenant)
    assert refused(ask(ours.staff, "post", LIST, new(outsider.tenant)), 404) == "Tenant not found."
    answer = ask(ours.staff, "post", LIST, new(ours.tenant, deviceSetId=str(theirs.pk), recDate="x"))
    assert refused(answer, 404) == "Capture set not found."
    theirs.units.get(side="left").tenants.add(ours.tenant)
    assert ask(ours.staff, "post", LIST, new(ours.tenant, deviceSetId=str(theirs.pk))).status_code == 200


def test_one_key_adds_one_set(ask: Sender, ours: factories.House) -> None:
    answers = [ask(ours.staff, "post", LIST, new(ours.tenant), **{"Idempotency-Key": "a"}).json() for _ in range(2)]
    assert answers[0] == answers[1] == with_ids("image_set_added", id=only(ours.tenant).pk)


# --- W56 -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(ours: factories.House, outsider: factories.House) -> ImageSet:
    """A recording of the other tenant's rig, which waits; our tenant is the default of its units."""
    rig = factories.rig(outsider.tenant, open_to=[ours.tenant, outsider.tenant], default=ours.tenant)
    return factories.recording(rig, plate="MISREAD", plate_is_read=True)


def claim(*pairs: tuple[ImageSet, str]) -> dict[str, Any]:
    return {"imageSets": [{"id": str(row.pk), "registrationNo": plate} for row, plate in pairs]}


def test_a_waiting_set_is_claimed(ask: Sender, ours: factories.House, waiting: ImageSet) -> None:
    car = factories.car(ours.tenant)
    answer = ask(ours.staff, "put", LIST, claim((waiting, "no#ab 12345")))
    assert answer.status_code == 200
    assert answer.json() == with_ids("image_sets_claimed", id=waiting.pk)
    row = only(ours.tenant)
    assert row.passage
    for one in (row, row.passage):
        assert (one.car, one.tenant, one.plate, one.plate_is_read) == (car, ours.tenant, "AB12345", False)
    [event] = Event.objects.of(ours.tenant.pk).filter(subject_id=row.pk)
    assert event.payload["claimed_by"] == str(ours.staff.pk)
    assert refused(ask(ours.staff, "put", LIST, claim((waiting, "AB12345"))), 404) == "Image set not found."


def test_a_finished_recording_is_handed_over_when_it_is_claimed(
    ask: Sender, ours: factories.House, waiting: ImageSet
) -> None:
    factories.car(ours.tenant)
    factories.run(waiting)
    ImageSet.objects.all_tenants("a test ends the run of a set").filter(pk=waiting.pk).update(state="ready")
    assert ask(ours.staff, "put", LIST, claim((waiting, "AB12345"))).status_code == 200
    assert only(ours.tenant).results.count() == 1


def test_all_or_none_are_claimed(
    ask: Sender, ours: factories.House, outsider: factories.House, waiting: ImageSet
) -> None:
    factories.car(ours.tenant)
    factories.car(outsider.tenant, "ZZ98020")
    second = factories.recording(waiting.capture_set) if waiting.capture_set else waiting
    for plate, said in [("ZZ98020", "belongs to another tenant"), ("QQ11111", "register the car first")]:
        answer = ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (second, plate)))
        assert said in refused(answer, 409)
        assert not ImageSet.objects.of(ours.tenant.pk).exists()
    assert ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (second, "AB12345"))).status_code == 200
    assert ImageSet.objects.of(ours.tenant.pk).count() == 2


def test_only_waiting_sets_that_are_seen_are_claimed(
    ask: Sender, ours: factories.House, outsider: factories.House, waiting: ImageSet
) -> None:
    factories.car(ours.tenant)
    factories.car(outsider.tenant, "ZZ98020")
    mine = factories.image_set(ours.tenant, photos=0)
    for person, row, plate in [(outsider.staff, waiting, "ZZ98020"), (ours.staff, mine, "AB12345")]:
        assert refused(ask(person, "put", LIST, claim((row, plate))), 404) == "Image set not found."
    alone = factories.recording(factories.rig(outsider.tenant, default=ours.tenant))
    assert "does not record for the tenant" in refused(ask(ours.staff, "put", LIST, claim((alone, "AB12345"))), 409)


def test_two_sets_of_a_passage_show_one_car(ask: Sender, ours: factories.House, waiting: ImageSet) -> None:
    factories.car(ours.tenant)
    factories.car(ours.tenant, "BB22222")
    twin = ImageSet(passage=waiting.passage, capture_set=waiting.capture_set, recorded_at=waiting.recorded_at)
    twin.save()
    answer = ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (twin, "BB22222")))
    assert refused(answer, 409) == "The passage of the set shows another car already."
    assert not ImageSet.objects.of(ours.tenant.pk).exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"imageSets": []}, {"imageSets": "x"}, {"imageSets": [{"id": "x", "registrationNo": "AB1"}]},
     {"imageSets": [{"id": NOBODY}] * 101}],
)  # fmt: skip
def test_a_wrong_claim_is_refused(ask: Sender, ours: factories.House, body: dict[str, Any]) -> None:
    answer = ask(ours.staff, "put", LIST, body)
    assert answer.status_code == 400
    assert all(name.startswith("imageSets") for name in answer.json()["errors"])


def test_a_set_is_claimed_once_in_a_call(ask: Sender, ours: factories.House, waiting: ImageSet) -> None:
    answer = ask(ours.staff, "put", LIST, claim((waiting, "AB12345"), (waiting, "BB22222")))
    assert list(answer.json()["errors"]) == ["imageSets"]
    answer = ask(ours.staff, "put", LIST, claim((waiting, "?")))
    assert answer.status_code == 400


# --- W58 -------------------------------------------------------------------------------------------------------------


def seen(tenant: Tenant, hours: float) -> ImageSet:
    """A set with a damage, recorded so many hours ago."""
    row = factories.image_set(tenant)
    ImageSet.objects.of(tenant.pk).filter(pk=row.pk).update(recorded_at=timezone.now() - timedelta(hours=hours))
    factories.damage(row.images.get())
    return row


def test_freshness_is_the_golden_json(ask: Sender, ours: factories.House) -> None:
    day, week, old = seen(ours.tenant, 23), seen(ours.tenant, 119), seen(ours.tenant, 121)
    ids = f"{old.pk}, {day.pk},{week.pk},"
    answer = ask(ours.staff, "get", f"{LIST}/newDamages?ids={ids}").json()
    assert answer == with_ids("image_sets_new_damages", new=day.pk, recent=week.pk, none=old.pk)
    assert list(answer["data"]) == [str(row.pk) for row in (old, day, week)]


def test_freshness_counts_from_the_first_occurrence(ask: Sender, ours: factories.House) -> None:
    old, new_set = seen(ours.tenant, 30), seen(ours.tenant, 1)
    Damage.objects.of(ours.tenant.pk).filter(image_set=new_set).update(first_damage=old.damages.get())
    answer = ask(ours.staff, "get", f"{LIST}/newDamages?ids={new_set.pk}").json()
    assert answer["data"][str(new_set.pk)] == {"hasNewDamages": False, "hasRecentDamages": True}


@pytest.mark.parametrize(
    "query", ["", "?ids=", "?ids=,", "?ids=x", f"?ids={','.join(f'{number:032x}' for number in range(101))}"]
)
def test_wrong_ids_are_refused(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.staff, "get", f"{LIST}/newDamages{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["ids"])


def test_one_unseen_set_refuses_the_whole(ask: Sender, ours: factories.House, outsider: factories.House) -> None:
    mine, theirs = seen(ours.tenant, 1), seen(outsider.tenant, 1)
    assert ask(ours.staff, "get", f"{LIST}/newDamages?ids={mine.pk},{theirs.pk}").status_code == 404
    assert ask(ours.global_admin, "get", f"{LIST}/newDamages?ids={mine.pk},{theirs.pk}").status_code == 200


# --- W59 -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(ours: factories.House, outsider: factories.House) -> Tenant:
    """Another tenant that our staff member belongs to."""
    tenant = Tenant.objects.create(name="Second Rental")
    membership_set(user=ours.staff, tenant=tenant, role=Role.USER)
    return tenant


@pytest.fixture
def token(ours: factories.House) -> str:
    """A refresh token of our staff member."""
    return session_open(user=ours.staff, tenant=ours.tenant)[1]


def redirect(token: str, *sets: ImageSet) -> dict[str, Any]:
    return {"imageSetIds": [str(row.pk) for row in sets], "refreshToken": token}


def test_the_asker_works_where_the_sets_are_seen(
    client: Client, ask: Sender, ours: factories.House, second: Tenant, token: str
) -> None:
    sets = [factories.image_set(second, photos=0) for _ in range(2)]
    assert ask(ours.staff, "get", f"{LIST}/{sets[0].pk}").status_code == 404
    answer = ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, *sets)).json()
    data = answer["data"]
    expected = golden("current_tenant")
    expected["data"] |= {"currentTenant": str(second.pk), "idToken": data["idToken"]}
    assert answer == expected
    headers = {"authorization": f"Bearer {data['idToken']}"}
    assert client.get(f"{LIST}/{sets[0].pk}", headers=headers).status_code == 200
    session = session_find(token)
    assert session
    assert session.tenant == second


def test_nobody_is_led_to_sets_that_no_tenant_of_theirs_sees_together(
    ask: Sender, ours: factories.House, outsider: factories.House, second: Tenant, token: str
) -> None:
    mine, other = factories.image_set(ours.tenant, photos=0), factories.image_set(second, photos=0)
    theirs = factories.image_set(outsider.tenant, photos=0)
    for sets in ([mine, other], [theirs], [mine, theirs]):
        assert ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, *sets)).status_code == 404
    session = session_find(token)
    assert session
    assert session.tenant == ours.tenant
    stays = ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, mine)).json()
    assert stays["data"]["currentTenant"] == str(ours.tenant.pk)


def test_waiting_sets_lead_to_the_default_tenant_of_their_units(
    ask: Sender, ours: factories.House, outsider: factories.House, second: Tenant, token: str
) -> None:
    waiting = factories.recording(factories.rig(outsider.tenant, default=second))
    own = factories.image_set(second, photos=0)
    for sets in ([waiting], [waiting, own]):
        answer = ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, *sets))
        assert answer.json()["data"]["currentTenant"] == str(second.pk)


def test_a_redirect_needs_a_session_of_ones_own(ask: Sender, ours: factories.House, second: Tenant, token: str) -> None:
    row = factories.image_set(ours.tenant, photos=0)
    assert ask(ours.reviewer, "post", f"{LIST}/redirect", redirect(token, row)).status_code == 401
    for body, field in [
        ({"imageSetIds": [str(row.pk)]}, "refreshToken"),
        ({"refreshToken": token}, "imageSetIds"),
        ({"refreshToken": token, "imageSetIds": []}, "imageSetIds"),
        ({"refreshToken": token, "imageSetIds": ["x"]}, "imageSetIds.0"),
    ]:
        answer = ask(ours.staff, "post", f"{LIST}/redirect", body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


# --- W61 -------------------------------------------------------------------------------------------------------------

#: The vendor's sample but for the plate, which says whose car it is.
SAID = {
    "color": "blue", "displacement": 827.755772596854, "fuel": "diesel", "gear": "manual", "kW": 351,
    "mileage": 93502697.9995856, "model": "Subaru Outback", "vin": "6EXVZHHV7LN1UEH3Z", "year": 2018,
}  # fmt: skip


def test_what_is_said_of_a_set_shows_before_what_the_register_knows(
    ask: Sender, ours: factories.House, scene: Scene
) -> None:
    path = f"{LIST}/{scene.image_set.pk}"
    known = ask(ours.staff, "get", path).json()["data"]["carInfo"]
    answer = ask(ours.staff, "patch", path, {"carInfo": SAID, "partnerState": "reviewed"})
    assert (answer.status_code, answer.json()) == (200, golden("image_set_changed"))
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"] == {**SAID, "registrationNo": "NO#AB12345"}
    scene.image_set.refresh_from_db()
    assert scene.image_set.partner_state == "reviewed"
    ask(ours.staff, "patch", path, {"carInfo": {"color": "red"}})
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"]["color"] == "red"
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"]["kW"] == 351
    ask(ours.staff, "patch", path, {"carInfo": dict.fromkeys(SAID)})
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"] == known
    scene.image_set.refresh_from_db()
    assert scene.image_set.partner_state == "reviewed"


def test_a_plate_links_the_tenants_car_and_the_damages_follow(ask: Sender, ours: factories.House) -> None:
    row = factories.image_set(ours.tenant)
    damage = factories.damage(row.images.get())
    car = factories.car(ours.tenant)
    plate = {"carInfo": {"registrationNo": "no#ab-12345"}}
    for _ in range(2):
        assert ask(ours.staff, "patch", f"{LIST}/{row.pk}", plate).status_code == 200
    row.refresh_from_db()
    damage.refresh_from_db()
    assert (row.car, damage.car, row.plate) == (car, car, "AB12345")
    answer = ask(ours.staff, "patch", f"{LIST}/{row.pk}", {"carInfo": {"registrationNo": "NO#CC33333"}})
    assert refused(answer, 409) == "The set is of the car NO#AB12345 already."


def test_a_plate_of_another_tenant_is_refused_and_an_unknown_one_noted(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    row = factories.image_set(ours.tenant, photos=0, plate="OLD1", plate_is_read=True)
    factories.car(outsider.tenant, "ZZ98020")
    answer = ask(ours.staff, "patch", f"{LIST}/{row.pk}", {"carInfo": {"registrationNo": "ZZ98020", "color": "red"}})
    assert refused(answer, 409) == "The plate NO#ZZ98020 belongs to another tenant."
    row.refresh_from_db()
    assert (row.plate, row.car_info) == ("OLD1", {})
    assert ask(ours.staff, "patch", f"{LIST}/{row.pk}", {"carInfo": {"registrationNo": "QQ1"}}).status_code == 200
    row.refresh_from_db()
    assert (row.plate, row.plate_is_read, row.car) == ("QQ1", False, None)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"carInfo": {"kw": 3}}, {"color": "red"}, {"carInfo": {"kW": "351"}}, {"carInfo": {"kW": True}},
        {"carInfo": {"kW": -1}}, {"carInfo": {"mileage": 1e300}}, {"carInfo": {"year": 20180}}, {"carInfo": []},
        {"carInfo": {"vin": "x"}}, {"carInfo": {"registrationNo": "?"}}, {"carInfo": {"color": "x" * 51}},
        {"carInfo": {"color": "\x00"}}, {"carInfo": {"registrationNo": None}}, {"partnerState": "x" * 51},
    ],
)  # fmt: skip
def test_a_wrong_change_is_refused(ask: Sender, ours: factories.House, scene: Scene, body: dict[str, Any]) -> None:
    assert ask(ours.staff, "patch", f"{LIST}/{scene.image_set.pk}", body).status_code == 400
    scene.image_set.refresh_from_db()
    assert (scene.image_set.car_info, scene.image_set.partner_state) == ({}, "")


# --- W33 -------------------------------------------------------------------------------------------------------------


def test_a_set_is_removed_with_its_damages(ask: Sender, ours: factories.House, scene: Scene) -> None:
    path = f"{LIST}/{scene.image_set.pk}"
    assert refused(ask(ours.staff, "delete", path), 403) == "You may not do this."
    answer = ask(ours.tenant_admin, "delete", path)
    assert (answer.status_code, answer.json()) == (200, golden("image_set_removed"))
    for method in ("get", "patch", "delete"):
        assert refused(ask(ours.global_admin, method, path, {}), 404) == "Image set not found."
    assert ask(ours.staff, "get", "/core/v1/damages").json()["data"]["items"] == []
    assert ask(ours.staff, "get", LIST).json()["data"]["items"] == []


def test_a_disputed_set_stays(ask: Sender, ours: factories.House, scene: Scene) -> None:
    ImageSet.objects.of(ours.tenant.pk).update(under_dispute=True)
    answer = ask(ours.tenant_admin, "delete", f"{LIST}/{scene.image_set.pk}")
    assert refused(answer, 409) == "The image set is under dispute."


def test_a_set_of_nobody_is_removed_by_global_admins_alone(
    ask: Sender, ours: factories.House, waiting: ImageSet
) -> None:
    assert ask(ours.tenant_admin, "delete", f"{LIST}/{waiting.pk}").status_code == 403
    assert ask(ours.global_admin, "delete", f"{LIST}/{waiting.pk}").status_code == 200
