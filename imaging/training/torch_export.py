"""From a trained network to `.tflite` files: float16 or 8-bit weights for every runtime, static int8 for LiteRT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import quantizer, recipe
from ai_edge_quantizer.qtyping import (
    ComputePrecision,
    OpQuantizationConfig,
    QuantGranularity,
    TensorDataType,
    TensorQuantizationConfig,
    TFLOperationName,
)
from ai_edge_quantizer.recipe_manager import AlgorithmName
from torch import Tensor, nn


class Deployed(nn.Module):
    """A dense network as the runtime wants it: photos in channels-last, chances out in channels-last.

    Channel 0 of the logits is a chance of its own; the others compete among themselves (dropped when `kinds` is 0).
    """

    def __init__(self, network: nn.Module, kinds: int) -> None:
        super().__init__()
        self.network, self.kinds = network, kinds

    def forward(self, photo: Tensor) -> Tensor:
        """(1, H, W, 3), 0..255, to (1, H / 4, W / 4, 1 + kinds), 0..1."""
        logits = self.network(photo.permute(0, 3, 1, 2))
        chance = torch.sigmoid(logits[:, :1])
        if self.kinds:
            chance = torch.cat([chance, torch.softmax(logits[:, 1 : 1 + self.kinds], dim=1)], dim=1)
        return chance.permute(0, 2, 3, 1)


def export(network: nn.Module, folder: Path, name: str, *, kinds: int, size: int, samples: Iterable[Any]) -> None:
    """Write `name`.float32, .float16 and .int8 `.tflite` of a dense network into `folder`.

    `size`: side of the input in pixels. `samples`: arrays (1, size, size, 3) float32 that int8 is calibrated with.
    """
    deployed = Deployed(network.eval().to(memory_format=torch.contiguous_format), kinds).eval()
    files_write(deployed, folder, name, shape=(1, size, size, 3), samples=samples)


def files_write(deployed: nn.Module, folder: Path, name: str, *, shape: Sequence[int], samples: Iterable[Any]) -> None:
    """Write `name`.float32, .float16, .weights8 and .int8 `.tflite` of a network as the runtime wants it into `folder`.

    `shape` of the input; `samples`: float32 arrays of that shape that int8 is calibrated with.
    """
    plain = folder / f"{name}.float32.tflite"
    litert_torch.convert(deployed.eval(), (torch.zeros(*shape),)).export(str(plain))
    half(plain, folder / f"{name}.float16.tflite")
    light(plain, folder / f"{name}.weights8.tflite")
    _integer(plain, folder / f"{name}.int8.tflite", samples)


def half(source: Path, target: Path) -> None:
    """Write the float32 file `source` with float16 weights to `target`."""
    weights = TensorQuantizationConfig(
        num_bits=16, symmetric=True, granularity=QuantGranularity.TENSORWISE, dtype=TensorDataType.FLOAT
    )
    _cast(source, target, weights, AlgorithmName.FLOAT_CASTING)


def light(source: Path, target: Path) -> None:
    """Write the float32 file `source` with 8-bit weights, a scale for each channel, to `target`.

    A runtime unpacks them once and computes in floats: as fast as float16, the same on every runtime, half as large.
    """
    weights = TensorQuantizationConfig(
        num_bits=8, symmetric=True, granularity=QuantGranularity.CHANNELWISE, dtype=TensorDataType.INT
    )
    _cast(source, target, weights, AlgorithmName.MIN_MAX_UNIFORM_QUANT)


def _cast(source: Path, target: Path, weights: TensorQuantizationConfig, algorithm: AlgorithmName) -> None:
    tool = quantizer.Quantizer(str(source))
    tool.update_quantization_recipe(
        regex=".*",
        operation_name=TFLOperationName.ALL_SUPPORTED,
        op_config=OpQuantizationConfig(
            weight_tensor_config=weights, compute_precision=ComputePrecision.FLOAT, explicit_dequantize=True
        ),
        algorithm_key=algorithm,
    )
    tool.quantize().export_model(str(target), overwrite=True)


def _integer(source: Path, target: Path, samples: Iterable[Any]) -> None:
    tool = quantizer.Quantizer(str(source), recipe.static_wi8_ai8())
    feeds = {"serving_default": [{"args_0": np.asarray(sample, dtype=np.float32)} for sample in samples]}
    statistics = tool.calibrate(feeds)
    tool.quantize(statistics).export_model(str(target), overwrite=True)
