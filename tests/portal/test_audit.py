"""The audit page: every change of settings, roles, keys and groups, with who and when, for those who may read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tenants.audit import KINDS, PAGE_SIZE, Place
from tenants.models import ANNOTATOR, ApiKey, Family, Quota, Role, Service, Tenant, TenantGroup, User, Webhook
from tenants.services.keys import api_key_issue, api_key_revoke
from tenants.services.people import group_assign, membership_remove, membership_set
from tenants.services.quotas import quota_set
from tenants.services.secrets import signing_secret_rotate
from tenants.services.settings import tenant_create, tenant_settings_update
from tenants.services.webhooks import webhook_set
from tests import factories
from tests.admin_pages import login

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/audit/"


def lines(client: Client, **filters: str) -> list[Any]:
    """The changes on the page."""
    answer = client.get(ADDRESS, filters)
    assert answer.status_code == 200
    return [line["change"] for line in answer.context["lines"]]


def text_of(client: Client, **filters: str) -> str:
    return client.get(ADDRESS, filters).content.decode()


def hook(house: factories.House, secret: str) -> Webhook:
    return webhook_set(
        tenant=house.tenant, family=Family.CORE, event="result", url="https://example.com/h", method="POST",
        headers={"Authorization": secret}, extra_payload={}, is_active=True, by=house.tenant_admin,
    )  # fmt: skip


def change_everything(house: factories.House) -> None:
    """A change of each kind, by the house's own admin (of groups and the tenant by its global admin)."""
    by = house.tenant_admin
    tenant_settings_update(tenant=house.tenant, changes={"expiryAfter": 7}, by=by)
    membership_set(user=house.staff, tenant=house.tenant, role=Role.ADMIN_TENANT, by=by)
    api_key_revoke(key=api_key_issue(tenant=house.tenant, family=Family.PAVE, name="gate", by=by).key, by=by)
    group_assign(user=house.staff, group=ANNOTATOR, by=house.global_admin)
    quota_set(tenant=house.tenant, service=Service.LPA, limit=5, by=by)
    hook(house, "Bearer first-secret")


def test_a_tenant_admin_reads_every_kind_of_change_with_who_and_what(ours: factories.House) -> None:
    change_everything(ours)
    changes = lines(login(ours.tenant_admin))
    assert [change.when for change in changes] == sorted((change.when for change in changes), reverse=True)
    told = {(one.kind, one.verb): one for one in reversed(changes)}
    assert {kind for kind, _ in told} == set(KINDS) - {"group"}
    settings = told["settings", "changed"]
    assert (settings.who, settings.subject) == (str(ours.tenant_admin), ours.tenant.name)
    assert [(one.before, one.after) for one in settings.fields] == [("0", "7")]
    role = told["role", "changed"]
    assert (role.subject, role.fields[0].before, role.fields[0].after) == (str(ours.staff), "user", "tenant admin")
    assert [one.name for one in told["key", "changed"].fields] == ["Revoked at"]
    joined = next(one for one in changes if one.reason == f"joined {ANNOTATOR}")
    assert (joined.subject, joined.who) == (str(ours.staff), str(ours.global_admin))


def test_a_setting_within_a_setting_is_told_by_its_camera(ours: factories.House) -> None:
    tenant_settings_update(tenant=ours.tenant, changes={"faceblurServiceEnabled.backLeft": True}, by=ours.tenant_admin)
    [change] = lines(login(ours.tenant_admin), kind="settings")[:1]
    assert [(one.name, one.before, one.after) for one in change.fields] == [("Face blur: backLeft", "off", "on")]


def test_the_rotation_of_a_signing_secret_is_told_by_who_did_it(ours: factories.House) -> None:
    value = signing_secret_rotate(tenant=ours.tenant, by=ours.tenant_admin)
    [change] = lines(login(ours.tenant_admin), kind="secret", who=ours.tenant_admin.phone)
    assert (change.verb, change.subject, change.who) == ("added", f"…{value[-4:]}", str(ours.tenant_admin))
    assert value not in text_of(login(ours.tenant_admin))


def test_no_secret_is_shown(ours: factories.House) -> None:
    hook(ours, "Bearer first-secret")
    row = hook(ours, "Bearer second-secret")
    issued = api_key_issue(tenant=ours.tenant, family=Family.PAVE, with_secret=True)
    page = text_of(login(ours.global_admin))
    assert "Headers replaced" in page
    key = issued.key
    hidden = (issued.value, issued.secret, key.digest, key.sealed_value, row.sealed_headers, "second-secret")
    assert not [one for one in hidden if one in page]


