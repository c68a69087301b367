"""Single photos removed and restored: their damages, and lines and families of damages elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from assets.models import Image, ImageSet
from damages.models import Damage, DamageDecision
from damages.services.image_sets import image_set_delete
from damages.services.images import image_delete, image_restore
from tenants.errors import Conflict, NotFound
from tests import factories

pytestmark = pytest.mark.django_db


def two_visits(house: factories.House) -> tuple[Damage, Damage]:
    """The first occurrence of a damage, and its sighting a day later."""
    car = factories.car(house.tenant)
    earlier = factories.image_set(house.tenant, car=car)
    later = factories.image_set(house.tenant, car=car)
    sets = ImageSet.objects.of(house.tenant.pk)
    sets.filter(pk=earlier.pk).update(recorded_at=timezone.now() - timedelta(days=1))
    first = factories.damage(earlier.images.get())
    return first, factories.damage(later.images.get(), first_damage=first)


def fresh(damage: Damage) -> Damage:
    damage.refresh_from_db()
    return damage


def test_a_line_goes_on_without_the_photo_and_begins_on_it_again(ours: factories.House) -> None:
    first, later = two_visits(ours)
    image_delete(image=first.image, by=ours.tenant_admin)
    assert fresh(later).first_damage_id is None
    assert fresh(first).deleted_by == ours.tenant_admin
    image_restore(image=first.image, by=ours.tenant_admin)
    assert fresh(first).deleted_at is None
    assert fresh(later).first_damage_id == first.pk


def test_a_family_is_represented_by_its_other_sighting(ours: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, photos=2)
    one, other = image_set.images.order_by("position")
    head = factories.damage(one)
    member = factories.damage(other, representative=head)
    image_delete(image=one, by=ours.tenant_admin)
    assert fresh(member).representative_id is None


def test_what_was_removed_before_stays_removed(ours: factories.House) -> None:
    image = factories.image_set(ours.tenant).images.get()
    gone = factories.damage(image, deleted_at=timezone.now() - timedelta(days=1))
    standing = factories.damage(image)
    image_delete(image=image, by=ours.tenant_admin)
    image_restore(image=image, by=ours.global_admin)
    assert (fresh(gone).deleted_at is None, fresh(standing).deleted_at is None) == (False, True)
    actions = list(DamageDecision.objects.of(ours.tenant.pk).order_by("created_at", "id").values_list("action", "by"))
    assert actions == [("deleted", ours.tenant_admin.pk), ("restored", ours.global_admin.pk)]
    assert LogEntry.objects.filter(object_id=str(image.image_set_id)).count() == 2


def test_each_is_done_once(ours: factories.House) -> None:
    image = factories.image_set(ours.tenant).images.get()
    with pytest.raises(NotFound):
        image_restore(image=image, by=ours.tenant_admin)
    image_delete(image=image, by=ours.tenant_admin)
    with pytest.raises(NotFound):
        image_delete(image=image, by=ours.tenant_admin)


def test_a_photo_that_came_again_is_not_doubled(ours: factories.House) -> None:
    image = factories.image_set(ours.tenant).images.get()
    image_delete(image=image, by=ours.tenant_admin)
    Image(image_set=image.image_set, position=2, sha256=image.sha256).save()
    with pytest.raises(Conflict, match="again"):
        image_restore(image=image, by=ours.tenant_admin)


def test_photos_of_removed_sets_stay_as_they_are(ours: factories.House) -> None:
    image = factories.image_set(ours.tenant).images.get()
    image_set_delete(image_set=image.image_set, by=ours.tenant_admin)
    with pytest.raises(NotFound):
        image_delete(image=image, by=ours.tenant_admin)
