"""The admin as a whole: every model is there, every page opens, longer lists cost no queries, nobody sees others'."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from damages.models import ReviewerQueueEntry
from imaging.models import CandidateFile, ModelChange, ModelVersion, ShadowRun
from tenants.models import OneTimePassword, TenantGroup
from tests import factories
from tests.admin_pages import login, page, rows_of
from tests.admin_rows import MAKERS, make, make_own

APPS = ("tenants", "assets", "imaging", "damages")
#: Every model of ours; the tables of django-simple-history are behind their model's history page.
MODELS = [
    model
    for app in APPS
    for model in apps.get_app_config(app).get_models()
    if not model.__name__.startswith("Historical")
]
#: Models whose rows belong to no tenant, or to several.
COMMON = (CandidateFile, ModelChange, ModelVersion, OneTimePassword, TenantGroup)
#: Models that only global admins see.
FOR_GLOBAL_ADMINS = (CandidateFile, ModelChange, OneTimePassword, ReviewerQueueEntry, ShadowRun, TenantGroup)
by_label = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)


def test_every_model_of_ours_is_registered_and_has_rows_to_test_with() -> None:
    assert len(MODELS) > 35
    assert {model for model in MODELS if not admin.site.is_registered(model)} == set()
    assert set(MAKERS) == set(MODELS)


@by_label
def test_a_global_admin_opens_every_page(model: type[Model], ours: factories.House) -> None:
    [row] = make(model, ours)
    client = login(ours.global_admin)
    pages = admin.site.get_model_admin(model)
    assert row.pk in rows_of(client.get(page(model, "changelist")))
    assert client.get(page(model, "changelist"), {"q": "x"}).status_code == 200
    assert rows_of(client.get(page(model, "changelist"), {"q": str(row.pk)})) == {row.pk}
    assert client.get(page(model, "change", row.pk)).status_code == 200
    assert client.get(page(model, "history", row.pk)).status_code == 200
    request = client.get(page(model, "changelist")).wsgi_request
    assert client.get(page(model, "add")).status_code == (200 if pages.has_add_permission(request) else 403)
    wanted = 200 if pages.has_delete_permission(request, row) else 403
    assert client.get(page(model, "delete", row.pk)).status_code == wanted


@by_label
def test_a_list_of_thirty_costs_no_more_queries_than_one_of_three(model: type[Model], ours: factories.House) -> None:
    client = login(ours.global_admin)
    counts = []
    client.get(page(model, "changelist"))
    for number in (3, 27):
        make(model, ours, number)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(page(model, "changelist"))
        assert len(rows_of(response)) >= number
        counts.append(len(queries))
    assert counts[0] == counts[1], "\n".join(query["sql"] for query in queries.captured_queries)


@by_label
def test_a_tenant_admin_sees_own_rows_alone(
    model: type[Model], ours: factories.House, outsider: factories.House
) -> None:
    mine, theirs = make_own(model, ours), make_own(model, outsider)
    client = login(ours.tenant_admin)
    listed = client.get(page(model, "changelist"))
    if listed.status_code == 403:
        assert model in FOR_GLOBAL_ADMINS
        assert client.get(page(model, "change", theirs.pk)).status_code in {302, 403}
        return
    if model in COMMON:
        return
    assert mine.pk in rows_of(listed)
    assert theirs.pk not in rows_of(listed)
    assert rows_of(client.get(page(model, "changelist"), {"q": str(theirs.pk)})) == set()
    assert client.get(page(model, "change", mine.pk)).status_code == 200
    for name in ("change", "delete", "history"):
        answer = client.get(page(model, name, theirs.pk))
        assert answer.status_code in {302, 403}, name
        assert str(theirs) not in answer.content.decode() or name == "delete"
    assert client.post(page(model, "change", theirs.pk), {}).status_code in {302, 403}
