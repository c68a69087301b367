"""Damages of the core family: W49."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from assets.models import ImageSet, ImageSetState
from damages.models import Damage, DamageState
from inspection_platform.api.core.docs.damages import DAMAGE
from inspection_platform.api.core.presenters.damages import corners
from inspection_platform.api.core.serializers.damages import DamageQuery
from tenants.models import Role, User
from tenants.services.people import membership_set
from tenants.services.tenant_groups import tenant_group_create
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import Scene, created_at, golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
LIST = "/core/v1/damages"
AUTH_QUERIES = 1
#: The set is there; count, damages, their parts, family sizes.
LIST_QUERIES = 5


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["data"]["items"]]


def ids(*rows: Damage) -> list[str]:
    return [str(row.pk) for row in rows]


def test_list_is_the_golden_json(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    response = client.get(LIST, {"imageSetId": str(scene.image_set.pk)}, headers=bearer(ours.staff))
    assert response.status_code == 200
    assert response.json() == golden("damages")


def test_keys_are_those_of_the_vendors_sample(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    shown = client.get(LIST, headers=bearer(ours.staff)).json()["data"]["items"][0]
    assert shown.keys() == DAMAGE.keys()
    for name in ("falsePositives", "truePositives", "size"):
        assert shown[name].keys() == DAMAGE[name].keys()
    assert shown["damagedParts"][0].keys() == DAMAGE["damagedParts"][0].keys()


def test_paging_is_called_metadata_here(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    asked = {"imageSetId": str(scene.image_set.pk), "limit": "1", "page": "2"}
    body = client.get(LIST, asked, headers=bearer(ours.staff)).json()
    assert body.keys() == {"success", "data", "message", "metadata"}
    assert body["metadata"] == {
        "currentItemsPerPage": 1, "currentPage": 2, "lastPage": 2, "maxPerPage": 100, "totalItems": 2,
    }  # fmt: skip
    assert ids_of(body) == ids(scene.drawn)


def test_every_sighting_on_demand(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    asked = {"imageSetId": str(scene.image_set.pk), "returnRepresentatives": "false"}
    body = client.get(LIST, asked, headers=bearer(ours.staff)).json()
    assert ids_of(body) == ids(scene.representative, scene.member, scene.drawn)
    assert [item["representativeId"] for item in body["data"]["items"]] == ids(
        scene.representative, scene.representative, scene.drawn
    )
    assert [item["familySize"] for item in body["data"]["items"]] == [2, 2, 1]


def test_a_family_is_listed_whole(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    asked = {"returnFamilyOf": str(scene.representative.pk)}
    body = client.get(LIST, asked, headers=bearer(ours.staff)).json()
    assert ids_of(body) == ids(scene.representative, scene.member)


def test_a_rejected_representative_does_not_hide_its_family(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    third = factories.damage(scene.image, representative=scene.representative)
    rows = Damage.objects.of(ours.tenant.pk)
    rows.filter(pk=scene.representative.pk).update(state=DamageState.REJECTED)
    body = client.get(LIST, headers=bearer(ours.staff)).json()
    found = set(ids_of(body)) - set(ids(scene.drawn))
    assert len(found) == 1
    assert found < set(ids(scene.member, third))
    shown = next(item for item in body["data"]["items"] if item["id"] in found)
    assert shown["representativeId"] == str(scene.representative.pk)
    rows.filter(pk__in=[scene.member.pk, third.pk]).update(state=DamageState.REJECTED)
    assert ids_of(client.get(LIST, headers=bearer(ours.staff)).json()) == ids(scene.drawn)


def test_rejected_potential_and_deleted_are_shown_on_demand(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    image = scene.image
    rejected = factories.damage(image, state=DamageState.REJECTED)
    potential = factories.damage(image, is_potential=True)
    base = {"imageSetId": str(scene.image_set.pk)}
    headers = bearer(ours.annotator)

    def listed(**asked: str) -> list[str]:
        return ids_of(client.get(LIST, base | asked, headers=headers).json())

    assert listed() == ids(scene.representative, scene.drawn)
    assert listed(filterByState="rejected") == ids(rejected)
    assert listed(filterByState="accepted") == ids(scene.representative)
    assert listed(filterByState="accepted,rejected") == ids(scene.representative, rejected)
    assert listed(isPotential="true") == ids(potential)
    assert listed(isDeleted="true") == ids(scene.removed)
    assert listed(isPotential="false", isDeleted="false") == ids(scene.representative, scene.drawn)


def test_damages_of_a_deleted_photo_or_set_are_gone(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    other = factories.image_set(ours.tenant, photos=1)
    factories.damage(other.images.get())
    scene.image_set.images.update(deleted_at=timezone.now())
    ImageSet.objects.of(ours.tenant.pk).filter(pk=other.pk).update(deleted_at=timezone.now())
    assert ids_of(client.get(LIST, headers=bearer(ours.staff)).json()) == []
    asked = {"imageSetId": str(other.pk)}
    assert client.get(LIST, asked, headers=bearer(ours.staff)).status_code == 404


def test_a_cars_list_shows_first_occurrences(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    later = factories.image_set(ours.tenant, photos=1, car=scene.car)
    again = factories.damage(later.images.get(), first_damage=scene.representative)
    fresh = factories.damage(later.images.get())
    car = {"tenantId": str(ours.tenant.pk), "registrationNo": "ab 12-345", "countryCode": "no"}
    headers = bearer(ours.staff)
    assert ids_of(client.get(LIST, car, headers=headers).json()) == ids(scene.representative, scene.drawn, fresh)
    by_set = client.get(LIST, {"imageSetId": str(later.pk)}, headers=headers).json()
    assert ids_of(by_set) == ids(again, fresh)
    assert by_set["data"]["items"][0]["firstDamageId"] == str(scene.representative.pk)
    assert ids_of(client.get(LIST, car | {"countryCode": "SE"}, headers=headers).json()) == []


def test_appraisals_damages(client: Client, ours: factories.House, scene: Scene, bearer: Bearer) -> None:
    headers = bearer(ours.staff)
    body = client.get(LIST, {"appraisalId": "A-77"}, headers=headers).json()
    assert ids_of(body) == ids(scene.representative, scene.drawn)
    assert ids_of(client.get(LIST, {"appraisalId": "A-78"}, headers=headers).json()) == []


@pytest.mark.parametrize(
    ("sort_by", "backwards"),
    [("createdAt", False), ("-createdAt", True), ("timestamp", False), ("-timestamp", True)],
)
def test_sorting(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer, sort_by: str, *, backwards: bool
) -> None:
    # Recorded before the scene's set and entered after it, so that the two orders differ.
    earlier = factories.image_set(ours.tenant, photos=1)
    ImageSet.objects.of(ours.tenant.pk).filter(pk=earlier.pk).update(recorded_at="2026-01-01T00:00:00Z")
    other = factories.damage(earlier.images.get())
    created_at(other, timezone.now())
    by_creation = ids(scene.representative, scene.drawn, other)
    by_recording = ids(other, scene.representative, scene.drawn)
    expected = by_creation if "created" in sort_by else by_recording
    found = ids_of(client.get(LIST, {"sortBy": sort_by}, headers=bearer(ours.tenant_admin)).json())
    assert found == (expected[::-1] if backwards else expected)


@pytest.mark.parametrize("name", ["filterByState", "isDeleted", "isPotential", "sortBy"])
def test_some_parameters_are_not_for_plain_users(
    client: Client, ours: factories.House, bearer: Bearer, name: str
) -> None:
    # The value is wrong as well: 403 comes before 400.
    refused = client.get(LIST, {name: "nonsense"}, headers=bearer(ours.staff))
    assert (refused.status_code, refused.json()["success"]) == (403, False)
    for person in (ours.tenant_admin, ours.annotator, ours.reviewer, ours.global_admin):
        response = client.get(LIST, {name: "nonsense"}, headers=bearer(person))
        assert (response.status_code, list(response.json()["errors"])) == (400, [name])


@pytest.mark.parametrize("name", ["imageSetId", "tenantId", "returnFamilyOf"])
def test_what_is_out_of_reach_does_not_exist(
    client: Client, ours: factories.House, outsider: factories.House, scene: Scene, bearer: Bearer, name: str
) -> None:
    reachable = {
        "imageSetId": scene.image_set.pk, "tenantId": ours.tenant.pk, "returnFamilyOf": scene.representative.pk,
    }  # fmt: skip
    # The other values are wrong as well: 404 comes before 403 and 400.
    asked = {name: str(reachable[name]), "limit": "0", "sortBy": "nonsense"}
    assert client.get(LIST, asked, headers=bearer(outsider.staff)).status_code == 404
    assert client.get(LIST, asked).status_code == 401
    assert client.get(LIST, {name: str(reachable[name])}, headers=bearer(ours.staff)).status_code == 200
    for person in (ours.staff, ours.global_admin):
        assert client.get(LIST, {name: str(uuid4())}, headers=bearer(person)).status_code == 404


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"imageSetId": "42"}, "imageSetId"),
        ({"returnRepresentatives": "maybe"}, "returnRepresentatives"),
        ({"filterByState": "accepted,wrong"}, "filterByState"),
        ({"sortBy": "size"}, "sortBy"),
        ({"registrationNo": "AB12345"}, "tenantId"),
        ({"limit": "x"}, "limit"),
    ],
)
def test_bad_values_are_named(
    client: Client, ours: factories.House, bearer: Bearer, asked: dict[str, str], field: str
) -> None:
    response = client.get(LIST, asked, headers=bearer(ours.tenant_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])


@pytest.mark.parametrize("plate", ["!!", "A" * 13, "NOR%#AB12345", "#"])
def test_impossible_plates_are_named(client: Client, ours: factories.House, bearer: Bearer, plate: str) -> None:
    asked = {"registrationNo": plate, "tenantId": str(ours.tenant.pk)}
    response = client.get(LIST, asked, headers=bearer(ours.staff))
    assert (response.status_code, list(response.json()["errors"])) == (400, ["registrationNo"])


def test_processing_while_the_set_is_in_the_pipeline(
    client: Client, ours: factories.House, scene: Scene, bearer: Bearer
) -> None:
    rows = ImageSet.objects.of(ours.tenant.pk).filter(pk=scene.image_set.pk)
    rows.update(state=ImageSetState.PROCESSING)
    shown = client.get(LIST, headers=bearer(ours.staff)).json()["data"]["items"]
    assert [item["processing"] for item in shown] == [True, True]


def test_number_of_queries_does_not_grow(
    client: Client,
    ours: factories.House,
    scene: Scene,
    bearer: Bearer,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    asked, headers = {"imageSetId": str(scene.image_set.pk), "limit": "100"}, bearer(ours.staff)
    with django_assert_num_queries(AUTH_QUERIES + LIST_QUERIES):
        client.get(LIST, asked, headers=headers)
    for _ in range(20):
        factories.damage(scene.image, representative=factories.damage(scene.image))
    with django_assert_num_queries(AUTH_QUERIES + LIST_QUERIES):
        assert len(ids_of(client.get(LIST, asked, headers=headers).json())) == 22


# --- a power tenant acts for its members ----------------------------------------------------------------------------


@pytest.fixture
def member(ours: factories.House, outsider: factories.House) -> Damage:
    """A damage of the other tenant, in a group in which ours has the power."""
    tenant_group_create(name="Both", members=[outsider.tenant], power_tenant=ours.tenant)
    return factories.damage(factories.image_set(outsider.tenant, photos=1).images.get())


def test_a_power_tenant_sees_its_members_damages_with_the_flag_and_only_then(
    client: Client, ours: factories.House, outsider: factories.House, scene: Scene, member: Damage, bearer: Bearer
) -> None:
    def listed(user: User, **asked: str) -> set[str]:
        response = client.get(LIST, asked, headers=bearer(user))
        return set(ids_of(response.json())) if response.status_code == 200 else {str(response.status_code)}

    own = set(ids(scene.representative, scene.drawn))
    assert listed(ours.staff, masterTenantAction="true") == own | {str(member.pk)}
    for flag in ("false", ""):
        assert listed(ours.staff, masterTenantAction=flag) == own
    assert listed(outsider.staff, masterTenantAction="true") == {str(member.pk)}
    assert listed(ours.staff, masterTenantAction="maybe") == {"400"}


@pytest.mark.parametrize("name", ["imageSetId", "tenantId", "returnFamilyOf"])
def test_a_members_objects_are_there_for_the_power_tenant_with_the_flag(
    client: Client, ours: factories.House, outsider: factories.House, member: Damage, bearer: Bearer, name: str
) -> None:
    theirs = {"imageSetId": member.image_set_id, "tenantId": outsider.tenant.pk, "returnFamilyOf": member.pk}
    asked = {name: str(theirs[name])}
    headers = bearer(ours.staff)
    assert client.get(LIST, asked, headers=headers).status_code == 404
    assert ids_of(client.get(LIST, asked | {"masterTenantAction": "true"}, headers=headers).json()) == ids(member)


def test_the_role_in_the_power_tenant_counts_for_curators_parameters(
    client: Client, ours: factories.House, member: Damage, bearer: Bearer
) -> None:
    asked = {"masterTenantAction": "true", "sortBy": "-createdAt"}
    assert client.get(LIST, asked, headers=bearer(ours.staff)).status_code == 403
    assert ids_of(client.get(LIST, asked, headers=bearer(ours.tenant_admin)).json()) == ids(member)


def test_a_group_of_others_gives_the_asker_nothing(
    client: Client, ours: factories.House, member: Damage, bearer: Bearer
) -> None:
    third = factories.house("Third Rental")
    membership_set(user=third.staff, tenant=ours.tenant, role=Role.USER)
    body = client.get(LIST, {"masterTenantAction": "true"}, headers=bearer(third.staff)).json()
    assert ids_of(body) == []


PARAMETERS = sorted(DamageQuery().fields)
values = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["true", "false", "accepted,rejected", "-timestamp", "NO", "AB12345", "1", "0", "-1", str(2**70)]),
    st.uuids().map(str),
)


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.dictionaries(st.sampled_from(PARAMETERS), values, max_size=4))
def test_no_query_is_a_crash(client: Client, ours: factories.House, asked: dict[str, str]) -> None:
    response = client.get(LIST, asked, headers={"x-api-key": ours.keys["core"]})
    assert response.status_code in {200, 400, 404}
    assert response.json()["success"] == (response.status_code == 200)


coordinates = st.floats(min_value=0, max_value=1)


@hypothesis_settings(deadline=None)
@given(
    polygon=st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=12),
    width=st.integers(1, 10_000),
    height=st.integers(1, 10_000),
)
def test_corners_enclose_the_outline(polygon: list[tuple[float, float]], width: int, height: int) -> None:
    found = corners(polygon, width=width, height=height)
    columns, rows = {corner["x"] for corner in found}, {corner["y"] for corner in found}
    assert len(found) == 4
    assert {(corner["x"], corner["y"]) for corner in found} == {(x, y) for x in columns for y in rows}
    assert min(columns) >= 0
    assert max(columns) <= width
    assert max(rows) <= height
    for x, y in polygon:
        assert min(columns) - 0.5 <= x * width <= max(columns) + 0.5
        assert min(rows) - 0.5 <= y * height <= max(rows) + 0.5


def test_corners_in_pixels() -> None:
    assert corners([[0.25, 0.5], [0.5, 0.75]], width=1920, height=1200) == [
        {"x": 480, "y": 600}, {"x": 960, "y": 600}, {"x": 480, "y": 900}, {"x": 960, "y": 900},
    ]  # fmt: skip
