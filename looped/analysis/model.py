"""Weight tensors as integer matrices, and the proof that their sums are exact.

Nothing is known here but tensors: no lane has a name, no column a meaning. A model is taken on only
if its norms have unit gain (on ±1 states RMSNorm is then the identity) and if every sum over ±1
lanes is a multiple of a power of two, so small that the dtype holds it in any order of summation.
Divided by these powers, the weights are integers, and the sums are those of the dense model.

What is zero must be zero in the dtype, not only in the reals: a head is idle if each of its inner
dimensions has no value or no way out. One whose `W_O W_V` cancels is not idle: where its softmax
is not one-hot, the products are rounded before they meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from looped.errors import CompileError
from looped.precision import FLOAT32, Precision

__all__ = ["Block", "Head", "Ints", "Model", "analyse", "check_made", "grid", "inexact"]

_MOST_KINDS = 64
"""Kinds of columns, by their static lanes, that are looked at one by one."""

_INTEGERS = 30
"""Bits of the integers in which engines add up what these sums are made of."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Head(NamedTuple):
    """A head: rows of `query` and `key` (dims, d_model), and `moved` = W_O W_V (d_model, d_model).

    `gap` is the least difference of two scores, in their integer units, at which the softmax
    gives the lower one nothing. `number` is its place among the heads of its block.
    """

    query: Ints
    key: Ints
    moved: Ints
    gap: int
    number: int


class Block(NamedTuple):
    """A block; idle heads and units that are always zero are left out.

    `gate` and `up` are (units, d_model), `down` (d_model, units). What 2 is in the integer units
    of the heads' sums is `moved_two`, in those of the MLP's `made_two`.
    """

    heads: tuple[Head, ...]
    moved_two: int
    gate: Ints
    up: Ints
    down: Ints
    made_two: int


class Model(NamedTuple):
    """All blocks. Their lanes are put into an order of our own: place i holds lane `order[i]`.

    Lanes that are read by the same matrices lie side by side. `static` (d_model,) says of which
    places no matrix ever writes to the lane. Sums are exact in `form`, those of hidden units where
    `check_made` says so.
    """

    blocks: tuple[Block, ...]
    order: Ints
    static: npt.NDArray[np.bool_]
    form: Precision


def analyse(weights: Mapping[str, Tensor], blocks: int, d_head: int, form: Precision) -> Model:
    """The integer matrices of a model that runs in the format `form`.

    Raises CompileError if its sums are not exact there; those of hidden units are checked by
    `check_made`, for they depend on what columns hold.
    """
    _check_held(weights, form)
    arrays = {name: w.detach().cpu().double().numpy() for name, w in weights.items()}
    _check_norms(arrays, form)
    found = [_block(arrays, block, d_head, form) for block in range(blocks)]
    width = len(arrays["norm.weight"])
    written = np.zeros(width, np.bool_)
    for block in found:
        written |= block.down.any(axis=1)
        for head in block.heads:
            written |= head.moved.any(axis=1)
    order = _order(found, written)
    return Model(tuple(_reordered(block, order) for block in found), order, ~written[order], form)


def check_made(model: Model, x: npt.NDArray[np.generic], known: npt.NDArray[np.bool_]) -> None:
    """Raise CompileError unless the sums of hidden units are exact in columns `x`, in our order.

    `x` and `known` are (columns, d_model): where a static lane is known it stays as it is.
    """
    told = model.static & known.any(axis=0)
    for number, block in enumerate(model.blocks):
        reads = block.gate.any(axis=0) | block.up.any(axis=0)
        read = np.concatenate([np.flatnonzero(reads & told), np.flatnonzero(reads & ~told)])
        some = read[: int((reads & told).sum())]
        kinds = _distinct(np.where(known[:, some], x[:, some], 0).astype(np.int8))
        if len(kinds) > _MOST_KINDS:
            kinds = np.where((kinds == kinds[0]).all(axis=0), kinds[0], 0)[None]
        units = _Units.of(block, read)
        for kind in kinds.astype(np.int64):
            bound, grid = _made(units, np.pad(kind, (0, len(read) - len(kind))))
            if not (bound <= grid << min(model.form.mantissa, FLOAT32.mantissa)).all():
                what = f"sums of hidden units of block {number}"
                raise inexact(model.form, f"the {what} reach {bound.max()} in steps of 1")


