"""API keys of every family: issued once, found while they are good, never otherwise."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from structlog.testing import capture_logs

from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import GLOBAL_ADMIN, ApiKey, Family, Role, Tenant, User
from tenants.services.keys import (
    IssuedKey,
    api_key_find,
    api_key_issue,
    api_key_reveal,
    api_key_revoke,
    api_key_rotate,
    core_key_issue,
    core_key_revoke,
    core_key_show,
)
from tenants.services.people import current_tenant_set, group_assign, membership_remove, membership_set
from tests import factories
from tests.factories import House

OTHER_FAMILIES = [family for family in Family.values if family != Family.CORE]


def core_key(house: House) -> IssuedKey:
    return api_key_issue(tenant=house.tenant, family=Family.CORE, user=house.staff, name="script")


@pytest.mark.parametrize("family", Family.values)
def test_an_issued_key_is_found_in_its_family_alone(ours: House, family: str) -> None:
    found = api_key_find(family=family, value=ours.keys[family])
    assert found is not None
    assert found.tenant == ours.tenant
    for other in Family.values:
        if other != family:
            assert api_key_find(family=other, value=ours.keys[family]) is None


def test_a_core_key_is_a_uuid_and_acts_as_its_user(ours: House) -> None:
    issued = core_key(ours)
    assert str(uuid.UUID(issued.value)) == issued.value
    found = api_key_find(family=Family.CORE, value=issued.value)
    assert found is not None
    assert found.user == ours.staff


@pytest.mark.parametrize("value", ["", "x", "0" * 64, "ключ"])
def test_an_unknown_value_finds_nothing(ours: House, value: str) -> None:
    assert api_key_find(family=Family.INSPEKTLABS, value=value) is None


def test_nothing_of_value_or_secret_is_stored_or_shown_in_clear(ours: House) -> None:
    issued = api_key_issue(tenant=ours.tenant, family=Family.PAVE, username="acme", with_secret=True)
    assert issued.secret
    row = ApiKey.objects.of(ours.tenant.id).filter(pk=issued.key.pk).values().get()
    text = repr(row) + repr(issued) + repr(issued.key.history.values().first())
    assert issued.value not in text
    assert issued.secret not in text
    assert row["hint"] == issued.value[-4:]


def test_a_key_can_be_revealed(ours: House) -> None:
    issued = api_key_issue(tenant=ours.tenant, family=Family.PAVE, username="acme", value="v" * 20, secret="s" * 20)
    shown = api_key_reveal(ApiKey.objects.of(ours.tenant.id).get(pk=issued.key.pk))
    assert (shown.value, shown.secret) == ("v" * 20, "s" * 20)
    assert api_key_reveal(core_key(ours).key).secret == ""


def test_a_revoked_key_is_not_found_and_stays_revoked(ours: House) -> None:
    issued = core_key(ours)
    api_key_revoke(key=issued.key, by=ours.tenant_admin)
    when = issued.key.revoked_at
    assert api_key_find(family=Family.CORE, value=issued.value) is None
    api_key_revoke(key=issued.key)
    assert issued.key.revoked_at == when
    newest = issued.key.history.first()
    assert newest is not None
    assert newest.history_user == ours.tenant_admin


def test_a_rotated_key_has_a_new_value_and_all_else_alike(ours: House) -> None:
    until = timezone.now() + timedelta(days=9)
    old = api_key_issue(
        tenant=ours.tenant, family=Family.PAVE, name="desk", username="acme", with_secret=True, expires_at=until,
        single_use_tokens=True,
    )  # fmt: skip
    new = api_key_rotate(key=old.key, by=ours.tenant_admin)
    assert new.value != old.value
    assert new.secret not in {"", old.secret}
    for column in ("tenant", "family", "name", "user", "username", "expires_at", "single_use_tokens"):
        assert getattr(new.key, column) == getattr(old.key, column)
    assert api_key_find(family=Family.PAVE, value=old.value) is None
    assert api_key_find(family=Family.PAVE, value=new.value) == new.key
    assert [row.history_user for row in (new.key.history.first(), old.key.history.first())] == [ours.tenant_admin] * 2


def test_a_core_key_is_rotated_although_there_is_one_per_user(ours: House) -> None:
    old = core_key(ours)
    new = api_key_rotate(key=old.key)
    assert (new.key.user, new.secret) == (ours.staff, "")
    assert api_key_find(family=Family.CORE, value=old.value) is None
    assert api_key_find(family=Family.CORE, value=new.value) == new.key


def test_a_revoked_key_is_not_rotated(ours: House) -> None:
    old = core_key(ours)
    api_key_rotate(key=old.key)
    with pytest.raises(Conflict):
        api_key_rotate(key=old.key)
    assert ApiKey.objects.of(ours.tenant.pk).filter(user=ours.staff).count() == 2


def test_a_key_that_cannot_be_replaced_goes_on_opening(ours: House) -> None:
    old = core_key(ours)
    membership_remove(user=ours.staff, tenant=ours.tenant)
    with pytest.raises(Invalid):
        api_key_rotate(key=old.key)
    assert old.key.revoked_at is None
    assert ApiKey.objects.of(ours.tenant.pk).get(pk=old.key.pk).revoked_at is None


def test_an_expired_key_is_not_found(ours: House) -> None:
    soon = timezone.now() + timedelta(hours=1)
    issued = api_key_issue(tenant=ours.tenant, family=Family.INSTAVID360, expires_at=soon)
    assert api_key_find(family=Family.INSTAVID360, value=issued.value) is not None
    ApiKey.objects.of(ours.tenant.id).filter(pk=issued.key.pk).update(expires_at=timezone.now())
    assert api_key_find(family=Family.INSTAVID360, value=issued.value) is None


@pytest.mark.parametrize("family", Family.values)
def test_keys_of_an_inactive_tenant_are_not_found(ours: House, family: str) -> None:
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    assert api_key_find(family=family, value=ours.keys[family]) is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": timezone.now()}])
def test_a_core_key_dies_with_its_user(ours: House, change: dict[str, object]) -> None:
    User.objects.filter(pk=ours.tenant_admin.pk).update(**change)
    assert api_key_find(family=Family.CORE, value=ours.keys[Family.CORE]) is None


def test_a_core_key_stops_when_its_user_leaves_the_tenant(ours: House, outsider: House) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    membership_remove(user=ours.tenant_admin, tenant=ours.tenant)
    assert api_key_find(family=Family.CORE, value=ours.keys[Family.CORE]) is None


def test_a_global_admin_needs_no_membership(ours: House, outsider: House) -> None:
    issued = api_key_issue(tenant=ours.tenant, family=Family.CORE, user=outsider.global_admin)
    assert api_key_find(family=Family.CORE, value=issued.value) is not None
    outsider.global_admin.groups.clear()
    assert api_key_find(family=Family.CORE, value=issued.value) is None


def test_a_core_key_needs_a_user_of_the_tenant(ours: House, outsider: House) -> None:
    with pytest.raises(Invalid) as refused:
        api_key_issue(tenant=ours.tenant, family=Family.CORE)
    assert "userId" in refused.value.fields
    with pytest.raises(Invalid):
        api_key_issue(tenant=ours.tenant, family=Family.CORE, user=outsider.staff)
    with pytest.raises(Invalid):
        api_key_issue(tenant=ours.tenant, family="nobody")


def test_a_second_core_key_is_a_conflict_until_the_first_is_revoked(ours: House) -> None:
    first = core_key(ours)
    with pytest.raises(Conflict):
        core_key(ours)
    api_key_revoke(key=first.key)
    second = core_key(ours)
    assert api_key_find(family=Family.CORE, value=second.value) is not None


def test_a_value_that_is_taken_is_a_conflict(ours: House, outsider: House) -> None:
    with pytest.raises(Conflict):
        api_key_issue(tenant=outsider.tenant, family=Family.PAVE, value=ours.keys[Family.PAVE])


def test_last_use_is_noted_once_a_minute_without_history(
    ours: House, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    value = ours.keys[Family.INSPEKTLABS]
    with django_assert_num_queries(2):
        found = api_key_find(family=Family.INSPEKTLABS, value=value)
    assert found is not None
    with django_assert_num_queries(1):
        api_key_find(family=Family.INSPEKTLABS, value=value)
    row = ApiKey.objects.of(ours.tenant.id).filter(pk=found.pk)
    first = row.get().last_used_at
    assert first is not None
    row.update(last_used_at=first - timedelta(minutes=2))
    api_key_find(family=Family.INSPEKTLABS, value=value)
    assert row.filter(last_used_at__gte=first).exists()
    assert found.history.count() == 1


# --- a person's one core key ------------------------------------------------------------------------------------------


def test_a_persons_key_is_for_the_tenant_they_work_in(ours: House, outsider: House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    current_tenant_set(user=ours.staff, tenant=outsider.tenant)
    assert core_key_issue(user=ours.staff).key.tenant == outsider.tenant
    ours.annotator.current_tenant = None
    assert core_key_issue(user=ours.annotator).key.tenant == ours.tenant


def test_who_works_nowhere_or_is_not_active_gets_no_key(ours: House, outsider: House) -> None:
    membership_remove(user=ours.staff, tenant=ours.tenant)
    outsider.global_admin.current_tenant = None
    membership_remove(user=outsider.global_admin, tenant=outsider.tenant)
    ours.annotator.is_active = False
    for person in (ours.staff, outsider.global_admin, ours.annotator):
        with pytest.raises(Conflict):
            core_key_issue(user=person)


def test_a_persons_key_is_shown_and_ends_and_may_be_issued_anew(ours: House) -> None:
    first = core_key_issue(user=ours.staff, name="script", by=ours.global_admin)
    with pytest.raises(Conflict):
        core_key_issue(user=ours.staff)
    shown = core_key_show(user=ours.staff, by=ours.global_admin)
    assert (shown.value, shown.key.name) == (first.value, "script")
    core_key_revoke(user=ours.staff, by=ours.global_admin)
    assert api_key_find(family=Family.CORE, value=first.value) is None
    for gone in (lambda: core_key_revoke(user=ours.staff), lambda: core_key_show(user=ours.staff, by=ours.staff)):
        with pytest.raises(NotFound):
            gone()
    assert core_key_issue(user=ours.staff).value != first.value


def test_that_a_key_was_shown_is_logged_without_its_value(ours: House) -> None:
    issued = core_key_issue(user=ours.staff)
    with capture_logs() as lines:
        core_key_show(user=ours.staff, by=ours.global_admin)
    line = next(line for line in lines if line["event"] == "api_key_shown")
    assert (line["user_id"], line["shown_to"]) == (str(ours.staff.pk), str(ours.global_admin.pk))
    assert issued.value not in repr(lines)


def test_a_key_that_nothing_unseals_is_a_conflict_in_words(ours: House) -> None:
    issued = core_key_issue(user=ours.staff)
    ApiKey.objects.of(ours.tenant.pk).filter(pk=issued.key.pk).update(sealed_value="gAAAAA")
    with pytest.raises(Conflict, match="unsealed"):
        core_key_show(user=ours.staff, by=ours.global_admin)


@pytest.mark.django_db(transaction=True)
def test_eight_threads_asking_for_a_core_key_get_one() -> None:
    house = factories.house("Crowded Rental")

    def ask(_: int) -> bool:
        try:
            core_key(house)
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1
    assert ApiKey.objects.of(house.tenant.id).filter(user=house.staff).count() == 1


def test_group_membership_counts_like_a_membership(ours: House, outsider: House) -> None:
    group_assign(user=outsider.staff, group=GLOBAL_ADMIN)
    assert api_key_issue(tenant=ours.tenant, family=Family.CORE, user=outsider.staff).value
