"""Lists as CSV files: the rows of the list, within reach, without formulas."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from assets.models import Car, Logo
from tenants import admin_exports
from tenants.admin_exports import cell_armed, cell_disarmed
from tests import factories
from tests.admin_pages import login, page

pytestmark = pytest.mark.django_db


def exported(client: Client, **asked: str) -> list[dict[str, str]]:
    response: Any = client.get(page(Car, "export"), asked)
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_a_file_holds_the_rows_within_reach(ours: factories.House, outsider: factories.House) -> None:
    factories.car(ours.tenant, "AB12345", make="Škoda", year=2021, displacement=1.6, in_use=False)
    factories.car(outsider.tenant, "XY99999", make="Volvo")
    [row] = exported(login(ours.staff))
    assert row["tenant"] == "Our Rental"
    assert (row["country"], row["plate"], row["make"]) == ("NO", "AB12345", "Škoda")
    assert (row["year"], row["displacement"], row["mileage"], row["in_use"]) == ("2021", "1.6", "", "false")
    assert {row["plate"] for row in exported(login(ours.global_admin))} == {"AB12345", "XY99999"}


def test_a_file_is_called_by_its_list_and_opens_in_a_spreadsheet(ours: factories.House) -> None:
    factories.car(ours.tenant)
    response = login(ours.staff).get(page(Car, "export"))
    assert response.content.startswith(b"\xef\xbb\xbftenant,country,plate,")
    assert response["Content-Type"] == "text/csv"
    assert 'filename="Car-' in response["Content-Disposition"]
    assert response["Content-Disposition"].endswith('.csv"')


def test_a_file_is_narrowed_like_the_list(ours: factories.House) -> None:
    factories.car(ours.tenant, "AB12345", make="VW", in_use=False)
    factories.car(ours.tenant, "AB12346", make="VW")
    factories.car(ours.tenant, "AB12347", make="Audi")
    client = login(ours.staff)
    assert [row["plate"] for row in exported(client, q="VW")] == ["AB12345", "AB12346"]
    assert [row["plate"] for row in exported(client, q="VW", in_use__exact="1")] == ["AB12346"]
    assert "export/?q=VW" in client.get(page(Car, "changelist"), {"q": "VW"}).content.decode()


def test_a_filter_that_makes_no_sense_leads_back_to_the_list(ours: factories.House) -> None:
    answer = login(ours.staff).get(page(Car, "export"), {"in_use__exact": "maybe"}, follow=True)
    assert answer.redirect_chain == [(page(Car, "changelist"), 302)]
    assert "cannot be filtered" in answer.content.decode()


def test_a_secret_column_cannot_be_asked_about(ours: factories.House) -> None:
    assert login(ours.staff).get(page(Car, "export"), {"capture_set__units__device_key_digest": "x"}).status_code == 400


def test_a_file_has_an_end(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_exports, "MOST_EXPORTED", 2)
    client = login(ours.staff)
    for number in range(2):
        factories.car(ours.tenant, f"AB1234{number}")
    assert len(exported(client)) == 2
    factories.car(ours.tenant, "AB12349")
    answer = client.get(page(Car, "export"), follow=True)
    assert "at most 2 rows" in answer.content.decode()


def test_longer_files_cost_no_more_queries(ours: factories.House) -> None:
    client, counts = login(ours.staff), []
    exported(client)
    for start in (0, 3):
        for number in range(start, start * 10 + 3):
            factories.car(ours.tenant, f"AB{10000 + number}")
        with CaptureQueriesContext(connection) as queries:
            exported(client)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_only_lists_that_say_so_are_exported(ours: factories.House) -> None:
    assert "/export/" not in login(ours.staff).get(page(Logo, "changelist")).content.decode()


def test_who_may_not_see_a_list_gets_no_file(ours: factories.House) -> None:
    ours.staff.memberships.all().delete()
    assert login(ours.staff).get(page(Car, "export")).status_code == 403
    assert Client().get(page(Car, "export")).status_code == 302


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "-"])
def test_formulas_are_text(ours: factories.House, text: str) -> None:
    assert cell_disarmed(text) == f"'{text}"
    factories.car(ours.tenant, make=text)
    assert exported(login(ours.staff))[0]["make"] == f"'{text}"


@pytest.mark.parametrize("text", ["", "-5", "+4790000000", "1.5", "a=b", "O'Hara", "'s-Hertogenbosch"])
def test_other_text_stays(text: str) -> None:
    assert cell_disarmed(text) == text


@given(st.one_of(st.text(), st.text(alphabet="'=+-@\t\r1")))
def test_a_file_can_be_read_again(text: str) -> None:
    assert cell_armed(cell_disarmed(text)) == text
    assert not cell_disarmed(text).startswith(("=", "@", "\t", "\r", "+=", "-="))
