"""The end of an account: the person is gone at once and from everywhere, their work stays."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from damages.models import DamageDecision, Source
from damages.services.decisions import damage_decide
from tenants.errors import Conflict, NotAuthenticated, NotFound
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, ApiKey, Family, Membership, OneTimePassword, Role, User
from tenants.services.keys import api_key_find, core_key_issue
from tenants.services.people import group_unassign, membership_set, user_authenticate, user_groups
from tenants.services.sessions import session_find, session_open
from tenants.services.users import user_delete
from tests import factories
from tests.factories import PASSWORD, House
from tests.tenants.test_people import request


@pytest.fixture
def person(ours: House) -> User:
    """An annotator of ours of whom everything is known."""
    return factories.user(
        ours.tenant, group=ANNOTATOR, email="Quirin@example.com", email_verified_at=timezone.now(), first_name="Quirin",
        last_name="Lovelace", partner_id="partner-77", last_login=timezone.now(),
    )  # fmt: skip


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_the_row_stays_and_tells_nothing_of_the_person(ours: House, person: User) -> None:
    user_delete(user=person, by=ours.global_admin)
    row = fresh(person)
    assert str(row) == row.get_full_name() == "deleted user"
    assert (row.email, row.first_name, row.last_name, row.partner_id) == ("", "", "", "")
    assert (row.email_verified_at, row.last_login, row.current_tenant) == (None, None, None)
    assert (row.is_active, row.is_staff, row.is_superuser) == (False, False, False)
    assert row.deleted_at is not None
    assert not row.has_usable_password()
    assert len(row.phone) <= 20
    assert row.phone.startswith("deleted-")
    assert (person.deleted_at, person.phone) == (row.deleted_at, row.phone)


def test_nothing_of_the_person_is_left_in_any_table(ours: House, person: User) -> None:
    # Words that no id or digest can hold by chance.
    words = [person.phone, "Quirin", "Lovelace", "partner-77"]
    OneTimePassword(user=None, username=person.phone, purpose="reset", expires_at=timezone.now()).save()
    for name in (person.phone, "quirin@example.com"):
        AccessLog.objects.create(username=name, ip_address="198.51.100.7", user_agent="test")
        AccessAttempt.objects.create(username=name, ip_address="198.51.100.7", failures_since_start=1)
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=ours.global_admin, content_type=kind, object_id=str(person.pk), object_repr=str(person), action_flag=CHANGE
    )
    assert set(words) <= {word for word in words if _tables_with(word)}
    user_delete(user=person, by=ours.global_admin)
    assert {word: found for word in [*words, "quirin@example.com"] if (found := _tables_with(word))} == {}


def _tables_with(word: str) -> list[str]:
    """The tables in which the word stands anywhere, in any case."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            if any(word.lower() in str(row).lower() for row in cursor.fetchall()):
                found.append(table)
    return found


def test_nothing_opens_any_more(ours: House, outsider: House, person: User) -> None:
    membership_set(user=person, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    key = core_key_issue(user=person)
    _, token = session_open(user=person, tenant=ours.tenant)
    phone = person.phone
    user_delete(user=person, by=ours.global_admin)
    assert api_key_find(family=Family.CORE, value=key.value) is None
    assert session_find(token) is None
    assert user_groups(fresh(person)) == frozenset()
    assert not Membership.objects.all_tenants("a test counts").filter(user=person).exists()
    with pytest.raises(NotAuthenticated):
        user_authenticate(request=request(), username=phone, password=PASSWORD)


def test_the_history_says_who_took_what_away(ours: House, person: User) -> None:
    key = core_key_issue(user=person).key
    user_delete(user=person, by=ours.global_admin)
    reasons = person.history.filter(history_user=ours.global_admin).values_list("history_change_reason", flat=True)
    assert {"deleted", f"left {ANNOTATOR}"} <= set(reasons)
    left = Membership.history.filter(user=person, history_type="-").get()
    assert left.history_user == ours.global_admin
    revoked = ApiKey.history.filter(id=key.pk, revoked_at__isnull=False).get()
    assert revoked.history_user == ours.global_admin


def test_decisions_keep_their_author_who_is_a_deleted_user_now(ours: House, person: User) -> None:
    damage = factories.damage(factories.image_set(ours.tenant).images.get())
    membership_set(user=person, tenant=ours.tenant, role=Role.ADMIN_TENANT)
    damage_decide(user=person, damage=damage, action="accept", step=Source.STAFF)
    user_delete(user=person, by=person)
    decision = DamageDecision.objects.of(ours.tenant.pk).get(damage=damage)
    damage.refresh_from_db()
    assert decision.by == damage.decided_by == person
    assert str(decision.by) == "deleted user"


def test_the_number_may_register_again_and_that_account_may_end_too(ours: House, person: User) -> None:
    phone = person.phone
    user_delete(user=person, by=ours.global_admin)
    again = User.objects.create_user(phone, PASSWORD)
    assert again.pk != person.pk
    user_delete(user=again, by=ours.global_admin)
    assert User.objects.filter(phone__startswith="deleted-").count() == 2


def test_somebody_deleted_is_not_there_to_delete(ours: House, person: User) -> None:
    user_delete(user=person, by=ours.global_admin)
    with pytest.raises(NotFound):
        user_delete(user=person, by=ours.global_admin)


@pytest.mark.parametrize("how", ["group", "superuser"])
def test_the_last_global_admin_stays(ours: House, how: str) -> None:
    if how == "superuser":
        User.objects.filter(pk=ours.staff.pk).update(is_superuser=True)
        group_unassign(user=ours.global_admin, group=GLOBAL_ADMIN)
    last = fresh(ours.staff if how == "superuser" else ours.global_admin)
    with pytest.raises(Conflict):
        user_delete(user=last, by=last)
    assert fresh(last).deleted_at is None
    assert fresh(last).memberships.count() == 1


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": timezone.now()}])
def test_who_is_gone_is_no_other_global_admin(ours: House, outsider: House, change: dict[str, Any]) -> None:
    User.objects.filter(pk=outsider.global_admin.pk).update(**change)
    with pytest.raises(Conflict):
        user_delete(user=ours.global_admin, by=ours.global_admin)
    User.objects.filter(pk=outsider.global_admin.pk).update(is_active=True, deleted_at=None)
    user_delete(user=ours.global_admin, by=ours.global_admin)
    assert fresh(ours.global_admin).deleted_at is not None
