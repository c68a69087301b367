"""How `plate_reader` is trained: PP-OCRv6's small recogniser, taught plates by drawn ones, with a head for plates."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.data import Dataset

from imaging.ml.models.plate_reader import decode, stretched, unrolled
from imaging.ml.plate_grammar import ALPHABET
from imaging.training.plate_drawing import plate_draw
from imaging.training.plate_scene import crop_make, nothing_make
from imaging.training.readings import Compared, compare
from imaging.training.torch_export import half
from imaging.training.torch_loop import Batch, Schedule, train
from imaging.training.torch_reader import Reader, pretrained

NAME, VERSION = "plate_reader", "0.1.0"
WIDTH, HEIGHT = 256, 48
LONGEST = 16
# Crops wider than this are never looked at as two lines.
TWO_LINES_BELOW = 3.0
SCHEDULE = Schedule(steps=700, batch=32, rate=5e-4, warmup=40, average=0.99, every=50, watch=200, workers=1)
FROZEN = 4
# Examples beyond the last of any schedule: nothing of them is trained on.
CHECK_FROM, CHECKED = 10_000_000, 200


class Crops(Dataset[dict[str, Any]]):
    """Endless drawn crops: the i-th depends on the seed and `i` alone."""

    def __init__(self, seed: int, length: int) -> None:
        self.seed, self.length = seed, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        picture, text = example(np.random.default_rng([self.seed, index]))
        target = np.zeros(LONGEST, dtype=np.int64)
        target[: len(text)] = [1 + ALPHABET.index(sign) for sign in text]
        return {"picture": picture, "target": target, "length": len(text)}


def example(rng: np.random.Generator) -> tuple[Any, str]:
    """One picture (48, 256, 3) uint8 as the network gets it, and what it should say of it.

    A plate of two lines says nothing when seen whole, and one of a single line nothing when seen as halves: so the
    reader may ask for both and take the answer.
    """
    if rng.random() < 0.04:
        return stretched(nothing_make(rng), WIDTH, HEIGHT), ""
    plate = plate_draw(rng)
    crop = crop_make(plate, rng)
    high = crop.shape[1] < TWO_LINES_BELOW * crop.shape[0]
    chance = 0.75 if plate.lines == 2 else 0.2
    if high and rng.random() < chance:
        return unrolled(crop, WIDTH, HEIGHT), plate.text if plate.lines == 2 else ""
    return stretched(crop, WIDTH, HEIGHT), plate.text if plate.lines == 1 else ""


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Connectionist temporal classification."""
    logits = model(_pictures(batch["picture"]))
    chances = F.log_softmax(logits, dim=2).transpose(0, 1)
    columns = torch.full((logits.shape[0],), logits.shape[1], dtype=torch.long)
    return F.ctc_loss(chances, batch["target"], columns, batch["length"], zero_infinity=True)


def _pictures(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)


def frozen(reader: Reader) -> Reader:
    """Keep what the first layers know: edges are the same on plates, and half of a step's time is theirs."""
    for parameter in [*reader.stem.parameters(), *reader.blocks[:FROZEN].parameters()]:
        parameter.requires_grad_(requires_grad=False)
    return reader


class Deployed(nn.Module):
    """The reader as the runtime wants it: a picture in channels-last, chances out."""

    def __init__(self, reader: nn.Module) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, picture: Tensor) -> Tensor:
        """(1, 48, W, 3), 0..255, to (1, W / 8, 37), 0..1."""
        return torch.softmax(self.reader(picture.permute(0, 3, 1, 2)), dim=2)


@torch.no_grad()
def judged(reader: nn.Module, dataset: Dataset[dict[str, Any]], numbers: range) -> Compared:
    """How `reader` does on examples of `dataset`."""
    pairs = []
    for number in numbers:
        item = dataset[number]
        chances = torch.softmax(reader(_pictures(torch.from_numpy(item["picture"].copy())[None])), dim=2)[0].numpy()
        said = "".join(sign for sign, _ in decode(chances))
        pairs.append((said, "".join(ALPHABET[index - 1] for index in item["target"][: item["length"]])))
    return compare(pairs)


def run(folder: Path, *, steps: int | None = None, stop: int | None = None) -> None:
    """Fine-tune into `folder` and export `plate_reader.float16.tflite` with `trained.json` beside it.

    `steps` other than the recipe's; 0 exports the recogniser of the package as it is, cut down to plates.
    """
    # One core draws the crops.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))
    schedule = replace(SCHEDULE, steps=SCHEDULE.steps if steps is None else steps, stop=stop)
    crops = Crops(schedule.seed, CHECK_FROM + CHECKED)
    curve: dict[str, float] = {}

    def check(average: nn.Module, step: int) -> None:
        curve[str(step)] = round(judged(average.eval(), crops, range(CHECK_FROM, CHECK_FROM + CHECKED)).exact, 4)
        print(f"step {step}: exact on drawn plates {curve[str(step)]}", flush=True)

    torch.manual_seed(schedule.seed)
    reader = frozen(pretrained())
    check(reader, 0)
    reader = train(reader, crops, loss_of, schedule, folder, check) if schedule.steps else reader
    export(reader, folder)
    facts = {"version": VERSION, "schedule": asdict(schedule), "exact_on_drawn_plates": curve}
    (folder / "trained.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def export(reader: Reader | nn.Module, folder: Path) -> None:
    """Write `plate_reader.float32.tflite` and `.float16.tflite` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    deployed = Deployed(reader.to(memory_format=torch.contiguous_format)).eval()
    plain = folder / f"{NAME}.float32.tflite"
    litert_torch.convert(deployed, (torch.zeros(1, HEIGHT, WIDTH, 3),)).export(str(plain))
    half(plain, folder / f"{NAME}.float16.tflite")
