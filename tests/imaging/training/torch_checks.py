"""Checks of the torch-only code, for the training environment; `make test` does not collect this file.

`.venv-train/bin/python -m pytest -c /dev/null --noconftest tests/imaging/training/torch_checks.py`
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from imaging.ml import registry
from imaging.ml.models.plate_detector import plates_decode
from imaging.ml.runtime import Network, installed
from imaging.training.plate_samples import Sample
from imaging.training.torch_export import Deployed, export
from imaging.training.torch_loop import Batch, Schedule, train
from imaging.training.torch_losses import cell_kind, focal_bce, weighted_dice
from imaging.training.torch_network import DenseNet, SameConv
from imaging.training.torch_recipes import plate_detector as plates
from imaging.training.torch_start import blended, start_from


class Numbers(Dataset[dict[str, Any]]):
    """The i-th example depends on i alone: y = 2 x."""

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> dict[str, Any]:
        x = np.random.default_rng(index).normal(size=3).astype(np.float32)
        return {"x": x, "y": 2 * x}


def square(model: nn.Module, batch: Batch) -> Tensor:
    """Mean squared error."""
    return ((model(batch["x"]) - batch["y"]) ** 2).mean()


class TestLoop:
    """Training learns, and a stopped run ends where one that was not would have."""

    def run_to(self, steps: list[int], folder: Path) -> tuple[nn.Module, list[int]]:
        seen: list[int] = []
        average: nn.Module | None = None
        for stop in steps:
            torch.manual_seed(0)
            schedule = Schedule(steps=stop, batch=4, rate=0.05, warmup=1_000_000, every=10, watch=10, workers=1)
            average = train(nn.Linear(3, 3), Numbers(), square, schedule, folder, lambda _, step: seen.append(step))
        assert average is not None
        return average, seen

    def test_resumed_run_equals_an_unbroken_one(self) -> None:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            whole, _ = self.run_to([30], Path(one))
            broken, seen = self.run_to([20, 30], Path(two))
        assert seen == [10, 20, 30]
        for first, second in zip(whole.parameters(), broken.parameters(), strict=True):
            torch.testing.assert_close(first, second)

    def test_loss_falls(self) -> None:
        torch.manual_seed(0)
        fresh = nn.Linear(3, 3)
        batch = {key: torch.tensor(value)[None] for key, value in Numbers()[5].items()}
        before = float(square(fresh, batch).detach())
        with tempfile.TemporaryDirectory() as folder:
            schedule = Schedule(steps=200, batch=4, rate=0.05, warmup=5, every=200)
            average = train(fresh, Numbers(), square, schedule, Path(folder), lambda *_: None)
        assert float(square(average, batch).detach()) < before / 4


class TestLoss:
    """Better maps cost less; cells without weight or kind cost nothing."""

    def setup_method(self) -> None:
        self.target = torch.zeros(1, 8, 8)
        self.target[0, 2:4, 2:6] = 1
        self.weight = torch.ones(1, 8, 8)
        self.good = (self.target * 2 - 1) * 6

    def test_right_map_costs_less_than_a_wrong_one(self) -> None:
        for loss in (focal_bce, weighted_dice):
            assert float(loss(self.good, self.target, self.weight)) < 0.05
            assert float(loss(-self.good, self.target, self.weight)) > 0.9

    def test_weightless_cells_do_not_count(self) -> None:
        wrong = self.good.clone()
        wrong[0, 7] = 9.0
        weight = self.weight.clone()
        weight[0, 7] = 0.0
        for loss in (focal_bce, weighted_dice):
            torch.testing.assert_close(
                loss(wrong, self.target, weight), loss(self.good, self.target, weight), atol=1e-6, rtol=0
            )

    def test_kind_counts_only_where_it_is_known(self) -> None:
        kind = torch.full((1, 8, 8), 255)
        logits = torch.randn(1, 3, 8, 8)
        assert float(cell_kind(logits, kind, self.weight, torch.ones(3))) == 0.0
        kind[0, 2, 2] = 1
        logits[0, :, 2, 2] = torch.tensor([-9.0, 9.0, -9.0])
        assert float(cell_kind(logits, kind, self.weight, torch.ones(3))) < 1e-3


class TestStart:
    """A network begins as the shipped one, and may be blended with what became of it."""

    shipped = registry.card("damage_detector").file_for("tflite").path
    pixels = torch.rand(2, 3, 128, 128) * 255

    def started(self) -> nn.Module:
        return start_from(DenseNet(4), self.shipped, self.pixels).eval()

    def test_it_computes_what_the_file_computes(self) -> None:
        photo = np.random.default_rng(3).uniform(0, 255, (1, 640, 640, 3)).astype(np.float32)
        model = self.started()
        with torch.no_grad():
            ours = Deployed(model, 3)(torch.from_numpy(photo)).numpy()
        theirs = Network(self.shipped.read_bytes(), threads=1).run(photo)
        np.testing.assert_allclose(ours, theirs, atol=2e-3)

    def test_another_network_is_refused(self) -> None:
        with pytest.raises(ValueError, match="another network"):
            start_from(DenseNet(3), self.shipped, self.pixels)

    def test_a_blend_of_all_or_nothing_is_one_of_the_two(self) -> None:
        torch.manual_seed(1)
        first, second = self.started(), DenseNet(4).eval()
        with torch.no_grad():
            for share, whole in ((0.0, first), (1.0, second)):
                made = blended([first, second], [1.0 - share, share])
                torch.testing.assert_close(made(self.pixels), whole(self.pixels), atol=2e-3, rtol=1e-3)


class TestNetwork:
    """Shapes, frozen blocks, and exported files that give torch's numbers."""

    def test_same_padding_keeps_the_grid(self) -> None:
        for kernel, stride in ((3, 1), (3, 2), (5, 1), (5, 2), (1, 1)):
            out = SameConv(2, 4, kernel, stride)(torch.zeros(1, 2, 32, 64))
            assert tuple(out.shape) == (1, 4, 32 // stride, 64 // stride)

    def test_frozen_blocks_get_no_gradient(self) -> None:
        model = DenseNet(4)
        model(torch.rand(1, 3, 64, 64) * 255).sum().backward()
        frozen = [name for name, parameter in model.named_parameters() if parameter.grad is None]
        assert frozen
        assert all(name.startswith(("encoder.stem", "encoder.blocks.")) for name in frozen)
        assert "encoder.blocks.3.project.weight" not in frozen

    def test_exported_files_give_the_same_numbers(self) -> None:
        torch.manual_seed(0)
        model = DenseNet(4).eval()
        photo = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
        with torch.no_grad():
            expected = Deployed(model, 3)(torch.from_numpy(photo)).numpy()
        with tempfile.TemporaryDirectory() as folder:
            export(model, Path(folder), "check", kinds=3, size=64, samples=[photo])
            for precision, tolerance in (("float32", 1e-4), ("float16", 5e-3), ("int8", 0.1)):
                content = (Path(folder) / f"check.{precision}.tflite").read_bytes()
                for name in installed():
                    given = Network(content, runtime=name).run(photo)
                    np.testing.assert_allclose(given, expected, atol=tolerance)


class TestPlates:
    """Targets of plates, their losses, and the way back from a perfect map."""

    def setup_method(self) -> None:
        quad = np.array([[[40, 44], [120, 40], [120, 60], [40, 64]]], dtype=np.float64)
        self.sample = Sample(
            image=np.zeros((128, 128, 3), np.uint8),
            boxes=np.array([[40, 40, 120, 64]], dtype=np.float64),
            quads=quad,
            asked=np.array([True]),
            ignored=np.array([[0, 100, 20, 110]], dtype=np.float64),
        )
        self.maps = plates.targets(self.sample, 32)

    def test_centre_is_one_and_ignored_cells_are_left_out(self) -> None:
        row, column = np.unravel_index(np.argmax(self.maps["heat"]), (32, 32))
        assert (row, column) == (13, 20)
        assert self.maps["heat"][13, 20] == 1.0
        assert self.maps["care"][26, 2] == 0.0
        assert self.maps["care"][13, 20] == 1.0

    def perfect(self) -> Tensor:
        """The map of a network that knows the plate."""
        rows, columns = np.mgrid[:32, :32] * 4 + 2
        left, top, right, bottom = self.maps["boxes"][0]
        sides = np.stack([columns - left, rows - top, right - columns, bottom - rows]).clip(0.2)
        shifts = np.broadcast_to(self.maps["shifts"][0][:, None, None], (8, 32, 32))
        heat = np.where(self.maps["heat"] == 1.0, 9.0, -9.0)[None]
        return torch.tensor(np.concatenate([heat, np.log(sides / 8.0), shifts])[None], dtype=torch.float32)

    def loss(self, out: Tensor) -> float:
        batch = {key: torch.as_tensor(np.asarray(value))[None] for key, value in self.maps.items()}
        return float(plates.loss_of(lambda _: out, batch))  # type: ignore[arg-type]

    def test_the_right_map_costs_least_and_decodes_to_the_plate(self) -> None:
        right = self.perfect()
        assert self.loss(right) < 0.01
        wrong = right.clone()
        wrong[:, 1] += 0.5
        assert self.loss(wrong) > self.loss(right) + 0.2
        found = plates_decode(right[0].permute(1, 2, 0).numpy(), floor=0.5)
        np.testing.assert_allclose(found.boxes, self.sample.boxes, atol=0.01)
        np.testing.assert_allclose(found.quads, self.sample.quads, atol=0.05)

    def test_giou_of_the_same_box_is_one_and_falls_with_distance(self) -> None:
        box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
        assert float(plates.giou(box, box)) == 1.0
        near, far = (float(plates.giou(box, box + shift)) for shift in (12.0, 50.0))
        assert 0 > near > far > -1
