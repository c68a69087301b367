"""How `view_and_wheels` is trained: eight views, presence, and a map of tyres and of the car, on one slim encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset
from tqdm import tqdm

from imaging.ml import registry
from imaging.ml.model import squared
from imaging.ml.models.vehicle_mask import VehicleMask
from imaging.ml.models.view_and_wheels import VIEWS, degrees_apart
from imaging.training.coco import data_root
from imaging.training.torch_export import files_write
from imaging.training.torch_loop import Batch, Schedule, train
from imaging.training.torch_network import Encoder, separable
from imaging.training.torch_recipes.vehicle_mask import sources_load
from imaging.training.view_photos import CLOSE, NOTHING, Viewed, choosing_photos, train_photos, viewed_read
from imaging.training.view_samples import Sample, Source, sample_make

NAME, VERSION = "view_and_wheels", "0.2.0"
SIZE = 256
# Strides 8 and 16; what comes after would not fit beside the other models.
TAPS = {4: 40, 8: 112}
FROZEN, CHANNELS, DEEP = 5, 48, 128
SCHEDULE = Schedule(
    steps=1600, batch=16, rate=2e-3, encoder_rate=6e-4, decay=0.05, warmup=60, average=0.99, every=50, watch=100
)
# Share of the samples that are photos from too near, and parts without a vehicle; and how much of a view's label its
# two neighbours get.
CLOSE_SHARE, NOTHING_SHARE, NEIGHBOURS = 0.12, 0.12, 0.06
# Photos are kept no larger than this in memory.
KEPT = 480
CALIBRATION = 64


class ViewNet(nn.Module):
    """The encoder's first blocks; a deeper look that names the view, and a map of tyres and of the car at stride 8."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(FROZEN, TAPS)
        self.deeper = nn.Sequential(
            separable(TAPS[8], DEEP), nn.MaxPool2d(2), separable(DEEP, DEEP), separable(DEEP, DEEP)
        )
        self.drop = nn.Dropout(0.2)
        # Where something is tells the view as much as what it is: the last map is read cell by cell, in quarters.
        self.view = nn.Linear(DEEP * 4, len(VIEWS) + 2)
        self.fine, self.coarse = nn.Conv2d(TAPS[4], CHANNELS, 1), nn.Conv2d(TAPS[8], CHANNELS, 1)
        self.wide = nn.Conv2d(DEEP, CHANNELS, 1)
        self.wheels = nn.Sequential(
            separable(CHANNELS, CHANNELS), separable(CHANNELS, CHANNELS), nn.Conv2d(CHANNELS, 4, 1)
        )
        self.car = nn.Sequential(
            separable(CHANNELS, CHANNELS), separable(CHANNELS, CHANNELS), nn.Conv2d(CHANNELS, 1, 1)
        )
        nn.init.constant_(self.wheels[-1].bias, -2.0)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), 0..255, to logits (N, 10) and the map (N, 5, H / 8, W / 8), whose ends are logits."""
        fine, coarse = self.encoder(pixels)
        deep = self.deeper(coarse)
        half = deep.shape[2] // 2
        quarters = functional.avg_pool2d(deep, deep.shape[2] - half, stride=half)
        level = functional.interpolate(self.wide(deep), scale_factor=2.0, mode="nearest") + self.coarse(coarse)
        wider = functional.interpolate(level, scale_factor=2.0, mode="nearest")
        seen = functional.relu6(self.fine(fine) + wider)
        return self.view(self.drop(quarters.flatten(1))), torch.cat([self.wheels(seen), self.car(seen)], dim=1)


class ViewSamples(Dataset[dict[str, Any]]):
    """Endless samples: the i-th depends on the seed and `i` alone."""

    def __init__(self, photos: Sequence[Viewed], seed: int, length: int) -> None:
        self.seed, self.length = seed, length
        mask = cast("VehicleMask", registry.load("vehicle_mask"))
        self.sources = [_source(photo, mask) for photo in tqdm(photos, desc="read")]
        self.chances = _chances(photos)
        self.masked = sources_load(data_root())

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, index])
        sample = sample_make(self.sources, self.chances, SIZE, rng, masked=self.masked)
        return {name: getattr(sample, name) for name in Sample.__slots__}


def _source(photo: Viewed, mask: VehicleMask) -> Source:
    """The photo, and where vehicle_mask, our larger network, sees its car: it is not to be trusted on close views."""
    pixels = viewed_read(photo)
    picture = Image.fromarray(pixels)
    picture.thumbnail((KEPT, KEPT))
    if photo.view in (CLOSE, NOTHING):
        return Source(photo, np.array(picture))
    soft = Image.fromarray((mask.soft(pixels) * 255).astype(np.uint8))
    return Source(photo, np.array(picture), np.array(soft.resize(picture.size, Image.Resampling.BILINEAR)))


def _chances(photos: Sequence[Viewed]) -> Any:
    """Views come up alike whatever their number, a view and its mirror image counting as one; photos with wheels twice
    as often as those without."""
    faces = [photo.view.removesuffix("_left").removesuffix("_right") for photo in photos]
    kinds = [
        "side" if face in ("left", "right") else f"{face} {'_' in photo.view}"
        for face, photo in zip(faces, photos, strict=True)
    ]
    weights = np.array([1.0 / kinds.count(kind) for kind in kinds])
    weights *= [2.0 if photo.wheels is not None else 1.0 for photo in photos]
    for view, share in ((CLOSE, CLOSE_SHARE), (NOTHING, NOTHING_SHARE)):
        these = np.array([photo.view == view for photo in photos])
        weights[these] *= share / max(1e-9, weights[these].sum())
    named = np.array([photo.view in VIEWS for photo in photos])
    weights[named] *= (1.0 - CLOSE_SHARE - NOTHING_SHARE) / weights[named].sum()
    return weights / weights.sum()


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the view, of both kinds of presence, of the tyres' centres and of the car; L1 of what leads to
    the tyres."""
    pixels = batch["image"].permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    logits, cells = model(pixels)
    named = batch["view"] >= 0
    log = functional.log_softmax(logits[:, : len(VIEWS)], dim=1)
    view = -(SOFT[batch["view"].clamp_min(0)] * log).sum(dim=1)
    there = _told(logits[:, -2], batch["vehicle"].float()) + _told(logits[:, -1], batch["present"].float())
    told = (view * named).sum() / named.sum().clamp_min(1) + 0.5 * there
    return told + _wheels_loss(cells, batch) + _car_loss(cells[:, 4], batch)


