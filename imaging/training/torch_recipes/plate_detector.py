"""How `plate_detector` is trained: centres as a heat map, distances to the four sides, the corners within the box.

After Z. Liu et al., "Training-Time-Friendly Network for Real-Time Object Detection" (TTFNet, 2019): elliptical
Gaussians both mark the centres and weigh the regression, which is learned over all of them; the heat's loss is that
of X. Zhou et al., "Objects as Points" (2019), the boxes' that of H. Rezatofighi et al. (GIoU, 2019).
"""

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

from imaging.ml.models.plate_detector import STRIDE, plates_decode
from imaging.ml.tiling import Tile, crop
from imaging.training.coco import Photo, data_root
from imaging.training.metrics import Judged, at_iou, curve
from imaging.training.plate_photos import SHARES, train_photos, valid_photos
from imaging.training.plate_samples import Sample, SampleRecipe, mosaic_make, sample_make
from imaging.training.torch_export import files_write
from imaging.training.torch_loop import Batch, Schedule, train
from imaging.training.torch_network import Encoder, Pyramid, separable

VERSION = "0.2.0"
NAME = "plate_detector"
SIZE = 640
SCHEDULE = Schedule(steps=3900, batch=8, rate=1.2e-3, encoder_rate=4e-4, watch=700, workers=1)
RECIPE = SampleRecipe()
MOSAIC = 0.3
# Share of a box that its Gaussian covers, and the most plates in one sample.
ALPHA = 0.54
MOST = 24
CALIBRATION = 16


