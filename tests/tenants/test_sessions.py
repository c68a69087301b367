"""Sessions behind refresh tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.errors import NotAuthenticated, NotFound
from tenants.models import AuthSession, Role, Tenant, User
from tenants.services.people import membership_set
from tenants.services.sessions import session_close, session_find, session_open, session_switch, sessions_close_all
from tests.factories import House


def test_a_token_finds_its_session_as_often_as_asked(ours: House) -> None:
    session, token = session_open(user=ours.staff, tenant=ours.tenant)
    for _ in range(3):
        found = session_find(token)
        assert found is not None
        assert (found.pk, found.user, found.tenant) == (session.pk, ours.staff, ours.tenant)


def test_the_token_is_stored_nowhere(ours: House) -> None:
    session, token = session_open(user=ours.staff, tenant=None)
    row = repr(AuthSession.objects.all_tenants("test").filter(pk=session.pk).values().get())
    assert token.partition(".")[2] not in row


def test_broken_and_foreign_tokens_find_nothing(ours: House, outsider: House) -> None:
    session, token = session_open(user=ours.staff, tenant=ours.tenant)
    _, theirs = session_open(user=outsider.staff, tenant=outsider.tenant)
    own_id, _, own_secret = token.partition(".")
    mixed = f"{own_id}.{theirs.partition('.')[2]}"
    for wrong in (
        "",
        ".",
        own_id,
        f"{own_id}.",
        own_secret,
        mixed,
        token + "x",
        token[:-1],
        "ä" * 32 + ".x",
        str(session.pk),
    ):
        assert session_find(wrong) is None


def test_a_closed_session_is_gone_and_the_others_stay(ours: House) -> None:
    session, token = session_open(user=ours.staff, tenant=ours.tenant)
    _, other = session_open(user=ours.staff, tenant=ours.tenant)
    session_close(session=session)
    assert session_find(token) is None
    assert session_find(other) is not None


def test_a_session_and_its_person_move_to_another_tenant_together(ours: House, outsider: House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    session, token = session_open(user=ours.staff, tenant=ours.tenant)
    session_switch(session=session, tenant=outsider.tenant, by=ours.staff)
    found = session_find(token)
    assert found is not None
    assert found.tenant == found.user.current_tenant == outsider.tenant
    newest = ours.staff.history.first()
    assert newest is not None
    assert (newest.current_tenant, newest.history_user) == (outsider.tenant, ours.staff)


def test_nobody_moves_where_they_do_not_belong(ours: House, outsider: House) -> None:
    session, token = session_open(user=ours.staff, tenant=ours.tenant)
    with pytest.raises(NotFound):
        session_switch(session=session, tenant=outsider.tenant)
    everywhere, _ = session_open(user=ours.global_admin, tenant=ours.tenant)
    session_switch(session=everywhere, tenant=outsider.tenant)
    Tenant.objects.filter(pk=outsider.tenant.pk).update(is_active=False)
    with pytest.raises(NotFound):
        session_switch(session=everywhere, tenant=Tenant.objects.get(pk=outsider.tenant.pk))
    found = session_find(token)
    assert found is not None
    assert found.tenant == found.user.current_tenant == ours.tenant


def test_a_session_that_was_closed_meanwhile_moves_nowhere(ours: House, outsider: House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    session, _ = session_open(user=ours.staff, tenant=ours.tenant)
    sessions_close_all(user=ours.staff)
    with pytest.raises(NotAuthenticated):
        session_switch(session=session, tenant=outsider.tenant)
    assert User.objects.get(pk=ours.staff.pk).current_tenant == ours.tenant


def test_closing_all_ends_every_session_of_that_person_alone(ours: House) -> None:
    tokens = [session_open(user=ours.staff, tenant=tenant)[1] for tenant in (ours.tenant, None)]
    _, other = session_open(user=ours.annotator, tenant=ours.tenant)
    assert sessions_close_all(user=ours.staff) == 2
    assert [session_find(token) for token in tokens] == [None, None]
    assert session_find(other) is not None
    assert sessions_close_all(user=ours.staff) == 0


def test_a_changed_password_ends_every_session_wherever_it_was_changed(ours: House) -> None:
    _, token = session_open(user=ours.staff, tenant=ours.tenant)
    person = User.objects.get(pk=ours.staff.pk)
    person.set_password("An0ther-one!")
    person.save()
    assert session_find(token) is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": timezone.now()}])
def test_a_session_dies_with_its_user(ours: House, change: dict[str, Any]) -> None:
    _, token = session_open(user=ours.staff, tenant=ours.tenant)
    User.objects.filter(pk=ours.staff.pk).update(**change)
    assert session_find(token) is None


def test_a_session_ends_with_its_time_and_its_tenant(ours: House) -> None:
    session, token = session_open(user=ours.staff, tenant=ours.tenant)
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    assert session_find(token) is None
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=True)
    assert session_find(token) is not None
    AuthSession.objects.of(ours.tenant.id).filter(pk=session.pk).update(expires_at=timezone.now())
    assert session_find(token) is None


def test_a_session_lasts_as_long_as_the_settings_say(ours: House, settings: Any) -> None:
    settings.REFRESH_TOKEN_SECONDS = 120
    session, _ = session_open(user=ours.staff, tenant=None)
    left = session.expires_at - timezone.now()
    assert timedelta(seconds=100) < left <= timedelta(seconds=120)


def test_a_session_without_a_tenant_is_found(ours: House) -> None:
    _, token = session_open(user=ours.staff, tenant=None)
    assert session_find(token) is not None
