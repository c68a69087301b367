"""How `view_and_wheels` is trained: eight views, a car's presence, and a map of tyres, on one slim encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset
from tqdm import tqdm

from imaging.ml.models.view_and_wheels import VIEWS, degrees_apart
from imaging.training.coco import data_root
from imaging.training.mask_photos import pixels_read
from imaging.training.torch_export import files_write
from imaging.training.torch_loop import Batch, Schedule, train
from imaging.training.torch_network import Encoder, separable
from imaging.training.view_photos import CLOSE, Viewed, choosing_photos, train_photos, whole
from imaging.training.view_samples import Sample, Source, sample_make

NAME, VERSION = "view_and_wheels", "0.1.0"
SIZE = 224
# Strides 8 and 16; what comes after would not fit beside the other models.
TAPS = {4: 40, 8: 112}
FROZEN, CHANNELS, DEEP = 5, 48, 128
SCHEDULE = Schedule(
    steps=900, batch=16, rate=2e-3, encoder_rate=6e-4, decay=0.05, warmup=60, average=0.99, every=50, watch=100
)
# Share of the samples that are photos from too near, and how much of a label its two neighbours get.
CLOSE_SHARE, NEIGHBOURS = 0.12, 0.06
# Photos are kept no larger than this in memory.
KEPT = 480
CALIBRATION = 64


class ViewNet(nn.Module):
    """The encoder's first blocks; a deeper look that names the view, and a map of tyres at stride 8."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(FROZEN, TAPS)
        self.deeper = nn.Sequential(
            separable(TAPS[8], DEEP), nn.MaxPool2d(2), separable(DEEP, DEEP), separable(DEEP, DEEP)
        )
        self.drop = nn.Dropout(0.2)
        # Where something is tells the view as much as what it is: the last map is read cell by cell, in quarters.
        self.view = nn.Linear(DEEP * 4, len(VIEWS) + 1)
        self.fine, self.coarse = nn.Conv2d(TAPS[4], CHANNELS, 1), nn.Conv2d(TAPS[8], CHANNELS, 1)
        self.wheels = nn.Sequential(
            separable(CHANNELS, CHANNELS), separable(CHANNELS, CHANNELS), nn.Conv2d(CHANNELS, 4, 1)
        )
        nn.init.constant_(self.wheels[-1].bias, -2.0)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), 0..255, to logits (N, 9) and the map (N, 4, H / 8, W / 8), its first channel a logit."""
        fine, coarse = self.encoder(pixels)
        deep = self.deeper(coarse)
        quarters = functional.avg_pool2d(
            deep, (deep.shape[2] // 2 + 1, deep.shape[3] // 2 + 1), stride=deep.shape[2] // 2
        )
        wider = functional.interpolate(self.coarse(coarse), scale_factor=2.0, mode="nearest")
        cells = self.wheels(functional.relu6(self.fine(fine) + wider))
        return self.view(self.drop(quarters.flatten(1))), cells


class ViewSamples(Dataset[dict[str, Any]]):
    """Endless samples: the i-th depends on the seed and `i` alone."""

    def __init__(self, photos: Sequence[Viewed], seed: int, length: int) -> None:
        self.seed, self.length = seed, length
        self.sources = [Source(photo, _small(photo)) for photo in tqdm(photos, desc="read")]
        self.chances = _chances(photos)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = sample_make(self.sources, self.chances, SIZE, np.random.default_rng([self.seed, index]))
        return {name: getattr(sample, name) for name in Sample.__slots__}


def _small(photo: Viewed) -> Any:
    picture = Image.fromarray(pixels_read(photo.path))
    picture.thumbnail((KEPT, KEPT))
    return np.array(picture)


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
    close = np.array([photo.view == CLOSE for photo in photos])
    weights[~close] *= (1.0 - CLOSE_SHARE) / weights[~close].sum()
    weights[close] *= CLOSE_SHARE / max(1e-9, weights[close].sum())
    return weights / weights.sum()


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the view, of the car's presence, and of the tyres' centres; L1 of what leads to them."""
    pixels = batch["image"].permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    logits, cells = model(pixels)
    named = batch["view"] >= 0
    log = functional.log_softmax(logits[:, : len(VIEWS)], dim=1)
    view = -(SOFT[batch["view"].clamp_min(0)] * log).sum(dim=1)
    vehicle = functional.binary_cross_entropy_with_logits(logits[:, -1], batch["vehicle"].float())
    return (view * named).sum() / named.sum().clamp_min(1) + 0.5 * vehicle + _wheels_loss(cells, batch)


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
    off = (cells[:, 1:] - batch["box"].permute(0, 3, 1, 2)).abs() * inside
    return 0.5 * heat + off.sum() / (3 * inside.sum().clamp_min(1.0))


class Deployed(nn.Module):
    """The network as the runtime wants it: a photo in channels-last; logits, and the map in channels-last."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """(1, S, S, 3), 0..255, to (1, 9) and (1, S / 8, S / 8, 4)."""
        logits, cells = self.network(photo.permute(0, 3, 1, 2))
        cells = torch.cat([torch.sigmoid(cells[:, :1]), cells[:, 1:]], dim=1)
        return logits, cells.permute(0, 2, 3, 1)


@torch.no_grad()
def check(model: nn.Module, step: int, folder: Path, photos: Sequence[Viewed]) -> None:
    """Print and keep how the averaged model does on the choosing photos: a glance between steps."""
    model.eval()
    degrees = [degrees_apart(VIEWS[int(model(_tensor(one))[0][0, : len(VIEWS)].argmax())], one.view) for one in photos]
    row = {
        "step": step,
        "view": round(float(np.mean([one == 0 for one in degrees])), 4),
        "within_45": round(float(np.mean([one <= 45 for one in degrees])), 4),
    }
    tqdm.write(json.dumps(row))
    with (folder / "val.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


def _tensor(photo: Viewed) -> Tensor:
    return torch.from_numpy(_seen(photo)).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def _seen(photo: Viewed) -> Any:
    """The photo as the runtime feeds it, (1, S, S, 3) float32."""
    picture = Image.fromarray(pixels_read(photo.path))
    small = picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(small, dtype=np.float32)[None].copy()


def run(folder: Path, *, steps: int | None = None, stop: int | None = None) -> None:
    """Train from scratch or from the last checkpoint in `folder`, then export the files and `trained.json` there."""
    schedule = replace(SCHEDULE, steps=SCHEDULE.steps if steps is None else steps, stop=stop)
    torch.manual_seed(schedule.seed)
    photos, choosing = train_photos(data_root()), whole(choosing_photos(data_root()))
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
