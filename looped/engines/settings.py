"""The settings of PyTorch, and the kernels, under which sums and softmax are exact.

A certificate assumes IEEE 754 arithmetic in the dtype of the model. Settings of PyTorch can break
this assumption: TF32 or bfloat16 products of float32 matrices, autocast, subnormal numbers flushed
to zero. A kernel may also approximate exp. The dense engine checks the settings before each pass.
It tries the kernels once, when it is made, with the sizes of its model.

Flushing subnormals is harmless if only exponentials are so small: the margins make them zero either
way. All other numbers are multiples of the product of at most three weights, so of the grid cubed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from looped.errors import CertificateError
from looped.precision import Precision

__all__ = ["Settings", "check_kernels"]

_FULL = ("none", "ieee", "highest", None)
_WINNER = 5
"""The row that must win: inside the first vector register, neither its first nor its last entry."""

_ROWS = 67
"""Rows of the test inputs: 64 fill whole vector registers, three more need the remainder loop."""


class Settings:
    """The settings that the exactness of a model in a dtype on a device depends on.

    All weights are multiples of `grid`, a power of two.
    """

    def __init__(self, precision: Precision, device: torch.device, grid: float) -> None:
        self.dtype: torch.dtype = getattr(torch, precision.name)
        self.device = device
        normal = 2.0 ** (1 - precision.exponent)
        self._subnormal: Tensor | None = None
        if min(grid, 1.0) ** 3 < normal:
            self._subnormal = torch.tensor(normal / 2, dtype=self.dtype, device=device)

    def check(self) -> None:
        """Raise CertificateError for a setting under which the model is not exact."""
        if torch.is_autocast_enabled(self.device.type):
            raise _refusal("autocast is on", "leave `torch.autocast`")
        if self.dtype == torch.float32:
            for name, value in _precisions(self.device.type):
                if value not in _FULL:
                    raise _refusal(f"`{name}` is `{value}`", "set it to the full precision")
        if self._subnormal is not None and not bool(self._subnormal * 1):
            hint = "torch.set_flush_denormal(False)"
            raise _refusal("subnormal numbers are flushed to zero", hint)


def _precisions(device: str) -> Iterator[tuple[str, object]]:
    """The settings of float32 products on a kind of device; values in _FULL mean full precision."""
    try:
        legacy = torch.get_float32_matmul_precision()
        yield "torch.set_float32_matmul_precision", legacy
    except RuntimeError:  # set by the newer names, which come next
        pass
    library = "cuda" if device == "cuda" else "mkldnn"
    if device == "cpu":
        for name in ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"):
            mode = os.environ.get(name, "STRICT").upper()
            yield name, None if mode == "STRICT" else mode
    for path in (f"{library}.matmul", library, ""):
        place: object = torch.backends
        for part in path.split(".") if path else ():
            place = getattr(place, part, None)
        value = getattr(place, "fp32_precision", None)
        yield f"torch.backends.{path}.fp32_precision".replace("..", "."), value
        if value not in (None, "none"):
            break  # it overrides the more general settings
    if device == "cuda":
        allowed = getattr(torch.backends.cuda.matmul, "allow_tf32", False)
        yield "torch.backends.cuda.matmul.allow_tf32", allowed or None


@torch.inference_mode()
def check_kernels(
    width: int, precision: Precision, device: torch.device, heads: tuple[int, int], score: float
) -> None:
    """Raise CertificateError unless the device's kernels compute exactly what the engines assume.

    `width` is d_model, `heads` is (n_heads, d_head), `score` the largest score. RMSNorm must not
    change rows of ±1. A product with the unit matrix must keep all bits of the mantissa. If two
    scores differ by the underflow point, the softmax must give the higher one all the weight and
    the lower one none, however high the scores are.
    """
    dtype: torch.dtype = getattr(torch, precision.name)
    norm = nn.RMSNorm(width, eps=0.0, device=device, dtype=dtype)
    signs = (torch.arange(_ROWS * width, device=device).view(1, _ROWS, width) % 3 - 1).sign()
    signs = torch.where(signs == 0, 1, signs).to(dtype)
    if not torch.equal(norm(signs), signs):
        raise _refusal("RMSNorm does not keep rows of ±1", f"the kernel of {device} is not exact")
    full = torch.full(
        (_ROWS, width), 2.0 - 2.0 ** (1 - precision.mantissa), dtype=dtype, device=device
    )
    unit = torch.eye(width, dtype=dtype, device=device)
    if not torch.equal(linear(full, unit), full):
        raise _refusal("matrix products lose bits", f"the kernel of {device} is not exact")
    _check_softmax(precision, device, heads, score)


def _check_softmax(
    precision: Precision, device: torch.device, heads: tuple[int, int], score: float
) -> None:
    """In row i the winner scores i steps (at most `score`), and all others score one step less.

    A step is at least the underflow point.
    """
    count, size = heads
    dtype: torch.dtype = getattr(torch, precision.name)
    step = 2.0 ** math.ceil(math.log2(precision.underflow)) * math.sqrt(size)
    highest = min(score * math.sqrt(size), float(precision.largest) / 2) // step
    q, k, v = (torch.zeros((1, count, _ROWS, size), dtype=dtype, device=device) for _ in range(3))
    q[..., 0] = step * (torch.arange(_ROWS, device=device) % (min(highest, _ROWS) + 1))
    k[..., 0] = 1
    q[..., -1] += step if size > 1 else 0
    k[..., -1] -= 1
    k[:, :, _WINNER] = 0
    k[:, :, _WINNER, 0] = 1
    v[..., 0] = 1
    v[:, :, _WINNER] = 3
    found = scaled_dot_product_attention(q, k, v)
    if size > 1 and not torch.equal(found, torch.full_like(found, 3)):
        hint = f"the attention of {device} is not exact in {precision.name}"
        raise _refusal("the softmax of a head is not one-hot", hint)


def _refusal(what: str, hint: str) -> CertificateError:
    return CertificateError(f"{what}: the certificate does not cover that", hint=hint)
