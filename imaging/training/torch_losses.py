"""Losses for dense maps with few, tiny objects."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def focal_bce(logits: Tensor, target: Tensor, weight: Tensor, *, gamma: float = 2.0, alpha: float = 0.75) -> Tensor:
    """Weighted focal cross-entropy (T.-Y. Lin et al., 2017), a scalar: summed, over the weight of the positives.

    All three (N, H, W). Dividing by the positives and not by the cells keeps a tile with one tiny scratch as loud
    as one with a crushed door.
    """
    probability = torch.sigmoid(logits)
    plain = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    missed = torch.where(target > 0.5, 1.0 - probability, probability)
    balance = torch.where(target > 0.5, alpha, 1.0 - alpha)
    return (weight * balance * missed**gamma * plain).sum() / (weight * target).sum().clamp_min(30.0)


def weighted_dice(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Dice loss over the whole batch (F. Milletari et al., 2016), cells weighted; a scalar 0..1."""
    probability = torch.sigmoid(logits)
    shared = (weight * probability * target).sum()
    return 1.0 - (2.0 * shared + 1.0) / ((weight * (probability**2 + target)).sum() + 1.0)


def cell_kind(logits: Tensor, kind: Tensor, weight: Tensor, balance: Tensor, *, ignore: int = 255) -> Tensor:
    """Cross-entropy of the kind on the cells that have one; logits (N, K, H, W), kind and weight (N, H, W)."""
    plain = functional.cross_entropy(logits, kind, weight=balance, ignore_index=ignore, reduction="none")
    known = (kind != ignore).to(weight.dtype) * weight
    return (plain * known).sum() / known.sum().clamp_min(1.0)
