"""Checks of the torch parts of `vehicle_mask` and `view_and_wheels`; see torch_checks.py for how to run them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from imaging.ml.models.view_and_wheels import VIEWS
from imaging.training.torch_network import TAPS, Encoder
from imaging.training.torch_recipes import vehicle_mask as masks
from imaging.training.torch_recipes import view_and_wheels as views


def test_encoder_leaves_off_what_no_tap_needs() -> None:
    whole, short = Encoder(), Encoder(3, {2: 24, 4: 40})
    assert len(short.blocks) == 5
    photo = torch.full((1, 3, 64, 64), 90.0)
    full = whole.eval()(photo)
    part = short.eval()(photo)
    assert len(full) == len(TAPS)
    assert torch.equal(part[1], full[1])


@torch.no_grad()
def test_mask_comes_at_half_the_size() -> None:
    model = masks.MaskNet().eval()
    assert model(torch.zeros(2, 3, 128, 128)).shape == (2, 1, 64, 64)
    chance = masks.Deployed(model)(torch.zeros(1, 128, 128, 3))
    assert chance.shape == (1, 64, 64, 1)
    assert 0 <= float(chance.min()) <= float(chance.max()) <= 1


class Fixed(torch.nn.Module):
    """Says what it was told to."""

    def __init__(self, answer: Tensor | tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, pixels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Whatever the pixels, the answer."""
        return self.answer


def mask_batch() -> dict[str, Tensor]:
    target = torch.zeros(1, 32, 32)
    target[:, 8:24, 8:24] = 1
    return {"image": torch.zeros(1, 64, 64, 3, dtype=torch.uint8), "target": target, "weight": torch.ones(1, 32, 32)}


def mask_loss(logits: Tensor, **changes: Tensor) -> float:
    return float(masks.loss_of(Fixed(logits[:, None]), mask_batch() | changes))


def test_right_mask_costs_little_and_a_shifted_one_more() -> None:
    right = (mask_batch()["target"] - 0.5) * 20
    assert mask_loss(right) < 0.01
    assert mask_loss(right.roll(1, 2)) > 5 * mask_loss(right)
    assert mask_loss(right.roll(3, 2)) > mask_loss(right.roll(1, 2))


def test_what_is_not_known_costs_nothing() -> None:
    right = (mask_batch()["target"] - 0.5) * 20
    wrong = right.clone()
    wrong[:, :, :4] = 10
    weight = torch.ones(1, 32, 32)
    weight[:, :, :4] = 0
    assert mask_loss(wrong, weight=weight) == pytest.approx(mask_loss(right, weight=weight))
    assert mask_loss(wrong) > 0.1


def test_an_edge_counts_more_than_the_middle() -> None:
    right = (mask_batch()["target"] - 0.5) * 20
    middle, edge = right.clone(), right.clone()
    middle[:, 15, 15], edge[:, 15, 8] = -10, -10
    assert mask_loss(edge) > 2 * mask_loss(middle)


@torch.no_grad()
def test_views_and_wheels_have_the_promised_shapes() -> None:
    logits, cells = views.Deployed(views.ViewNet().eval())(torch.zeros(1, views.SIZE, views.SIZE, 3))
    assert logits.shape == (1, len(VIEWS) + 2)
    assert cells.shape == (1, views.SIZE // 8, views.SIZE // 8, 5)
    for chance in (cells[..., 0], cells[..., 4]):
        assert 0 <= float(chance.min()) <= float(chance.max()) <= 1


def test_labels_are_soft_towards_the_neighbours() -> None:
    front = views.SOFT[VIEWS.index("front")]
    assert float(front.sum()) == pytest.approx(1)
    assert float(front[VIEWS.index("front_left")]) == float(front[VIEWS.index("front_right")]) == pytest.approx(0.06)
    assert float(front[VIEWS.index("rear")]) == 0


def view_loss(
    logits: Tensor, cells: Tensor, view: int, marked: float = 1.0, *, present: float = -1.0, known: float = 0.0
) -> float:
    """Of a car that covers the left half, where that is known."""
    heat, box, inside = torch.zeros(1, 28, 28), torch.zeros(1, 28, 28, 3), torch.zeros(1, 28, 28)
    heat[0, 10, 10], inside[0, 10, 10] = 1, 1
    box[0, 10, 10] = torch.tensor([0.2, -0.1, math.log(0.1)])
    batch = {
        "image": torch.zeros(1, 224, 224, 3, dtype=torch.uint8),
        "view": torch.tensor([view]),
        "vehicle": torch.tensor([float(view >= 0)]),
        "heat": heat,
        "box": box,
        "inside": inside,
        "marked": torch.tensor([marked]),
        "present": torch.tensor([present]),
        "car": torch.cat([torch.ones(1, 28, 14), torch.zeros(1, 28, 14)], dim=2),
        "known": torch.full((1, 28, 28), known),
    }
    return float(views.loss_of(Fixed((logits, cells)), batch))


def test_right_view_and_wheel_cost_least() -> None:
    logits = torch.zeros(1, 10)
    logits[0, 2], logits[0, 8] = 6, 6
    cells = torch.full((1, 5, 28, 28), -9.0)
    cells[0, :4, 10, 10] = torch.tensor([9.0, 0.2, -0.1, math.log(0.1)])
    right = view_loss(logits, cells, 2)
    assert right < view_loss(logits, cells, 6) - 1
    assert right < view_loss(logits, cells.roll(3, 3), 2) - 1
    assert view_loss(logits, cells.roll(3, 3), 2, marked=0.0) < right + 0.01
    assert view_loss(-logits, cells, -1) < view_loss(logits, cells, -1)


def test_presence_and_the_car_cost_least_where_they_are_and_nothing_where_unknown() -> None:
    logits, cells = torch.zeros(1, 10), torch.full((1, 5, 28, 28), -9.0)
    logits[0, 9] = 6
    cells[0, 4, :, :14] = 9
    right = view_loss(logits, cells, -1, present=1.0, known=1.0)
    assert right < view_loss(logits, cells, -1, present=0.0, known=1.0) - 1
    assert right < view_loss(logits, cells.flip(3), -1, present=1.0, known=1.0) - 1
    assert view_loss(logits, cells.flip(3), -1) == pytest.approx(view_loss(logits, cells, -1), abs=1e-4)
    assert view_loss(-logits, cells, -1) == pytest.approx(view_loss(logits, cells, -1), abs=1e-4)
