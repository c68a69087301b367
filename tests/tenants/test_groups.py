"""Permissions of the platform's groups, as they are after the migrations."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from tenants.models import ANNOTATOR, GLOBAL_ADMIN, GROUPS, REVIEWER
from tenants.services import groups
from tenants.services.groups import groups_ensure

pytestmark = pytest.mark.django_db
DOMAIN = ("tenants", "assets", "imaging", "damages")


def names(group: str) -> set[str]:
    rows = Permission.objects.filter(group__name=group).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_migrations_leave_the_three_groups_with_their_permissions() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= set(GROUPS)
    assert all(names(group) for group in GROUPS)


def test_the_table_is_restored_exactly() -> None:
    before = {group: names(group) for group in GROUPS}
    annotators = Group.objects.get(name=ANNOTATOR)
    annotators.permissions.set(Permission.objects.filter(codename="delete_user"))
    Group.objects.get(name=REVIEWER).delete()
    groups_ensure()
    assert {group: names(group) for group in GROUPS} == before


def test_a_global_admin_views_every_model_of_ours() -> None:
    ours = {
        f"{m._meta.app_label}.view_{m._meta.model_name}"
        for app in DOMAIN
        for m in apps.get_app_config(app).get_models()
    }
    assert ours <= names(GLOBAL_ADMIN)


@pytest.mark.parametrize("verb", ["add", "change", "delete"])
@pytest.mark.parametrize(
    "record",
    [
        "damages.{}_damagedecision",
        "damages.{}_finishedstep",
        "damages.{}_resultversion",
        "imaging.{}_detection",
        "tenants.{}_deliveryattempt",
    ],
)
def test_nobody_edits_the_record_of_what_happened(record: str, verb: str) -> None:
    for group in GROUPS:
        assert record.format(verb) not in names(group)


def test_annotators_and_reviewers_only_look_and_see_no_accounts() -> None:
    for group in (ANNOTATOR, REVIEWER):
        assert all(".view_" in name for name in names(group))
        assert not any(name.startswith(("tenants.", "auth.")) for name in names(group))
    assert names(ANNOTATOR) < names(REVIEWER)
    assert "damages.view_damage" in names(ANNOTATOR)


def test_every_codename_of_the_table_exists() -> None:
    """A renamed model must not lose its permissions in silence."""
    annotators, reviewers = groups._SEEN_BY_ANNOTATORS, groups._SEEN_BY_REVIEWERS
    for table in (groups._EDITED_BY_ADMINS, groups._CHANGED_BY_ADMINS, annotators, reviewers):
        for app, models in dict(table).items():
            known = {model._meta.model_name for model in apps.get_app_config(app).get_models()}
            assert set(models) <= known
