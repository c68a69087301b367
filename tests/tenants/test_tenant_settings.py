"""Tenants and their settings: the contract's shape, field by field validation, all or nothing, history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from tenants.catalogue import CAMERAS, DEFAULT_FRAME_LIMITS
from tenants.errors import Conflict, Invalid
from tenants.models import Tenant, TenantSettings
from tenants.services.quotas import usage_of
from tenants.services.secrets import signing_secrets_valid
from tenants.services.settings import (
    SETTINGS,
    tenant_configuration,
    tenant_configure,
    tenant_create,
    tenant_settings_present,
    tenant_settings_update,
)
from tests.factories import House

pytestmark = pytest.mark.django_db

CONTRACT_DEFAULTS = {
    "damageDetectionServiceEnabled": True,
    "expiryAfter": 0,
    "faceblurServiceEnabled": dict.fromkeys(CAMERAS, False),
    "isHandicapped": False,
    "manualAnnotationEnabled": False,
    "manualReviewEnabled": False,
    "maxFramesForCameras": dict(DEFAULT_FRAME_LIMITS),
    "minDamagesForManualProcessing": 0,
    "newDamageNotification": False,
    "turnaroundConfiguration": {"isEnabled": False, "threshold": 14400},
}


@pytest.fixture
def tenant() -> Tenant:
    return tenant_create(name="Settled")


def fresh(tenant: Tenant) -> Tenant:
    return Tenant.objects.get(pk=tenant.pk)


# --- creation --------------------------------------------------------------------------------------------------------


def test_a_new_tenant_has_settings_and_one_signing_secret(tenant: Tenant) -> None:
    assert tenant_settings_present(fresh(tenant)) == CONTRACT_DEFAULTS
    assert len(signing_secrets_valid(tenant)) == 1


def test_a_name_is_trimmed_and_taken_once() -> None:
    assert tenant_create(name="  Rental ").name == "Rental"
    with pytest.raises(Conflict):
        tenant_create(name="Rental")
    assert Tenant.objects.filter(name="Rental").count() == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        tenant_create(name=name)
    assert "name" in refused.value.fields


def test_a_wrong_signing_secret_leaves_no_tenant_behind() -> None:
    with pytest.raises(Invalid):
        tenant_create(name="Half", signing_secret="whsec_short")
    assert not Tenant.objects.filter(name="Half").exists()


# --- changes ---------------------------------------------------------------------------------------------------------

CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"expiryAfter": 42}, {"expiryAfter": 42}),
    ({"damageDetectionServiceEnabled": False}, {"damageDetectionServiceEnabled": False}),
    ({"manualAnnotationEnabled": True}, {"manualAnnotationEnabled": True}),
    ({"manualReviewEnabled": True}, {"manualReviewEnabled": True}),
    ({"isHandicapped": True, "newDamageNotification": True}, {"isHandicapped": True, "newDamageNotification": True}),
    ({"minDamagesForManualProcessing": 3}, {"minDamagesForManualProcessing": 3}),
    ({"turnaroundConfiguration": {"threshold": 9}}, {"turnaroundConfiguration": {"isEnabled": False, "threshold": 9}}),
    ({"turnaroundConfiguration.isEnabled": True}, {"turnaroundConfiguration": {"isEnabled": True, "threshold": 14400}}),
    (
        {"faceblurServiceEnabled": {"backLeft": True}},
        {"faceblurServiceEnabled": dict.fromkeys(CAMERAS, False) | {"backLeft": True}},
    ),
    ({"maxFramesForCameras": {"topLeft": 8}}, {"maxFramesForCameras": dict(DEFAULT_FRAME_LIMITS) | {"topLeft": 8}}),
    ({}, {}),
    ({"turnaroundConfiguration": {}}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), CHANGES)
def test_what_is_named_changes_and_the_rest_stays(
    tenant: Tenant, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    tenant_settings_update(tenant=tenant, changes=changes)
    assert tenant_settings_present(fresh(tenant)) == CONTRACT_DEFAULTS | expected
    assert tenant_settings_present(tenant) == CONTRACT_DEFAULTS | expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"expiryAfter": -1}, "expiryAfter"),
        ({"expiryAfter": 36501}, "expiryAfter"),
        ({"expiryAfter": 1.5}, "expiryAfter"),
        ({"expiryAfter": "42"}, "expiryAfter"),
        ({"expiryAfter": True}, "expiryAfter"),
        ({"expiryAfter": None}, "expiryAfter"),
        ({"manualReviewEnabled": 1}, "manualReviewEnabled"),
        ({"manualReviewEnabled": "true"}, "manualReviewEnabled"),
        ({"minDamagesForManualProcessing": -1}, "minDamagesForManualProcessing"),
        ({"minDamagesForManualProcessing": 2**31}, "minDamagesForManualProcessing"),
        ({"turnaroundConfiguration": 3600}, "turnaroundConfiguration"),
        ({"turnaroundConfiguration": None}, "turnaroundConfiguration"),
        ({"turnaroundConfiguration": {"threshold": -1}}, "turnaroundConfiguration.threshold"),
        ({"turnaroundConfiguration": {"limit": 1}}, "turnaroundConfiguration.limit"),
        ({"faceblurServiceEnabled": True}, "faceblurServiceEnabled"),
        ({"faceblurServiceEnabled": {"noseLeft": True}}, "faceblurServiceEnabled.noseLeft"),
        ({"faceblurServiceEnabled": {"backLeft": "on"}}, "faceblurServiceEnabled.backLeft"),
        ({"faceblurServiceEnabled": ["backLeft"]}, "faceblurServiceEnabled"),
        ({"maxFramesForCameras": {"topLeft": 0}}, "maxFramesForCameras.topLeft"),
        ({"maxFramesForCameras": {"topLeft": 257}}, "maxFramesForCameras.topLeft"),
        ({"maxFramesForCameras": {"backLeft": 8}}, "maxFramesForCameras.backLeft"),
        ({"publishResult": "never"}, "publishResult"),
        ({"publishResult": ["afterModels"]}, "publishResult"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"timeZone": 1}, "timeZone"),
        ({"expiryafter": 1}, "expiryafter"),
        ({"": 1}, ""),
        ({"face_blur": {}, "face": 1}, "face"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(tenant: Tenant, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        tenant_settings_update(tenant=tenant, changes={"isHandicapped": True} | changes)
    assert set(refused.value.fields) == {field}
    assert field in refused.value.message
    assert tenant_settings_present(fresh(tenant)) == CONTRACT_DEFAULTS
    assert TenantSettings.history.filter(tenant=tenant).count() == 1


def test_every_wrong_field_is_named_at_once(tenant: Tenant) -> None:
    with pytest.raises(Invalid) as refused:
        tenant_settings_update(tenant=tenant, changes={"expiryAfter": -1, "nonsense": 1, "isHandicapped": True})
    assert set(refused.value.fields) == {"expiryAfter", "nonsense"}


@pytest.mark.parametrize("key", ["rate.instavid360", "window.inspektlabs", "feature.incremental", "quota.inspektlabs"])
def test_a_tenant_cannot_lift_its_own_limits(tenant: Tenant, key: str) -> None:
    group, _, name = key.partition(".")
    for changes in ({key: 1_000_000}, {group: {name: 1_000_000}}):
        with pytest.raises(Invalid) as refused:
            tenant_settings_update(tenant=tenant, changes=changes)
        assert key in refused.value.fields


def test_a_change_is_one_history_record_with_who_and_no_change_is_none(ours: House) -> None:
    before = TenantSettings.history.filter(tenant=ours.tenant).count()
    changes = {"expiryAfter": 9, "isHandicapped": True}
    tenant_settings_update(tenant=ours.tenant, changes=changes, by=ours.tenant_admin)
    tenant_settings_update(tenant=ours.tenant, changes=changes, by=ours.global_admin)
    records = TenantSettings.history.filter(tenant=ours.tenant)
    newest = records.first()
    assert records.count() == before + 1
    assert newest is not None
    assert (newest.history_user, newest.expiry_after_days) == (ours.tenant_admin, 9)


def test_a_change_costs_a_fixed_number_of_queries(
    tenant: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    everything = {key: value for key, value in CONTRACT_DEFAULTS.items() if key != "expiryAfter"}
    with django_assert_max_num_queries(8):
        tenant_settings_update(tenant=tenant, changes=everything | {"expiryAfter": 1})


@pytest.mark.parametrize(
    ("key", "shown"),
    [("\ud800", "\\ud800"), ("x" * 5000, "x" * 100), ("a\0b", "a\0b")],
)
def test_an_odd_key_is_repeated_so_that_an_answer_can_hold_it(tenant: Tenant, key: str, shown: str) -> None:
    with pytest.raises(Invalid) as refused:
        tenant_settings_update(tenant=tenant, changes={key: 1})
    assert set(refused.value.fields) == {shown}
    assert refused.value.message.encode()


def test_what_nests_without_end_is_an_unknown_key(tenant: Tenant) -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(Invalid) as refused:
        tenant_settings_update(tenant=tenant, changes=deep)
    assert set(refused.value.fields) == {"a.a.a"}


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_settings_at_once_both_succeed() -> None:
    tenant = tenant_create(name="Busy")
    changes = [
        {"expiryAfter": 7},
        {"isHandicapped": True},
        {"maxFramesForCameras": {"topLeft": 3}},
        {"timeZone": "UTC"},
    ]

    def change(wanted: dict[str, Any]) -> None:
        try:
            tenant_settings_update(tenant=fresh(tenant), changes=wanted)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, changes))
    shown = tenant_settings_present(fresh(tenant))
    assert (shown["expiryAfter"], shown["isHandicapped"], shown["maxFramesForCameras"]["topLeft"]) == (7, True, 3)


def test_two_tenants_do_not_share_their_cameras(tenant: Tenant) -> None:
    other = tenant_create(name="Other")
    tenant_settings_update(tenant=tenant, changes={"faceblurServiceEnabled": {"backLeft": True}})
    assert tenant_settings_present(fresh(other)) == CONTRACT_DEFAULTS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
known_keys = st.sampled_from([*CONTRACT_DEFAULTS, *(setting.key for setting in SETTINGS)])


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(known_keys | st.text(max_size=5), json_values, max_size=4))
def test_whatever_json_comes_it_is_stored_or_refused_by_name(tenant: Tenant, changes: dict[str, Any]) -> None:
    before = tenant_settings_present(fresh(tenant))
    refused: Invalid | None = None
    try:
        tenant_settings_update(tenant=tenant, changes=changes)
    except Invalid as error:
        refused = error
    if refused:
        assert refused.fields
        assert tenant_settings_present(fresh(tenant)) == before
    fresh(tenant).settings.full_clean()


# --- the operator's form ---------------------------------------------------------------------------------------------


def test_the_configuration_is_what_configure_takes(tenant: Tenant) -> None:
    changes = {
        "window.inspektlabs": "closed", "feature.incremental": "on", "rate.instavid360": 7, "timeZone": "Europe/Oslo",
        "publishResult": "afterReview", "quota.inspektlabs": 10, "quota.instavid360.bg_replace": 0,
        "turnaroundConfiguration.threshold": 60,
    }  # fmt: skip
    tenant_configure(tenant=tenant, changes=changes)
    shown = tenant_configuration(fresh(tenant))
    assert {key: shown[key] for key in changes} == changes
    assert shown["quota.instavid360.lpa"] == "none"
    twin = tenant_create(name="Twin")
    tenant_configure(tenant=twin, changes=shown)
    assert tenant_configuration(fresh(twin)) == shown


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("quota.inspektlabs", -1), ("quota.inspektlabs", "many"), ("quota.inspektlabs", 1.5), ("quota.pave", 1),
        ("quota.inspektlabs", 2**31), ("window.inspektlabs", "ajar"), ("feature.incremental", True),
        ("rate.instavid360", 0), ("id", "x"), ("quota", 3),
    ],
)  # fmt: skip
def test_a_wrong_value_of_the_operator_is_named_and_nothing_is_stored(tenant: Tenant, key: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        tenant_configure(tenant=tenant, changes={"quota.instavid360.lpa": 5, "expiryAfter": 4, key: value})
    assert key in refused.value.fields
    assert tenant_settings_present(fresh(tenant)) == CONTRACT_DEFAULTS
    assert all(use.limit is None for use in usage_of(tenant))
