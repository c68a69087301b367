"""What the public reference says of images and logos, against the answers themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from assets.services.inspections import image_set_open
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers
from tests.api.test_reference import reference, validator

pytestmark = pytest.mark.django_db
PREFIX = "/core/v1"
FILE = {"fileName": "1.jpg", "contentType": "image/jpeg"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/images?imageSetId={full}", None, 200),
        ("get", "/images", None, 400),
        ("get", "/images/{image_id}", None, 302),
        ("delete", "/images/{image_id}", None, 200),
        ("post", "/imageSets/{image_set_id}/images", {"files": [FILE]}, 200),
        ("post", "/imageSets/{image_set_id}/images", {"files": [{}]}, 400),
        ("post", "/imageSets/{image_set_id}/submit", {}, 409),
        ("get", "/logos?tenantIds={tenant}", None, 200),
        ("post", "/logos", {"fileName": "a.png"}, 200),
        ("post", "/logos", {"fileName": "a.svg"}, 400),
    ],
)
def test_answers_fit_the_reference(
    client: Client, ours: factories.House, bearer: Callable[[User], Headers], method: str, path: str, body: Any,
    status: int,
) -> None:  # fmt: skip
    image = factories.image_set(ours.tenant).images.get()
    address = path.format(
        full=image.image_set_id, image_id=image.pk, tenant=ours.tenant.pk,
        image_set_id=image_set_open(tenant=ours.tenant).pk,
    )  # fmt: skip
    call = getattr(client, method)
    given: Any = {"headers": bearer(ours.tenant_admin)}
    if body is not None:
        given |= {"data": body, "content_type": "application/json"}
    answer = call(PREFIX + address, **given)
    assert answer.status_code == status, answer.content
    described = reference()["paths"][PREFIX + path.partition("?")[0]][method]["responses"][str(status)]
    schema = described["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(answer.json())] == []
