"""The accuracy card: who reads whose, what the filters leave, and the file to take along."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assets.models import ImageSet
from damages import selectors_accuracy
from tests import factories
from tests.admin_pages import login
from tests.damages.test_accuracy import Set, box

pytestmark = pytest.mark.django_db
PAGE, FILE = "/admin/accuracy/", "/admin/accuracy/accuracy.csv"


def judged(house: factories.House, accepted: int, rejected: int, **extra: Any) -> Set:
    made = Set(house, **extra)
    for state, number in (("accepted", accepted), ("rejected", rejected)):
        for _ in range(number):
            made.proposes(box(0.1), state)
    return made


def counts(client: Client, **query: str) -> tuple[int, int]:
    total = client.get(PAGE, query).context["total"]
    return total.accepted, total.rejected


@pytest.fixture
def both(ours: factories.House, outsider: factories.House) -> None:
    judged(ours, 3, 1)
    judged(outsider, 1, 4)


def test_tenant_admins_read_their_own_and_global_admins_all(both: None, ours: factories.House) -> None:
    assert counts(login(ours.tenant_admin)) == (3, 1)
    assert counts(login(ours.global_admin)) == (4, 5)


def test_a_tenant_is_chosen_within_reach(both: None, ours: factories.House, outsider: factories.House) -> None:
    everybody = login(ours.global_admin)
    assert counts(everybody, tenant=str(outsider.tenant.pk)) == (1, 4)
    mine = login(ours.tenant_admin)
    assert "tenant" not in mine.get(PAGE).context["form"].fields
    assert counts(mine, tenant=str(outsider.tenant.pk)) == (3, 1), "no filter reaches beyond"
    everybody.post(reverse("portal:acting-choose"), {"tenant": str(ours.tenant.pk), "next": "/admin/"})
    assert counts(everybody) == (3, 1)


@pytest.mark.parametrize("role", ["annotator", "reviewer", "staff"])
def test_others_do_not_read_it(role: str, ours: factories.House) -> None:
    client = login(getattr(ours, role))
    assert client.get(PAGE).status_code == client.get(FILE).status_code == 403
    assert "/admin/accuracy/" not in client.get(reverse("admin:index")).content.decode()


def test_small_counts_are_marked_and_the_number_is_told(ours: factories.House) -> None:
    judged(ours, 20, 9)
    client = login(ours.tenant_admin)
    page = client.get(PAGE).content.decode()
    assert "too few to say" in page
    assert "fewer than 30 cases" in page
    assert "20 of 29" in page
    judged(ours, 1, 0)
    assert client.get(PAGE).context["total"].precision.is_few is False


def test_what_is_counted_by_default_are_the_last_ninety_days(ours: factories.House) -> None:
    judged(ours, 1, 0)
    client = login(ours.tenant_admin)
    assert counts(client) == (1, 0)
    long_ago = timezone.now() - timedelta(days=200)
    ImageSet.objects.of(ours.tenant.pk).update(recorded_at=long_ago)
    assert counts(client) == (0, 0)
    assert "Nothing was decided in these days" in client.get(PAGE).content.decode()
    assert counts(client, since="") == (1, 0)
    day = timezone.localtime(long_ago).date().isoformat()
    assert counts(client, since=day, until=day) == (1, 0)


@pytest.mark.parametrize(
    "query",
    [{"since": "soon"}, {"since": "2026-02-02", "until": "2026-02-01"}, {"category": "x"}, {"version": "x"}],
)
def test_a_wrong_filter_counts_nothing_and_says_so(ours: factories.House, query: dict[str, str]) -> None:
    client = login(ours.tenant_admin)
    answer = client.get(PAGE, query)
    assert answer.status_code == 200
    assert answer.context["total"] is None
    assert "Correct the filter" in answer.content.decode()
    assert client.get(FILE, query).status_code == 400


def test_the_file_holds_a_line_for_each_version_category_and_camera(ours: factories.House) -> None:
    made = judged(ours, 3, 1, camera="topLeft")
    made.draws(box(0.7), category="cracks")
    answer = login(ours.tenant_admin).get(FILE)
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="accuracy-')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["category"], row["camera"], row["accepted"], row["missed"]) for row in rows] == [
        ("cracks", "topLeft", "0", "1"), ("lineScratches", "topLeft", "3", "0"),
    ]  # fmt: skip
    assert (rows[1]["precision"], rows[1]["precision low"], rows[1]["precision high"]) == ("0.7500", "0.3006", "0.9544")
    assert (rows[0]["precision"], rows[0]["recall"]) == ("", "0.0000")
    assert (rows[0]["model"], rows[0]["version"]) == ("damage_detector", "1")


def test_the_page_costs_the_same_queries_with_more_damages(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    taken = []
    for number in (1, 6):
        judged(ours, number, number).draws(box(0.7))
        client.get(PAGE)
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        taken.append(len(queries))
    assert taken[0] == taken[1]


def test_what_recall_covers_is_told(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = judged(ours, 1, 0)
    made.draws(box(0.5))
    made.draws(box(0.7))
    client = login(ours.tenant_admin)
    assert "Recall is that of sets recorded after" not in client.get(PAGE).content.decode()
    monkeypatch.setattr(selectors_accuracy, "MOST_MATCHED", 1)
    assert "Recall is that of sets recorded after" in client.get(PAGE).content.decode()
    [row] = csv.DictReader(io.StringIO(client.get(FILE).content.decode("utf-8-sig")))
    after = timezone.localtime(made.image_set.recorded_at).isoformat()
    assert (row["found"], row["missed"], row["recall of sets recorded after"]) == ("0", "0", after)
