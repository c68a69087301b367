"""Every route of every family, tried without credentials and as the outsider. A route without an entry fails here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from assets.models import PricePoint
from inspection_platform.api.families import ENVELOPES
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True)
class Public:
    """For everybody: it takes credentials, or tells nobody's secrets. `why` is for the reader."""

    why: str


@dataclass(frozen=True, slots=True)
class Own:
    """For those who show credentials, and about nobody's objects but their own."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Objects:
    """About objects: `path` makes the address of ours; the outsider gets 404 there, ours (`by`) do not."""

    method: str
    path: Callable[[factories.House], str]
    #: Who of ours may do it.
    by: str = "staff"


def _image_set(house: factories.House) -> str:
    return f"/core/v1/imageSets/{factories.image_set(house.tenant, photos=0).pk}"


def _new_damages_of_set(house: factories.House) -> str:
    return f"/core/v1/imageSets/newDamages?ids={factories.image_set(house.tenant, photos=0).pk}"


def _images_of_set(house: factories.House) -> str:
    return f"/core/v1/images?imageSetId={factories.image_set(house.tenant).pk}"


def _logos(house: factories.House) -> str:
    return f"/core/v1/logos?tenantIds={house.tenant.pk}"


def _damages_of_set(house: factories.House) -> str:
    return f"/core/v1/damages?imageSetId={factories.image_set(house.tenant, photos=0).pk}"


def _damages_of_family(house: factories.House) -> str:
    image = factories.image_set(house.tenant, photos=1).images.get()
    return f"/core/v1/damages?returnFamilyOf={factories.damage(image).pk}"


def _damages_near_image(house: factories.House) -> str:
    image = factories.image_set(house.tenant, photos=1).images.get()
    return f"/core/v1/damages?closestToImageSetId={image.image_set_id}&closestToImageId={image.pk}"


def _damage(house: factories.House) -> str:
    return f"/core/v1/damages/{factories.damage(factories.image_set(house.tenant, photos=1).images.get()).pk}"


def _damages_of_tenant(house: factories.House) -> str:
    return f"/core/v1/damages?tenantId={house.tenant.pk}"


def _cars_of_tenant(house: factories.House) -> str:
    return f"/core/v1/cars?tenantId={house.tenant.pk}"


def _car_by_id(house: factories.House) -> str:
    return f"/core/v1/cars?carIds={factories.car(house.tenant).pk}"


def _car_for_passage(house: factories.House) -> str:
    rig = factories.rig(house.tenant, open_to=[house.tenant], default=house.tenant)
    return f"/core/v1/cars?registrationNo=AB12345&passageIds={factories.recording(rig).passage_id}"


def _image_sets_of_tenant(house: factories.House) -> str:
    return f"/core/v1/imageSets?tenantId={house.tenant.pk}"


def _profile(house: factories.House) -> str:
    return f"/core/v1/profile/{house.annotator.pk}"


def _profile_tenants(house: factories.House) -> str:
    return f"/core/v1/profile/{house.annotator.pk}/tenants"


def _profiles_of_tenant(house: factories.House) -> str:
    return f"/core/v1/profile?tenant={house.tenant.pk}"


def _api_key(house: factories.House) -> str:
    return f"/core/v1/auth/apiKey/{house.tenant_admin.pk}"


def _tenant(house: factories.House) -> str:
    return f"/core/v1/auth/tenants/{house.tenant.pk}"


def _capture_set(house: factories.House) -> str:
    return f"/core/v1/captureSets/{factories.rig(house.tenant).pk}"


def _capture_unit(house: factories.House) -> str:
    unit = factories.rig(house.tenant, open_to=[house.tenant]).units.order_by("side")[0]
    return f"/core/v1/captureUnits/{unit.pk}"


def _car_number(house: factories.House) -> str:
    factories.car(house.tenant, vin="WVWZZZAUZLW000001")
    return "/core/v1/carInfo/licensePlate/AB12345"


def _car_price(house: factories.House) -> str:
    factories.car(house.tenant, make="VW", model="Golf", year=2021)
    price = {"year": 2021, "km": 0, "price_low": 1, "price_medium": 2, "price_high": 3}
    PricePoint.objects.of(house.tenant.pk).create(tenant=house.tenant, make="VW", model="Golf", **price)
    return "/core/v1/carInfo/price/AB12345?km=0"


def _car_of_a_maker_unknown(house: factories.House) -> str:
    factories.car(house.tenant, vin="ZZZZZZZZZZZ000001", make="Own brand")
    return "/core/v1/carInfo/vin/ZZZZZZZZZZZ000001"


#: Route name to what may be tried there. Lists have an entry for each parameter that names an object.
TABLE: Final[dict[str, list[Public | Own | Objects]]] = {
    "core-auth-login": [Public("takes a password")],
    "core-auth-register": [Public("asks for an account; the answer is always the same")],
    "core-auth-register-verify": [Public("takes a one-time code")],
    "core-auth-reset-password": [Public("asks for a code; the answer is always the same")],
    "core-auth-reset-password-confirm": [Public("takes a one-time code")],
    "core-auth-token-refresh": [Public("takes a refresh token")],
    "core-auth-current-tenant": [Own("post", "/core/v1/auth/currentTenant")],
    "core-api-keys": [Own("post", "/core/v1/auth/apiKey")],
    "core-api-key": [Objects("get", _api_key, by="global_admin")],
    "core-group-assign": [Own("post", "/core/v1/auth/groups/assign")],
    "core-group-unassign": [Own("post", "/core/v1/auth/groups/unassign")],
    "core-tenant-groups": [Own("get", "/core/v1/auth/tenantGroups"), Own("post", "/core/v1/auth/tenantGroups")],
    "core-tenant-group": [Own("patch", "/core/v1/auth/tenantGroups/594302d9-f090-4dce-b7ad-66043c9ae000")],
    "core-tenants": [Own("get", "/core/v1/auth/tenants"), Own("post", "/core/v1/auth/tenants")],
    "core-tenant-assign": [Own("post", "/core/v1/auth/tenants/assign")],
    "core-tenant-unassign": [Own("post", "/core/v1/auth/tenants/unassign")],
    "core-tenant-users": [Own("get", "/core/v1/auth/tenants/users")],
    "core-tenant": [Objects("get", _tenant)],
    "core-user": [Own("delete", "/core/v1/auth/users/594302d9-f090-4dce-b7ad-66043c9ae000")],
    "core-profiles": [
        Own("get", "/core/v1/profile"),
        Objects("get", _profiles_of_tenant, by="tenant_admin"),
    ],
    "core-profile-names": [Own("get", "/core/v1/profile/names")],
    "core-profile": [Objects("get", _profile)],
    "core-profile-tenants": [Objects("get", _profile_tenants)],
    "core-capture-sets": [Own("get", "/core/v1/captureSets"), Own("post", "/core/v1/captureSets")],
    "core-capture-set-search": [Own("get", "/core/v1/captureSets/search")],
    "core-capture-set": [Objects("get", _capture_set)],
    "core-capture-units": [Own("get", "/core/v1/captureUnits")],
    "core-capture-unit": [Objects("get", _capture_unit)],
    "core-capture-unit-assign": [Own("post", "/core/v1/captureUnits/594302d9-f090-4dce-b7ad-66043c9ae000/assign")],
    "core-capture-unit-default": [Own("put", "/core/v1/captureUnits/594302d9-f090-4dce-b7ad-66043c9ae000/default")],
    "core-capture-unit-unassign": [Own("post", "/core/v1/captureUnits/594302d9-f090-4dce-b7ad-66043c9ae000/unassign")],
    "core-cars": [
        *(Own(method, "/core/v1/cars") for method in ("get", "post", "put", "delete")),
        Objects("get", _cars_of_tenant),
        Objects("get", _car_by_id),
        Objects("get", _car_for_passage),
    ],
    "core-car-info-license-plate": [Objects("get", _car_number)],
    "core-car-info-price": [Objects("get", _car_price)],
    "core-car-info-vin": [Objects("get", _car_of_a_maker_unknown)],
    "core-image-sets": [
        Own("get", "/core/v1/imageSets"),
        Own("post", "/core/v1/imageSets"),
        Own("put", "/core/v1/imageSets"),
        Objects("get", _image_sets_of_tenant),
    ],
    "core-image-sets-new-damages": [Objects("get", _new_damages_of_set)],
    "core-image-sets-redirect": [Own("post", "/core/v1/imageSets/redirect")],
    "core-image-set": [Objects("get", _image_set)],
    "core-image-sets-count": [Own("get", "/core/v1/imageSets/count?forManualReview=true")],
    "core-image-set-lock": [Own("post", "/core/v1/imageSets/594302d9-f090-4dce-b7ad-66043c9ae000/lock")],
    "core-image-set-status": [Own("patch", "/core/v1/imageSets/594302d9-f090-4dce-b7ad-66043c9ae000/status")],
    "core-image-set-unlock": [Own("post", "/core/v1/imageSets/594302d9-f090-4dce-b7ad-66043c9ae000/unlock")],
    "core-images": [Objects("get", _images_of_set)],
    # That the outsider gets to no picture is in core/test_images.py: a redirect is neither yes nor no here.
    "core-image": [Own(method, "/core/v1/images/594302d9-f090-4dce-b7ad-66043c9ae000") for method in ("get", "delete")],
    "core-image-set-images": [Own("post", "/core/v1/imageSets/594302d9-f090-4dce-b7ad-66043c9ae000/images")],
    "core-image-set-submit": [Own("post", "/core/v1/imageSets/594302d9-f090-4dce-b7ad-66043c9ae000/submit")],
    "core-logos": [Objects("get", _logos), Own("post", "/core/v1/logos")],
    "core-annotators-statistics": [Own("get", "/core/v1/annotators/statistics")],
    "core-reviewers-queue": [Own("post", "/core/v1/reviewers/queue")],
    "core-damages": [
        Own("get", "/core/v1/damages"),
        Objects("get", _damages_of_set),
        Objects("get", _damages_near_image),
        Objects("get", _damages_of_family),
        Objects("get", _damages_of_tenant),
        Own("delete", "/core/v1/damages"),
        Own("patch", "/core/v1/damages"),
        Own("post", "/core/v1/damages"),
    ],
    "core-damages-merge": [Own("post", "/core/v1/damages/merge")],
    "core-damage": [Objects("get", _damage)],
    # For devices: what the outsider's are told is in core/recordings.
    "core-recordings": [Own("post", "/core/v1/recordings")],
    "core-recording": [Own("get", "/core/v1/recordings/594302d9-f090-4dce-b7ad-66043c9ae000")],
    "core-recording-camera": [
        Own(method, "/core/v1/recordings/594302d9-f090-4dce-b7ad-66043c9ae000/cameras/topLeft")
        for method in ("get", "put")
    ],
    "core-recording-complete": [Own("post", "/core/v1/recordings/594302d9-f090-4dce-b7ad-66043c9ae000/complete")],
    "inspektlabs-authenticate": [Public("takes an API key")],
    "inspektlabs-get-token": [Public("takes an API key")],
    "inspektlabs-refresh": [Public("takes a refresh token")],
    "inspektlabs-upload": [Own("post", "/inspektlabs/api/upload")],
}


def family_routes() -> Iterator[str]:
    """The names of all routes under the families' prefixes."""
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver) and str(entry.pattern).strip("/") in ENVELOPES:
            yield from _names(entry)