class PlateNet(nn.Module):
    """Encoder, pyramid, and two heads at stride 4: one logit of a centre; four distances and eight corner shifts."""

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.pyramid = Pyramid(channels)
        self.heat = nn.Sequential(separable(channels, channels), nn.Conv2d(channels, 1, 1))
        self.shape = nn.Sequential(
            separable(channels, channels), separable(channels, channels), nn.Conv2d(channels, 12, 1)
        )
        nn.init.constant_(self.heat[-1].bias, -4.6)
        nn.init.normal_(self.shape[-1].weight, std=0.01)
        nn.init.constant_(self.shape[-1].bias, 0.0)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W), 0..255, to (N, 13, H / 4, W / 4): see `imaging.ml.models.plate_detector`."""
        features = self.pyramid(self.encoder(pixels))
        return torch.cat([self.heat(features), self.shape(features)], dim=1)


class Deployed(nn.Module):
    """As the runtime wants it: channels last on both sides."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor) -> Tensor:
        """(1, H, W, 3), 0..255, to (1, H / 4, W / 4, 13)."""
        return self.network(photo.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class PlateSamples(Dataset[dict[str, Any]]):
    """Endless samples: the i-th depends on the seed and `i` alone."""

    def __init__(self, root: Path, seed: int, length: int) -> None:
        self.seed, self.length = seed, length
        self.sources = [train_photos(root, name) for name in SHARES]
        self.pixels = [[_pixels(photo) for photo in tqdm(source, desc="read")] for source in self.sources]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, index])
        if rng.random() < MOSAIC:
            sample = mosaic_make([self._photo(rng) for _ in range(4)], RECIPE, rng)
        else:
            sample = sample_make(*self._photo(rng), RECIPE, rng)
        return targets(sample, RECIPE.size // STRIDE)

    def _photo(self, rng: np.random.Generator) -> tuple[Photo, Any]:
        source = int(rng.choice(len(SHARES), p=list(SHARES.values())))
        number = int(rng.integers(len(self.sources[source])))
        return self.sources[source][number], self.pixels[source][number]


def _pixels(photo: Photo) -> Any:
    with Image.open(photo.path) as image:
        return np.asarray(image.convert("RGB"))


def targets(sample: Sample, cells: int) -> dict[str, Any]:
    """Maps (cells, cells): `heat` of centres, `owner` the plate whose Gaussian is strongest, `pull` its weight;
    `care` 0 where a plate is neither asked for nor background; and the padded lists of boxes and corner shifts."""
    heat, pull = np.zeros((cells, cells), np.float32), np.zeros((cells, cells), np.float32)
    owner = np.zeros((cells, cells), np.int64)
    boxes, shifts = np.zeros((MOST, 4), np.float32), np.full((MOST, 8), np.nan, np.float32)
    order = np.argsort(-np.prod(sample.boxes[:, 2:] - sample.boxes[:, :2], axis=1))[:MOST]
    for number, index in enumerate(order):
        box = sample.boxes[index]
        boxes[number], shifts[number] = box, _shifts(box, sample.quads[index])
        bell = _bell(box, cells)
        if sample.asked[index]:
            np.maximum(heat, bell, out=heat)
        # Smaller plates come later and win where two overlap.
        mine = (bell > 0.05) & (bell >= pull * 0.5)
        pull[mine], owner[mine] = bell[mine], number
    care = np.ones((cells, cells), np.float32)
    for left, top, right, bottom in np.vstack([sample.ignored, sample.boxes[~sample.asked]]) / STRIDE:
        care[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1] = 0
    care[heat > 0.05] = 1
    maps = {"heat": heat, "pull": pull, "owner": owner, "care": care}
    return {"image": sample.image, "boxes": boxes, "shifts": shifts, "count": np.int64(len(order)), **maps}


def _bell(box: Any, cells: int) -> Any:
    """Elliptical Gaussian of a box in pixels, exactly 1 at the cell of its centre."""
    centre, size = (box[:2] + box[2:]) / 2 / STRIDE, np.maximum((box[2:] - box[:2]) / STRIDE, 1.0)
    middle = np.clip(np.floor(centre), 0, cells - 1)
    sigma = np.maximum(ALPHA * size / 6, 0.45)
    grid = np.arange(cells)
    across, down = (np.exp(-((grid - middle[axis]) ** 2) / (2 * sigma[axis] ** 2)) for axis in (0, 1))
    return np.outer(down, across).astype(np.float32)


def _shifts(box: Any, quad: Any) -> Any:
    """How far each corner lies from the box's, inwards, as shares of its width and height: (8,)."""
    corners = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]])
    return ((quad - corners) / np.maximum(box[2:] - box[:2], 1e-6)).ravel()


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Penalty-reduced focal loss of the centres, GIoU of the boxes, L1 of the corner shifts that are known."""
    pixels = batch["image"].permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    out = model(pixels)
    count = batch["count"].sum().clamp_min(1)
    heat = centre_loss(out[:, 0], batch["heat"], batch["care"], count)
    return heat + _shape_loss(out[:, 1:], batch)


def centre_loss(logits: Tensor, heat: Tensor, care: Tensor, count: Tensor) -> Tensor:
    """Focal loss (N, H, W) over the number of plates; cells near a centre count less as background."""
    chance = torch.sigmoid(logits)
    centre = (heat > 0.999).float()
    found = centre * (1 - chance) ** 2 * functional.logsigmoid(logits)
    empty = (1 - centre) * (1 - heat) ** 4 * chance**2 * functional.logsigmoid(-logits)
    return -((found + empty) * care).sum() / count


def _shape_loss(shape: Tensor, batch: Batch) -> Tensor:
    picture, row, column = torch.nonzero(batch["pull"] > 0.05, as_tuple=True)
    if not len(picture):
        return shape.sum() * 0
    owner, pull = batch["owner"][picture, row, column], batch["pull"][picture, row, column]
    # Every plate weighs the logarithm of its size, however many cells it has (TTFNet, equation 6).
    sides = batch["boxes"][picture, owner]
    area = ((sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]) / STRIDE**2).clamp_min(2.0)
    plate = picture * MOST + owner
    total = torch.zeros(int(plate.max()) + 1).index_add_(0, plate, pull)
    weight = pull / total[plate] * torch.log2(area)
    weight = weight / weight.sum()
    given = shape[picture, :, row, column]
    centre = torch.stack([column, row], dim=1).float() * STRIDE + STRIDE / 2
    distance = 8.0 * torch.exp(given[:, :4].clamp(-4.0, 5.0))
    boxes = torch.cat([centre - distance[:, :2], centre + distance[:, 2:]], dim=1)
    overlap = (weight * (1 - giou(boxes, sides))).sum()
    shifts = batch["shifts"][picture, owner]
    known = ~torch.isnan(shifts[:, 0])
    corner = (weight[known, None] * (given[known, 4:] - shifts[known]).abs()).sum() / weight[known].sum().clamp_min(
        0.05
    )
    return 3.0 * overlap + 0.5 * corner


def giou(boxes: Tensor, labels: Tensor) -> Tensor:
    """Generalised intersection over union of pairs of boxes (n, 4: left, top, right, bottom): (n,)."""
    low, high = torch.maximum(boxes[:, :2], labels[:, :2]), torch.minimum(boxes[:, 2:], labels[:, 2:])
    inside = (high - low).clamp_min(0).prod(dim=1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) + (labels[:, 2:] - labels[:, :2]).prod(dim=1) - inside
    hull = (torch.maximum(boxes[:, 2:], labels[:, 2:]) - torch.minimum(boxes[:, :2], labels[:, :2])).prod(dim=1)
    return inside / union.clamp_min(1e-6) - (hull - union) / hull.clamp_min(1e-6)


@torch.no_grad()
def judged(model: nn.Module, photo: Photo) -> Judged:
    """The averaged model on one photo, its longer side brought to 640 px."""
    pixels = Image.fromarray(_pixels(photo))
    zoom = SIZE / max(pixels.size)
    small = np.asarray(
        pixels.resize((round(pixels.width * zoom), round(pixels.height * zoom)), Image.Resampling.BILINEAR)
    )
    tensor = torch.from_numpy(crop(small, Tile(0, 0), tile=SIZE).copy()).permute(2, 0, 1)[None].float()
    found = plates_decode(model(tensor)[0].permute(1, 2, 0).numpy(), floor=0.05)
    labels = [(x, y, x + w, y + h) for x, y, w, h in (thing.box for thing in photo.things)]
    return Judged(found.boxes / zoom, found.scores, np.asarray(labels, dtype=np.float64).reshape(-1, 4))


def check(model: nn.Module, step: int, folder: Path) -> None:
    """Print and keep how the averaged model does on the validation photos: a glance between steps."""
    row: dict[str, Any] = {"step": step}
    for name, photos in valid_photos(data_root()).items():
        found = curve([judged(model, photo) for photo in photos], at_iou(0.5))
        precision = [found.at(score) for score in found.scores]
        recall = max((one[1] for one in precision if one[0] >= 0.9), default=0.0)
        row |= {f"{name} AP50": round(found.average_precision(), 4), f"{name} recall": round(recall, 4)}
    tqdm.write(json.dumps(row))
    with (folder / "val.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


def run(folder: Path, *, steps: int | None = None, stop: int | None = None) -> None:
    """Train from scratch or from the last checkpoint in `folder`, then export the files and `trained.json` there."""
    schedule = replace(SCHEDULE, steps=SCHEDULE.steps if steps is None else steps, stop=stop)
    samples = PlateSamples(data_root(), schedule.seed, schedule.steps * schedule.batch)
    average = train(PlateNet(), samples, loss_of, schedule, folder, lambda net, step: check(net, step, folder))
    deployed = Deployed(average.eval().to(memory_format=torch.contiguous_format))
    photos = [photo for group in valid_photos(data_root()).values() for photo in group[:CALIBRATION]]
    files_write(deployed, folder, NAME, shape=(1, SIZE, SIZE, 3), samples=_calibration(photos))
    told = {"version": VERSION, "steps": schedule.steps, "batch": schedule.batch}
    (folder / "trained.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


def _calibration(photos: Sequence[Photo]) -> Iterator[Any]:
    for photo in photos:
        pixels = Image.fromarray(_pixels(photo))
        zoom = SIZE / max(pixels.size)
        small = pixels.resize((round(pixels.width * zoom), round(pixels.height * zoom)), Image.Resampling.BILINEAR)
        yield crop(np.asarray(small), Tile(0, 0), tile=SIZE)[None].astype(np.float32)
