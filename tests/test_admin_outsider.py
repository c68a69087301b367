"""The outsider in the admin: whatever page, search, choice, file or history they ask for, nothing of ours is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import ForeignKey, ManyToManyField, Model
from django.test import Client
from django.urls import reverse

from tenants.admin_exports import ScopedExport
from tenants.models import Membership, Role, TenantSettings, User
from tenants.services.people import membership_set
from tenants.services.settings import tenant_settings_update
from tests import factories
from tests.admin_pages import login, page
from tests.admin_rows import make_own
from tests.test_admin_all import COMMON, MODELS

pytestmark = pytest.mark.django_db
ROLES = ("tenant_admin", "staff", "annotator", "reviewer")
by_role = pytest.mark.parametrize("role", ROLES)
#: Lists with a button to take them along.
EXPORTED = [model for model in MODELS if isinstance(admin.site.get_model_admin(model), ScopedExport)]


@pytest.fixture
def rows(ours: factories.House) -> dict[type[Model], Model]:
    """A row of ours of every model."""
    return {model: make_own(model, ours) for model in MODELS}


def traces(ours: factories.House, rows: dict[type[Model], Model]) -> set[str]:
    """What must be on no page of theirs: our names, numbers and keys."""
    people = [ours.global_admin, ours.tenant_admin, ours.staff]
    keys = {str(row.pk) for model, row in rows.items() if model not in COMMON}
    return keys | {ours.tenant.name, *(one.phone for one in people)}


def found(text: str, wanted: set[str]) -> list[str]:
    return [one for one in sorted(wanted) if one in text]


def choices() -> Iterator[tuple[type[Model], str]]:
    """Every field of every model that leads to other rows."""
    for model in MODELS:
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey | ManyToManyField):
                yield model, field.name


@by_role
def test_no_list_and_no_search_shows_ours(
    role: str, ours: factories.House, outsider: factories.House, rows: dict[type[Model], Model]
) -> None:
    client, hidden = login(getattr(outsider, role)), traces(ours, rows)
    for model, row in rows.items():
        if model in COMMON:
            continue
        for term in ("", str(row.pk), ours.tenant.name, ours.staff.phone):
            text = client.get(page(model, "changelist"), {"q": term}).content.decode()
            # The page repeats what was searched for.
            assert not found(text, hidden - {term}), (model, term)


@by_role
def test_no_page_of_a_row_of_ours_opens(
    role: str, ours: factories.House, outsider: factories.House, rows: dict[type[Model], Model]
) -> None:
    client = login(getattr(outsider, role))
    for model, row in rows.items():
        if model in COMMON:
            continue
        for name in ("change", "delete", "history"):
            assert client.get(page(model, name, row.pk)).status_code in {302, 403, 404}, (model, name)
        assert client.post(page(model, "change", row.pk), {}).status_code in {302, 403, 404}, model


@by_role
def test_the_start_page_and_its_search_show_nothing_of_ours(
    role: str, ours: factories.House, outsider: factories.House, rows: dict[type[Model], Model]
) -> None:
    client, hidden = login(getattr(outsider, role)), traces(ours, rows)
    assert not found(client.get(reverse("admin:index")).content.decode(), hidden)
    plain: dict[str, str] = {}
    for extra in (plain, {"extended": "1"}):
        for term in ("Our", ours.staff.phone, str(ours.tenant.pk)):
            text = client.get(reverse("admin:search"), {"s": term} | extra).content.decode()
            assert not found(text, hidden - {term})


@by_role
def test_no_autocomplete_proposes_ours_whatever_field_it_names(
    role: str, ours: factories.House, outsider: factories.House, rows: dict[type[Model], Model]
) -> None:
    client, hidden = login(getattr(outsider, role)), traces(ours, rows)
    asked = list(choices())
    assert len(asked) > 60
    for model, field in asked:
        options = model._meta
        sent = {"app_label": options.app_label, "model_name": str(options.model_name), "field_name": field}
        for term in ("", ours.tenant.name, ours.staff.phone):
            answer = client.get(reverse("admin:autocomplete"), sent | {"term": term})
            assert answer.status_code in {200, 403}, (model, field)
            assert not found(answer.content.decode(), hidden), (model, field)


@pytest.mark.parametrize(
    ("model", "field", "status"),
    [
        ("membership", "user", 200), ("membership", "password", 403), ("membership", "nothing", 403),
        ("historicalmembership", "history_user", 200), ("nothing", "user", 403), ("user", "groups", 403),
    ],
)  # fmt: skip
def test_a_crafted_autocomplete_gets_an_answer_and_no_crash(
    model: str, field: str, status: int, outsider: factories.House
) -> None:
    sent = {"app_label": "tenants", "model_name": model, "field_name": field, "term": ""}
    assert login(outsider.tenant_admin).get(reverse("admin:autocomplete"), sent).status_code == status


@by_role
def test_no_file_holds_ours(
    role: str, ours: factories.House, outsider: factories.House, rows: dict[type[Model], Model]
) -> None:
    assert {"User", "Membership", "ApiKey", "ImageSet", "Damage", "Passage"} <= {one.__name__ for one in EXPORTED}
    client, hidden = login(getattr(outsider, role)), traces(ours, rows)
    for model in EXPORTED:
        make_own(model, outsider)
        may_see = client.get(page(model, "changelist")).status_code == 200
        answer = client.get(page(model, "export"))
        assert answer.status_code == (200 if may_see else 403), model
        text = answer.content.decode("utf-8-sig")
        assert not found(text, hidden), model
        assert not may_see or len(text.splitlines()) > 1, model


def test_a_file_of_keys_holds_no_secret(ours: factories.House) -> None:
    for model in EXPORTED:
        columns: Any = admin.site.get_model_admin(model)
        parts = {part for path in columns.export_columns.values() for part in path.split("__")}
        assert not {part for part in parts if part.startswith(("digest", "sealed", "password", "hint"))}, model


def test_a_history_names_no_author_beyond_the_reader_s_tenants(
    ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    tenant_settings_update(tenant=outsider.tenant, changes={"expiryAfter": 7}, by=ours.global_admin)
    address = page(TenantSettings, "history", outsider.tenant.settings.pk)
    text = login(outsider.tenant_admin).get(address).content.decode()
    assert "somebody outside your tenants" in text
    assert str(ours.global_admin.pk) not in text
    assert "somebody outside" not in login(ours.tenant_admin).get(address).content.decode()


@by_role
def test_the_pages_of_the_portal_show_nothing_of_ours(
    role: str, ours: factories.House, outsider: factories.House, rows: dict[type[Model], Model]
) -> None:
    client, hidden = login(getattr(outsider, role)), traces(ours, rows)
    for name in ("portal:accuracy", "portal:audit", "portal:queue", "portal:acting", "portal:invite", "portal:models"):
        assert not found(client.get(reverse(name)).content.decode(), hidden), name


@pytest.mark.parametrize("role", ROLES[1:])
def test_whoever_only_works_there_changes_nothing(role: str, ours: factories.House) -> None:
    client: Client = login(getattr(ours, role))
    for model in (User, Membership, TenantSettings):
        row: Any = make_own(model, ours)
        assert client.get(page(model, "changelist")).status_code == 403
        assert client.get(page(model, "change", row.pk)).status_code == 403
        assert client.post(page(model, "change", row.pk), {}).status_code == 403