def _distinct(rows: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The different rows of a matrix, in the order in which they come."""
    first = {row.tobytes(): at for at, row in reversed(list(enumerate(rows)))}
    return rows[sorted(first.values())]


class _Units(NamedTuple):
    """The hidden units of a block, those with the same up projection side by side.

    `gate` and `up` are (units, lanes read), `down` (d_model, units). Up projections are the same
    if one is a multiple of the other: `lead` is the sign by which each differs from that of its
    group. Group i begins at unit `groups[i]`. `one` is a lane's 1 in the units of the sums.
    """

    gate: Ints
    up: Ints
    down: Ints
    lead: Ints
    groups: Ints
    one: int

    @classmethod
    def of(cls, block: Block, read: Ints) -> _Units:
        """Those of a block, which read the lanes `read`."""
        gate, up = block.gate[:, read], block.up[:, read]
        first = (block.up != 0).argmax(axis=1)[:, None]
        lead = np.sign(np.take_along_axis(block.up, first, axis=1))[:, 0]
        shared = up // (np.gcd.reduce(block.up, axis=1) * lead)[:, None]
        number: dict[bytes, int] = {}
        group = [number.setdefault(row.tobytes(), len(number)) for row in shared]
        order = np.argsort(group, kind="stable")
        groups = np.flatnonzero(np.diff(np.array(group, np.int64)[order], prepend=-1))
        down, one = block.down[:, order], block.made_two // 2
        return cls(gate[order], up[order], down, lead[order], groups, one)


def _made(units: _Units, known: Ints) -> tuple[Ints, Ints]:
    """For each lane, a bound on all partial sums of what hidden units add to it and of the lane,
    and the power of two that they are multiples of, where the lanes that are read are as `known`.

    Units with the same up projection share its sign: what one of them adds another takes away.
    """
    gates, ups = _Span.of(units.gate, known), _Span.of(units.up, known)
    down = units.down * np.maximum(gates.high, 0)
    first, last = np.where(units.lead > 0, (ups.high, ups.low), (ups.low, ups.high))
    terms = down * first, down * last
    above, below = (
        [np.add.reduceat(limit(term, 0), units.groups, axis=1) for term in terms]
        for limit in (np.maximum, np.minimum)
    )
    high, low = np.maximum(*above).sum(axis=1), np.minimum(*below).sum(axis=1)
    steps = np.where(down != 0, units.down * gates.grid * ups.grid, 0)
    one = np.full((len(down), 1), units.one)
    grid = np.gcd.reduce(np.concatenate([steps, one], axis=1), axis=1)
    return np.maximum(high, -low) + units.one, grid & -grid


class _Span(NamedTuple):
    """The least and greatest value of each of some forms, and a number that divides all values."""

    low: Ints
    high: Ints
    grid: Ints

    @classmethod
    def of(cls, forms: Ints, known: Ints) -> _Span:
        """Forms over ±1 lanes of which some are known (others: 0)."""
        constant, free = forms @ known, forms[:, known == 0]
        spread = np.abs(free).sum(axis=1)
        grid = np.gcd.reduce(np.column_stack([constant + spread, 2 * free]), axis=1)
        return cls(constant - spread, constant + spread, grid)


def inexact(form: Precision, reason: str) -> CompileError:
    """The refusal of a model that is not exact in a format."""
    hint = "only `dense` runs what is not certified"
    return CompileError(f"not exact in {form.name}: {reason}", hint=hint)


def _block(arrays: Mapping[str, Floats], block: int, d_head: int, form: Precision) -> Block:
    q, k, v, o = (arrays[f"layers.{block}.self_attn.{n}_proj.weight"] for n in "qkvo")
    gate, up, down = (arrays[f"layers.{block}.mlp.{n}_proj.weight"] for n in ("gate", "up", "down"))
    _check_moved(block, v, o, form)
    parts = [slice(first, first + d_head) for first in range(0, len(q), d_head)]
    moved = [o[:, own] @ v[own] for own in parts]
    unit = min(1.0, *(_grid(m) for m in moved)) if moved else 1.0
    heads = [
        _head(block, number, q[own], k[own], m / unit, d_head, form)
        for number, (own, m) in enumerate(zip(parts, moved, strict=True))
        if (o[:, own].any(axis=0) & v[own].any(axis=1)).any()
    ]
    for own in parts:
        _check_range(f"scores of block {block}", q[own], k[own] * d_head**-0.5, form)
    _check_mlp(block, gate, up, down, form)
    return Block(tuple(heads), round(2 / unit), *_units(gate, up, down))


def _head(
    block: int, number: int, query: Floats, key: Floats, moved: Floats, d_head: int, form: Precision
) -> Head:
    used = np.flatnonzero(query.any(axis=1) & key.any(axis=1))
    query, key = query[used], key[used]
    unit = _grid(query) * _grid(key)
    bound = float((np.abs(query).sum(axis=1) * np.abs(key).sum(axis=1)).sum())
    scale = d_head**-0.5
    _check(f"scores of block {block}", bound * scale, unit * scale, form)
    lead = form.underflow + _score_error(block, bound * scale, len(used), d_head, form)
    return Head(
        _integers(query / _grid(query)),
        _integers(key / _grid(key)),
        _integers(moved),
        math.ceil(lead / (unit * scale)),
        number,
    )


def _score_error(block: int, scores: float, dims: int, d_head: int, form: Precision) -> float:
    """How much of a lead the scaling by 1/√d_head may cost, for scores up to a bound.

    Some kernels scale q and k by its root each, which is exact if d_head is a power of 16;
    otherwise a score is a sum of `dims` products, each rounded a few times.
    """
    exponent = d_head.bit_length() - 1
    if d_head != 1 << exponent or exponent % 2:
        raise inexact(form, f"the scores of block {block} are scaled by 1/√{d_head}")
    if exponent % 4 == 0:
        return 0.0
    rounding = (dims + 6) * 2.0**-form.mantissa
    if rounding >= 1:
        raise inexact(form, f"the scores of block {block} are scaled by the root of 1/√{d_head}")
    return 2 * scores * rounding / (1 - rounding)


def _units(gate: Floats, up: Floats, down: Floats) -> tuple[Ints, Ints, Ints, int]:
    """Hidden units as integers: each in units of its own, and down projections that undo them."""
    live = np.flatnonzero(gate.any(axis=1) & up.any(axis=1) & down.any(axis=0))
    gate, up, down = gate[live], up[live], down[:, live]
    gate_unit = np.array([_grid(row) for row in gate])
    up_unit = np.array([_grid(row) for row in up])
    down = down * (gate_unit * up_unit)
    unit = min(1.0, _grid(down))
    return (
        _integers(gate / gate_unit[:, None]),
        _integers(up / up_unit[:, None]),
        _integers(down / unit),
        round(2 / unit),
    )


def _integers(matrix: Floats) -> Ints:
    return np.rint(matrix).astype(np.int64)


def _order(blocks: list[Block], written: npt.NDArray[np.bool_]) -> Ints:
    """Lanes by who reads them, static ones last; of equal ones those first that more units read."""
    readers: list[npt.NDArray[np.bool_]] = [written]
    for block in blocks:
        readers.append(np.asarray(block.gate.any(axis=0) | block.up.any(axis=0)))
        for head in block.heads:
            readers += [np.asarray(m.any(axis=0)) for m in (head.query, head.key, head.moved)]
    count = sum(((block.gate != 0).sum(axis=0) for block in blocks), np.zeros(len(written)))
    return np.lexsort([-count, *(~reads for reads in reversed(readers))]).astype(np.int64)


def _reordered(block: Block, order: Ints) -> Block:
    heads = tuple(
        h._replace(
            query=h.query[:, order], key=h.key[:, order], moved=h.moved[np.ix_(order, order)]
        )
        for h in block.heads
    )
    return block._replace(
        heads=heads, gate=block.gate[:, order], up=block.up[:, order], down=block.down[order]
    )


def grid(weights: Iterable[Tensor]) -> float:
    """The largest power of two of which all weights are multiples."""
    return min(_grid(weight.detach().cpu().double().numpy()) for weight in weights)


def _grid(matrix: Floats) -> float:
    """The largest power of two of which all entries are multiples (1 for a matrix of zeros)."""
    nonzero = np.abs(matrix[matrix != 0])
    if nonzero.size == 0:
        return 1.0
    mantissa, exponent = np.frexp(nonzero)
    odd = (mantissa * 2.0**53).astype(np.int64)
    trailing = np.log2((odd & -odd).astype(np.float64))
    return float(2.0 ** (exponent - 53 + trailing).min())


def _check_held(weights: Mapping[str, Tensor], form: Precision) -> None:
    dtype: torch.dtype = getattr(torch, form.name)
    for name, weight in weights.items():
        held = torch.equal(weight.to(dtype).to(weight.dtype), weight)
        if not (held and bool(weight.isfinite().all())):
            raise inexact(form, f"`{name}` has a weight that {form.name} cannot hold")


def _check_norms(arrays: Mapping[str, Floats], form: Precision) -> None:
    for name, weight in arrays.items():
        if weight.ndim == 1 and not (weight == 1).all():
            raise CompileError(f"`{name}` is not a gain of 1: RMSNorm is not the identity")
    width = len(arrays["norm.weight"])
    for used in (form, FLOAT32):  # a small format's mean is commonly taken in float32
        mean = used.rounded(width * used.rounded(Fraction(1, width)))
        if width > 1 << used.mantissa or mean != 1:
            raise inexact(form, f"the mean square of {width} lanes is not 1: RMSNorm rounds")


def _check(what: str, bound: float, grid: float, form: Precision) -> None:
    """Raise CompileError unless sums of magnitude `bound` in steps of `grid` are never rounded."""
    if not bound / grid <= 1 << min(form.mantissa, FLOAT32.mantissa):  # our own are no wider
        raise inexact(form, f"the {what} reach {bound:g} in steps of {grid:g}")
    if not (bound <= form.largest and grid >= _normal(form)):
        raise inexact(form, f"the {what} are out of range: {bound:g} in steps of {grid:g}")


def _normal(form: Precision) -> float:
    """The smallest normal number: whether smaller ones are flushed to zero is all the same."""
    return 2.0 ** (1 - form.exponent)


def _check_sum(what: str, matrix: Floats, form: Precision) -> None:
    bound = float(np.abs(matrix).sum(axis=1).max(initial=0))
    _check(what, bound, _grid(matrix), form)


def _check_range(what: str, first: Floats, second: Floats, form: Precision) -> None:
    """Raise CompileError unless products of sums are finite, those with a zero included."""
    sizes = [np.abs(matrix).sum(axis=1) for matrix in (first, second)]
    sums = max(float(size.max(initial=0)) for size in sizes)
    products = float((sizes[0] * sizes[1]).sum())
    if not max(sums, products) <= form.largest:
        raise inexact(form, f"the {what} overflow")


def _check_moved(block: int, value: Floats, out: Floats, form: Precision) -> None:
    _check_sum(f"values of block {block}", value, form)
    bound = float((np.abs(out) @ np.abs(value).sum(axis=1)).max(initial=0)) + 1
    grid = min(1.0, _grid(value) * _grid(out))
    _check(f"sums of heads of block {block}", bound, grid, form)


def _check_mlp(block: int, gate: Floats, up: Floats, down: Floats, form: Precision) -> None:
    _check_sum(f"gates of block {block}", gate, form)
    _check_sum(f"up projections of block {block}", up, form)
    _check_range(f"hidden units of block {block}", gate, up, form)
    products = _grid(gate) * _grid(up)
    grid = products * _grid(down)
    if not min(products, grid) >= _normal(form):
        raise inexact(form, f"the hidden units of block {block} underflow")
    hidden = np.abs(gate).sum(axis=1) * np.abs(up).sum(axis=1)
    if not float((np.abs(down) @ hidden).max(initial=0)) / grid < 2.0**_INTEGERS:
        raise inexact(form, f"the sums of hidden units of block {block} are no small integers")
