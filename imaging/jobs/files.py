"""Stored files as what decoders and players want."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from numpy.typing import NDArray

from imaging.ops.decode import decode


def pixels_of(stored: FieldFile) -> NDArray[np.uint8]:
    """The stored photo as (H, W, 3) RGB, upright; UnusableMedia if it cannot be decoded."""
    with opened(stored) as file:
        return decode(file, max_pixels=settings.MAX_PHOTO_PIXELS)


@contextmanager
def opened(stored: FieldFile) -> Iterator[BinaryIO]:
    """The stored file, open for reading."""
    with default_storage.open(_key(stored)) as file:
        yield cast("BinaryIO", file)


@contextmanager
def local_copy(stored: FieldFile) -> Iterator[Path]:
    """A path to the stored file: its own on local storage, a temporary copy elsewhere."""
    try:
        yield Path(default_storage.path(_key(stored)))
    except NotImplementedError:
        with opened(stored) as source, tempfile.NamedTemporaryFile() as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            yield Path(copy.name)


def _key(stored: FieldFile) -> str:
    if not stored.name:
        raise FileNotFoundError("The row names no stored file.")
    return stored.name
