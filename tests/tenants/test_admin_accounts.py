"""Keys replaced, accounts deleted and passwords set from the admin: by whom, and never beyond reach."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tenants.models import GLOBAL_ADMIN, ApiKey, Family, Role, User
from tenants.services.keys import api_key_find, api_key_issue, api_key_revoke
from tenants.services.people import group_assign, membership_set
from tenants.services.sessions import session_find, session_open
from tests import factories
from tests.admin_pages import inputs, login, page, said

pytestmark = pytest.mark.django_db
PASSWORD = "An0ther-horse!"


def rotate(client: Client, key: ApiKey, **sent: str) -> object:
    return client.post(reverse("admin:tenants_apikey_rotate", args=[key.pk]), {"confirmed": "yes", **sent})


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_replaced_after_a_question_and_shown_once(ours: factories.House) -> None:
    issued = api_key_issue(tenant=ours.tenant, family=Family.PAVE, name="gate", with_secret=True)
    client = login(ours.tenant_admin)
    address = reverse("admin:tenants_apikey_rotate", args=[issued.key.pk])
    assert "refused at once" in client.get(address).content.decode()
    assert api_key_find(family=Family.PAVE, value=issued.value) is not None
    answer = client.post(address, {"confirmed": "yes"})
    assert "no-store" in answer.headers["Cache-Control"]
    shown = dict(answer.context["secrets"])
    assert api_key_find(family=Family.PAVE, value=issued.value) is None
    found = api_key_find(family=Family.PAVE, value=shown["Value"])
    assert found is not None
    assert (found.name, found.tenant) == ("gate", ours.tenant)
    assert found.history.first().history_user == ours.tenant_admin
    later = client.get(page(ApiKey, "change", found.pk)).content.decode()
    assert shown["Value"] not in later
    assert shown["Secret"] not in later


def test_a_revoked_key_is_not_replaced(ours: factories.House) -> None:
    key = api_key_issue(tenant=ours.tenant, family=Family.PAVE).key
    api_key_revoke(key=key)
    client = login(ours.tenant_admin)
    assert "rotate" not in client.get(page(ApiKey, "change", key.pk)).content.decode()
    assert getattr(rotate(client, key), "status_code", 0) == 403
    assert ApiKey.objects.of(ours.tenant.pk).filter(family=Family.PAVE, revoked_at__isnull=True).count() == 1


@pytest.mark.parametrize("who", ["global_admin", "member_elsewhere"])
def test_nobody_draws_a_key_that_acts_as_somebody_who_reaches_further(
    ours: factories.House, outsider: factories.House, who: str
) -> None:
    target = factories.user(ours.tenant)
    issued = api_key_issue(tenant=ours.tenant, family=Family.CORE, user=target)
    if who == "global_admin":
        group_assign(user=target, group=GLOBAL_ADMIN)
    else:
        membership_set(user=target, tenant=outsider.tenant, role=Role.USER)
    client = login(ours.tenant_admin)
    address = reverse("admin:tenants_apikey_rotate", args=[issued.key.pk])
    assert client.get(address).status_code == 403
    assert client.post(address, {"confirmed": "yes"}).status_code == 403
    assert api_key_find(family=Family.CORE, value=issued.value) is not None


def test_a_colleague_s_key_is_replaced(ours: factories.House) -> None:
    issued = api_key_issue(tenant=ours.tenant, family=Family.CORE, user=ours.staff)
    answer = login(ours.tenant_admin).post(
        reverse("admin:tenants_apikey_rotate", args=[issued.key.pk]), {"confirmed": "yes"}
    )
    found = api_key_find(family=Family.CORE, value=dict(answer.context["secrets"])["Value"])
    assert found is not None
    assert found.user == ours.staff


def test_a_key_of_somebody_who_left_is_told_kindly(ours: factories.House) -> None:
    person = factories.user(ours.tenant)
    issued = api_key_issue(tenant=ours.tenant, family=Family.CORE, user=person)
    person.memberships.all().delete()
    answer = login(ours.global_admin).post(
        reverse("admin:tenants_apikey_rotate", args=[issued.key.pk]), {"confirmed": "yes"}, follow=True
    )
    assert "not a member" in said(answer)


def test_an_outsider_s_key_is_not_replaced(ours: factories.House, outsider: factories.House) -> None:
    theirs = ApiKey.objects.of(outsider.tenant.pk).get(family=Family.PAVE)
    for person in (ours.tenant_admin, ours.staff, outsider.staff):
        address = reverse("admin:tenants_apikey_rotate", args=[theirs.pk])
        assert login(person).post(address, {"confirmed": "yes"}).status_code in {302, 403}
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


# --- accounts --------------------------------------------------------------------------------------------------------


def test_a_global_admin_deletes_an_account_after_a_question(ours: factories.House) -> None:
    _, token = session_open(user=ours.staff, tenant=ours.tenant)
    client = login(ours.global_admin)
    address = reverse("admin:tenants_user_delete_account", args=[ours.staff.pk])
    assert "This cannot be undone" in client.get(address).content.decode()
    assert User.objects.get(pk=ours.staff.pk).deleted_at is None
    assert "deleted user: account deleted" in said(client.post(address, {"confirmed": "yes"}, follow=True))
    person = User.objects.get(pk=ours.staff.pk)
    assert str(person) == "deleted user"
    assert not person.is_active
    assert session_find(token) is None
    assert person.history.first().history_user == ours.global_admin
    assert client.post(address, {"confirmed": "yes"}).status_code == 403
    assert client.get(page(User, "change", person.pk)).status_code == 200


def test_who_deletes_no_account(ours: factories.House, outsider: factories.House) -> None:
    refused = [(ours.tenant_admin, ours.staff), (ours.global_admin, ours.global_admin), (ours.staff, ours.staff)]
    superuser = User.objects.create_superuser("+4790000009", "x")
    for asker, target in [*refused, (ours.global_admin, superuser), (outsider.tenant_admin, ours.staff)]:
        address = reverse("admin:tenants_user_delete_account", args=[target.pk])
        assert login(asker).post(address, {"confirmed": "yes"}).status_code in {302, 403}, (asker, target)
        assert User.objects.get(pk=target.pk).deleted_at is None
    shown = login(ours.tenant_admin).get(page(User, "change", ours.staff.pk)).content.decode()
    assert "Delete account" not in shown


@pytest.mark.parametrize(("usable", "reason"), [("true", "password set"), ("false", "password removed")])
def test_a_password_set_by_an_admin_is_in_the_history(ours: factories.House, usable: str, reason: str) -> None:
    sent = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": usable}
    address = reverse("admin:auth_user_password_change", args=[ours.staff.pk])
    sent |= {} if usable == "true" else {"password1": "", "password2": "", "unset-password": "Disable"}
    assert login(ours.tenant_admin).post(address, sent).status_code == 302
    record = User.objects.get(pk=ours.staff.pk).history.first()
    assert (record.history_change_reason, record.history_user) == (reason, ours.tenant_admin)


def test_the_history_of_a_person_says_who_put_them_into_a_group(ours: factories.House) -> None:
    client = login(ours.global_admin)
    sent = inputs(client.get(page(User, "change", ours.staff.pk)))
    group = User.groups.through.objects.filter(user=ours.annotator).get().group_id
    assert client.post(page(User, "change", ours.staff.pk), sent | {"groups": [str(group)]}).status_code == 302
    text = client.get(page(User, "history", ours.staff.pk)).content.decode()
    assert "joined ANNOTATOR" in text
    assert "Gail" in text
