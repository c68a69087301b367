"""Repeatable requests: one claim for many, answers kept sealed for a day, lost claims taken over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tenants.errors import RepeatRefused
from tenants.models import IdempotencyRecord
from tenants.services.idempotency import (
    AT_WORK,
    KEPT,
    OTHER_REQUEST,
    Asked,
    Claim,
    StoredAnswer,
    idempotency_begin,
    idempotency_release,
    idempotency_store,
)
from tests.factories import House


@pytest.fixture
def asked(ours: House) -> Asked:
    return Asked(tenant=ours.tenant, actor="key:1", path="POST /x", key="k", fingerprint="a" * 64)


def claim_of(asked: Asked) -> Claim:
    begun = idempotency_begin(asked=asked)
    assert isinstance(begun, Claim)
    return begun


def refusal_of(asked: Asked) -> str:
    with pytest.raises(RepeatRefused) as refused:
        idempotency_begin(asked=asked)
    return refused.value.message


def record() -> IdempotencyRecord:
    return IdempotencyRecord.objects.all_tenants("test").get()


def shift(**columns: timedelta) -> None:
    """Move times of the one record."""
    now = timezone.now()
    IdempotencyRecord.objects.all_tenants("test").update(**{name: now + by for name, by in columns.items()})


def test_the_second_request_gets_the_stored_answer(asked: Asked) -> None:
    idempotency_store(claim=claim_of(asked), status=201, content="shown once")
    assert idempotency_begin(asked=asked) == StoredAnswer(201, "shown once")
    assert idempotency_begin(asked=asked) == StoredAnswer(201, "shown once")
    assert "shown once" not in record().sealed_answer
    assert record().expires_at - timezone.now() > KEPT - timedelta(minutes=1)


def test_another_request_under_the_key_is_refused(asked: Asked) -> None:
    claim = claim_of(asked)
    other = replace(asked, fingerprint="b" * 64)
    assert refusal_of(other) == OTHER_REQUEST
    idempotency_store(claim=claim, status=200, content="")
    assert refusal_of(other) == OTHER_REQUEST


def test_a_request_at_work_is_refused_until_its_lease_is_over(asked: Asked) -> None:
    late = claim_of(asked)
    assert refusal_of(asked) == AT_WORK
    shift(lease_until=-timedelta(seconds=1))
    taken = claim_of(asked)
    assert refusal_of(asked) == AT_WORK
    idempotency_store(claim=late, status=200, content="too late")
    idempotency_release(claim=late)
    assert record().status is None
    idempotency_store(claim=taken, status=200, content="in time")
    assert idempotency_begin(asked=asked) == StoredAnswer(200, "in time")


def test_a_released_key_is_free_for_anything(asked: Asked) -> None:
    idempotency_release(claim=claim_of(asked))
    claim_of(replace(asked, fingerprint="b" * 64))


def test_an_answer_is_never_released(asked: Asked) -> None:
    claim = claim_of(asked)
    idempotency_store(claim=claim, status=200, content="x")
    idempotency_release(claim=claim)
    assert idempotency_begin(asked=asked) == StoredAnswer(200, "x")


def test_after_a_day_the_key_is_new(asked: Asked) -> None:
    idempotency_store(claim=claim_of(asked), status=200, content="old")
    shift(expires_at=timedelta(0))
    claim = claim_of(replace(asked, fingerprint="b" * 64))
    idempotency_store(claim=claim, status=200, content="new")
    assert idempotency_begin(asked=replace(asked, fingerprint="b" * 64)) == StoredAnswer(200, "new")


def test_actors_paths_tenants_and_keys_are_apart(asked: Asked, outsider: House) -> None:
    changes: tuple[dict[str, object], ...] = (
        {"actor": "key:2"}, {"path": "POST /y"}, {"tenant": outsider.tenant}, {"tenant": None}, {"key": "K"},
        {"actor": "key:1POST", "path": "/x"},
    )  # fmt: skip
    for asks in (asked, *(replace(asked, **change) for change in changes)):  # type: ignore[arg-type]  # by name
        claim_of(asks)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["new", "lease over", "day over"])
def test_of_eight_at_once_one_gets_the_claim(asked: Asked, state: str) -> None:
    if state != "new":
        claim_of(asked)
        shift(lease_until=-timedelta(seconds=1), expires_at=timedelta(hours=-1 if state == "day over" else 1))
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait(10)
        try:
            return type(idempotency_begin(asked=asked)).__name__
        except RepeatRefused as refused:
            return refused.message
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(ask, range(8)))
    assert outcomes == sorted(["Claim", *[AT_WORK] * 7])
    assert IdempotencyRecord.objects.all_tenants("test").count() == 1