def test_no_history_keeps_a_secret() -> None:
    columns = [
        column.name
        for model in KINDS.values()
        for column in model.history.model.tracked_fields  # type: ignore[attr-defined]
    ]
    assert len(columns) > 50
    assert not [name for name in columns if name.startswith(("password", "sealed_", "digest"))]


@pytest.mark.parametrize("who", ["tenant_admin", "staff", "annotator", "reviewer"])
def test_the_outsider_reads_nothing_of_ours(ours: factories.House, outsider: factories.House, who: str) -> None:
    change_everything(ours)
    client = login(getattr(outsider, who))
    if who != "tenant_admin":
        assert client.get(ADDRESS).status_code == 403
        return
    page = text_of(client)
    for secret in (ours.tenant.name, ours.staff.phone, str(ours.tenant.pk), f"joined {ANNOTATOR}\n"):
        assert secret not in page
    assert {change.tenant for change in lines(client)} <= {outsider.tenant.name, ""}
    assert "tenant" not in client.get(ADDRESS).context["form"].fields
    assert lines(client, who=ours.tenant_admin.phone) == []


@pytest.mark.parametrize("who", ["staff", "annotator", "reviewer"])
def test_people_who_only_work_there_do_not_see_it(ours: factories.House, who: str) -> None:
    client = login(getattr(ours, who))
    assert client.get(ADDRESS).status_code == 403
    assert ADDRESS not in client.get(reverse("admin:index")).content.decode()
    assert ADDRESS in login(ours.tenant_admin).get(reverse("admin:index")).content.decode()


def test_it_asks_for_a_login() -> None:
    assert Client().get(ADDRESS).status_code == 302


def test_an_admin_of_one_tenant_reads_nothing_where_they_only_work(
    ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    tenant_settings_update(tenant=outsider.tenant, changes={"expiryAfter": 7}, by=outsider.tenant_admin)
    found = lines(login(ours.tenant_admin))
    assert outsider.tenant.name not in {change.tenant for change in found}


def test_an_author_outside_the_reader_s_tenants_has_no_name(ours: factories.House, outsider: factories.House) -> None:
    tenant_settings_update(tenant=ours.tenant, changes={"expiryAfter": 7}, by=outsider.global_admin)
    [change] = lines(login(ours.tenant_admin), kind="settings")[:1]
    assert change.who == "somebody outside your tenants"
    [seen] = lines(login(ours.global_admin), kind="settings")[:1]
    assert seen.who == str(outsider.global_admin)


def test_where_somebody_works_at_the_moment_is_not_told(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    person = User.objects.get(pk=ours.staff.pk)
    person.current_tenant = outsider.tenant
    person.save()
    assert not any(change.fields for change in lines(login(ours.tenant_admin), kind="person"))
    [seen] = [one for one in lines(login(ours.global_admin), kind="person") if one.fields][:1]
    assert [(one.name, one.after) for one in seen.fields] == [("Current tenant", outsider.tenant.name)]


def test_a_removed_member_s_role_stays_readable(ours: factories.House) -> None:
    membership_remove(user=ours.staff, tenant=ours.tenant, by=ours.tenant_admin)
    [change] = lines(login(ours.tenant_admin), kind="role")[:1]
    assert (change.verb, change.subject, change.row) == ("removed", str(ours.staff), None)


def test_groups_of_tenants_are_for_those_who_reach_all(ours: factories.House, outsider: factories.House) -> None:
    group = TenantGroup(name="North", power_tenant=ours.tenant)
    group.save()
    group.members.add(ours.tenant)
    group.members.add(outsider.tenant)
    changes = lines(login(ours.global_admin), kind="group")
    assert [(one.name, one.before, one.after) for one in changes[0].fields] == [
        ("Members", "Our Rental", "Other Rental, Our Rental")
    ]
    assert text_of(login(ours.tenant_admin), kind="group").count("North") == 0
    assert "Group of tenants" not in text_of(login(ours.tenant_admin))


def test_a_log_in_is_no_change(ours: factories.House) -> None:
    before = User.objects.get(pk=ours.staff.pk).history.count()
    login(ours.staff)
    row = User.objects.get(pk=ours.staff.pk)
    assert row.last_login is not None
    assert row.history.count() == before


# --- filters and pages -----------------------------------------------------------------------------------------------


def test_filters_by_kind_person_tenant_and_time(ours: factories.House, outsider: factories.House) -> None:
    change_everything(ours)
    change_everything(outsider)
    client = login(ours.global_admin)
    assert {one.kind for one in lines(client, kind="quota")} == {"quota"}
    by = lines(client, who=ours.tenant_admin.phone)
    assert by
    assert {one.who for one in by} == {str(ours.tenant_admin)}
    assert {one.tenant for one in lines(client, tenant="other", kind="settings")} == {outsider.tenant.name}
    tomorrow = (timezone.localdate() + timedelta(days=2)).isoformat()
    assert lines(client, since=tomorrow) == []
    assert "No change fits this filter." in text_of(client, since=tomorrow)
    assert lines(client, until=tomorrow)


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"kind": "everything-else"}, "kind"),
        ({"since": "31 February"}, "since"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "until"),
    ],
)
def test_a_wrong_filter_is_told_at_its_field(ours: factories.House, filters: dict[str, str], field: str) -> None:
    answer = login(ours.tenant_admin).get(ADDRESS, filters)
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert answer.context["lines"] == []
    assert f'id="id_{field}-error"' in answer.content.decode()


