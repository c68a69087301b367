"""What goes out, in the admin: webhooks whose headers stay sealed, deliveries that get a second life."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import Delivery, DeliveryAttempt, DeliveryState, Event, Family, Webhook
from tenants.services.webhooks import headers_unseal
from tests import factories
from tests.admin_pages import errors_of, inputs, login, page, rows_of, said
from tests.admin_rows import make

pytestmark = pytest.mark.django_db
SECRET = "Bearer very-secret-word"


def new_webhook(house: factories.House, **changes: str) -> dict[str, str]:
    return {
        "tenant": str(house.tenant.pk), "family": Family.CORE, "event": "*", "url": "https://example.com/hook",
        "method": "POST", "is_active": "on", "extra_payload": "{}", "headers": f"Authorization: {SECRET}\nX-Site: Oslo",
    } | changes  # fmt: skip


@pytest.fixture
def client(ours: factories.House) -> Client:
    """Our tenant's admin."""
    return login(ours.tenant_admin)


@pytest.fixture
def hook(client: Client, ours: factories.House) -> Webhook:
    """A webhook with headers, made on the page."""
    answer = client.post(page(Webhook, "add"), new_webhook(ours))
    assert answer.status_code == 302, errors_of(answer)
    return Webhook.objects.of(ours.tenant.pk).get()


def test_headers_are_stored_sealed_and_never_shown(client: Client, hook: Webhook, ours: factories.House) -> None:
    assert headers_unseal(hook.sealed_headers) == {"Authorization": SECRET, "X-Site": "Oslo"}
    assert hook.history.get().history_user == ours.tenant_admin
    for name, args in (("changelist", ()), ("change", (hook.pk,)), ("history", (hook.pk,)), ("delete", (hook.pk,))):
        text = client.get(page(Webhook, name, *args)).content.decode()
        assert "very-secret-word" not in text
        assert hook.sealed_headers not in text


def test_saving_keeps_headers_and_new_ones_replace_them(client: Client, hook: Webhook) -> None:
    address = page(Webhook, "change", hook.pk)
    sent = inputs(client.get(address)) | {"url": "https://example.com/other"}
    assert client.post(address, sent).status_code == 302
    hook.refresh_from_db()
    assert hook.url == "https://example.com/other"
    assert headers_unseal(hook.sealed_headers)["Authorization"] == SECRET
    assert client.post(address, sent | {"headers": "X-New: 1"}).status_code == 302
    hook.refresh_from_db()
    assert headers_unseal(hook.sealed_headers) == {"X-New": "1"}
    assert client.post(address, sent | {"forget_headers": "on"}).status_code == 302
    hook.refresh_from_db()
    assert hook.sealed_headers == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://127.0.0.1/hook"), ("url", "http://[::1]/"), ("url", "ftp://example.com/"), ("url", "nonsense"),
        ("headers", "no colon"), ("headers", "Content-Length: 3"), ("method", "DELETE"), ("extra_payload", "{"),
        ("extra_payload", "[1]"), ("extra_payload", '"text"'),
    ],
)  # fmt: skip
def test_a_webhook_that_could_not_be_sent_to_is_refused(
    client: Client, ours: factories.House, field: str, value: str
) -> None:
    answer = client.post(page(Webhook, "add"), new_webhook(ours, **{field: value}))
    assert field in errors_of(answer)
    assert not Webhook.objects.of(ours.tenant.pk).exists()


def test_a_second_webhook_for_the_same_event_does_not_replace_the_first(
    client: Client, hook: Webhook, ours: factories.House
) -> None:
    answer = client.post(page(Webhook, "add"), new_webhook(ours, url="https://example.com/second"))
    assert errors_of(answer)
    hook.refresh_from_db()
    assert hook.url == "https://example.com/hook"


def test_a_webhook_is_deleted(client: Client, hook: Webhook) -> None:
    assert client.post(page(Webhook, "delete", hook.pk), {"post": "yes"}).status_code == 302
    assert not Webhook.objects.of(hook.tenant_id).exists()


