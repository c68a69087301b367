"""The tenant in which image sets are seen: W59."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assets.models import ImageSet
from tenants.models import Tenant
from tenants.services.sessions import session_find, session_open
from tests import factories
from tests.api.core.conftest import golden
from tests.api.core.image_set_edits.answers import LIST
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(ours: factories.House) -> str:
    """A refresh token of our staff member."""
    return session_open(user=ours.staff, tenant=ours.tenant)[1]


def redirect(token: str, *sets: ImageSet) -> dict[str, Any]:
    return {"imageSetIds": [str(row.pk) for row in sets], "refreshToken": token}


def test_the_asker_works_where_the_sets_are_seen(
    client: Client, ask: Sender, ours: factories.House, second: Tenant, token: str
) -> None:
    sets = [factories.image_set(second, photos=0) for _ in range(2)]
    assert ask(ours.staff, "get", f"{LIST}/{sets[0].pk}").status_code == 404
    answer = ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, *sets)).json()
    data = answer["data"]
    expected = golden("current_tenant")
    expected["data"] |= {"currentTenant": str(second.pk), "idToken": data["idToken"]}
    assert answer == expected
    headers = {"authorization": f"Bearer {data['idToken']}"}
    assert client.get(f"{LIST}/{sets[0].pk}", headers=headers).status_code == 200
    session = session_find(token)
    assert session
    assert session.tenant == second


def test_nobody_is_led_to_sets_that_no_tenant_of_theirs_sees_together(
    ask: Sender, ours: factories.House, outsider: factories.House, second: Tenant, token: str
) -> None:
    mine, other = factories.image_set(ours.tenant, photos=0), factories.image_set(second, photos=0)
    theirs = factories.image_set(outsider.tenant, photos=0)
    for sets in ([mine, other], [theirs], [mine, theirs]):
        assert ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, *sets)).status_code == 404
    session = session_find(token)
    assert session
    assert session.tenant == ours.tenant
    stays = ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, mine)).json()
    assert stays["data"]["currentTenant"] == str(ours.tenant.pk)


def test_waiting_sets_lead_to_the_default_tenant_of_their_units(
    ask: Sender, ours: factories.House, outsider: factories.House, second: Tenant, token: str
) -> None:
    waiting = factories.recording(factories.rig(outsider.tenant, default=second))
    own = factories.image_set(second, photos=0)
    for sets in ([waiting], [waiting, own]):
        answer = ask(ours.staff, "post", f"{LIST}/redirect", redirect(token, *sets))
        assert answer.json()["data"]["currentTenant"] == str(second.pk)


def test_a_redirect_needs_a_session_of_ones_own(ask: Sender, ours: factories.House, second: Tenant, token: str) -> None:
    row = factories.image_set(ours.tenant, photos=0)
    assert ask(ours.reviewer, "post", f"{LIST}/redirect", redirect(token, row)).status_code == 401
    for body, field in [
        ({"imageSetIds": [str(row.pk)]}, "refreshToken"),
        ({"refreshToken": token}, "imageSetIds"),
        ({"refreshToken": token, "imageSetIds": []}, "imageSetIds"),
        ({"refreshToken": token, "imageSetIds": ["x"]}, "imageSetIds.0"),
    ]:
        answer = ask(ours.staff, "post", f"{LIST}/redirect", body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
