"""Acting for one tenant: the choice narrows what a person reaches, and never widens it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory

from tenants.acting import (
    SESSION_KEY,
    acting_choose,
    acting_tenant,
    acting_tenants,
    reach_for_request,
    reach_narrowed,
    station_zone,
)
from tenants.errors import NotFound
from tenants.models import Role, User
from tenants.scope import Reach
from tenants.services.people import membership_remove, membership_set
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db

Asks = Callable[[User], HttpRequest]


@pytest.fixture
def asks() -> Asks:
    """A request of this person, in the same session each time."""
    session: dict[str, object] = {}

    def request(user: User) -> HttpRequest:
        made = RequestFactory().get("/admin/")
        made.user = User.objects.get(pk=user.pk)
        made.session = session  # type: ignore[assignment]  # a session is used as a mapping here
        return made

    return request


@pytest.fixture
def of_both(ours: House, outsider: House) -> User:
    """An annotator of both tenants."""
    membership_set(user=ours.annotator, tenant=outsider.tenant, role=Role.USER)
    return ours.annotator


def test_all_of_ones_tenants_is_the_default(ours: House, outsider: House, of_both: User, asks: Asks) -> None:
    assert acting_tenant(asks(of_both)) is None
    assert reach_for_request(asks(of_both)) == Reach.only(ours.tenant.pk, outsider.tenant.pk)
    assert reach_for_request(asks(ours.global_admin)) == Reach.every()
    assert list(acting_tenants(of_both)) == [outsider.tenant, ours.tenant]


def test_the_choice_is_kept_in_the_session(ours: House, outsider: House, of_both: User, asks: Asks) -> None:
    first = asks(of_both)
    assert acting_tenant(first) is None
    assert acting_choose(first, str(outsider.tenant.pk)) == outsider.tenant
    for request in (first, asks(of_both)):
        assert acting_tenant(request) == outsider.tenant
        assert reach_for_request(request) == Reach.only(outsider.tenant.pk)
    acting_choose(asks(of_both), "")
    assert reach_for_request(asks(of_both)) == Reach.only(ours.tenant.pk, outsider.tenant.pk)


@pytest.mark.parametrize("chosen", ["theirs", "unknown", "no id"])
def test_a_tenant_beyond_reach_is_refused(ours: House, outsider: House, asks: Asks, chosen: str) -> None:
    ids = {"theirs": str(outsider.tenant.pk), "unknown": str(uuid4()), "no id": "' or 1=1"}
    request = asks(ours.annotator)
    with pytest.raises(NotFound):
        acting_choose(request, ids[chosen])
    assert SESSION_KEY not in request.session
    assert reach_for_request(request) == Reach.only(ours.tenant.pk)


def test_a_choice_that_is_no_longer_within_reach_counts_for_nothing(
    ours: House, outsider: House, of_both: User, asks: Asks
) -> None:
    acting_choose(asks(of_both), str(outsider.tenant.pk))
    membership_remove(user=of_both, tenant=outsider.tenant)
    assert acting_tenant(asks(of_both)) is None
    assert reach_for_request(asks(of_both)) == Reach.only(ours.tenant.pk)


def test_narrowing_never_widens(ours: House, outsider: House, of_both: User, asks: Asks) -> None:
    request = asks(of_both)
    acting_choose(request, str(outsider.tenant.pk))
    assert reach_narrowed(request, Reach.only(ours.tenant.pk)) == Reach.some(())
    assert reach_narrowed(request, Reach.some(())) == Reach.some(())
    assert reach_narrowed(request, Reach.every()) == Reach.only(outsider.tenant.pk)


def test_a_global_admin_may_act_for_any_tenant(ours: House, outsider: House, asks: Asks) -> None:
    request = asks(ours.global_admin)
    acting_choose(request, str(outsider.tenant.pk))
    assert reach_for_request(request) == Reach.only(outsider.tenant.pk)


def test_nobody_and_the_gone_reach_nothing(ours: House, asks: Asks) -> None:
    request = asks(ours.global_admin)
    request.user = AnonymousUser()
    assert reach_for_request(request) == Reach.some(())
    assert station_zone(request) is None
    User.objects.filter(pk=ours.global_admin.pk).update(is_active=False)
    assert reach_for_request(asks(ours.global_admin)) == Reach.some(())
    with pytest.raises(NotFound):
        acting_choose(asks(ours.global_admin), str(ours.tenant.pk))


def test_the_time_zone_is_that_of_the_chosen_or_only_tenant(
    ours: House, outsider: House, of_both: User, asks: Asks
) -> None:
    factories.settings(ours.tenant, timeZone="Europe/Oslo")
    factories.settings(outsider.tenant, timeZone="Asia/Tokyo")
    assert str(station_zone(asks(ours.staff))) == "Europe/Oslo"
    assert station_zone(asks(of_both)) is None
    acting_choose(asks(of_both), str(outsider.tenant.pk))
    assert str(station_zone(asks(of_both))) == "Asia/Tokyo"