def test_no_webhook_is_made_for_another_tenant(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    assert "tenant" in errors_of(client.post(page(Webhook, "add"), new_webhook(outsider)))


def given_up(house: factories.House) -> Delivery:
    row: Delivery = make(Delivery, house)[0]
    Delivery.objects.of(house.tenant.pk).filter(pk=row.pk).update(
        state=DeliveryState.FAILED, attempts=3, last_status=500, last_error="no", sealed_headers="SEALED"
    )
    DeliveryAttempt(delivery=row, number=3, status=500, error="no").save()
    return row


def test_a_delivery_is_sent_again_after_a_question(client: Client, ours: factories.House) -> None:
    row = given_up(ours)
    address = page(Delivery, "change", row.pk).replace("change/", "send_this_again/")
    assert client.get(address).status_code == 200
    row.refresh_from_db()
    assert row.state == DeliveryState.FAILED
    answer = client.post(address, {"confirmed": "yes"}, follow=True)
    assert "will be sent again" in said(answer)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (DeliveryState.WAITING, 0)
    assert row.next_attempt_at is not None
    assert row.tries.count() == 1


def test_several_deliveries_are_sent_again_and_refusals_are_told(client: Client, ours: factories.House) -> None:
    rows = [given_up(ours) for _ in range(2)]
    busy = given_up(ours)
    soon = timezone.now() + timedelta(minutes=1)
    Delivery.objects.of(ours.tenant.pk).filter(pk=busy.pk).update(state=DeliveryState.SENDING, lease_until=soon)
    sent = {"action": "send_again", "_selected_action": [str(row.pk) for row in (*rows, busy)], "confirmed": "yes"}
    answer = client.post(page(Delivery, "changelist"), sent, follow=True)
    assert "2 deliveries: will be sent again" in said(answer)
    assert "being sent at this moment" in said(answer)
    states = Delivery.objects.of(ours.tenant.pk).values_list("state", flat=True)
    assert sorted(states) == [DeliveryState.SENDING, DeliveryState.WAITING, DeliveryState.WAITING]


def test_the_page_of_a_delivery_tells_everything_but_its_headers(client: Client, ours: factories.House) -> None:
    row = given_up(ours)
    text = client.get(page(Delivery, "change", row.pk)).content.decode()
    assert "SEALED" not in text
    assert row.target in text
    assert f"/admin/inspections/{row.ordering_key.removeprefix('image_set:')}/" in text
    assert "&quot;a&quot;: 1" in text


def test_an_outsider_s_delivery_is_not_sent_again(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    row = given_up(outsider)
    client.post(page(Delivery, "change", row.pk).replace("change/", "send_this_again/"), {"confirmed": "yes"})
    client.post(
        page(Delivery, "changelist"), {"action": "send_again", "_selected_action": [str(row.pk)], "confirmed": "yes"}
    )
    row.refresh_from_db()
    assert row.state == DeliveryState.FAILED


@pytest.mark.parametrize("model", [Delivery, DeliveryAttempt, Event])
def test_records_are_not_edited(model: type[Delivery], ours: factories.House) -> None:
    [row] = make(model, ours)
    client = login(ours.global_admin)
    assert client.get(page(model, "add")).status_code == 403
    assert client.post(page(model, "change", row.pk), {"kind": "x"}).status_code == 403
    assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_the_filter_of_tenants_offers_reachable_ones_alone(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    [own] = make(Delivery, ours)
    make(Delivery, outsider)
    mine = client.get(page(Delivery, "changelist"), {"tenant__id__exact": str(outsider.tenant.pk)})
    assert rows_of(mine) <= {own.pk}
    assert outsider.tenant.name not in mine.content.decode()
    all_of_them = login(ours.global_admin).get(page(Delivery, "changelist")).content.decode()
    assert outsider.tenant.name in all_of_them