def _names(resolver: URLResolver) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry.name or str(entry.pattern)
        else:
            yield from _names(entry)


def test_every_route_has_its_entry() -> None:
    assert set(family_routes()) == TABLE.keys()


def entries(kind: type) -> list[object]:
    found = [(name, entry) for name, rows in TABLE.items() for entry in rows if isinstance(entry, kind)]
    return [pytest.param(entry, id=f"{name}-{number}") for number, (name, entry) in enumerate(found)]


@pytest.mark.parametrize("entry", entries(Objects))
def test_objects_are_not_there_for_the_outsider(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Callable[[User], Headers], entry: Objects
) -> None:
    path = entry.path(ours)
    call = getattr(client, entry.method)
    assert call(path).status_code == 401
    for person in (outsider.staff, outsider.tenant_admin, outsider.annotator, outsider.reviewer):
        assert call(path, headers=bearer(person)).status_code == 404
    assert call(path, headers={"x-api-key": outsider.keys["core"]}).status_code == 404
    for person in (getattr(ours, entry.by), outsider.global_admin):
        assert call(path, headers=bearer(person)).status_code < 300


@pytest.mark.parametrize("entry", entries(Own))
def test_lists_need_credentials(client: Client, ours: factories.House, entry: Own) -> None:
    assert getattr(client, entry.method)(entry.path).status_code == 401


@pytest.mark.parametrize("path", ["/core/v1/imageSets", "/core/v1/damages"])
def test_lists_hold_nothing_of_ours_for_the_outsider(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Callable[[User], Headers], path: str
) -> None:
    factories.damage(factories.image_set(ours.tenant, photos=1).images.get())
    assert client.get(path, headers=bearer(outsider.staff)).json()["data"] == {"items": []}
    assert len(client.get(path, headers=bearer(ours.staff)).json()["data"]["items"]) == 1
