"""Cars from CSV files: preview, confirmation, and nothing beyond reach."""

from __future__ import annotations

import io
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Car
from tenants import admin_imports
from tenants.admin_tables import FileFault, TableCsv
from tenants.models import Role
from tenants.services.people import membership_set
from tests import factories
from tests.admin_pages import login, page, said
from tests.assets.importing import admin_standings, confirm, faults, plates, upload

pytestmark = pytest.mark.django_db


def test_a_file_is_previewed_and_then_stored(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    text = (
        "plate;country;make;model;year;displacement;mileage;in_use\nab 12-345;no;Škoda;Octavia;2012;1,598;42 000;no\n"
    )
    preview = upload(client, text)
    assert [row.import_type for row in preview.context["result"].rows] == ["new"]
    assert plates(ours) == []
    answer = confirm(client, preview)
    assert "1 new" in said(answer)
    car = Car.objects.of(ours.tenant.pk).get()
    assert (car.registration_no, car.make, car.model, car.year) == ("NO#AB12345", "Škoda", "Octavia", 2012)
    assert (car.displacement, car.mileage, car.in_use, car.vin) == (1.598, 42_000, False, "")
    record = car.history.get()
    assert (record.history_type, record.history_user, record.history_change_reason) == (
        "+", ours.tenant_admin, "Imported.",
    )  # fmt: skip


def test_a_registered_car_is_changed_by_the_columns_that_are_there(ours: factories.House) -> None:
    car = factories.car(ours.tenant, "AB12345", make="VW", color="blue", year=2020)
    factories.car(ours.tenant, "AB12346", make="VW")
    client = login(ours.tenant_admin)
    preview = upload(client, "plate,make,year,vin\nAB12345,Audi,,wvwzzzauzlw000001\nAB12346,VW,,\nAB12347,Kia,2021,\n")
    assert [row.import_type for row in preview.context["result"].rows] == ["update", "skip", "new"]
    before = car.modified_at
    assert "1 new, 1 updated" in said(confirm(client, preview))
    car.refresh_from_db()
    assert (car.make, car.color, car.year, car.vin) == ("Audi", "blue", None, "WVWZZZAUZLW000001")
    assert car.modified_at > before
    assert [record.history_user for record in car.history.all()] == [ours.tenant_admin, None]
    assert Car.objects.of(ours.tenant.pk).get(plate="AB12346").history.count() == 1


def test_an_exported_file_can_be_imported_again(ours: factories.House) -> None:
    factories.car(ours.tenant, "AB12345", make="=Škoda", year=2012, displacement=1.598, in_use=False, mileage=5)
    client = login(ours.tenant_admin)
    preview = upload(client, client.get(page(Car, "export")).content)
    assert [row.import_type for row in preview.context["result"].rows] == ["skip"], faults(preview)


def test_a_plate_may_name_its_country_itself(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    assert "2 new" in said(confirm(client, upload(client, "plate\nse#AB12345\nAB12345\n")))
    assert {str(car) for car in Car.objects.of(ours.tenant.pk)} == {"SE#AB12345", "NO#AB12345"}


def test_a_released_car_in_an_exported_file_is_not_taken_for_a_new_one(ours: factories.House) -> None:
    factories.car(ours.tenant, "AB12345", released_at=timezone.now())
    client = login(ours.tenant_admin)
    assert "This car was released" in faults(upload(client, client.get(page(Car, "export")).content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_files_of_every_spreadsheet_are_read(ours: factories.House, encoding: str, delimiter: str) -> None:
    text = "Plate,MAKE ,color\r\nAB12345,Škoda,Grün\r\n,,\r\n".replace(",", delimiter)
    client = login(ours.tenant_admin)
    assert "1 new" in said(confirm(client, upload(client, text.encode(encoding))))
    car = Car.objects.of(ours.tenant.pk).get()
    assert (car.make, car.color) == ("Škoda", "Grün")


def test_a_released_car_comes_back_to_its_tenant_and_to_no_other(
    ours: factories.House, outsider: factories.House
) -> None:
    mine = factories.car(ours.tenant, "AB12345", make="VW", released_at=timezone.now())
    theirs = factories.car(outsider.tenant, "AB12346", make="VW", released_at=timezone.now())
    client = login(ours.tenant_admin)
    assert "1 new, 1 updated" in said(confirm(client, upload(client, "plate,make\nAB12345,VW\nAB12346,VW\n")))
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.released_at, plates(ours)) == (None, ["AB12345", "AB12346"])
    assert theirs.released_at is not None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("!!,,,", "'!!' is not a registration number"),
        (",,,", "is not a registration number"),
        ("AB1,twelve,,", "“twelve” is not a whole number"),
        ("AB1,12.5,,", "is not a whole number"),
        ("AB1,-5,,", "from 1900 to 2100"),
        ("AB1,0,,", "from 1900 to 2100"),
        ("AB1,20121,,", "from 1900 to 2100"),
        ("AB1,,-5,", "from 0 to 5000"),
        ("AB1,,many,", "“many” is not a number"),
        ("AB1,,nan,", "“nan” is not a number"),
        ("AB1,,,perhaps", "neither yes nor no"),
    ],
)
def test_a_wrong_row_is_told_and_nothing_is_stored(ours: factories.House, line: str, words: str) -> None:
    preview = upload(login(ours.tenant_admin), f"plate,year,kilowatts,in_use,make\nAB12345,,,,\n{line},x\n")
    assert words in faults(preview)
    assert "row 2" in faults(preview)
    assert "confirm_form" not in preview.context
    assert plates(ours) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "submitted file is empty"),
        ("plate\n", "no rows below its heading"),
        ("make\nVW\n", "no column “plate”"),
        ("plate,colour\nAB1,x\n", "There is no column “colour”; there are tenant, country, plate, vin"),
        ("plate,make,make\nAB1,x,y\n", "names “make” twice"),
        ("plate,make\nAB1,x,y\n", "Line 2 has more cells"),
        ('plate,make\nAB1,"x\n', "Line 2 cannot be read"),
        ("plate\nAB\0\n", "not a CSV file"),
        (b"PK\x03\x04\x81\x8d\x8f", "not a CSV file"),
        ("plate\n" + "AB1\n" * 10_001, "10000 are the most"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_why(ours: factories.House, text: str | bytes, words: str) -> None:
    preview = upload(login(ours.tenant_admin), text)
    assert words in faults(preview)
    assert "confirm_form" not in preview.context
    assert "Traceback" not in preview.content.decode()


def test_a_file_that_is_too_large_is_refused(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_imports, "MOST_BYTES", 10)
    assert "larger than" in faults(upload(login(ours.tenant_admin), "plate\nAB12345\n"))


def test_a_plate_may_stand_in_a_file_once(ours: factories.House) -> None:
    preview = upload(login(ours.tenant_admin), "plate\nAB12345\nAB12346\nab-12345\n")
    assert "row 3" in faults(preview)
    assert "Row 1 of the file is about the same" in faults(preview)


def test_anothers_plate_is_refused_without_telling_whose_it_is(
    ours: factories.House, outsider: factories.House
) -> None:
    car = factories.car(outsider.tenant, "AB12345", make="Secret")
    preview = upload(login(ours.tenant_admin), "plate,make\nAB12345,Mine\n")
    assert "registered for another tenant" in faults(preview)
    for word in ("Other Rental", "Secret", str(outsider.tenant.pk), str(car.pk)):
        assert word not in preview.content.decode()
    car.refresh_from_db()
    assert car.make == "Secret"


@pytest.mark.parametrize("name", ["Other Rental", "No Such Rental"])
def test_rows_for_other_tenants_are_refused_like_those_for_none(
    ours: factories.House, outsider: factories.House, name: str
) -> None:
    preview = upload(login(ours.tenant_admin), f"tenant,plate\n{name},AB12345\n")
    assert f"You keep no such list for a tenant “{name}”" in faults(preview)
    assert plates(outsider) == []


def test_who_keeps_the_cars_of_several_tenants_names_one(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.global_admin)
    assert "Name the tenant" in faults(upload(client, "plate\nAB12345\n"))
    text = "tenant,plate\nOur Rental,AB12345\nOther Rental,AB12346\n"
    assert "2 new" in said(confirm(client, upload(client, text)))
    assert (plates(ours), plates(outsider)) == (["AB12345"], ["AB12346"])
    # A registered car says itself whose it is, and is not moved by a file.
    assert "1 updated" in said(confirm(client, upload(client, "plate,make\nAB12346,VW\n")))
    assert "another tenant" in faults(upload(client, "tenant,plate\nOur Rental,AB12346\n"))


def test_who_only_looks_at_another_tenants_cars_cannot_import_there(
    ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    factories.car(outsider.tenant, "AB12345")
    client = login(ours.tenant_admin)
    assert "no such list" in faults(upload(client, "tenant,plate\nOther Rental,AB12346\n"))
    assert "another tenant" in faults(upload(client, "plate,make\nAB12345,x\n"))
    assert "1 new" in said(confirm(client, upload(client, "plate\nAB12346\n")))
    assert plates(ours) == ["AB12346"]


def test_acting_for_a_tenant_narrows_an_import(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    client = login(ours.tenant_admin)
    session = client.session
    session["acting_tenant"] = str(outsider.tenant.pk)
    session.save()
    assert "no such list" in faults(upload(client, "tenant,plate\nOur Rental,AB12345\n"))
    assert "1 new" in said(confirm(client, upload(client, "plate\nAB12345\n")))
    assert plates(outsider) == ["AB12345"]


def test_who_may_not_change_cars_imports_none(ours: factories.House) -> None:
    client = login(ours.staff)
    assert upload(client, "plate\nAB12345\n").status_code == 403
    assert client.post(page(Car, "process_import"), {}).status_code == 403
    assert "/import/" not in client.get(page(Car, "changelist")).content.decode()
    assert "/import/" in login(ours.tenant_admin).get(page(Car, "changelist")).content.decode()


def test_what_became_wrong_since_the_preview_undoes_everything(
    ours: factories.House, outsider: factories.House
) -> None:
    client = login(ours.tenant_admin)
    preview = upload(client, "plate\nAB12345\nAB12346\n")
    factories.car(outsider.tenant, "AB12346")
    assert "Nothing was stored" in said(confirm(client, preview))
    assert plates(ours) == []


def test_a_row_written_at_the_same_moment_undoes_everything(
    ours: factories.House, outsider: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = login(ours.tenant_admin)
    preview = upload(client, "plate\nAB12345\nAB12346\n")
    factories.car(outsider.tenant, "AB12346")
    monkeypatch.setattr("assets.admin.imports.car_standings", lambda plates: admin_standings())
    assert "Nothing was stored" in said(confirm(client, preview))
    assert plates(ours) == []


def test_a_preview_is_confirmed_once_in_time_and_by_the_same_person(
    ours: factories.House, outsider: factories.House
) -> None:
    client = login(ours.tenant_admin)
    preview = upload(client, "plate\nAB12345\n")
    for other in (login(outsider.tenant_admin), login(ours.global_admin)):
        confirm(other, preview)
    confirm(client, preview, import_file_name="../../etc/passwd")
    assert plates(ours) == plates(outsider) == []
    assert "1 new" in said(confirm(client, preview))
    assert "Upload it again" in said(confirm(client, preview))
    late = upload(client, "plate\nAB12346\n")
    cache.clear()
    assert "Upload it again" in said(confirm(client, late))
    assert plates(ours) == ["AB12345"]


def test_five_thousand_rows_cost_few_queries(ours: factories.House) -> None:
    client, counts = login(ours.tenant_admin), []
    for start, rows in ((0, 500), (10_000, 5_000)):
        text = "plate,make\n" + "".join(f"AB{10_000 + start + row},VW\n" for row in range(rows))
        preview = upload(client, text)
        with CaptureQueriesContext(connection) as queries:
            assert f"{rows} new" in said(confirm(client, preview))
        counts.append(len(queries) / rows)
    assert counts[1] < 0.1
    assert counts[1] <= counts[0]
    assert len(plates(ours)) == 5_500


def test_a_table_is_read_by_its_own_delimiter() -> None:
    table = TableCsv().create_dataset(b"a;b\n1,5;2\n")
    assert (table.headers, list(table)) == (["a", "b"], [("1,5", "2")])
    with pytest.raises(FileFault):
        TableCsv().create_dataset(io.BytesIO().getvalue())
    assert re.fullmatch("CSV", TableCsv().get_title())
