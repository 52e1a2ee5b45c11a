"""Images as columns: one token a patch, and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["GreyBits", "PatchEmbedding", "PatchOutput"]

Patch = int | tuple[int, int]


def _sides(patch: Patch) -> tuple[int, int]:
    """The rows and columns of a patch."""
    return (patch, patch) if isinstance(patch, int) else patch


class PatchEmbedding(nn.Module):
    """`E · vec(patch) + e`: a convolution whose stride is its size (Dosovitskiy et al. 2021).

    Patches come row by row. `signs` makes the one that copies ones and zeros to lanes of ±1. A
    `patch` is a square, or a rectangle of so many rows and columns.
    """

    def __init__(self, channels: int, d_model: int, patch: Patch) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, d_model, patch, stride=patch)

    @classmethod
    def signs(cls, channels: int, patch: Patch) -> PatchEmbedding:
        """Weights 2 and biases -1: pixel (row, column) of a patch is lane `row · columns + column`,
        channel by channel. Exact for pixels 0 and 1."""
        rows, columns = _sides(patch)
        lanes = channels * rows * columns
        made = cls(channels, lanes, patch)
        with torch.no_grad():
            made.conv.weight.copy_(2 * torch.eye(lanes).view(lanes, channels, rows, columns))
            made.conv.bias = nn.Parameter(torch.full((lanes,), -1.0))
        return made

    def forward(self, image: Tensor) -> Tensor:
        """Map images (B, channels, height, width) to columns (B, N, d_model)."""
        grid: Tensor = self.conv(image)  # (B, d_model, height / patch, width / patch)
        return grid.flatten(2).mT


class PatchOutput(nn.Module):
    """Columns to pixels by the transposed convolution; `signs` undoes PatchEmbedding.signs."""

    def __init__(self, channels: int, d_model: int, patch: Patch) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(d_model, channels, patch, stride=patch)

    @classmethod
    def signs(cls, channels: int, patch: Patch) -> PatchOutput:
        """Lanes of ±1 to pixels 0 and 1: weights and biases ½. Exact."""
        rows, columns = _sides(patch)
        lanes = channels * rows * columns
        made = cls(channels, lanes, patch)
        with torch.no_grad():
            made.conv.weight.copy_(torch.eye(lanes).view(lanes, channels, rows, columns) / 2)
            made.conv.bias = nn.Parameter(torch.full((channels,), 0.5))
        return made

    def forward(self, x: Tensor, rows: int) -> Tensor:
        """Map columns (B, N, d_model), `rows` rows of patches, to (B, channels, height, width)."""
        grid = x.mT.reshape(x.shape[0], x.shape[2], rows, -1)  # (B, d_model, rows, N / rows)
        image: Tensor = self.conv(grid)
        return image


class GreyBits(nn.Module):
    """The bits of a grey level k / (2^bits - 1) as channels of ±1, least significant first.

    Two ReLU layers and a linear layer. The first adds 1 / ε, where floats are integers, so that the
    level is rounded to k, with fused multiply-add or without. The second has all thresholds: bit i
    changes at the multiples of 2^i; at a multiple t by `relu(k - t + 1) - relu(k - t)`. From then
    on all sums are of integers: exact.
    """

    def __init__(self, bits: int = 8) -> None:
        super().__init__()
        self.levels = (1 << bits) - 1
        ramps = torch.arange(self.levels + 1.0)  # ramp t is relu(k - t), for t = 0 … levels
        digits = (torch.arange(1 << bits)[:, None] >> torch.arange(bits) & 1).float()
        change = 2 * digits.diff(dim=0)  # (levels, bits): from level t - 1 to t
        none = torch.zeros(1, bits)
        weight = torch.cat([change, none]) - torch.cat([none, change])  # (levels + 1, bits)
        integers = 1 / torch.finfo(ramps.dtype).eps  # from here on floats have no fractions
        self.rounding = nn.Conv2d(1, 1, 1)
        self.thresholds = nn.Conv2d(1, self.levels + 1, 1)
        self.outer = nn.Conv2d(self.levels + 1, bits, 1)
        with torch.no_grad():
            self.rounding.weight.fill_(self.levels)
            self.rounding.bias = nn.Parameter(torch.tensor([integers]))
            self.thresholds.weight.fill_(1)
            self.thresholds.bias = nn.Parameter(-ramps - integers)
            self.outer.weight.copy_(weight.mT[:, :, None, None])
            self.outer.bias = nn.Parameter(torch.full((bits,), -1.0))

    def forward(self, image: Tensor) -> Tensor:
        """Map levels (B, 1, height, width) from 0 to 1 to (B, bits, height, width)."""
        levels = self.rounding(image).relu()  # (B, 1, height, width), plus 1 / ε
        result: Tensor = self.outer(self.thresholds(levels).relu())
        return result
