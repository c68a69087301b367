"""How `damage_detector` is trained: tiles around labelled damage, one map of damage and one of its kind."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from imaging.ml.regions import regions_find
from imaging.ml.tiling import Tile, crop
from imaging.training.coco import Photo, coco_load, data_root
from imaging.training.damage_photos import SHARES, USEDCARS, train_photos
from imaging.training.metrics import Judged, at_iou, curve, loose
from imaging.training.tiles import Patch, TileRecipe, patch_cut, tile_make
from imaging.training.torch_export import export
from imaging.training.torch_loop import Batch, Schedule, train
from imaging.training.torch_losses import cell_kind, focal_bce, weighted_dice
from imaging.training.torch_network import DenseNet
from imaging.training.torch_start import blended, start_from

KINDS = ("scratch", "dent", "broken")
SEVERITIES = ("minor", "moderate", "severe")
KIND_OF: Mapping[str, int] = {"scratch": 0, "dent": 1} | {
    f"{severity}-{kind}": index for severity in SEVERITIES for index, kind in enumerate(KINDS)
}
STRIDE = 4

VALID = "damage/usedcars/val.json"
VERSION = "0.4.0"
START = "start.tflite"
# Photos that int8 is calibrated with, and that a start from a shipped file is normalised with.
CALIBRATION, STATISTICS = 24, 8


@dataclass(frozen=True, slots=True)
class Run:
    """One of the trainings whose weights are blended with those they all start from, each by its `share`."""

    name: str
    schedule: Schedule
    tiles: TileRecipe
    share: float


#: All go on from the shipped weights; what is left of the shares is theirs.
RUNS = (
    Run(
        "calm",
        Schedule(
            steps=2400, batch=6, rate=1.2e-4, encoder_rate=6e-5, decay=0.04, warmup=200, every=200, watch=300, seed=2
        ),
        TileRecipe(zoom=(0.8, 2.6)),
        share=0.33,
    ),
    Run(
        "lively",
        Schedule(
            steps=1100, batch=8, rate=3e-4, encoder_rate=1.2e-4, decay=0.05, warmup=200, every=200, watch=300, seed=5
        ),
        TileRecipe(size=320, zoom=(0.9, 2.8), paste=0.3, draw=0.3, lookalike=0.25),
        share=0.33,
    ),
)
#: Without shipped weights to start from, from ImageNet's.
ANEW = Run("anew", Schedule(steps=3200), TileRecipe(), share=1.0)


def load_pixels(photo: Photo) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read a photo as (H, W, 3) uint8 RGB."""
    with Image.open(photo.path) as image:
        return np.asarray(image.convert("RGB"))


class DamageTiles(Dataset[dict[str, Any]]):
    """Endless tiles: the i-th depends on the seed and `i` alone."""

    def __init__(self, root: Path, recipe: TileRecipe, seed: int, length: int) -> None:
        self.recipe, self.seed, self.length = recipe, seed, length
        self.sources = [train_photos(root, name) for name in SHARES]
        self.pixels = [[load_pixels(one.photo) for one in tqdm(source, desc="read")] for source in self.sources]
        self.chances = [_chances([one.photo for one in source]) for source in self.sources]
        self.patches = _patches([one.photo for one in self.sources[0]], self.pixels[0])

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, index])
        source = int(rng.choice(len(SHARES), p=list(SHARES.values())))
        number = int(rng.choice(len(self.sources[source]), p=self.chances[source]))
        one, pixels = self.sources[source][number], self.pixels[source][number]
        tile = tile_make(
            one.photo, pixels, recipe=self.recipe, kinds=KIND_OF, patches=self.patches, rng=rng, surface=one.surface
        )
        return {"image": tile.image, "target": tile.target, "weight": tile.weight, "kind": tile.kind.astype(np.int64)}


