"""Cars of the core family: what a power tenant does for the members of its group."""

from __future__ import annotations

import pytest

from tenants.services.tenant_groups import tenant_group_create
from tests import factories
from tests.api.core.cars.plates import CARS, assigned, numbers, plates_of
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(ours: factories.House, rigged: None) -> factories.House:
    """A Swedish member of the group whose power tenant is ours."""
    house = factories.house("Swedish Rental")
    factories.rig(house.tenant, country_code="SE")
    tenant_group_create(name="Group", members=[house.tenant], power_tenant=ours.tenant)
    return house


def test_a_power_tenant_acts_for_members_if_it_says_so(
    ask: Sender, ours: factories.House, outsider: factories.House, member: factories.House
) -> None:
    factories.car(outsider.tenant, "TAKEN1", country_code="SE")
    body = {"registrationNumbersByCountryCode": {"SE": ["ABC123", "TAKEN1"], "NO": ["AB12345"], "DK": ["X1"]}}
    data = ask(ours.tenant_admin, "post", f"{CARS}?masterTenantAction=true", body).json()["data"]
    assert data == {
        str(ours.tenant.pk): {
            "assigned": ["NO#AB12345"], "belongsElsewhere": [], "errors": ["No capture sets in DK"],
        },
        str(member.tenant.pk): {"assigned": ["SE#ABC123"], "belongsElsewhere": ["SE#TAKEN1"], "errors": []},
    }  # fmt: skip
    alone = assigned(ask(ours.tenant_admin, "post", CARS, numbers("ABC123", country="SE")), ours.tenant)
    assert alone["belongsElsewhere"] == ["SE#ABC123"]
    ask(ours.tenant_admin, "put", CARS, numbers())
    assert plates_of(member.tenant) == {"SE#ABC123"}, "without the flag only its own list is replaced"
    ask(ours.tenant_admin, "put", f"{CARS}?masterTenantAction=true", numbers())
    assert plates_of(member.tenant) == set()
    assert plates_of(outsider.tenant) == {"SE#TAKEN1"}


def test_a_global_admin_acts_for_the_group_and_not_for_everybody(
    ask: Sender, ours: factories.House, outsider: factories.House, member: factories.House
) -> None:
    factories.car(outsider.tenant, "THEIRS1")
    factories.car(member.tenant, "MEMBER1")
    ask(ours.global_admin, "put", f"{CARS}?masterTenantAction=true", numbers())
    assert plates_of(member.tenant) == set()
    assert plates_of(outsider.tenant) == {"NO#THEIRS1"}


def test_a_member_has_no_power(ask: Sender, ours: factories.House, member: factories.House) -> None:
    factories.car(ours.tenant)
    ask(member.tenant_admin, "put", f"{CARS}?masterTenantAction=true", numbers())
    assert plates_of(ours.tenant) == {"NO#AB12345"}


def test_a_power_tenant_deletes_the_car_of_a_member(
    ask: Sender, ours: factories.House, member: factories.House
) -> None:
    factories.car(member.tenant)
    assert ask(ours.tenant_admin, "delete", f"{CARS}?registrationNo=AB12345").status_code == 404
    path = f"{CARS}?registrationNo=AB12345&masterTenantAction=true"
    assert ask(ours.staff, "delete", path).status_code == 403
    assert ask(ours.tenant_admin, "delete", path).status_code == 200
    assert plates_of(member.tenant) == set()
