"""The state table of image sets, and what of a set's pipeline is switched off."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from assets.models import CaptureSet, ImageSet, ImageSetState, ImageState
from assets.services.image_sets import image_set_conclude, image_set_process, jobs_off
from assets.states import NEXT, states_before
from tenants.errors import Conflict
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(NEXT) == set(ImageSetState)
    assert set(itertools.chain.from_iterable(NEXT.values())) == set(ImageSetState) - {ImageSetState.OPEN}


@pytest.mark.parametrize("state", list(ImageSetState))
def test_only_the_states_of_the_table_may_enter_the_pipeline(ours: factories.House, state: ImageSetState) -> None:
    image_set = factories.image_set(ours.tenant, state=state)
    if state in states_before(ImageSetState.PROCESSING):
        assert image_set_process(image_set=image_set).state == ImageSetState.PROCESSING
    else:
        with pytest.raises(Conflict):
            image_set_process(image_set=image_set)


def test_a_concluded_set_cannot_be_concluded_again(ours: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, state=ImageSetState.PROCESSING)
    assert image_set_conclude(image_set=image_set).state == ImageSetState.READY
    assert image_set.finished_at
    with pytest.raises(Conflict):
        image_set_conclude(image_set=image_set)


@pytest.mark.parametrize(
    ("published", "reason"), [(True, "Poor image quality"), (False, "Corrupt media: none of the photos")]
)
def test_a_set_without_a_usable_photo_is_rejected(ours: factories.House, published: bool, reason: str) -> None:
    image_set = factories.image_set(ours.tenant, photos=2, state=ImageSetState.PROCESSING, published=published)
    image_set.images.update(state=ImageState.UNUSABLE)
    concluded = image_set_conclude(image_set=image_set)
    assert concluded.is_rejected
    assert concluded.reason.startswith(reason)


def test_a_set_without_any_photo_is_rejected(ours: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, photos=0, state=ImageSetState.PROCESSING)
    assert image_set_conclude(image_set=image_set).reason.startswith("Corrupt media: none of the files")


def test_masks_of_set_and_rig_add_up(ours: factories.House) -> None:
    rig = CaptureSet.objects.of(ours.tenant.pk).create(tenant=ours.tenant, name="Gate", pipeline_mask=["cost"])
    image_set = factories.image_set(ours.tenant, capture_set=rig, pipeline_mask=["damage_detection"])
    off = jobs_off(image_set)
    assert set(off) == {"cost", "damage_detection", "damage_identification", "face_blur", "fetch"}
    assert "capture set" in off["cost"]


def test_a_tenant_switches_detection_off(ours: factories.House) -> None:
    factories.settings(ours.tenant, damageDetectionServiceEnabled=False)
    image_set = ImageSet.objects.of(ours.tenant.pk).get(pk=factories.image_set(ours.tenant).pk)
    assert {"damage_detection", "damage_identification"} <= set(jobs_off(image_set))


@pytest.mark.django_db(transaction=True)
def test_of_eight_starts_one_wins(ours: factories.House) -> None:
    image_set = factories.image_set(ours.tenant, state=ImageSetState.OPEN)

    def process(_number: int) -> bool:
        try:
            image_set_process(image_set=ImageSet(pk=image_set.pk))
        except Conflict:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(process, range(8))) == 1
