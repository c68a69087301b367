"""Start a dense network from the weights of a shipped float16 `.tflite`, and blend what comes of it with them.

A blend of a network and of what further training made of it often does better than both: M. Wortsman et al., "Robust
fine-tuning of zero-shot models" (2022).

The export folds batch normalisation into the convolution before it. What is read here computes the same: a folded
convolution goes back as it is, and its normalisation gets the statistics of real photos and undoes itself.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import Tensor, nn

CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)
NUMBERS = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}


def start_from(model: nn.Module, path: Path, pixels: Tensor) -> nn.Module:
    """Load the convolutions of `path` into `model`, of the same shape; `pixels` (N, 3, H, W), 0..255, are real photos.

    Raises ValueError when the file holds another network.
    """
    layers = _executed(model.eval(), pixels)
    read = _convolutions(path)
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    norm_of = {
        one: two for one, two in pairwise(layers) if isinstance(one, nn.Conv2d) and isinstance(two, nn.BatchNorm2d)
    }
    if [tuple(weight.shape) for weight, _ in read] != [tuple(layer.weight.shape) for layer in convolutions]:
        raise ValueError(f"{path.name} holds another network")
    with torch.no_grad():
        for layer, (weight, bias) in zip(convolutions, read, strict=True):
            _fill(layer, norm_of.get(layer), weight, bias)
        _normalise(model, norm_of, pixels)
    return model


@torch.no_grad()
def blended(networks: Sequence[nn.Module], shares: Sequence[float]) -> nn.Module:
    """Return a network whose weights are the sum of those of `networks`, each by its share; the shares sum to 1.

    All must be of one shape. Normalisation is folded into its convolution before, or the weights would not compare.
    """
    folded = [_folded(network) for network in networks]
    made = folded[0]
    for values in zip(*(network.state_dict().values() for network in folded), strict=True):
        if values[0].dtype.is_floating_point:
            values[0].copy_(sum(share * value for share, value in zip(shares, values, strict=True)))
    return made


def _folded(model: nn.Module) -> nn.Module:
    """A copy that computes the same with normalisations that only add."""
    made = copy.deepcopy(model).eval()
    for parent in made.modules():
        if isinstance(parent, nn.Sequential):
            for layer, norm in pairwise(parent):
                if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    _fold(layer, norm)
    return made


def _fold(layer: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    _fill(layer, norm, layer.weight * scale[:, None, None, None], shift)


def _executed(model: nn.Module, pixels: Tensor) -> list[nn.Module]:
    """The convolutions and normalisations of `model` in the order in which they run."""
    order: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda module, _input, _output: order.append(module))
        for module in model.modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    with torch.no_grad():
        model(pixels[:1])
    for hook in hooks:
        hook.remove()
    return order


def _fill(layer: nn.Conv2d, norm: nn.BatchNorm2d | None, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    if layer.bias is not None:
        layer.bias.copy_(bias)
    elif norm is not None:
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0 - norm.eps)
        norm.weight.fill_(1.0)
        norm.bias.copy_(bias)


def _normalise(model: nn.Module, norm_of: dict[nn.Conv2d, nn.BatchNorm2d], pixels: Tensor) -> None:
    """Give each normalisation the mean and variance that it meets, and the factors that change nothing."""
    met: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(module: nn.Module, _input: Any, output: Tensor) -> None:
        met[module] = (output.mean(dim=(0, 2, 3)), output.var(dim=(0, 2, 3)))

    hooks = [layer.register_forward_hook(note) for layer in norm_of]
    model(pixels)
    for hook in hooks:
        hook.remove()
    for layer, norm in norm_of.items():
        mean, variance = met[layer]
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.add_(mean)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def _convolutions(path: Path) -> list[tuple[Tensor, Tensor]]:
    """Weights, as torch lays them out, and biases of the file's convolutions in the order in which they run."""
    content = path.read_bytes()
    file = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph, source, found = file.subgraphs[0], {}, []
    for operator in graph.operators:
        code = file.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if kind == schema.BuiltinOperator.DEQUANTIZE:
            source[operator.outputs[0]] = operator.inputs[0]
        if kind in CONVOLUTIONS:
            weight, bias = (
                _constant(file, graph.tensors[source.get(index, index)], content) for index in operator.inputs[1:3]
            )
            turned = (3, 0, 1, 2) if kind == schema.BuiltinOperator.DEPTHWISE_CONV_2D else (0, 3, 1, 2)
            found.append((weight.permute(*turned), bias))
    return found


def _constant(file: Any, tensor: Any, content: bytes) -> Tensor:
    stored = file.buffers[tensor.buffer]
    raw = bytes(stored.data) if stored.data is not None and len(stored.data) else None
    if raw is None:
        # Converters put large constants behind the tables and tell where.
        raw = content[stored.offset : stored.offset + stored.size]
    values = np.frombuffer(raw, dtype=NUMBERS[tensor.type]).astype(np.float32).reshape(tuple(tensor.shape))
    return torch.from_numpy(values.copy())
