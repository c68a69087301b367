"""A model that sees faces, and a tenant that wants them blurred."""

from __future__ import annotations

import pytest

from imaging.jobs import face_blur
from tenants.catalogue import CAMERAS
from tests import models
from tests.factories import House
from tests.imaging.face_blur.blurring import Faces, switch


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> Faces:
    model = Faces()
    models.use(monkeypatch, lambda _image: [])
    monkeypatch.setattr(face_blur, "load", lambda _name, *, threads: model)
    return model


@pytest.fixture
def on(ours: House) -> House:
    """Our tenant wants no faces."""
    switch(ours, *CAMERAS)
    return ours
