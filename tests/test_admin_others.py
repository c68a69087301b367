"""Who gets into the admin and what they find there; histories; pages of other packages."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task

from assets.models import Car, Image, ImageSet, Upload
from damages.models import Action, Damage, DamageDecision, DamagedPart, Source
from imaging.models import JobRun, PipelineRun
from tenants.models import (
    GLOBAL_ADMIN,
    ApiKey,
    Delivery,
    DeliveryAttempt,
    Membership,
    Role,
    Tenant,
    TenantSettings,
    User,
    Webhook,
)
from tenants.rights import ROLE_PERMISSIONS, permission_reach, reaches_beyond
from tenants.scope import Reach
from tenants.services.people import group_assign, membership_remove, membership_set
from tenants.services.settings import tenant_settings_update
from tests import factories
from tests.admin_pages import login, page, rows_of, said
from tests.admin_rows import make, make_own

pytestmark = pytest.mark.django_db
OTHERS = (Group, LogEntry, AccessAttempt, AccessLog, Failure, OrmQ)


def open_to(client: Client) -> set[str]:
    """The models of ours whose lists open."""
    models = [
        model for app in ("tenants", "assets", "imaging", "damages") for model in apps.get_app_config(app).get_models()
    ]
    registered = [model for model in models if admin.site.is_registered(model)]
    opened = [model for model in registered if client.get(page(model, "changelist")).status_code == 200]
    return {model._meta.label_lower for model in opened}


def viewed(permissions: frozenset[str] | set[str]) -> set[str]:
    """The models that these permissions let somebody view."""
    return {name.replace(".view_", ".") for name in permissions if ".view_" in name}


def test_the_lists_that_open_are_those_of_the_role_and_the_groups(ours: factories.House) -> None:
    member = viewed(ROLE_PERMISSIONS[Role.USER])
    assert open_to(login(ours.staff)) == member
    assert open_to(login(ours.tenant_admin)) == viewed(ROLE_PERMISSIONS[Role.ADMIN_TENANT])
    for person in (ours.annotator, ours.reviewer):
        by_group = viewed(set(person.get_group_permissions()))
        assert by_group - member <= {"damages.reviewerqueueentry"}
        assert open_to(login(person)) == member | by_group


def test_every_permission_of_a_role_exists() -> None:
    known = {
        f"{row.content_type.app_label}.{row.codename}"
        for row in apps.get_model("auth.Permission").objects.select_related("content_type")
    }
    for names in ROLE_PERMISSIONS.values():
        assert names <= known


def test_people_without_admin_access_and_strangers_are_sent_to_the_login_page(ours: factories.House) -> None:
    outside = factories.user(ours.tenant)
    for client in (Client(), login(outside)):
        answer = client.get(reverse("admin:index"))
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("how", ["removed", "shut out", "deleted", "tenant inactive"])
def test_whoever_is_gone_reaches_nothing(ours: factories.House, how: str) -> None:
    person = ours.tenant_admin
    if how == "removed":
        membership_remove(user=person, tenant=ours.tenant)
    elif how == "tenant inactive":
        Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    elif how == "deleted":
        User.objects.filter(pk=person.pk).update(deleted_at=timezone.now())
    else:
        User.objects.filter(pk=person.pk).update(is_active=False)
    fresh = User.objects.get(pk=person.pk)
    assert permission_reach(fresh, "assets.view_car") == Reach.some(())
    assert not fresh.has_perm("assets.view_car")
    assert not fresh.has_module_perms("assets")


def test_a_group_s_permission_holds_where_its_member_works(ours: factories.House, outsider: factories.House) -> None:
    annotator = User.objects.get(pk=ours.annotator.pk)
    assert permission_reach(annotator, "damages.view_damage") == Reach.only(ours.tenant.pk)
    assert permission_reach(annotator, "tenants.view_apikey") == Reach.some(())
    assert permission_reach(User.objects.get(pk=ours.global_admin.pk), "damages.view_damage") == Reach.every()


def test_a_role_s_permission_holds_in_its_tenant_alone(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    person = User.objects.get(pk=ours.tenant_admin.pk)
    assert permission_reach(person, "assets.view_car") == Reach.only(ours.tenant.pk, outsider.tenant.pk)
    assert permission_reach(person, "assets.change_car") == Reach.only(ours.tenant.pk)


def test_who_reaches_beyond_whom(ours: factories.House, outsider: factories.House) -> None:
    def again(user: User) -> User:
        return User.objects.get(pk=user.pk)

    superuser = User.objects.create_superuser("+4790000009", "x")
    assert reaches_beyond(superuser, again(ours.global_admin))
    assert not reaches_beyond(again(ours.global_admin), superuser)
    assert reaches_beyond(again(ours.global_admin), again(ours.tenant_admin))
    assert not reaches_beyond(again(ours.staff), again(ours.tenant_admin))
    assert reaches_beyond(again(outsider.staff), again(ours.tenant_admin))
    assert not reaches_beyond(again(ours.staff), again(ours.staff))
    group_assign(user=ours.staff, group=GLOBAL_ADMIN)
    assert reaches_beyond(again(ours.staff), again(ours.tenant_admin))


def test_a_version_of_the_history_is_shown_and_never_restored(ours: factories.House) -> None:
    tenant_settings_update(tenant=ours.tenant, changes={"expiryAfter": 9}, by=ours.tenant_admin)
    row = TenantSettings.objects.get(tenant=ours.tenant)
    version = row.history.last()
    assert version is not None
    address = page(TenantSettings, "simple_history", row.pk, version.pk)
    client = login(ours.tenant_admin)
    assert client.get(address).status_code == 200
    assert client.post(address, {"expiryAfter": "0"}).status_code == 403
    row.refresh_from_db()
    assert row.expiry_after_days == 9


@pytest.mark.parametrize("model", [Car, Webhook, TenantSettings])
def test_no_history_reaches_beyond_the_tenant(
    model: type[Model], ours: factories.House, outsider: factories.House
) -> None:
    [row] = make(model, outsider)
    version = row.history.first()
    client = login(ours.tenant_admin)
    assert client.get(page(model, "history", row.pk)).status_code == 302
    assert client.get(page(model, "simple_history", row.pk, version.pk)).status_code == 302


def test_the_history_of_a_deleted_row_is_for_those_who_reach_all(
    ours: factories.House, outsider: factories.House
) -> None:
    [car] = make(Car, outsider)
    key, version = car.pk, car.history.first()
    assert version is not None
    car.delete()
    assert login(ours.tenant_admin).get(page(Car, "history", key)).status_code == 302
    assert login(ours.tenant_admin).get(page(Car, "simple_history", key, version.pk)).status_code == 302
    assert login(outsider.tenant_admin).get(page(Car, "history", key)).status_code == 302
    assert login(ours.global_admin).get(page(Car, "history", key)).status_code == 200


@pytest.mark.parametrize("name", ["change", "history", "delete"])
@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-4000-8000-000000000000", "_00"])
def test_a_row_that_is_not_there_is_told_kindly(ours: factories.House, name: str, key: str) -> None:
    client = login(ours.global_admin)
    for model in (Car, User, TenantSettings):
        answer = client.get(page(model, name, key))
        assert answer.status_code in {302, 403, 404}, model


def test_the_start_page_and_the_search_open_for_everybody(ours: factories.House) -> None:
    for person in (ours.global_admin, ours.tenant_admin, ours.annotator, ours.reviewer, ours.staff):
        client = login(person)
        assert client.get(reverse("admin:index")).status_code == 200
        assert client.get(reverse("admin:search"), {"s": "car"}).status_code == 200


def broken_task() -> Failure:
    return Failure.objects.create(
        id=uuid.uuid4().hex, name="n", func="inspection_platform.tasks.job", args=("1",), kwargs={}, success=False,
        result="Traceback\nValueError: broken", started=timezone.now(), stopped=timezone.now(), cluster="ml",
    )  # fmt: skip


def test_other_packages_pages_are_for_global_admins(ours: factories.House) -> None:
    task = broken_task()
    async_task("math.sqrt", 4)
    attempt = AccessAttempt.objects.create(
        username="+4711111111", ip_address="10.0.0.1", path_info="/admin/login/", failures_since_start=10
    )
    log = AccessLog.objects.create(username="+4711111111", ip_address="10.0.0.1", path_info="/admin/login/")
    login(ours.tenant_admin).post(
        page(Car, "add"), {"tenant": str(ours.tenant.pk), "plate": "AB1", "country_code": "NO"}
    )
    entry = LogEntry.objects.get()
    rows: dict[type[Model], Model] = {
        Group: Group.objects.get(name=GLOBAL_ADMIN), LogEntry: entry, AccessAttempt: attempt, AccessLog: log,
        Failure: task, OrmQ: OrmQ.objects.get(),
    }  # fmt: skip
    client, other = login(ours.global_admin), login(ours.tenant_admin)
    for model in OTHERS:
        assert rows[model].pk in rows_of(client.get(page(model, "changelist"))), model
        assert client.get(page(model, "changelist"), {"q": str(uuid.uuid4())}).status_code == 200
        assert client.get(page(model, "change", rows[model].pk)).status_code == 200
        assert client.get(page(model, "add")).status_code == 403
        assert client.post(page(model, "delete", rows[model].pk), {"post": "yes"}).status_code == 403
        assert other.get(page(model, "changelist")).status_code == 403
        assert other.get(page(model, "change", rows[model].pk)).status_code in {302, 403}
    assert not any(admin.site.is_registered(model) for model in (Schedule, Success))


def test_a_person_who_was_locked_out_is_let_in(ours: factories.House) -> None:
    client = Client()
    credentials = {"username": ours.staff.phone, "password": "wrong"}
    for _ in range(10):
        client.post(reverse("admin:login"), credentials)
    right = credentials | {"password": factories.PASSWORD}
    assert client.post(reverse("admin:login"), right).status_code != 302
    attempt = AccessAttempt.objects.get()
    sent = {"action": "let_in", "_selected_action": [str(attempt.pk)]}
    operator = login(ours.global_admin)
    assert attempt in operator.post(page(AccessAttempt, "changelist"), sent).context["rows"]
    answer = operator.post(page(AccessAttempt, "changelist"), sent | {"confirmed": "yes"}, follow=True)
    assert "may try again" in said(answer)
    assert client.post(reverse("admin:login"), right).status_code == 302


def test_a_list_counts_no_further_than_it_pages(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.admin_parts.MOST_COUNTED", 4)
    make(Car, ours, 6)
    client = login(ours.global_admin)
    answer = client.get(page(Car, "changelist"))
    assert answer.context["cl"].result_count == 4
    assert "the first 4" in " ".join(answer.content.decode().split())


@pytest.mark.parametrize("model", [TenantSettings, Membership, Car, ApiKey])
def test_a_long_history_costs_no_more_queries_than_a_short_one(model: type[Model], ours: factories.House) -> None:
    row = make_own(model, ours)
    client = login(ours.global_admin)
    client.get(page(model, "history", row.pk))
    counts = []
    for number in (2, 8):
        for _ in range(number):
            row.save()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(page(model, "history", row.pk))
        assert f"version {row.history.count()}" in answer.content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def _children(row: Any, number: int, house: factories.House) -> None:
    """Give a row that many more of what its page lists."""
    for _ in range(number):
        if isinstance(row, ImageSet):
            position = row.images.count() + 1
            upload = Upload(image_set=row, position=position, name=f"{position}.jpg")
            upload.save()
            Image(image_set=row, upload=upload, position=position, sha256=str(position)).save()
        elif isinstance(row, PipelineRun):
            JobRun(run=row, name=f"job{row.jobs.count()}", cluster="ml", order=1).save()
        elif isinstance(row, Damage):
            DamageDecision(damage=row, by=house.reviewer, step=Source.REVIEWER, action=Action.ACCEPTED).save()
            DamagedPart(damage=row, image=row.image, name="wheel", certainty=0.5).save()
        else:
            DeliveryAttempt(delivery=row, number=row.tries.count() + 1, status=500, error="no").save()


@pytest.mark.parametrize("model", [ImageSet, PipelineRun, Damage, Delivery])
def test_a_page_with_many_children_costs_no_more_queries(model: type[Model], ours: factories.House) -> None:
    [row] = make(model, ours)
    client = login(ours.global_admin)
    counts = []
    for number in (3, 27):
        _children(row, number, ours)
        client.get(page(model, "change", row.pk))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page(model, "change", row.pk)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], "\n".join(query["sql"] for query in queries.captured_queries)
