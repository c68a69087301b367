"""Keys and secrets in the admin: issued and rotated through the services, shown once, never again."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from tenants.models import ApiKey, Family, Role, SigningSecret, User
from tenants.services.keys import api_key_find, api_key_issue
from tenants.services.people import membership_set
from tenants.services.secrets import signing_secrets_valid
from tests import factories
from tests.admin_pages import errors_of, inputs, login, page, said

pytestmark = pytest.mark.django_db


def new_key(house: factories.House, **changes: str) -> dict[str, str]:
    return {"tenant": str(house.tenant.pk), "family": Family.PAVE, "name": "gate", "username": "acme"} | changes


def test_an_issued_key_is_shown_once_and_opens_the_door(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    answer = client.post(page(ApiKey, "add"), new_key(ours, with_secret="on", single_use_tokens="on"))
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    shown = dict(answer.context["secrets"])
    key = api_key_find(family=Family.PAVE, value=shown["Value"])
    assert key is not None
    assert (key.tenant, key.name, key.username, key.single_use_tokens) == (ours.tenant, "gate", "acme", True)
    assert len(shown["Secret"]) > 30
    assert set(key.history.values_list("history_user", flat=True)) == {ours.tenant_admin.pk}
    assert LogEntry.objects.filter(object_id=str(key.pk)).exists()
    for name, args in (("changelist", ()), ("change", (key.pk,)), ("history", (key.pk,))):
        text = client.get(page(ApiKey, name, *args)).content.decode()
        assert shown["Value"] not in text
        assert shown["Secret"] not in text
        assert key.sealed_value not in text
        assert key.digest not in text


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"family": Family.CORE}, "user"), ({"family": "fax"}, "family"), ({"tenant": ""}, "tenant")],
)
def test_what_the_service_refuses_is_said_at_the_field(
    ours: factories.House, changes: dict[str, str], field: str
) -> None:
    before = ApiKey.objects.of(ours.tenant.pk).count()
    answer = login(ours.tenant_admin).post(page(ApiKey, "add"), new_key(ours, **changes))
    assert field in errors_of(answer)
    assert ApiKey.objects.of(ours.tenant.pk).count() == before


def test_a_second_core_key_of_a_person_is_refused(ours: factories.House) -> None:
    sent = new_key(ours, family=Family.CORE, user=str(ours.staff.pk))
    client = login(ours.tenant_admin)
    assert client.post(page(ApiKey, "add"), sent).context["secrets"]
    assert "already" in str(errors_of(client.post(page(ApiKey, "add"), sent)))


def test_no_key_acts_as_somebody_who_reaches_further(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.tenant_admin)
    membership_set(user=ours.reviewer, tenant=outsider.tenant, role=Role.USER)
    for person in (ours.global_admin, ours.reviewer, outsider.staff):
        answer = client.post(page(ApiKey, "add"), new_key(ours, family=Family.CORE, user=str(person.pk)))
        assert "user" in errors_of(answer), person
    assert not ApiKey.objects.of(ours.tenant.pk).filter(user__in=[ours.global_admin, ours.reviewer]).exists()


def test_a_key_is_revoked_after_a_question(ours: factories.House) -> None:
    issued = api_key_issue(tenant=ours.tenant, family=Family.PAVE)
    client, address = login(ours.tenant_admin), page(ApiKey, "change", issued.key.pk)
    revoke = address.replace("change/", "revoke_this/")
    assert "cannot be undone" in client.get(revoke).content.decode()
    assert api_key_find(family=Family.PAVE, value=issued.value) is not None
    answer = client.post(revoke, {"confirmed": "yes"}, follow=True)
    assert "revoked" in said(answer)
    assert api_key_find(family=Family.PAVE, value=issued.value) is None
    issued.key.refresh_from_db()
    assert issued.key.history.first().history_user == ours.tenant_admin


def test_several_keys_are_revoked_from_the_list(ours: factories.House, outsider: factories.House) -> None:
    keys = [api_key_issue(tenant=ours.tenant, family=Family.PAVE).key for _ in range(3)]
    theirs = ApiKey.objects.of(outsider.tenant.pk).filter(family=Family.PAVE).get()
    client = login(ours.tenant_admin)
    sent = {"action": "revoke", "_selected_action": [str(key.pk) for key in (*keys[:2], theirs)]}
    asked = client.post(page(ApiKey, "changelist"), sent)
    assert set(asked.context["rows"]) == set(keys[:2])
    answer = client.post(
        page(ApiKey, "changelist"), dict(asked.context["hidden"]) | sent | {"confirmed": "yes"}, follow=True
    )
    assert "2 API keys: revoked" in said(answer)
    rows = ApiKey.objects.of(ours.tenant.pk)
    assert set(rows.filter(revoked_at__isnull=False)) == set(keys[:2])
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_an_outsider_s_key_cannot_be_revoked(ours: factories.House, outsider: factories.House) -> None:
    theirs = ApiKey.objects.of(outsider.tenant.pk).filter(family=Family.PAVE).get()
    revoke = page(ApiKey, "change", theirs.pk).replace("change/", "revoke_this/")
    client = login(ours.tenant_admin)
    assert client.get(revoke).status_code in {302, 403}
    assert client.post(revoke, {"confirmed": "yes"}).status_code in {302, 403}
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_somebody_who_only_works_there_revokes_nothing(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    theirs = ApiKey.objects.of(outsider.tenant.pk).filter(family=Family.PAVE).get()
    client = login(ours.tenant_admin)
    assert client.get(page(ApiKey, "change", theirs.pk)).status_code == 302
    sent = {"action": "revoke", "_selected_action": [str(theirs.pk)], "confirmed": "yes"}
    client.post(page(ApiKey, "changelist"), sent)
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_a_key_that_was_issued_is_only_named_anew(ours: factories.House, outsider: factories.House) -> None:
    key = api_key_issue(tenant=ours.tenant, family=Family.PAVE, name="gate").key
    client = login(ours.tenant_admin)
    sent = inputs(client.get(page(ApiKey, "change", key.pk)))
    sent |= {"name": "barrier", "family": Family.CORE, "tenant": str(outsider.tenant.pk), "user": str(ours.staff.pk)}
    assert client.post(page(ApiKey, "change", key.pk), sent).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.family, key.tenant, key.user) == ("barrier", Family.PAVE, ours.tenant, None)
    assert client.post(page(ApiKey, "delete", key.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("lookup", ["sealed_value__startswith", "digest__startswith", "sealed_secret__gt"])
def test_no_list_answers_questions_about_secrets(ours: factories.House, lookup: str) -> None:
    assert login(ours.global_admin).get(page(ApiKey, "changelist"), {lookup: "a"}).status_code in {302, 400}


def test_a_rotation_asks_and_shows_the_new_secret_once(ours: factories.House) -> None:
    [before] = signing_secrets_valid(ours.tenant)
    secret = SigningSecret.objects.of(ours.tenant.pk).get()
    client = login(ours.tenant_admin)
    rotate = page(SigningSecret, "change", secret.pk).replace("change/", "rotate/")
    assert client.get(rotate).status_code == 200
    assert signing_secrets_valid(ours.tenant) == [before]
    answer = client.post(rotate, {"confirmed": "yes"})
    shown = dict(answer.context["secrets"])["Secret"]
    assert signing_secrets_valid(ours.tenant) == [shown, before]
    assert shown not in client.get(page(SigningSecret, "changelist")).content.decode()


def test_an_outsider_s_secret_is_not_rotated(ours: factories.House, outsider: factories.House) -> None:
    secret = SigningSecret.objects.of(outsider.tenant.pk).get()
    rotate = page(SigningSecret, "change", secret.pk).replace("change/", "rotate/")
    client = login(ours.tenant_admin)
    client.post(rotate, {"confirmed": "yes"})
    assert SigningSecret.objects.of(outsider.tenant.pk).get() == secret


def test_people_without_the_right_see_no_keys(ours: factories.House) -> None:
    for person in (ours.staff, ours.annotator, ours.reviewer):
        client = login(User.objects.get(pk=person.pk))
        assert client.get(page(ApiKey, "changelist")).status_code == 403
        assert client.get(page(SigningSecret, "changelist")).status_code == 403
