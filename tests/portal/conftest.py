"""A set of ours that our annotator holds, and clients that are logged in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from assets.models import Image, ImageSet
from damages.models import Damage, Step
from damages.services.manual import manual_job_lock, manual_open
from imaging.models import Detection
from tenants.models import Delivery, Event, User
from tenants.services.deliveries import delivery_create
from tenants.services.events import event_record
from tests import factories

Login = Callable[[User], Client]


@dataclass(frozen=True, slots=True)
class Held:
    """A set with a photo, a proposal and a weaker one on it, a result and its delivery; our annotator holds it."""

    house: factories.House
    image_set: ImageSet
    image: Image
    damage: Damage
    delivery: Delivery
    weaker: Detection

    def url(self, name: str, **extra: Any) -> str:
        """The address of one of the set's pages."""
        return reverse(f"portal:{name}", kwargs={"image_set_id": self.image_set.pk, **extra})


@pytest.fixture
def login() -> Login:
    """Log a person in; the client checks CSRF as a browser's requests are checked."""

    def log_in(person: User) -> Client:
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return log_in


@pytest.fixture
def held(ours: factories.House) -> Held:
    factories.settings(ours.tenant, manualAnnotationEnabled=True, manualReviewEnabled=True)
    image_set = factories.image_set(ours.tenant)
    image = image_set.images.get()
    damage = factories.damage(image)
    run = factories.run(image_set)
    result = image_set.results.create(version=1, cause="models", run=run, facts={"schema": 1, "damages": []})
    weaker = factories.detection(image, run=run, ordinal=3, score=0.2)
    manual_open(image_set=image_set)
    manual_job_lock(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    return Held(ours, image_set, image, damage, told(ours, result.pk), weaker)


def told(house: factories.House, subject_id: Any) -> Delivery:
    """A delivery about a result."""
    event: Event = event_record(
        tenant_id=house.tenant.pk, kind="image_set.result", subject_id=subject_id, ordering_key=f"test:{uuid4()}"
    )
    return delivery_create(
        event=event, tenant_id=house.tenant.pk, family="inspektlabs", target="https://client.example/hook", body="{}",
        retry_delays=[],
    )  # fmt: skip
