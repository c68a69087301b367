"""The daily clean-up as a whole: the command, the pulse, and what a broken part does to the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import Failure, OrmQ
from pytest_django import Settings

from assets.models import ImageSet, ImageSetState, Submission
from assets.services.submissions import submission_issue
from inspection_platform import sweep
from inspection_platform.cleanup import STEPS
from tests import factories
from tests.factories import House

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=31)


@pytest.fixture
def leftovers(ours: House) -> ImageSet:
    """Something for each step that rows alone can show; returns a set with a result, as old as everything else."""
    then = timezone.now() - MONTH
    submission_issue(tenant=ours.tenant, family="inspektlabs")
    Submission.objects.of(ours.tenant.pk).update(created_at=then)
    abandoned = factories.image_set(ours.tenant, state=ImageSetState.OPEN)
    finished = factories.image_set(ours.tenant)
    finished.results.create(version=1, cause="models", facts={})
    ImageSet.objects.of(ours.tenant.pk).update(created_at=then)
    ImageSet.objects.of(ours.tenant.pk).filter(pk=abandoned.pk).update(submitted_at=None)
    Session.objects.create(session_key="old", session_data="", expire_date=then)
    Session.objects.create(session_key="new", session_data="", expire_date=timezone.now() + MONTH)
    for name, stopped in (("old", then), ("new", timezone.now())):
        Failure.objects.create(id=name, name=name, func="f", started=stopped, stopped=stopped, success=False)
    return finished


def said(*arguments: str) -> dict[str, int]:
    """What the command prints: kind of thing -> how many."""
    out = StringIO()
    call_command("cleanup", *arguments, stdout=out)
    return {what: int(count) for count, what in re.findall(r"^ *(\d+)  (.+)$", out.getvalue(), re.MULTILINE)}


def test_the_command_says_what_it_did(ours: House, leftovers: ImageSet) -> None:
    planned = said("--dry-run")
    assert set(planned) == {what for what, _ in STEPS}
    assert {what for what, count in planned.items() if count} == {
        "image sets never submitted", "sessions never used", "admin sessions expired", "old records of the task queue",
    }  # fmt: skip
    assert ImageSet.objects.of(ours.tenant.pk).count() == 2
    assert said() == planned
    assert ImageSet.objects.of(ours.tenant.pk).get() == leftovers
    assert [row.session_key for row in Session.objects.all()] == ["new"]
    assert [row.pk for row in Failure.objects.all()] == ["new"]
    assert not any(said().values())


def test_days_are_a_setting(leftovers: ImageSet, settings: Settings) -> None:
    settings.SESSION_DAYS = 32
    assert said("--dry-run")["sessions never used"] == 0


def test_a_broken_part_keeps_nothing_else_from_being_done(leftovers: ImageSet) -> None:
    out = StringIO()
    with (
        mock.patch("assets.services.cleanup.stored_files", side_effect=OSError("the storage is away")),
        pytest.raises(CommandError),
    ):
        call_command("cleanup", stdout=out)
    assert "OSError: the storage is away  received files without a row" in out.getvalue()
    assert Session.objects.count() == 1


def test_the_pulse_asks_once_a_day(leftovers: ImageSet, drain: Callable[[], int]) -> None:
    cache.delete("cleanup-asked")
    sweep.cleanup_ask()
    sweep.cleanup_ask()
    assert OrmQ.objects.count() == 1
    assert drain() == 1
    assert Session.objects.count() == 1
    call_command("pulse", "--once")
    assert not any("clean_up" in row.func() for row in OrmQ.objects.all())
    cache.delete("cleanup-asked")
    call_command("pulse", "--once")
    assert sum("clean_up" in row.func() for row in OrmQ.objects.all()) == 1
