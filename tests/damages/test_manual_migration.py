"""The migration that writes the finished steps known of the jobs that were there before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from damages.models import FinishedStep, ManualProcessing, ManualStatus, Step
from tests import factories

pytestmark = pytest.mark.django_db
DONE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def job(house: factories.House, **values: object) -> ManualProcessing:
    """A job that says this of the work on it."""
    row = ManualProcessing(
        image_set=factories.image_set(house.tenant, photos=0), tenant=house.tenant, waiting_since=DONE,
        status=ManualStatus.REVIEW_WAITING, **values,
    )  # fmt: skip
    row.save()
    return row


def test_jobs_of_before_get_the_rows_that_they_know_of(ours: factories.House, outsider: factories.House) -> None:
    annotated = {"last_annotator": ours.annotator, "annotated_at": DONE}
    both = job(ours, **annotated, last_annotation_lock_at=DONE - HOUR, last_reviewer=ours.reviewer, reviewed_at=DONE)
    job(ours, **annotated, last_annotation_lock_at=DONE + HOUR)
    job(ours, last_reviewer=ours.reviewer, last_review_lock_at=DONE)
    gone = job(outsider, annotated_at=DONE)
    migration = import_module("damages.migrations.0004_finished_steps")
    migration.make_rows(apps, SimpleNamespace(connection=connection))
    columns = ("manual_processing", "tenant", "step", "by", "finished_at")
    assert set(FinishedStep.plain.values_list(*columns)) == {
        (both.pk, ours.tenant.pk, Step.ANNOTATION, ours.annotator.pk, DONE),
        (both.pk, ours.tenant.pk, Step.REVIEW, ours.reviewer.pk, DONE),
        (gone.pk, outsider.tenant.pk, Step.ANNOTATION, None, DONE),
    }