def _told(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy over those that are known, which are not negative."""
    known = (wanted >= 0).float()
    plain = functional.binary_cross_entropy_with_logits(logits, wanted.clamp_min(0), reduction="none")
    return (plain * known).sum() / known.sum().clamp_min(1.0)


def _car_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy and Dice of each picture, where the car is known."""
    known, car = batch["known"], batch["car"]
    plain = functional.binary_cross_entropy_with_logits(logits, car, reduction="none")
    chance = torch.sigmoid(logits) * known
    shared, total = (one.sum(dim=(1, 2)) for one in (chance * car, chance + known * car))
    dice = 1.0 - (2.0 * shared + 4.0) / (total + 4.0)
    return (plain * known).sum() / known.sum().clamp_min(1.0) + 0.5 * dice.mean()


def _soft_labels() -> Tensor:
    """What each view should say: mostly itself, a little its neighbours, between which the border is drawn by eye."""
    rows = [[_share(degrees_apart(one, other)) for other in VIEWS] for one in VIEWS]
    return torch.tensor(rows)


def _share(degrees: int) -> float:
    return 1.0 - 2 * NEIGHBOURS if degrees == 0 else NEIGHBOURS if degrees == 45 else 0.0


SOFT = _soft_labels()


def _wheels_loss(cells: Tensor, batch: Batch) -> Tensor:
    """The heat's loss is that of CornerNet (H. Law and J. Deng, 2018), on the photos whose wheels are marked."""
    target, marked = batch["heat"], batch["marked"].float()[:, None, None]
    chance = torch.sigmoid(cells[:, 0]).clamp(1e-4, 1 - 1e-4)
    peak = (target > 0.99).float()
    hit = -torch.log(chance) * (1 - chance) ** 2 * peak
    quiet = -torch.log(1 - chance) * chance**2 * (1 - target) ** 4 * (1 - peak)
    heat = ((hit + quiet) * marked).sum() / (peak * marked).sum().clamp_min(1.0)
    inside = (batch["inside"] * marked)[:, None]
    off = (cells[:, 1:4] - batch["box"].permute(0, 3, 1, 2)).abs() * inside
    return 0.5 * heat + off.sum() / (3 * inside.sum().clamp_min(1.0))


class Deployed(nn.Module):
    """The network as the runtime wants it: a photo in channels-last; logits, and the map in channels-last."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """(1, S, S, 3), 0..255, to (1, 10) and (1, S / 8, S / 8, 5)."""
        logits, cells = self.network(photo.permute(0, 3, 1, 2))
        cells = torch.cat([torch.sigmoid(cells[:, :1]), cells[:, 1:4], torch.sigmoid(cells[:, 4:])], dim=1)
        return logits, cells.permute(0, 2, 3, 1)


@torch.no_grad()
def check(model: nn.Module, step: int, folder: Path, photos: Sequence[Viewed]) -> None:
    """Print and keep how the averaged model does on the choosing photos: a glance between steps."""
    model.eval()
    logits = [model(_tensor(one))[0][0] for one in photos]
    pairs = [(VIEWS[int(said[: len(VIEWS)].argmax())], one.view) for said, one in zip(logits, photos, strict=True)]
    degrees = [degrees_apart(*pair) for pair in pairs if pair[1] in VIEWS]
    present = [(bool(said[-1] >= 0), one.view != NOTHING) for said, one in zip(logits, photos, strict=True)]
    row = {
        "step": step,
        "view": round(float(np.mean([one == 0 for one in degrees])), 4),
        "within_45": round(float(np.mean([one <= 45 for one in degrees])), 4),
        "present": round(float(np.mean([said for said, true in present if true])), 4),
        "absent": round(float(np.mean([not said for said, true in present if not true])), 4),
    }
    tqdm.write(json.dumps(row))
    with (folder / "val.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


def _tensor(photo: Viewed) -> Tensor:
    return torch.from_numpy(_seen(photo)).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def _seen(photo: Viewed) -> Any:
    """The photo as the runtime feeds it, (1, S, S, 3) float32."""
    return squared(viewed_read(photo), SIZE)[None].copy()


def run(folder: Path, *, steps: int | None = None, stop: int | None = None) -> None:
    """Train from scratch or from the last checkpoint in `folder`, then export the files and `trained.json` there."""
    schedule = replace(SCHEDULE, steps=SCHEDULE.steps if steps is None else steps, stop=stop)
    torch.manual_seed(schedule.seed)
    photos, choosing = train_photos(data_root()), choosing_photos(data_root())
    samples = ViewSamples(photos, schedule.seed, schedule.steps * schedule.batch)
    average = train(ViewNet(), samples, loss_of, schedule, folder, lambda net, step: check(net, step, folder, choosing))
    deployed = Deployed(average.eval().to(memory_format=torch.contiguous_format))
    files_write(deployed, folder, NAME, shape=(1, SIZE, SIZE, 3), samples=_calibration(photos))
    told = {"version": VERSION, "steps": schedule.steps, "batch": schedule.batch}
    (folder / "trained.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


def _calibration(photos: Sequence[Viewed]) -> Iterator[Any]:
    """Training photos of all sets, evenly picked."""
    for photo in photos[:: max(1, len(photos) // CALIBRATION)]:
        yield _seen(photo)
