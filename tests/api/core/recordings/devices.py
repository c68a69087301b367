"""Devices of capture units, as they record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client

from assets.models import CaptureUnit, ImageSet
from assets.services.device_keys import capture_unit_enrol
from tenants.scope import Reach
from tests import media
from tests.api.conftest import Headers

PATH = "/core/v1/recordings"
EVERY = Reach.every()
PHOTO = media.jpeg(640, 480, seed=1)
OTHER_PHOTO = media.jpeg(640, 480, seed=2)


@dataclass(frozen=True, slots=True)
class Device:
    """A unit's computer: its key, and what it does with it."""

    client: Client
    unit: CaptureUnit
    key: str

    @property
    def headers(self) -> Headers:
        return {"x-device-key": self.key}

    def begin(self, *cameras: str, headers: Headers | None = None, **body: Any) -> Any:
        given = {**self.headers, **(headers or {})}
        body = {"cameras": list(cameras), **body}
        return self.client.post(PATH, body, content_type="application/json", headers=given)

    def recording(self, passage: str) -> Any:
        return self.client.get(f"{PATH}/{passage}", headers=self.headers)

    def offset(self, passage: str, camera: str) -> Any:
        return self.client.head(f"{PATH}/{passage}/cameras/{camera}", headers=self.headers)

    def send(
        self, passage: str, camera: str, data: bytes, *, start: int = 0, total: int | None = None, **more: Any
    ) -> Any:
        headers = {**self.headers, **more.pop("headers", {})}
        if total is not None:
            headers["content-range"] = f"bytes {start}-{start + len(data) - 1}/{total}"
        return self.client.put(
            f"{PATH}/{passage}/cameras/{camera}", data, content_type="application/octet-stream", headers=headers, **more
        )

    def complete(self, passage: str) -> Any:
        return self.client.post(f"{PATH}/{passage}/complete", headers=self.headers)

    def record(self, passage: str, **files: bytes) -> None:
        """All of it, with nothing in the way."""
        assert self.begin(*files, passageId=passage).status_code == 200
        for camera, data in files.items():
            assert self.send(passage, camera, data).status_code == 200
        assert self.complete(passage).status_code == 200


def device(client: Client, unit: CaptureUnit) -> Device:
    return Device(client, unit, capture_unit_enrol(unit=unit))


def sets() -> list[ImageSet]:
    return list(ImageSet.objects.of(EVERY).filter(submission__isnull=True))


def begun(device: Device, *cameras: str) -> str:
    passage: str = device.begin(*cameras).json()["data"]["passageId"]
    return passage


def message(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["message"]
