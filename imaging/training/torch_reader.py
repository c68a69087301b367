"""PP-OCRv6's small recogniser in torch, with the weights of the package rapidocr 3.10 and a head for plates alone.

Backbone and neck are rebuilt layer by layer from the ONNX file of PaddleOCR's `PP-OCRv6_rec_small` (Apache-2.0); its
CTC head of 18,710 characters is cut down to the blank and the 36 characters of plates.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import numpy_helper
from torch import Tensor, nn

from imaging.ml.plate_grammar import ALPHABET

MODEL = "models/PP-OCRv6_rec_small.onnx"
WIDTH, HEADS = 120, 8


class Squeeze(nn.Module):
    """Weights of the channels from their means (squeeze and excitation)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        weights = self.expand(F.relu(self.reduce(x.mean(dim=(2, 3), keepdim=True))))
        return x * F.hardsigmoid(weights)


class Block(nn.Module):
    """Depthwise 3x3, maybe `Squeeze`, then a pointwise pair with GELU; `out` other than `channels` halves the rows."""

    def __init__(self, channels: int, out: int, *, squeeze: bool) -> None:
        super().__init__()
        self.same = channels == out
        self.depth = nn.Conv2d(channels, channels, 3, stride=1 if self.same else (2, 1), padding=1, groups=channels)
        self.squeeze = Squeeze(channels) if squeeze else nn.Identity()
        self.expand, self.project = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(2 * channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H', W)."""
        x = self.squeeze(self.depth(x))
        mixed = self.project(F.gelu(self.expand(x)))
        return x + mixed if self.same else mixed


class Stem(nn.Module):
    """Rows and columns to a quarter; a path of two 2x2 convolutions beside a maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 48, 3, stride=2, padding=1)
        self.narrow, self.widen = nn.Conv2d(48, 24, 2), nn.Conv2d(24, 48, 2)
        self.join, self.out = nn.Conv2d(96, 48, 3, stride=2, padding=1), nn.Conv2d(48, 96, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 48, W) to (N, 96, 12, W / 4)."""
        x = F.relu(self.first(x))
        side = F.relu(self.widen(_grown(F.relu(self.narrow(_grown(x))))))
        peak = F.max_pool2d(_grown(x), 2, stride=1)
        return F.relu(self.out(F.relu(self.join(torch.cat([peak, side], dim=1)))))


def _grown(x: Tensor) -> Tensor:
    """A row below and a column to the right of zeros: what ONNX calls SAME_UPPER. (No value is below 0 here.)"""
    return F.pad(x, (0, 1, 0, 1))


class Mixer(nn.Module):
    """One transformer block over the columns, normalised first."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.expand, self.project = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 120) to the same."""
        count, steps = x.shape[:2]
        query, key, value = self.qkv(self.before(x)).chunk(3, dim=2)
        query, key, value = (
            part.reshape(count, steps, HEADS, WIDTH // HEADS).transpose(1, 2) for part in (query, key, value)
        )
        chances = torch.softmax(query @ key.transpose(2, 3) * (WIDTH // HEADS) ** -0.5, dim=3)
        x = x + self.out((chances @ value).transpose(1, 2).reshape(count, steps, WIDTH))
        return x + self.project(F.silu(self.expand(self.after(x))))


class Reader(nn.Module):
    """Pictures (N, 3, 48, W) of red, green, blue 0..255 to logits (N, W / 8, 37): the blank, A to Z, 0 to 9."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        squeezed = {0, 4, 6, 8, 11}
        sizes = [96] * 4 + [192] * 7 + [384] * 3
        self.blocks = nn.Sequential(
            *(Block(sizes[i], sizes[i + 1], squeeze=i in squeezed) for i in range(len(sizes) - 1))
        )
        # Batch normalisation is folded into these convolutions.
        self.beside, self.neck = nn.Conv2d(384, WIDTH, 1), nn.Conv2d(384, WIDTH, 1)
        self.along = nn.Conv2d(WIDTH, WIDTH, (1, 7), padding=(0, 3), groups=WIDTH)
        self.mixers, self.last = nn.Sequential(Mixer(), Mixer()), nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 1 + len(ALPHABET))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits of every column, eight pixels each."""
        x = F.avg_pool2d(self.blocks(self.stem(pictures / 127.5 - 1)), (3, 2))
        beside, neck = F.silu(self.beside(x)), F.silu(self.neck(x))
        neck = neck + F.silu(self.along(neck))
        columns = self.last(self.mixers(neck.squeeze(2).transpose(1, 2)))
        return self.head(columns + beside.squeeze(2).transpose(1, 2))


def pretrained() -> Reader:
    """Return the network with the weights of the installed package rapidocr."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package rapidocr, which holds the weights, is not installed")
    return from_onnx(onnx.load(Path(spec.submodule_search_locations[0]) / MODEL))


def from_onnx(model: onnx.ModelProto) -> Reader:
    """Return the network with the weights of `model`, taken in the order in which its graph uses them."""
    reader = Reader()
    weights = _weights(model)
    _copy(reader.stem.first, next(weights), flipped=True)
    for layer in (reader.stem.narrow, reader.stem.widen, reader.stem.join, reader.stem.out):
        _copy(layer, next(weights))
    for block in reader.blocks:
        layers = [block.depth, block.expand, block.project]
        if isinstance(block.squeeze, Squeeze):
            layers[1:1] = [block.squeeze.reduce, block.squeeze.expand]
        for layer in layers:
            _copy(layer, next(weights))
    for layer in (reader.beside, reader.neck, reader.along):
        _copy(layer, next(weights))
    for mixer in reader.mixers:
        for layer in (mixer.before, mixer.qkv, mixer.out, mixer.after, mixer.expand, mixer.project):
            _copy(layer, next(weights))
    _copy(reader.last, next(weights))
    _copy_head(reader.head, next(weights), _characters(model))
    return reader


Pair = tuple[np.ndarray, np.ndarray]


def _weights(model: onnx.ModelProto) -> Iterator[Pair]:
    """Weight and bias of each layer in the graph's order; batch normalisation folded, matrices as torch keeps them."""
    values = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    nodes = [
        node for node in model.graph.node if node.op_type in {"Conv", "BatchNormalization", "Mul", "MatMul", "Add"}
    ]
    used = [(node.op_type, [values[name] for name in node.input if name in values]) for node in nodes]
    used = [(kind, found) for kind, found in used if found and found[0].size > 1]
    for (kind, found), (_, following) in itertools.pairwise(used):
        if kind == "Conv" and len(following) == 4:
            yield _folded(found[0], following)
        elif kind in {"Conv", "Mul"}:
            yield found[0], following[0].reshape(-1)
        elif kind == "MatMul":
            yield found[0].T, following[0]


def _folded(kernel: np.ndarray, norm: list[np.ndarray]) -> Pair:
    """A convolution without bias and the batch normalisation (scale, shift, mean, variance) behind it, as one."""
    scale = norm[0] / np.sqrt(norm[3] + 1e-5)
    return kernel * scale[:, None, None, None], norm[1] - norm[2] * scale


def _copy(layer: nn.Module, pair: Pair, *, flipped: bool = False) -> None:
    """`flipped`: the original wants blue first, we red."""
    weight, bias = (torch.from_numpy(np.array(part, dtype=np.float32)) for part in pair)
    with torch.no_grad():
        if layer.weight.shape != weight.shape or layer.bias.shape != bias.shape:
            raise ValueError(f"the file has {tuple(weight.shape)} where the network has {tuple(layer.weight.shape)}")
        layer.weight.copy_(weight.flip(1) if flipped else weight)
        layer.bias.copy_(bias)


def _characters(model: onnx.ModelProto) -> list[str]:
    """Characters of the file's classes, the blank first."""
    told = {item.key: item.value for item in model.metadata_props}
    return ["", *told["character"].splitlines(), " "]


def _copy_head(layer: nn.Linear, pair: Pair, characters: list[str]) -> None:
    """Keep the classes of the blank and of the alphabet."""
    rows = [0, *(characters.index(letter) for letter in ALPHABET)]
    _copy(layer, (pair[0][rows], pair[1][rows]))
