"""The proof that sums over ±1 lanes are exact in a number format.

A sum is exact in any order of summation if all its terms are multiples of a power of two, its grid,
and their magnitudes add up to at most 2^mantissa times the grid. On ±1 states RMSNorm is the
identity if its gain is 1 and the computed mean square of the lanes is exactly 1.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from looped.analysis.grid import Floats, grid
from looped.artefact.stored_weights import Arrays
from looped.errors import CompileError
from looped.precision import FLOAT32, Precision

__all__ = [
    "check_attention",
    "check_mlp",
    "check_norms",
    "check_range",
    "check_sum",
    "check_weights",
    "inexact",
    "score_error",
]

_INTEGER_BITS = 30
"""The event engine adds up hidden units in 32-bit integers: 31 bits and a sign, one bit spare."""


def inexact(precision: Precision, reason: str) -> CompileError:
    """The error for a model that is not exact in a format."""
    hint = "only the engine `dense` runs a model that is not certified"
    return CompileError(f"not exact in {precision.name}: {reason}", hint=hint)


def check_weights(weights: Arrays, precision: Precision) -> None:
    """Raise CompileError unless the format holds every weight exactly."""
    for name, weight in weights.items():
        if not _holds(precision, weight.astype(np.float64)):
            raise inexact(precision, f"`{name}` has a weight that {precision.name} cannot hold")


def _holds(precision: Precision, numbers: Floats) -> bool:
    """Whether a format has all these numbers: each is a multiple of its unit in the last place."""
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > float(precision.largest):
        return False
    places = np.maximum(np.frexp(numbers)[1] - precision.mantissa, precision.tiny)
    units = np.ldexp(numbers, -places)
    return bool((units == np.rint(units)).all())


def check_norms(weights: Arrays, precision: Precision) -> None:
    """Raise CompileError unless RMSNorm is the identity on ±1 states."""
    for name, weight in weights.items():
        if weight.ndim == 1 and not bool((weight == 1).all()):
            raise CompileError(f"`{name}` is not a gain of 1: RMSNorm is not the identity")
    width = len(weights["norm.weight"])
    for used in (precision, FLOAT32):  # kernels for small formats often take the mean in float32
        mean = used.rounded(width * used.rounded(Fraction(1, width)))
        if width > 1 << used.mantissa or mean != 1:
            raise inexact(precision, f"the mean square of {width} lanes is not 1: RMSNorm rounds")


def check_sum(what: str, bound: float, step: float, precision: Precision) -> None:
    """Raise CompileError unless sums of magnitude `bound` on a grid of `step` are never rounded."""
    mantissa = min(
        precision.mantissa, FLOAT32.mantissa
    )  # the event engine computes keys in float32
    if not bound / step <= 1 << mantissa:
        raise inexact(precision, f"the {what} reach {bound:g} in steps of {step:g}")
    if not (bound <= precision.largest and step >= _smallest_normal(precision)):
        raise inexact(precision, f"the {what} are out of range: {bound:g} in steps of {step:g}")


def score_error(block: int, scores: float, dims: int, d_head: int, precision: Precision) -> float:
    """How much the rounding in the scaling by 1/√d_head can reduce a margin, for scores up to a
    bound.

    Some kernels scale q and k each by the root of 1/√d_head. That is exact if d_head is a power of
    16; otherwise a score is a sum of `dims` products, each rounded a few times. Raises CompileError
    if d_head is not a power of 4, or if rounding may change a score by as much as the score.
    """
    exponent = d_head.bit_length() - 1
    if d_head != 1 << exponent or exponent % 2:
        raise inexact(precision, f"the scores of block {block} are scaled by 1/√{d_head}")
    if exponent % 4 == 0:
        return 0.0
    rounding = (dims + 6) * 2.0**-precision.mantissa
    if rounding >= 1:
        raise inexact(
            precision, f"the scores of block {block} are scaled by the root of 1/√{d_head}"
        )
    return 2 * scores * rounding / (1 - rounding)


def check_attention(block: int, value: Floats, out: Floats, precision: Precision) -> None:
    """Raise CompileError unless the values and outputs of all heads of a block are exact.

    `value` is W_V (n_heads·d_head, d_model), `out` is W_O (d_model, n_heads·d_head).
    """
    _check_rows(f"values of block {block}", value, precision)
    bound = float((np.abs(out) @ np.abs(value).sum(axis=1)).max(initial=0)) + 1
    step = min(1.0, grid(value) * grid(out))
    check_sum(f"sums of heads of block {block}", bound, step, precision)


def check_mlp(block: int, gate: Floats, up: Floats, down: Floats, precision: Precision) -> None:
    """Raise CompileError unless the gates and up projections of a block are exact, and the products
    of its hidden units neither overflow nor underflow and add up in 32-bit integers."""
    _check_rows(f"gates of block {block}", gate, precision)
    _check_rows(f"up projections of block {block}", up, precision)
    check_range(f"hidden units of block {block}", gate, up, precision)
    products = grid(gate) * grid(up)
    step = products * grid(down)
    if not min(products, step) >= _smallest_normal(precision):
        raise inexact(precision, f"the hidden units of block {block} underflow")
    hidden = np.abs(gate).sum(axis=1) * np.abs(up).sum(axis=1)
    if not float((np.abs(down) @ hidden).max(initial=0)) / step < 2.0**_INTEGER_BITS:
        raise inexact(
            precision, f"the sums of hidden units of block {block} exceed 32-bit integers"
        )


def check_range(what: str, first: Floats, second: Floats, precision: Precision) -> None:
    """Raise CompileError unless sums over ±1 lanes are finite, also their products (even those with
    a zero) and the sums of these products.

    `first` and `second` are (sums, d_model); row i of one is multiplied by row i of the other.
    """
    sizes = [np.abs(matrix).sum(axis=1) for matrix in (first, second)]
    sums = max(float(size.max(initial=0)) for size in sizes)
    products = float((sizes[0] * sizes[1]).sum())
    if not max(sums, products) <= precision.largest:
        raise inexact(precision, f"the {what} overflow")


def _check_rows(what: str, matrix: Floats, precision: Precision) -> None:
    bound = float(np.abs(matrix).sum(axis=1).max(initial=0))
    check_sum(what, bound, grid(matrix), precision)


def _smallest_normal(precision: Precision) -> float:
    """The smallest normal number: some processors flush smaller numbers to zero."""
    return 2.0 ** (1 - precision.exponent)
