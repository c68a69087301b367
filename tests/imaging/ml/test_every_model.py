"""What holds for every model that has a card: digest, size, equal outputs on the runtimes, and photos of all kinds."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw

from imaging.ml import registry, runtime
from imaging.ml.card import RUNTIMES, file_check
from imaging.ml.model import ImageError, Model
from imaging.ml.types import Prediction
from imaging.ops.decode import decode
from imaging.ops.errors import UnusableMedia
from tests.media import scene

MODELS = registry.names()
#: All `.tflite` files in the repository together stay below this.
MEGABYTES = 25
#: How far two runtimes may differ, as a share of the output's largest value.
TOLERANCES = {"float32": 1e-4, "float16": 1e-3, "weights8": 1e-3, "int8": 0.05}
MANY_PIXELS = 89_478_485


class Listening:
    """A network that keeps the first question it is asked."""

    def __init__(self, network: runtime.Network) -> None:
        self._network = network
        self.batch: NDArray[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._network, name)
        return (lambda batch: self._asked(found, batch)) if name.startswith("run") else found

    def asked(self) -> NDArray[Any]:
        """The first question."""
        assert self.batch is not None, "it was never asked"
        return self.batch

    def _asked(self, ask: Any, batch: NDArray[Any]) -> Any:
        self.batch = batch.copy() if self.batch is None else self.batch
        return ask(batch)


@cache
def questions(name: str) -> dict[str, NDArray[Any]]:
    """What the model asks each of its networks first when it sees a photo; by part, "" being the first one."""
    networks: list[Listening] = []

    def around(network: runtime.Network) -> Listening:
        networks.append(Listening(network))
        return networks[-1]

    card = registry.card(name)
    registry.build(card, around=around).predict(round_thing())
    return {part: network.asked() for part, network in zip(("", *card.parts), networks, strict=True)}


def round_thing() -> NDArray[np.uint8]:
    """A photo with something that may be a face: an oval with two eyes and a mouth."""
    picture = Image.fromarray(scene(320, 240))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((110, 60, 210, 190), fill=(225, 180, 150))
    for eye in (140, 180):
        draw.ellipse((eye - 9, 106, eye + 9, 116), fill=(40, 30, 30))
    draw.polygon(((160, 118), (150, 144), (170, 144)), fill=(190, 140, 115))
    draw.ellipse((138, 155, 182, 167), fill=(150, 60, 60))
    return np.asarray(picture)


def test_there_are_models() -> None:
    assert {"damage_detector", "face_detector"} <= set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_every_file_has_the_digest_of_its_card(name: str) -> None:
    for file in registry.card(name).files:
        assert hashlib.sha256(file.path.read_bytes()).hexdigest() == file.sha256


@pytest.mark.parametrize("name", MODELS)
def test_every_runtime_has_a_file(name: str) -> None:
    card = registry.card(name)
    for one in sorted(RUNTIMES):
        assert one in card.file_for(one).runtimes


@pytest.mark.parametrize("name", MODELS)
def test_runtimes_agree_on_every_file(name: str) -> None:
    for file in registry.card(name).files:
        networks = [runtime.Network(file_check(file), runtime=one) for one in sorted(file.runtimes)]
        answers = [network.run_all(questions(name)[file.part]) for network in networks]
        assert all(np.isfinite(values).all() and values.std() > 0 for values in answers[0])
        for one, other in itertools.combinations(answers, 2):
            for mine, theirs in zip(one, other, strict=True):
                np.testing.assert_allclose(mine, theirs, atol=TOLERANCES[file.precision] * np.abs(mine).max())


def test_first_output_is_the_same_alone_and_among_all() -> None:
    network = runtime.Network(file_check(registry.card("face_detector").files[0]))
    batch = questions("face_detector")[""]
    answers = network.run_all(batch)
    assert tuple(values.shape for values in answers) == network.output_shapes
    assert len(answers) == 2
    np.testing.assert_array_equal(network.run(batch), answers[0])


def test_all_files_together_are_small() -> None:
    files = list(registry.FOLDER.glob("*.tflite"))
    assert files
    assert sum(path.stat().st_size for path in files) < MEGABYTES * 1e6


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def photo(width: int = 320, height: int = 240) -> Image.Image:
    return Image.fromarray(scene(width, height))


def turned() -> bytes:
    """A JPEG that is to be turned by 90 degrees."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return saved(photo(), "JPEG", exif=exif)


def deep() -> bytes:
    """A grey PNG of 16 bits a pixel."""
    values = np.asarray(photo().convert("L")).astype(np.uint16) * 257
    return saved(Image.fromarray(values), "PNG")


def moving() -> bytes:
    """A PNG of three frames."""
    frames = [Image.fromarray(scene(320, 240, seed)) for seed in range(3)]
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:])


#: Name of a kind of photo: its bytes, and its size (width, height) as shown.
PHOTOS: dict[str, tuple[Callable[[], bytes], tuple[int, int]]] = {
    "one pixel": (lambda: saved(photo(1, 1), "PNG"), (1, 1)),
    "narrow": (lambda: saved(photo(2, 3000), "PNG"), (2, 3000)),
    "flat": (lambda: saved(photo(3000, 2), "PNG"), (3000, 2)),
    "grey": (lambda: saved(photo().convert("L"), "JPEG"), (320, 240)),
    "black and white": (lambda: saved(photo().convert("1"), "PNG"), (320, 240)),
    "palette": (lambda: saved(photo().quantize(16), "PNG"), (320, 240)),
    "transparent": (lambda: saved(photo().convert("RGBA"), "PNG"), (320, 240)),
    "CMYK": (lambda: saved(photo().convert("CMYK"), "JPEG"), (320, 240)),
    "16 bit": (deep, (320, 240)),
    "animated": (moving, (320, 240)),
    "turned by EXIF": (turned, (240, 320)),
}


@pytest.mark.parametrize("kind", PHOTOS)
@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_photo_gives_a_prediction(name: str, kind: str) -> None:
    draw, size = PHOTOS[kind]
    prediction = looked(registry.load(name, threads=1), draw())
    assert (prediction.width, prediction.height) == size
    for finding in prediction.findings:
        assert 0 <= finding.score <= 1
        assert len(finding.polygon) >= 3
        assert all(0 <= value <= 1 for point in finding.polygon for value in point)


def looked(model: Model, content: bytes) -> Prediction:
    return model.predict(decode(io.BytesIO(content), max_pixels=MANY_PIXELS))


def test_broken_photos_are_refused_before_a_model_sees_them() -> None:
    content = saved(photo(), "JPEG")
    for broken in (b"", content[:200], content[: len(content) // 2]):
        with pytest.raises(UnusableMedia):
            looked(registry.load("damage_detector", threads=1), broken)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
    ],
    ids=["grey", "four colours", "empty", "float"],
)
def test_what_is_no_photo_is_refused(name: str, array: Any) -> None:
    with pytest.raises(ImageError):
        registry.load(name, threads=1).predict(array)


def peak_reset() -> float:
    """Forget the process's peak of memory; return what it holds now, in MB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def peak() -> float:
    """Largest resident memory since the last reset, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize("name", MODELS)
def test_fifty_megapixels_fit_into_memory(name: str) -> None:
    """A copy in Pillow's four bytes a pixel, and what a model needs for its working size: no more."""
    model = registry.load(name, threads=1)
    large = np.tile(scene(1020, 765), (8, 8, 1))
    before = peak_reset()
    prediction = model.predict(large)
    assert (prediction.width, prediction.height) == (8160, 6120)
    assert peak() - before < 300
