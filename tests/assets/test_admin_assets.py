"""Cars, rigs and passages in the admin: one spelling of plates, one tenant in a row."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from assets.models import CaptureSet, CaptureUnit, Car, Image, ImageSet, Passage
from tenants.models import Role
from tenants.services.people import membership_set
from tests import factories
from tests.admin_pages import errors_of, inputs, login, page, rows_of
from tests.admin_rows import make

pytestmark = pytest.mark.django_db


def new_car(house: factories.House, **changes: str) -> dict[str, str]:
    return {"tenant": str(house.tenant.pk), "plate": "ab-12 345", "country_code": "no", "in_use": "on"} | changes


def test_a_car_is_stored_with_the_platform_s_spelling_of_its_plate(ours: factories.House) -> None:
    answer = login(ours.tenant_admin).post(page(Car, "add"), new_car(ours, vin="wvwzzzauzlw000001"))
    assert answer.status_code == 302, errors_of(answer)
    car = Car.objects.of(ours.tenant.pk).get()
    assert (car.registration_no, car.vin) == ("NO#AB12345", "WVWZZZAUZLW000001")
    assert car.history.get().history_user == ours.tenant_admin


@pytest.mark.parametrize(("field", "value"), [("plate", "??"), ("plate", ""), ("country_code", "NORW")])
def test_a_plate_that_cannot_be_is_refused(ours: factories.House, field: str, value: str) -> None:
    assert errors_of(login(ours.tenant_admin).post(page(Car, "add"), new_car(ours, **{field: value})))
    assert not Car.objects.of(ours.tenant.pk).exists()


def test_a_plate_belongs_to_one_car(ours: factories.House, outsider: factories.House) -> None:
    assert login(outsider.tenant_admin).post(page(Car, "add"), new_car(outsider)).status_code == 302
    assert errors_of(login(ours.tenant_admin).post(page(Car, "add"), new_car(ours)))


def test_a_car_stays_with_its_tenant_and_its_rigs(ours: factories.House, outsider: factories.House) -> None:
    [car] = make(Car, ours)
    [rig] = make(CaptureSet, outsider)
    client = login(ours.global_admin)
    sent = inputs(client.get(page(Car, "change", car.pk)))
    answer = client.post(page(Car, "change", car.pk), sent | {"capture_set": str(rig.pk)})
    assert errors_of(answer) == {"capture_set": ["This belongs to another tenant."]}
    assert client.post(page(Car, "change", car.pk), sent | {"tenant": str(outsider.tenant.pk)}).status_code == 302
    car.refresh_from_db()
    assert car.tenant == ours.tenant


def test_who_keeps_one_tenant_s_cars_moves_none_where_they_only_look(
    ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    [theirs] = make(Car, outsider)
    client = login(ours.tenant_admin)
    assert theirs.pk in rows_of(client.get(page(Car, "changelist")))
    assert "tenant" in errors_of(client.post(page(Car, "add"), new_car(outsider)))
    assert client.post(page(Car, "change", theirs.pk), {"plate": "XX1"}).status_code == 403
    assert client.post(page(Car, "delete", theirs.pk), {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [str(theirs.pk)], "post": "yes"}
    assert client.post(page(Car, "changelist"), sent).status_code in {302, 403}
    assert Car.objects.of(outsider.tenant.pk).filter(pk=theirs.pk).exists()


def test_staff_look_and_do_not_touch(ours: factories.House) -> None:
    for model in (Car, CaptureSet, CaptureUnit, Passage, ImageSet, Image):
        [row] = make(model, ours)
        client = login(ours.staff)
        assert row.pk in rows_of(client.get(page(model, "changelist"))), model
        assert client.get(page(model, "change", row.pk)).status_code == 200
        assert client.post(page(model, "change", row.pk), {}).status_code == 403
        assert client.get(page(model, "add")).status_code == 403
        assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_choices_of_another_tenant_s_rows_are_not_completed(ours: factories.House, outsider: factories.House) -> None:
    make(CaptureSet, outsider)
    [mine] = make(CaptureSet, ours)
    asked = {"app_label": "assets", "model_name": "car", "field_name": "capture_set", "term": ""}
    found = login(ours.tenant_admin).get(reverse("admin:autocomplete"), asked).json()["results"]
    assert [row["id"] for row in found] == [str(mine.pk)]


def test_a_virtual_rig_has_no_units(ours: factories.House) -> None:
    [rig] = make(CaptureSet, ours)
    client = login(ours.global_admin)
    address = page(CaptureSet, "change", rig.pk)
    assert len(client.get(address).context["inline_admin_formsets"]) == 1
    CaptureSet.objects.of(ours.tenant.pk).update(is_virtual=True)
    assert client.get(address).context["inline_admin_formsets"] == []


def test_a_mask_names_known_jobs_only(ours: factories.House) -> None:
    [rig] = make(CaptureSet, ours)
    client, address = login(ours.tenant_admin), page(CaptureSet, "change", rig.pk)
    sent = inputs(client.get(address))
    assert "pipeline_mask" in errors_of(client.post(address, sent | {"pipeline_mask": '["teleport"]'}))
    assert client.post(address, sent | {"pipeline_mask": '["cost"]'}).status_code == 302
    rig.refresh_from_db()
    assert rig.pipeline_mask == ["cost"]


def test_an_inspection_links_to_its_page_and_shows_no_sealed_file(ours: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, photos=2)
    client = login(ours.tenant_admin)
    assert f"/admin/inspections/{image_set.pk}/" in client.get(page(ImageSet, "changelist")).content.decode()
    answer: Any = client.get(page(ImageSet, "change", image_set.pk).replace("change/", "open_inspection/"))
    assert answer.url == f"/admin/inspections/{image_set.pk}/"
    image = image_set.images.first()
    assert image is not None
    text = client.get(page(Image, "change", image.pk)).content.decode()
    assert 'href="/received' not in text
    assert "Click to download" not in text


def test_an_inspection_is_found_by_any_of_its_names(ours: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, photos=0, external_key="in777", plate="EL99999")
    factories.image_set(ours.tenant, photos=0)
    client = login(ours.staff)
    for words in ("in777", "EL99999", str(image_set.pk), str(image_set.submission_id)):
        assert rows_of(client.get(page(ImageSet, "changelist"), {"q": words})) == {image_set.pk}, words


def test_an_exact_name_wins_over_names_that_contain_it(ours: factories.House) -> None:
    exact = factories.image_set(ours.tenant, photos=0, external_key="in77")
    longer = factories.image_set(ours.tenant, photos=0, external_key="in777")
    client = login(ours.staff)
    assert rows_of(client.get(page(ImageSet, "changelist"), {"q": "in77"})) == {exact.pk}
    assert rows_of(client.get(page(ImageSet, "changelist"), {"q": "n77"})) == {exact.pk, longer.pk}


def test_photos_are_filtered_by_camera(ours: factories.House) -> None:
    first, second = make(Image, ours, 2)
    Image.objects.of(ours.tenant.pk).filter(pk=first.pk).update(camera="topLeft")
    client = login(ours.staff)
    assert rows_of(client.get(page(Image, "changelist"), {"camera": "topLeft"})) == {first.pk}
    assert rows_of(client.get(page(Image, "changelist"))) == {first.pk, second.pk}


def test_a_list_keeps_its_order_over_its_pages(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.admin.rigs.CarAdmin.list_per_page", 2)
    made = sorted(make(Car, ours, 5), key=lambda car: str(car.plate))
    client = login(ours.staff)
    lists = [client.get(page(Car, "changelist"), {"p": number}).context["cl"].result_list for number in (1, 2, 3)]
    seen = [row.pk for rows in lists for row in rows]
    assert seen == [car.pk for car in made]


def test_a_global_admin_gives_a_rig_its_units(ours: factories.House, outsider: factories.House) -> None:
    [rig] = make(CaptureSet, ours)
    client, address = login(ours.global_admin), page(CaptureSet, "change", rig.pk)
    sent: dict[str, Any] = inputs(client.get(address)) | {
        "units-TOTAL_FORMS": "1", "units-0-side": "left", "units-0-balena_id": "abc",
        "units-0-capture_set": str(rig.pk),
        "units-0-tenants": [str(ours.tenant.pk), str(outsider.tenant.pk)],
    }  # fmt: skip
    assert client.post(address, sent).status_code == 302
    unit = rig.units.get()
    assert (unit.side, unit.balena_id, unit.tenants.count()) == ("left", "abc", 2)
    assert login(ours.tenant_admin).get(address).status_code == 200


def test_a_passage_is_given_a_car_of_its_tenant(ours: factories.House, outsider: factories.House) -> None:
    [passage] = make(Passage, ours)
    [car], [theirs] = make(Car, ours), make(Car, outsider)
    client, address = login(ours.tenant_admin), page(Passage, "change", passage.pk)
    sent = inputs(client.get(address))
    assert "car" in errors_of(client.post(address, sent | {"car": str(theirs.pk)}))
    assert client.post(address, sent | {"car": str(car.pk), "kind": "turnaround"}).status_code == 302
    passage.refresh_from_db()
    assert (passage.car, passage.kind) == (car, "turnaround")


def test_a_car_is_released_and_its_inspections_stay(ours: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, photos=0, car=make(Car, ours)[0])
    sent = {"action": "release", "_selected_action": [str(image_set.car_id)], "confirmed": "yes"}
    assert login(ours.tenant_admin).post(page(Car, "changelist"), sent).status_code == 302
    image_set.refresh_from_db()
    assert image_set.car is not None
    assert image_set.car.released_at is not None