def _chances(photos: Sequence[Photo]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Photos with many objects come up more often, yet not in proportion; dents and broken parts are rare: doubled."""
    weights = [
        max(1.0, len(photo.things) ** 0.5) * (2.0 if any(KIND_OF.get(t.category, 0) for t in photo.things) else 1.0)
        for photo in photos
    ]
    return np.asarray(weights) / np.sum(weights)


def _patches(photos: Sequence[Photo], pixels: Sequence[Any]) -> list[Patch]:
    pairs = (
        (image, thing)
        for photo, image in zip(photos, pixels, strict=True)
        for thing in photo.things
        if thing.category in KIND_OF
    )
    return [patch for image, thing in pairs if (patch := patch_cut(image, thing)) is not None]


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Focal cross-entropy and Dice on the damage map, cross-entropy on the kind of damaged cells."""
    pixels = batch["image"].permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    logits = model(pixels)
    damage, target, weight = logits[:, 0], batch["target"], batch["weight"]
    kind = cell_kind(logits[:, 1:], batch["kind"], weight, torch.tensor([0.4, 1.5, 3.0]))
    return focal_bce(damage, target, weight) + weighted_dice(damage, target, weight) + 0.1 * kind


@torch.no_grad()
def probability(model: nn.Module, pixels: Any, zoom: float) -> Any:
    """Damage map of a whole photo seen at `zoom` (rows, columns) at stride 4 of the zoomed photo."""
    image = Image.fromarray(pixels)
    size = (round(image.width * zoom), round(image.height * zoom))
    array = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    padded = np.pad(array, ((0, -size[1] % 32), (0, -size[0] % 32), (0, 0)), constant_values=127)
    tensor = torch.from_numpy(padded.copy()).permute(2, 0, 1)[None].float()
    logits = model(tensor.contiguous(memory_format=torch.channels_last))
    return torch.sigmoid(logits[0, 0]).numpy()


def judge(photo: Photo, heat: Any, zoom: float, *, grow: float, gap: int) -> Judged:
    """Regions of a map against the photo's labels, in the photo's pixels."""
    found = regions_find(heat, grow=grow, floor=0.05, gap=gap)
    corners = [np.asarray(region.polygon) * STRIDE / zoom for region in found]
    boxes = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in corners]
    labels = [(x, y, x + w, y + h) for x, y, w, h in (thing.box for thing in photo.things)]
    return Judged(
        boxes=np.asarray(boxes, dtype=np.float64).reshape(-1, 4),
        scores=np.asarray([region.score for region in found], dtype=np.float64),
        labels=np.asarray(labels, dtype=np.float64).reshape(-1, 4),
    )


def check(model: nn.Module, step: int, folder: Path, zooms: Sequence[float] = (1.5,)) -> None:
    """Print and keep how the averaged model does on every other validation photo: a glance between steps."""
    photos = coco_load(data_root() / VALID)[::2]
    for zoom in zooms:
        heats = [probability(model, load_pixels(photo), zoom) for photo in photos]
        judged = [judge(photo, heat, zoom, grow=0.5, gap=0) for photo, heat in zip(photos, heats, strict=True)]
        found = curve(judged, loose)
        threshold = found.threshold_for(1.0)
        row = {
            "step": step,
            "zoom": zoom,
            "threshold": round(threshold, 3),
            "recall_at_1": round(found.at(threshold)[1], 4),
            "AP_loose": round(found.average_precision(), 4),
            "AP30": round(curve(judged, at_iou(0.3)).average_precision(), 4),
            "AP50": round(curve(judged, at_iou(0.5)).average_precision(), 4),
        }
        tqdm.write(json.dumps(row))
        with (folder / "val.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")


def run(folder: Path, *, steps: int | None = None, stop: int | None = None) -> None:
    """Train, or go on from the last checkpoints in `folder`, then export the files and `trained.json` there.

    A shipped float16 file in `folder/start.tflite` is where the trainings begin instead of ImageNet's weights; what
    they made of them is then blended with them. `steps` and `stop` are those of each.
    """
    first, runs = DenseNet(1 + len(KINDS)), (ANEW,)
    if (folder / START).exists():
        photos = coco_load(data_root() / USEDCARS)[:STATISTICS]
        pixels = np.stack([load_pixels(photo) for photo in photos])
        start_from(first, folder / START, torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
        runs = RUNS
    runs = tuple(replace(one, schedule=_schedule(one.schedule, steps, stop)) for one in runs)
    averages = [_trained(copy.deepcopy(first), one, folder / one.name) for one in runs]
    shares = [one.share for one in runs]
    ship(blended([first, *averages], [1.0 - sum(shares), *shares]), folder, runs)


def _schedule(schedule: Schedule, steps: int | None, stop: int | None) -> Schedule:
    return replace(schedule, steps=schedule.steps if steps is None else steps, stop=stop)


def _trained(model: nn.Module, one: Run, folder: Path) -> nn.Module:
    """The averaged weights of a training, checkpoints in `folder`."""
    length = one.schedule.steps * one.schedule.batch
    tiles = DamageTiles(data_root(), one.tiles, one.schedule.seed, length)
    return train(model, tiles, loss_of, one.schedule, folder, lambda net, step: check(net, step, folder))


def ship(made: nn.Module, folder: Path, runs: Sequence[Run]) -> None:
    """Export `made` and say how it came to be."""
    photos = coco_load(data_root() / VALID)[:CALIBRATION]
    samples = (sample for photo in photos for sample in _samples(photo))
    export(made, folder, "damage_detector", kinds=len(KINDS), size=640, samples=samples)
    steps, batch = ([getattr(one.schedule, part) for one in runs] for part in ("steps", "batch"))
    told = {"version": VERSION, "steps": steps, "batch": batch}
    (folder / "trained.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


def _samples(photo: Photo) -> Iterator[Any]:
    """What the runtime will feed: the photo at the scales it may be seen at, one tile each."""
    for zoom in (1.0, 1.5):
        image = Image.fromarray(load_pixels(photo))
        size = (round(image.width * zoom), round(image.height * zoom))
        pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
        yield crop(pixels, Tile(0, 0), tile=640)[None].astype(np.float32)
