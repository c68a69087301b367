"""The training loop: AdamW with warm-up and cosine, averaged weights, checkpoints that a stopped run resumes from."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

Batch = dict[str, Tensor]
LossOf = Callable[[nn.Module, Batch], Tensor]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train; `stop` ends a run before the rate has come down, to be resumed."""

    steps: int
    stop: int | None = None
    batch: int = 8
    rate: float = 1e-3
    encoder_rate: float = 3e-4
    decay: float = 0.02
    warmup: int = 200
    average: float = 0.998
    every: int = 100
    watch: int = 800
    workers: int = 1
    seed: int = 1


def train(
    model: nn.Module,
    dataset: Dataset[dict[str, Any]],
    loss_of: LossOf,
    schedule: Schedule,
    folder: Path,
    check: Callable[[nn.Module, int], None],
) -> nn.Module:
    """Train `model` and return its averaged copy; `dataset[i]` must depend on `i` alone.

    Writes `folder/last.pt` every `schedule.every` steps and goes on from it when it is there; `check` is called with
    the averaged model every `schedule.watch` steps.
    """
    torch.manual_seed(schedule.seed)
    folder.mkdir(parents=True, exist_ok=True)
    model = model.to(memory_format=torch.channels_last)
    average = copy.deepcopy(model).eval()
    optimiser = torch.optim.AdamW(_groups(model, schedule))
    first = _resume(folder / "last.pt", model, average, optimiser)
    last = schedule.steps if schedule.stop is None else min(schedule.stop, schedule.steps)
    rest = Subset(dataset, range(first * schedule.batch, last * schedule.batch))
    loader = DataLoader(rest, batch_size=schedule.batch, num_workers=schedule.workers, prefetch_factor=8)
    bar = tqdm(loader, initial=first, total=last, desc="train", mininterval=10)
    smooth = 0.0
    for step, batch in enumerate(bar, first + 1):
        loss = _step(model, batch, loss_of, optimiser, _factor(step, schedule))
        _follow(average, model, min(schedule.average, (1 + step) / (10 + step)))
        smooth = loss if step == first + 1 else 0.98 * smooth + 0.02 * loss
        bar.set_postfix(loss=f"{smooth:.3f}", refresh=False)
        if step % schedule.every == 0 or step == last:
            _save(folder / "last.pt", step, model, average, optimiser)
        if step % schedule.watch == 0:
            check(average, step)
    return average


def _groups(model: nn.Module, schedule: Schedule) -> list[dict[str, Any]]:
    """Parameters by pace: pretrained ones slower; biases and norms without decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = schedule.encoder_rate if name.startswith("encoder.") else schedule.rate
            groups.setdefault((rate, schedule.decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "base": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def _factor(step: int, schedule: Schedule) -> float:
    if step < schedule.warmup:
        return step / schedule.warmup
    done = (step - schedule.warmup) / max(1, schedule.steps - schedule.warmup)
    return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def _step(model: nn.Module, batch: Batch, loss_of: LossOf, optimiser: torch.optim.Optimizer, factor: float) -> float:
    model.train()
    for group in optimiser.param_groups:
        group["lr"] = group["base"] * factor
    loss = loss_of(model, batch)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, keep: float) -> None:
    """Move the averaged weights towards the model's; counters of batch normalisation are copied."""
    for kept, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1.0 - keep)
        else:
            kept.copy_(new)


def _resume(path: Path, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def _save(path: Path, step: int, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Write the checkpoint beside its place and move it there, so that a stopped run never leaves half a file."""
    state = {
        "step": step,
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)
