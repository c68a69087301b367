"""People in the admin: made with a tenant, kept within it, and nobody raised above whoever raises them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, Membership, Role, User
from tenants.services.people import group_assign, membership_set
from tenants.services.sessions import session_find, session_open
from tests import factories
from tests.admin_pages import errors_of, inputs, login, page, rows_of

pytestmark = pytest.mark.django_db
PASSWORD = "An0ther-horse!"


def new_person(house: factories.House, **changes: str) -> dict[str, str]:
    return {
        "phone": "+4790000001", "first_name": "Nora", "last_name": "Ny", "email": "", "tenant": str(house.tenant.pk),
        "role": Role.USER, "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD,
    } | changes  # fmt: skip


def test_a_tenant_admin_adds_a_person_to_their_tenant(ours: factories.House) -> None:
    answer = login(ours.tenant_admin).post(page(User, "add"), new_person(ours))
    assert answer.status_code == 302, errors_of(answer)
    person = User.objects.get(phone="+4790000001")
    assert person.check_password(PASSWORD)
    assert (person.current_tenant, person.is_staff, person.is_superuser) == (ours.tenant, False, False)
    assert person.memberships.get().role == Role.USER
    assert set(person.history.values_list("history_user", flat=True)) == {ours.tenant_admin.pk}


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone", "12"), ("phone", "+4710000001x"), ("password2", "different"), ("password1", "short"), ("role", "KING")],
)
def test_a_person_who_cannot_be_is_refused_at_the_field(ours: factories.House, field: str, value: str) -> None:
    before = User.objects.count()
    answer = login(ours.tenant_admin).post(page(User, "add"), new_person(ours, **{field: value}))
    assert errors_of(answer)
    assert User.objects.count() == before


def test_a_taken_number_is_refused(ours: factories.House) -> None:
    answer = login(ours.tenant_admin).post(page(User, "add"), new_person(ours, phone=ours.staff.phone))
    assert "phone" in errors_of(answer)


def test_nobody_is_added_to_another_tenant_or_to_none(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.tenant_admin)
    for tenant in (str(outsider.tenant.pk), ""):
        assert "tenant" in errors_of(client.post(page(User, "add"), new_person(ours, tenant=tenant)))
    assert not User.objects.filter(phone="+4790000001").exists()


def test_an_admin_of_one_tenant_cannot_add_people_where_they_only_work(
    ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    client = login(ours.tenant_admin)
    answer = client.post(page(User, "add"), new_person(ours, tenant=str(outsider.tenant.pk)))
    assert "tenant" in errors_of(answer)
    values = {"user": str(ours.staff.pk), "tenant": str(outsider.tenant.pk), "role": Role.ADMIN_TENANT}
    assert "tenant" in errors_of(client.post(page(Membership, "add"), values))


def test_smuggled_rights_are_ignored(ours: factories.House) -> None:
    extra = {"is_superuser": "on", "groups": str(Group.objects.get(name=GLOBAL_ADMIN).pk)}
    client = login(ours.tenant_admin)
    assert client.post(page(User, "add"), new_person(ours, **extra)).status_code == 302
    made = User.objects.get(phone="+4790000001")
    sent = inputs(client.get(page(User, "change", made.pk))) | extra
    assert client.post(page(User, "change", made.pk), sent).status_code == 302
    made.refresh_from_db()
    assert not made.is_superuser
    assert not made.groups.exists()


def test_a_global_admin_puts_people_into_groups_but_makes_no_superusers(ours: factories.House) -> None:
    client = login(ours.global_admin)
    groups = [str(Group.objects.get(name=name).pk) for name in (REVIEWER, ANNOTATOR)]
    sent = inputs(client.get(page(User, "change", ours.staff.pk))) | {"groups": groups, "is_superuser": "on"}
    assert client.post(page(User, "change", ours.staff.pk), sent).status_code == 302
    person = User.objects.get(pk=ours.staff.pk)
    assert set(person.groups.values_list("name", flat=True)) == {REVIEWER, ANNOTATOR}
    assert not person.is_superuser
    reasons = set(person.history.values_list("history_change_reason", flat=True))
    assert {"joined REVIEWER", "joined ANNOTATOR"} <= reasons


@pytest.mark.parametrize("who", ["global_admin", "member_elsewhere", "superuser"])
def test_people_who_reach_further_keep_their_password_and_their_number(
    ours: factories.House, outsider: factories.House, who: str
) -> None:
    target = factories.user(ours.tenant)
    if who == "global_admin":
        group_assign(user=target, group=GLOBAL_ADMIN)
    elif who == "superuser":
        User.objects.filter(pk=target.pk).update(is_superuser=True)
    else:
        membership_set(user=target, tenant=outsider.tenant, role=Role.USER)
    client = login(ours.tenant_admin)
    assert client.get(page(User, "change", target.pk)).status_code == 200
    assert client.post(page(User, "change", target.pk), {"phone": "+4790000002"}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[target.pk])
    sent = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert client.post(password, sent).status_code == 403
    target.refresh_from_db()
    assert target.check_password(factories.PASSWORD)
    assert target.phone != "+4790000002"


def test_a_password_set_by_an_admin_ends_the_person_s_sessions(ours: factories.House) -> None:
    _, token = session_open(user=ours.staff, tenant=ours.tenant)
    password = reverse("admin:auth_user_password_change", args=[ours.staff.pk])
    sent = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert login(ours.tenant_admin).post(password, sent).status_code == 302
    assert User.objects.get(pk=ours.staff.pk).check_password(PASSWORD)
    assert session_find(token) is None


def test_a_person_of_another_tenant_has_no_password_page(ours: factories.House, outsider: factories.House) -> None:
    password = reverse("admin:auth_user_password_change", args=[outsider.staff.pk])
    assert login(ours.tenant_admin).get(password).status_code == 404


def test_shutting_a_person_out_closes_their_sessions(ours: factories.House) -> None:
    _, token = session_open(user=ours.staff, tenant=ours.tenant)
    client = login(ours.tenant_admin)
    sent = inputs(client.get(page(User, "change", ours.staff.pk)))
    del sent["is_active"]
    assert client.post(page(User, "change", ours.staff.pk), sent).status_code == 302
    assert not User.objects.get(pk=ours.staff.pk).is_active
    assert session_find(token) is None


def test_nobody_shuts_themselves_out(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    sent = inputs(client.get(page(User, "change", ours.tenant_admin.pk))) | {"first_name": "Thomas"}
    sent.pop("is_active", None)
    sent.pop("is_staff", None)
    assert client.post(page(User, "change", ours.tenant_admin.pk), sent).status_code == 302
    person = User.objects.get(pk=ours.tenant_admin.pk)
    assert (person.first_name, person.is_active, person.is_staff) == ("Thomas", True, True)


def test_a_changed_address_has_to_be_proved_anew(ours: factories.House) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="sam@example.com", email_verified_at=timezone.now())
    client = login(ours.tenant_admin)
    sent = inputs(client.get(page(User, "change", ours.staff.pk))) | {"email": "other@example.com"}
    assert client.post(page(User, "change", ours.staff.pk), sent).status_code == 302
    person = User.objects.get(pk=ours.staff.pk)
    assert (person.email, person.email_verified_at) == ("other@example.com", None)


def test_people_are_never_deleted_here(ours: factories.House) -> None:
    superuser = User.objects.create_superuser("+4790000009", PASSWORD)
    assert login(superuser).post(page(User, "delete", ours.staff.pk), {"post": "yes"}).status_code == 403


def test_a_list_names_no_tenant_beyond_reach(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    text = login(ours.tenant_admin).get(page(User, "changelist")).content.decode()
    assert ours.tenant.name in text
    assert outsider.tenant.name not in text


def test_memberships_on_the_page_of_a_person_go_through_the_services(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    sent = inputs(client.get(page(User, "change", ours.staff.pk))) | {"memberships-0-role": Role.ADMIN_TENANT}
    assert client.post(page(User, "change", ours.staff.pk), sent).status_code == 302
    membership = ours.staff.memberships.get()
    assert membership.role == Role.ADMIN_TENANT
    assert membership.history.first().history_user == ours.tenant_admin
    sent = inputs(client.get(page(User, "change", ours.staff.pk))) | {"memberships-0-DELETE": "on"}
    assert client.post(page(User, "change", ours.staff.pk), sent).status_code == 302
    person = User.objects.get(pk=ours.staff.pk)
    assert not person.memberships.exists()
    assert person.current_tenant is None


def test_a_membership_is_deleted_through_its_service(ours: factories.House) -> None:
    membership = ours.staff.memberships.get()
    client = login(ours.tenant_admin)
    assert client.post(page(Membership, "delete", membership.pk), {"post": "yes"}).status_code == 302
    assert User.objects.get(pk=ours.staff.pk).current_tenant is None


def test_the_choices_of_a_form_end_at_the_tenant(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.tenant_admin)
    asked = {"app_label": "tenants", "model_name": "membership", "field_name": "user", "term": ""}
    found = client.get(reverse("admin:autocomplete"), asked).json()["results"]
    assert {row["id"] for row in found} == {str(pk) for pk in rows_of(client.get(page(User, "changelist")))}
    assert str(outsider.staff.pk) not in {row["id"] for row in found}
    values = {"user": str(outsider.staff.pk), "tenant": str(ours.tenant.pk), "role": Role.USER}
    assert "user" in errors_of(client.post(page(Membership, "add"), values))


@pytest.mark.parametrize("lookup", ["password__startswith", "memberships__tenant__name__startswith"])
def test_nothing_secret_is_asked_for_through_the_address_bar(ours: factories.House, lookup: str) -> None:
    answer = login(ours.tenant_admin).get(page(User, "changelist"), {lookup: "x"})
    assert answer.status_code in {302, 400}


def test_a_new_person_is_offered_the_only_tenant_there_is(ours: factories.House, outsider: factories.House) -> None:
    form = login(ours.tenant_admin).get(page(User, "add")).context["adminform"].form
    assert form["tenant"].value() == ours.tenant.pk
    assert list(form.fields["tenant"].queryset) == [ours.tenant]
    assert login(ours.global_admin).get(page(User, "add")).context["adminform"].form["tenant"].value() is None


def test_where_a_person_works_elsewhere_is_not_told(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    for tenant in (outsider.tenant, ours.tenant, outsider.tenant):
        ours.staff.current_tenant = tenant
        ours.staff.save()
    version = ours.staff.history.first()
    assert version is not None
    pages = [page(User, "change", ours.staff.pk), page(User, "history", ours.staff.pk)]
    pages.append(page(User, "simple_history", ours.staff.pk, version.pk))
    own, every = login(ours.tenant_admin), login(ours.global_admin)
    for address in pages:
        answer = own.get(address)
        assert answer.status_code == 200
        assert outsider.tenant.name not in answer.content.decode(), address
        assert outsider.tenant.name in every.get(address).content.decode(), address
