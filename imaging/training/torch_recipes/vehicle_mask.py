"""How `vehicle_mask` is trained: one map of the main car at half the size, its edge counting more than its middle."""

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

from imaging.training.coco import data_root
from imaging.training.mask_photos import (
    PICTURES,
    Masked,
    above_load,
    boxed_load,
    masked_load,
    masks_of,
    outlined_load,
    pictures_load,
    street_load,
)
from imaging.training.mask_samples import Sources, sample_make
from imaging.training.masks import boundary_iou, iou
from imaging.training.torch_export import files_write
from imaging.training.torch_loop import Batch, Schedule, train
from imaging.training.torch_network import Encoder, Pyramid, separable

NAME, VERSION = "vehicle_mask", "0.1.0"
SIZE = 384
# Strides 2 to 32; the encoder's last, widest blocks are left off: they take two thirds of its bytes.
TAPS = {0: 16, 2: 24, 4: 40, 10: 112, 12: 192}
CHANNELS, FINE = 48, 24
# Half of a step is the first blocks; what edges are they know from ImageNet.
FROZEN = 5
SCHEDULE = Schedule(steps=1700, batch=8, rate=1.5e-3, encoder_rate=4e-4, warmup=80, average=0.995, watch=100)
# Small samples first, three times as many in the same time; the last part as large as the runtime's photos.
SMALL, LARGE_FROM = 256, 0.93
# Share of the photos, composites apart, of which only the vehicles' boxes are known.
BOXED = 0.12
# How often a photo with a true mask comes up for one of a photo that we outlined.
TRUE = 4
# How much more a cell beside the outline counts than one in the middle.
EDGE = 4.0
CALIBRATION = 32


class MaskNet(nn.Module):
    """Encoder, pyramid down to stride 4 with a look at the whole picture, and a last step to stride 2."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(FROZEN, TAPS)
        deep = dict(list(TAPS.items())[1:])
        self.whole = nn.Conv2d(TAPS[12], TAPS[12], 1)
        self.pyramid = Pyramid(CHANNELS, deep)
        self.narrow = nn.Conv2d(CHANNELS, FINE, 1)
        self.fine = nn.Conv2d(TAPS[0], FINE, 1)
        self.head = nn.Sequential(separable(FINE, FINE), nn.Conv2d(FINE, 1, 3, padding=1))

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W), 0..255, to logits (N, 1, H / 2, W / 2)."""
        finest, *features = self.encoder(pixels)
        # Which of two cars is the main one shows only in the whole picture.
        gate = torch.sigmoid(self.whole(features[-1].mean(dim=(2, 3), keepdim=True)))
        level = self.pyramid([*features[:-1], features[-1] * gate])
        wider = functional.interpolate(self.narrow(level), scale_factor=2.0, mode="nearest")
        return self.head(functional.relu6(wider + self.fine(finest)))


class MaskSamples(Dataset[dict[str, Any]]):
    """Endless samples: the i-th depends on the seed and `i` alone."""

    def __init__(self, root: Path, seed: int, length: int) -> None:
        self.seed, self.length = seed, length
        self.sources = sources_load(root)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        size = SIZE if index >= LARGE_FROM * self.length else SMALL
        sample = sample_make(self.sources, size, np.random.default_rng([self.seed, index]), boxed=BOXED)
        return {"image": sample.image, "target": sample.target, "weight": sample.weight}


def sources_load(root: Path) -> Sources:
    """Read what samples are made of, below the data root."""
    outlined = outlined_load(root)
    masked = [*masked_load(masks_of(root, "train")) * TRUE, *outlined]
    boxed = boxed_load(root, [one.name for one in outlined])
    nothing = [*pictures_load(PICTURES) * 3, *above_load(masked[: len(masked) - len(outlined)][::TRUE])]
    return Sources(masked, boxed, street_load(root), nothing)


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy, heavier along the outline, and Dice of each picture."""
    pixels = batch["image"].permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    logits = model(pixels)[:, 0]
    target, weight = batch["target"], batch["weight"]
    loud = weight * (1.0 + EDGE * _edge(target))
    plain = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    chance = torch.sigmoid(logits) * weight
    shared = (chance * target).sum(dim=(1, 2))
    total = (chance + weight * target).sum(dim=(1, 2))
    dice = 1.0 - (2.0 * shared + 20.0) / (total + 20.0)
    return (plain * loud).sum() / loud.sum().clamp_min(1.0) + 0.5 * dice.mean()


def _edge(target: Tensor) -> Tensor:
    """1 within two cells of the outline, 0 elsewhere; (N, H, W)."""
    high = functional.max_pool2d(target[:, None], 5, 1, 2)
    low = -functional.max_pool2d(-target[:, None], 5, 1, 2)
    return ((high - low)[:, 0] > 0.5).to(target.dtype)


@torch.no_grad()
def soft_mask(model: nn.Module, pixels: Any) -> Any:
    """The soft mask (H, W) of a photo, as large as it is."""
    picture = Image.fromarray(pixels)
    small = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=2.0))
    tensor = torch.from_numpy(small.copy()).permute(2, 0, 1)[None].float()
    chance = torch.sigmoid(model(tensor.contiguous(memory_format=torch.channels_last)))[0, 0].numpy()
    return np.asarray(Image.fromarray(chance).resize(picture.size, Image.Resampling.BILINEAR))


def check(model: nn.Module, step: int, folder: Path, photos: Sequence[Masked]) -> None:
    """Print and keep how the averaged model does on the choosing photos: a glance between steps."""
    pairs = [(soft_mask(model, one.pixels) > 0.5, one.mask > 0.5) for one in photos]
    row = {
        "step": step,
        "IoU": round(float(np.mean([iou(*pair) for pair in pairs])), 4),
        "boundary_IoU": round(float(np.mean([boundary_iou(*pair) for pair in pairs])), 4),
    }
    tqdm.write(json.dumps(row))
    with (folder / "val.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


class Deployed(nn.Module):
    """The network as the runtime wants it: a photo in channels-last, the chance of the main car out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor) -> Tensor:
        """(1, S, S, 3), 0..255, to (1, S / 2, S / 2, 1), 0..1."""
        return torch.sigmoid(self.network(photo.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)


def run(folder: Path, *, steps: int | None = None, stop: int | None = None) -> None:
    """Train from scratch or from the last checkpoint in `folder`, then export the files and `trained.json` there."""
    schedule = replace(SCHEDULE, steps=SCHEDULE.steps if steps is None else steps, stop=stop)
    torch.manual_seed(schedule.seed)
    photos = masked_load(masks_of(data_root(), "choosing"))
    samples = MaskSamples(data_root(), schedule.seed, schedule.steps * schedule.batch)
    average = train(MaskNet(), samples, loss_of, schedule, folder, lambda net, step: check(net, step, folder, photos))
    ship(average, folder, schedule)


def ship(average: nn.Module, folder: Path, schedule: Schedule) -> None:
    """Export `average` and say how it came to be."""
    deployed = Deployed(average.eval().to(memory_format=torch.contiguous_format))
    files_write(deployed, folder, NAME, shape=(1, SIZE, SIZE, 3), samples=_calibration())
    told = {"version": VERSION, "steps": schedule.steps, "batch": schedule.batch}
    (folder / "trained.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


def _calibration() -> Iterator[Any]:
    """Training photos as the runtime will feed them."""
    root = data_root()
    photos = [*masked_load(masks_of(root, "train"))[:CALIBRATION], *boxed_load(root)[:CALIBRATION]]
    for photo in photos:
        small = Image.fromarray(photo.pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=2.0)
        yield np.asarray(small)[None].astype(np.float32)
