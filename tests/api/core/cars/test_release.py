"""Cars of the core family: deleted, W44."""

from __future__ import annotations

import pytest

from tests import factories
from tests.api.core.cars.plates import CARS, listed, plates_of
from tests.api.core.conftest import Scene
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db


def test_a_car_is_deleted_and_its_past_stays(ask: Sender, ours: factories.House, scene: Scene) -> None:
    answer = ask(ours.tenant_admin, "delete", f"{CARS}?registrationNo=ab-12345&countryCode=no")
    assert answer.json() == {"data": "AB12345", "message": "Car successfully deleted", "success": True}
    assert listed(ask(ours.staff, "get", CARS)) == []
    shown = ask(ours.staff, "get", f"/core/v1/damages?tenantId={ours.tenant.pk}&registrationNo=AB12345")
    assert len(shown.json()["data"]["items"]) == 2
    record = scene.car.history.latest()
    assert (record.history_user, record.history_change_reason) == (ours.tenant_admin, "Released.")
    assert ask(ours.tenant_admin, "delete", f"{CARS}?registrationNo=AB12345").status_code == 404


def test_the_car_of_another_tenant_is_not_there(ask: Sender, ours: factories.House, outsider: factories.House) -> None:
    factories.car(ours.tenant)
    for query in ("registrationNo=AB12345", "registrationNo=AB12345&masterTenantAction=true", "registrationNo=NONE1"):
        answer = ask(outsider.tenant_admin, "delete", f"{CARS}?{query}")
        assert (answer.status_code, answer.json()["message"]) == (404, "Car not found.")
    assert plates_of(ours.tenant) == {"NO#AB12345"}
    assert ask(outsider.global_admin, "delete", f"{CARS}?registrationNo=AB12345").status_code == 200


@pytest.mark.parametrize("query", ["", "registrationNo=", "registrationNo=!!", "registrationNo=A1&countryCode=12"])
def test_a_deletion_needs_a_plate(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.tenant_admin, "delete", f"{CARS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"registrationNo"}
