"""The tenancy gate: no query without saying for whom, and a list of who may ask for every tenant."""

from __future__ import annotations

import ast
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps

from assets.models import ImageSet
from tenants.models import TenantOwned
from tenants.scope import Reach, TenantGate, UnscopedAccess
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
APPS = ("tenants", "assets", "imaging", "damages", "inspection_platform")

#: Modules in which a worker, a look-up by secret or an operator's command reaches the rows of every tenant.
#: Whoever adds one says in its reason why no tenant is known there.
ALLOWED = frozenset(
    {
        "assets.selectors",
        "assets.services.additions",
        "assets.services.cars",
        "assets.services.cleanup",
        "assets.services.device_keys",
        "assets.services.image_sets",
        "assets.services.inspections",
        "assets.services.received",
        "assets.services.recordings",
        "assets.services.register",
        "assets.services.rigs",
        "assets.services.routing",
        "assets.services.staging",
        "assets.services.uploads",
        "assets.services.visits",
        "damages.selectors_image_sets",
        "damages.services.cleanup",
        "damages.services.deletions",
        "damages.services.image_sets",
        "damages.services.images",
        "damages.services.matching",
        "damages.services.merges",
        "damages.services.proposals",
        "damages.services.records",
        "damages.services.results",
        "damages.services.retention",
        "damages.services.routing",
        "imaging.jobs.damage_detection",
        "imaging.jobs.plate_reading",
        "imaging.services.candidates",
        "imaging.services.plates",
        "imaging.services.runs",
        "imaging.services.shadows",
        "inspection_platform.api.health",
        "inspection_platform.demo.people",
        "inspection_platform.invitations",
        "inspection_platform.news",
        "inspection_platform.sweep",
        "inspection_platform.tasks",
        "inspection_platform.workflow",
        "tenants.rights",
        "tenants.services.cleanup",
        "tenants.services.deliveries",
        "tenants.services.events",
        "tenants.services.idempotency",
        "tenants.services.invitation_answers",
        "tenants.services.invitations",
        "tenants.services.keys",
        "tenants.services.sessions",
        "tenants.services.users",
    }
)


@pytest.mark.parametrize("name", ["all", "filter", "get", "create", "count", "first", "update", "bulk_create"])
def test_nothing_is_reached_without_a_tenant(name: str) -> None:
    with pytest.raises(UnscopedAccess, match="of\\(reach\\)"):
        getattr(ImageSet.objects, name)


def test_every_tenant_needs_a_reason() -> None:
    with pytest.raises(UnscopedAccess):
        ImageSet.objects.all_tenants("")


def test_every_tenant_owned_model_has_a_gate() -> None:
    owned = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
    assert len(owned) > 20
    for model in owned:
        gate = vars(model)["objects"]
        assert isinstance(gate, TenantGate), model
        assert gate.of(uuid4()).query.where, model
        assert model._meta.default_manager_name == model._meta.base_manager_name == "plain", model


@pytest.mark.django_db
def test_a_reach_reaches_its_tenants_only(ours: factories.House, outsider: factories.House) -> None:
    mine, theirs = factories.image_set(ours.tenant), factories.image_set(outsider.tenant)

    def reached(reach: Reach) -> set[object]:
        return set(ImageSet.objects.of(reach).values_list("pk", flat=True))

    assert reached(Reach.only(ours.tenant.pk)) == {mine.pk}
    assert reached(Reach.only(ours.tenant.pk, outsider.tenant.pk)) == {mine.pk, theirs.pk}
    assert reached(Reach.some([])) == set()
    assert reached(Reach.every()) == {mine.pk, theirs.pk}
    assert set(ImageSet.objects.of(ours.tenant.pk)) == {mine}


@pytest.mark.django_db
def test_a_row_without_a_tenant_is_seen_by_those_who_reach_all(ours: factories.House) -> None:
    waiting = factories.image_set(ours.tenant)
    ImageSet.objects.of(ours.tenant.pk).update(tenant=None)
    assert not ImageSet.objects.of(Reach.only(ours.tenant.pk)).exists()
    assert ImageSet.objects.of(Reach.every()).get() == waiting
    assert Reach.every().covers(None)
    assert not Reach.only(ours.tenant.pk).covers(None)


def callers() -> set[str]:
    """Modules that call `all_tenants`, as dotted names."""
    found = set()
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
            if any(isinstance(call.func, ast.Attribute) and call.func.attr == "all_tenants" for call in calls):
                found.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return found


def test_the_callers_of_the_hatch_are_listed() -> None:
    assert callers() == ALLOWED


def test_code_outside_the_admin_keeps_away_from_the_plain_manager() -> None:
    """`Model.plain` belongs to Django's own machinery, its migrations and the admin."""
    users = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if ".plain." in path.read_text()
        and "admin" not in path.parts[-1]
        and "admin" not in path.parts[-2]
        # A migration knows its models without their gate.
        and path.parts[-2] != "migrations"
    }
    assert users == set()