@pytest.mark.parametrize("after", ["nonsense", "2026-01-01T00:00:00~x", "2026-01-01T00:00:00~" + "0" * 32])
def test_a_place_that_was_never_given_begins_at_the_newest(ours: factories.House, after: str) -> None:
    assert Place.parse(after) is None
    assert lines(login(ours.tenant_admin), after=after)


def test_pages_follow_each_other_without_gap_or_repetition(ours: factories.House) -> None:
    for number in range(PAGE_SIZE + 20):
        quota_set(tenant=ours.tenant, service=Service.LPA, limit=number + 1, by=ours.tenant_admin)
    client = login(ours.tenant_admin)
    seen: list[Any] = []
    address = ADDRESS + "?kind=quota"
    for _ in range(3):
        context = client.get(address).context
        seen += [line["change"] for line in context["lines"]]
        if not context["older"]:
            break
        assert "kind=quota" in context["older"]
        address = ADDRESS + context["older"]
    assert len(seen) == len({one.place for one in seen}) == PAGE_SIZE + 20
    assert [one.fields[0].after for one in seen[:2]] == ["70", "69"]


def test_changes_that_show_nothing_do_not_shorten_a_page(ours: factories.House) -> None:
    tenant_settings_update(tenant=ours.tenant, changes={"expiryAfter": 7}, by=ours.tenant_admin)
    for _ in range(PAGE_SIZE + 5):
        User.objects.get(pk=ours.staff.pk).save()
    assert any(one.kind == "settings" and one.fields for one in lines(login(ours.tenant_admin)))


def test_a_long_history_costs_no_more_queries_than_a_short_one(ours: factories.House) -> None:
    client = login(ours.global_admin)
    counts = []
    client.get(ADDRESS)
    group = TenantGroup(name="North")
    group.save()
    change_everything(ours)
    for number in (2, 30):
        for limit in range(10, 10 + number):
            api_key_revoke(key=api_key_issue(tenant=ours.tenant, family=Family.PAVE).key, by=ours.tenant_admin)
            quota_set(tenant=ours.tenant, service=Service.LPA, limit=limit + number, by=ours.tenant_admin)
            group.members.add(tenant_create(name=f"{number}-{limit}", by=ours.global_admin))
            tenant_settings_update(tenant=ours.tenant, changes={"expiryAfter": limit + number}, by=ours.tenant_admin)
            membership_set(user=factories.user(ours.tenant), tenant=ours.tenant, role=Role.ADMIN_TENANT)
            group_assign(user=factories.user(ours.tenant), group=ANNOTATOR, by=ours.global_admin)
            hook(ours, f"Bearer {number}-{limit}")
        with CaptureQueriesContext(connection) as queries:
            client.get(ADDRESS)
        counts.append(len(queries))
    assert counts[0] == counts[1], "\n".join(query["sql"][:200] for query in queries.captured_queries)
    assert counts[1] < 50


def test_acting_for_one_tenant_narrows_it(ours: factories.House, outsider: factories.House) -> None:
    change_everything(ours)
    change_everything(outsider)
    client = login(ours.global_admin)
    client.post(reverse("portal:acting-choose"), {"tenant": str(outsider.tenant.pk)})
    assert {one.tenant for one in lines(client)} == {outsider.tenant.name, ""}


def test_a_line_leads_to_its_object(ours: factories.House) -> None:
    change_everything(ours)
    client = login(ours.tenant_admin)
    addresses = {line["address"] for line in client.get(ADDRESS).context["lines"]} - {""}
    assert len(addresses) > 5
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_a_tenant_without_changes_says_so(ours: factories.House) -> None:
    for kind, model in KINDS.items():
        assert kind
        model.history.model._default_manager.all().delete()  # type: ignore[attr-defined]
    assert "Nothing was changed yet." in text_of(login(ours.tenant_admin))
    assert Tenant.objects.exists()
    assert ApiKey.objects.of(ours.tenant.pk).exists()
    assert not Quota.objects.of(ours.tenant.pk).exists()
