"""Inspections that admins remove, restore and dispute on the staff pages."""

from __future__ import annotations

import pytest
from django.urls import reverse

from assets.models import ImageSet
from damages.models import ManualProcessing
from tests import factories
from tests.portal.conftest import Held, Login

pytestmark = pytest.mark.django_db


@pytest.fixture
def free(held: Held) -> Held:
    """The set, held by nobody."""
    ManualProcessing.objects.of(held.house.tenant.pk).update(holder=None, locked_until=None)
    return held


def row_of(held: Held) -> ImageSet:
    return ImageSet.objects.of(held.house.tenant.pk).get(pk=held.image_set.pk)


def test_an_admin_removes_and_restores(free: Held, login: Login) -> None:
    admin = login(free.house.tenant_admin)
    assert free.url("remove") in admin.get(free.url("inspection")).content.decode()
    gone = admin.post(free.url("remove"), follow=True)
    assert gone.redirect_chain[-1][0] == free.url("removed")
    page = gone.content.decode()
    assert "Removed by" in page
    assert free.url("restore") in page
    assert row_of(free).deleted_by == free.house.tenant_admin
    assert admin.get(free.url("inspection")).status_code == 404
    listed = reverse("admin:assets_imageset_changelist") + "?deleted_at__isempty=0"
    assert str(free.image_set.pk) in admin.get(listed).content.decode()
    opened = admin.get(reverse("admin:assets_imageset_open_inspection", args=[free.image_set.pk]))
    assert opened["Location"] == free.url("removed")
    back = admin.post(free.url("restore"), follow=True)
    assert back.redirect_chain[-1][0] == free.url("inspection")
    assert row_of(free).deleted_at is None
    free.damage.refresh_from_db()
    assert free.damage.deleted_at is None


@pytest.mark.parametrize("person", ["annotator", "reviewer", "staff"])
def test_others_neither_remove_nor_restore_nor_dispute(free: Held, login: Login, person: str) -> None:
    client = login(getattr(free.house, person))
    page = client.get(free.url("inspection")).content.decode()
    for name in ("remove", "dispute"):
        assert free.url(name) not in page
        answer = client.post(free.url(name), {"reason": "r"}, follow=True)
        assert "Only admins of the tenant may do this." in answer.content.decode()
    assert (row_of(free).deleted_at, row_of(free).under_dispute) == (None, False)
    login(free.house.tenant_admin).post(free.url("remove"))
    for name, method in (("removed", client.get), ("restore", client.post)):
        assert method(free.url(name)).status_code == 404


def test_a_set_that_somebody_holds_stays(held: Held, login: Login) -> None:
    answer = login(held.house.tenant_admin).post(held.url("remove"), follow=True)
    assert "Somebody else is working on this set." in answer.content.decode()
    assert row_of(held).deleted_at is None


def test_a_dispute_is_shown_and_ends(free: Held, login: Login) -> None:
    admin = login(free.house.tenant_admin)
    assert "A reason is needed" in admin.post(free.url("dispute"), follow=True).content.decode()
    page = admin.post(free.url("dispute"), {"reason": "Denied <b>"}, follow=True).content.decode()
    assert "Under dispute: Denied &lt;b&gt;" in page
    assert free.url("remove") not in page
    admin.post(free.url("dispute"), {"reason": "Paid", "over": "1"})
    assert not row_of(free).under_dispute


def test_an_admin_removes_and_restores_a_photo(free: Held, login: Login) -> None:
    admin = login(free.house.tenant_admin)
    gone = admin.post(free.url("remove-photo", image_id=free.image.pk), follow=True).content.decode()
    assert "is removed; an admin can restore it below." in gone
    assert free.url("restore-photo", image_id=free.image.pk) in gone
    free.damage.refresh_from_db()
    assert free.damage.deleted_by == free.house.tenant_admin
    back = admin.post(free.url("restore-photo", image_id=free.image.pk), follow=True).content.decode()
    assert "is back, with its damages." in back
    free.damage.refresh_from_db()
    assert free.damage.deleted_at is None
    again = admin.post(free.url("restore-photo", image_id=free.image.pk), follow=True).content.decode()
    assert "Image not found." in again


@pytest.mark.parametrize("person", ["annotator", "reviewer", "staff"])
def test_others_neither_remove_nor_restore_photos(free: Held, login: Login, person: str) -> None:
    client = login(getattr(free.house, person))
    assert free.url("remove-photo", image_id=free.image.pk) not in client.get(free.url("inspection")).content.decode()
    for name in ("remove-photo", "restore-photo"):
        answer = client.post(free.url(name, image_id=free.image.pk), follow=True)
        assert "Only admins of the tenant may do this." in answer.content.decode()


def test_photos_of_other_sets_are_not_found(free: Held, login: Login) -> None:
    other = factories.image_set(free.house.tenant).images.get()
    admin = login(free.house.tenant_admin)
    for name in ("remove-photo", "restore-photo"):
        assert admin.post(free.url(name, image_id=other.pk)).status_code == 404
