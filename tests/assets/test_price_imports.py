"""Price points from CSV files."""

from __future__ import annotations

import pytest

from assets.models import PricePoint
from tests import factories
from tests.admin_pages import login, page, said
from tests.assets.importing import confirm, faults, upload

pytestmark = pytest.mark.django_db

HEADING = "make,model,year,km,price_low,price_medium,price_high\n"


def test_price_points_are_added_and_changed(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    text = HEADING + "Škoda,Octavia,2012,0,100,110,120\nŠkoda,Octavia,2012,50000,80,90,100\n"
    assert "2 new" in said(confirm(client, upload(client, text, PricePoint), PricePoint))
    text = HEADING + "SKODA,octavia,2012,50000,81,91,101\nSkoda,Octavia,2013,0,1,2,3\n"
    preview = upload(client, text, PricePoint)
    assert [row.import_type for row in preview.context["result"].rows] == ["update", "new"]
    confirm(client, preview, PricePoint)
    points = PricePoint.objects.of(ours.tenant.pk).order_by("year", "km")
    assert list(points.values_list("make", "make_key", "year", "km", "price_medium")) == [
        ("Škoda", "skoda", 2012, 0, 110),
        ("SKODA", "skoda", 2012, 50_000, 91),
        ("Skoda", "skoda", 2013, 0, 2),
    ]
    assert {record.history_user for point in points for record in point.history.all()} == {ours.tenant_admin}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("VW,Golf,2020,0,3,2,4", "at most the medium one"),
        ("VW,Golf,2020,0,0,2,4", "greater than or equal to 1"),
        ("VW,Golf,2020,0,,2,4", "cannot be null"),
        ("VW,Golf,,0,1,2,4", "cannot be null"),
        ("VW,Golf,20,0,1,2,4", "greater than or equal to 1900"),
        ("VW,Golf,2020,2000001,1,2,4", "less than or equal to 2000000"),
        ("VW,Golf,2020,-1,1,2,4", "greater than or equal to 0"),
        ("VW,--,2020,0,1,2,4", "needs a letter or a digit"),
        (",Golf,2020,0,1,2,4", "cannot be blank"),
        ("VW,Golf,2020,far,1,2,4", "not a whole number"),
        ("V W,golf,2019,0,1,2,4", "Row 1 of the file"),
    ],
)
def test_price_points_that_are_wrong_are_told(ours: factories.House, line: str, words: str) -> None:
    preview = upload(login(ours.tenant_admin), f"{HEADING}VW,Golf,2019,0,1,2,3\n{line}\n", PricePoint)
    assert words in faults(preview)
    assert not PricePoint.objects.of(ours.tenant.pk).exists()


def test_price_points_of_others_are_others(ours: factories.House, outsider: factories.House) -> None:
    line = "VW,Golf,2020,0,1,2,3"
    client = login(outsider.tenant_admin)
    confirm(client, upload(client, HEADING + line, PricePoint), PricePoint)
    client = login(ours.tenant_admin)
    preview = upload(client, HEADING + line, PricePoint)
    assert [row.import_type for row in preview.context["result"].rows] == ["new"]
    assert "no such list" in faults(upload(client, f"tenant,{HEADING}Other Rental,{line}", PricePoint))


def test_the_form_refuses_what_a_file_is_refused_for(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    point = {
        "tenant": str(ours.tenant.pk), "make": "VW", "model": "Golf", "year": "2020", "km": "0", "price_low": "1",
        "price_medium": "2", "price_high": "3",
    }  # fmt: skip
    assert client.post(page(PricePoint, "add"), point).status_code == 302
    for changes, words in (
        ({}, "already"),
        ({"make": "v w", "model": "GOLF"}, "already"),
        ({"km": "5", "price_low": "9"}, "at most the medium one"),
        ({"km": "5", "make": "--"}, "needs a letter or a digit"),
        ({"km": ""}, "required"),
    ):
        answer = client.post(page(PricePoint, "add"), point | changes)
        assert answer.status_code == 200
        assert words in str(answer.context["adminform"].form.errors)
    assert PricePoint.objects.of(ours.tenant.pk).get().history.get().history_user == ours.tenant_admin
