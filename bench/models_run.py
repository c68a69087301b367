"""Every model from pixels to findings, against a bare loop of as many invokes of its network; and a worker's memory.

What the platform adds to a network is resizing, cutting, decoding of its answer and joining of tiles. Reading the
photo's file is not in it: the jobs do that ahead of the model, in threads.
"""

from __future__ import annotations

import io
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.figure import Figure, paired
from imaging.ml import registry, runtime
from imaging.services.gate import eyes_load, file_judge
from tests.media import scene

GOAL = 0.85
MEGABYTES = 600
ROUNDS = 7
# The photo that models are timed on; and how many of a megapixel each, side by side, make the one that memory is
# judged with: twelve megapixels, as phones take them.
PHOTO, LARGE = (1280, 960), (4, 3)
TWELVE_MEGAPIXELS = (4000, 3000)
GATE_MS = 20
# What the gate is timed on, and its grain: reading takes the longer the more there is in the file.
GATED = (("a smooth JPEG", 0.0), ("a grainy JPEG", 3.0))


class Counted:
    """A network that remembers what it was last asked, and how often.

    Earlier questions are let go: kept, they would make every tile take fresh memory from the system, and be timed.
    """

    def __init__(self, network: runtime.Network) -> None:
        self._network = network
        self.asked = 0
        self.last: tuple[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._network, name)
        if not name.startswith("run"):
            return found

        def call(batch: NDArray[Any]) -> Any:
            self.asked, self.last = self.asked + 1, (name, batch)
            return found(batch)

        return call

    def repeat(self, count: int) -> None:
        """Ask the last question `count` times: the bare loop."""
        if self.last is None:
            return
        name, batch = self.last
        ask = getattr(self._network, name)
        for _ in range(count):
            ask(batch)


def figures() -> list[Figure]:
    """The memory first: a peak cannot be taken back."""
    return [_memory(), *(_speed(name) for name in registry.names()), *(_gate(*one) for one in GATED)]


def _memory() -> Figure:
    photo = np.tile(scene(1000, 1000), (LARGE[1], LARGE[0], 1))
    for name in registry.names():
        registry.load(name, threads=settings.ML_THREADS).predict(photo if name != "plate_reader" else _crop())
    peak = _peak_megabytes()
    share = peak / MEGABYTES
    detail = f"{peak:.0f} MB with {', '.join(registry.names())} loaded and a photo of 12 megapixels looked at by each"
    return Figure(f"worker's peak memory / {MEGABYTES} MB", share, "<= 1", share <= 1, detail)


def _peak_megabytes() -> float:
    """Peak resident memory of this process (VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else float("nan")


def _speed(name: str) -> Figure:
    networks: list[Counted] = []

    def counted(network: runtime.Network) -> Counted:
        networks.append(Counted(network))
        return networks[-1]

    model = registry.build(registry.card(name), threads=settings.ML_THREADS, around=counted)
    photo = _crop() if name == "plate_reader" else scene(*PHOTO)
    model.predict(photo)
    counts = [network.asked for network in networks]

    def loop() -> None:
        for network, count in zip(networks, counts, strict=True):
            network.repeat(count)

    ours, bare, ratio = paired(lambda: model.predict(photo), loop, rounds=ROUNDS)
    count = sum(counts)
    speed = 1 / ratio
    detail = f"{1 / ours:.1f} against {1 / bare:.1f} pictures/s, {count} invokes each, {settings.ML_THREADS} thread(s)"
    return Figure(f"{name} / its bare invokes", speed, f">= {GOAL:g}", speed >= GOAL, detail)


def _jpeg(grain: float) -> io.BytesIO:
    """A JPEG of twelve megapixels; the grain, in levels of brightness, makes the file as large as cameras make them."""
    photo = scene(*TWELVE_MEGAPIXELS)
    noise = np.random.default_rng(0).normal(0, grain, (*photo.shape[:2], 1)).astype(np.float32)
    file = io.BytesIO()
    Image.fromarray(np.clip(photo + noise, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file


def _gate(kind: str, grain: float) -> Figure:
    """A photo's file to the gate's word, against no more than reading the file at an eighth of its size."""
    file = _jpeg(grain)
    eyes = eyes_load(threads=settings.ML_THREADS)

    def bare() -> None:
        picture = Image.open(file)
        picture.draft("RGB", (TWELVE_MEGAPIXELS[0] // 8, TWELVE_MEGAPIXELS[1] // 8))
        picture.load()

    judge = partial(file_judge, file, eyes=eyes, max_pixels=settings.MAX_PHOTO_PIXELS)
    judge()
    ours, read, ratio = paired(judge, bare, rounds=ROUNDS)
    share = ours * 1000 / GATE_MS
    detail = f"{ours * 1000:.1f} ms, of which reading the JPEG ({len(file.getvalue()) / 1e6:.1f} MB) takes"
    detail += f" {read * 1000:.1f}; {ratio:.1f} times bare reading, {settings.ML_THREADS} thread(s)"
    return Figure(f"quality gate, {kind} of 12 megapixels / {GATE_MS} ms", share, "<= 1", share <= 1, detail)


def _crop() -> NDArray[np.uint8]:
    """A plate as a detector would cut it out."""
    plate = Image.new("RGB", (200, 44), (235, 235, 230))
    ImageDraw.Draw(plate).text((100, 22), "AB 12345", font=ImageFont.load_default(34), fill=(20, 20, 20), anchor="mm")
    return np.asarray(plate)
