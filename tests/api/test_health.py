"""/healthz and /metrics."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from imaging.models import JobRun, JobState, PipelineRun
from tests import factories


@pytest.mark.django_db
def test_a_quiet_house_is_well(client: Client) -> None:
    cache.clear()
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok", "database": "ok", "worker": {"ml": None, "io": None}, "queue_age_s": 0.0,
    }  # fmt: skip
    assert "no-store" in response.headers["Cache-Control"]


def test_heartbeats_and_queue_have_ages(client: Client, ours: factories.House) -> None:
    cache.set("worker-heartbeat:ml", int(time.time()) - 7)
    run = PipelineRun(image_set=factories.image_set(ours.tenant, photos=0))
    run.save()
    now = timezone.now()
    for name, state, minutes in (("a", JobState.QUEUED, 2), ("b", JobState.QUEUED, 1), ("c", JobState.RUNNING, 60)):
        queued_at = now - timedelta(minutes=minutes)
        JobRun(run=run, name=name, cluster="ml", order=1, state=state, queued_at=queued_at).save()
    body = client.get("/healthz/").json()
    assert 7 <= body["worker"]["ml"] < 60
    assert body["worker"]["io"] is None
    assert 120 <= body["queue_age_s"] < 180


@pytest.mark.django_db
def test_without_a_database_nothing_works(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "down", "database": "down", "worker": {"ml": None, "io": None}, "queue_age_s": None,
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("allowed", "peer", "status"),
    [
        ([], "127.0.0.1", 404),
        (["10.0.0.0/8"], "127.0.0.1", 404),
        (["10.0.0.0/8"], "10.1.2.3", 200),
        (["10.0.0.0/8", "127.0.0.1"], "127.0.0.1", 200),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", 200),
        (["fd00::/8"], "fd00::1", 200),
        (["0.0.0.0/0"], "", 404),
    ],
)
def test_metrics_are_for_some_networks(
    client: Client, settings: Any, allowed: list[str], peer: str, status: int
) -> None:
    settings.METRICS_ALLOW = allowed
    # What a client says about itself is not believed.
    response = client.get("/metrics", REMOTE_ADDR=peer, headers={"x-forwarded-for": "10.9.9.9"})
    assert response.status_code == status
    assert (b"django_http_requests" in response.content) == (status == 200)
