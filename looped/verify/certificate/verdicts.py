"""For which dtypes a machine is exact: sums, norm and softmax against what a format can hold.

*Softmax.* The winner's exponential is exp(0) = 1. A loser's is at most exp(-scaled margin). If that
rounds to zero, the weights are 1, 0, 0, …, for any number of columns and any tiling of the sum. If
it does not, rounding or a snap may still take away what the losers add (`leaks`).

*Exponentials.* Some kernels compute exp(s - max) as a power of two, with s · log₂ e. If they round
that product before they take the maximum, the winner's exponent is still exactly 0, and a loser's
is off by two roundings of a score in float32, the smallest format of a softmax. The proof subtracts
them from the margin. If kernels fuse product and subtraction, the winner's exponent is what one
rounding leaves, at most |s| · log₂ e · 2^-24. Its weight, or the sum that divides all weights, then
differs from 1 by |s| · 2^-24 and some roundings. That vanishes where results are rounded to a
format of few bits, but not in float32: `Verdict.fused` says where such kernels are exact too.

*Scaling.* Some kernels scale q and k by √(1/√d_head) each, which is exact if d_head is a power of
16. Otherwise the proof subtracts a rounding error of (1 + u)^(d + 6), with u = 2^-mantissa, from
the margin.

*Norm.* The mean square of ±1 lanes is d_model/d_model: the sum is an integer of the format, and it
is divided by d_model, or multiplied by the rounded 1/d_model, which must give 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine, Plan
from looped.artefact.stored_weights import Arrays
from looped.diagrams import Number
from looped.precision import FLOAT32, Precision, precision
from looped.verify.certificate.claims import HeadMargin, Verdict
from looped.verify.certificate.columns import column_classes
from looped.verify.certificate.leaks import UNDERFLOW, softmax
from looped.verify.certificate.margins import overstated, scaled_margins
from looped.verify.certificate.rows import block_rows
from looped.verify.certificate.snaps import snap_faults
from looped.verify.certificate.sum_ranges import SumRange, block_sum_ranges, score_bound
from looped.verify.certificate.value_ranges import BlockRanges, block_value_ranges

__all__ = ["head_margins", "numeric_verdict", "verdict"]

_ROUNDINGS = 8
"""Units of the last place: more than exp2, a sum and a quotient cost."""


def numeric_verdict(machine: CompiledMachine, dtype: str) -> Verdict:
    """The cheap part of a certificate: sums, norm and softmax in one dtype.

    The margins come from the weights; a plan that says more is a fault. All workers are of one
    class. Raises CompileError for an unknown dtype.
    """
    form = precision(dtype)
    wrong = [n for n, weight in machine.arrays.items() if not np.isfinite(weight).all()]
    if wrong:
        return Verdict(dtype, 0, (f"`{wrong[0]}` has a weight that is not finite",))
    plan = machine.plan
    if not plan.architecture.is_stock:
        return Verdict(dtype, 0, tuple(_architecture_faults(plan)))
    classes = column_classes(plan)
    sums: list[SumRange] = []
    margins: list[HeadMargin] = []
    lies: list[str] = []
    for block in range(len(machine.plan.blocks)):
        ranges = block_value_ranges(block_rows(machine, block), classes)
        sums += block_sum_ranges(block, ranges)
        found = scaled_margins(ranges, classes)
        lies += overstated(machine.plan, block, found)
        margins += head_margins(machine.plan, block, ranges, found)
    result = verdict(form, machine.plan, machine.arrays, sums, margins)
    return dataclasses.replace(result, faults=(*lies, *result.faults))


def head_margins(
    plan: Plan, block: int, ranges: BlockRanges, found: Mapping[int, Number]
) -> Iterator[HeadMargin]:
    """The margins of the heads of a block, with the bounds that their softmax depends on."""
    rows = ranges.rows
    for head, ov_bound in ranges.ov_bound.items():
        planned = plan.blocks[block].heads
        name = planned[head].name if head < len(planned) else f"head {head}"
        beta = Fraction(max(1, planned[head].beta) if head < len(planned) else 1)
        scores = score_bound(ranges, head) * (rows.scale or 1)
        used = sum(1 for d in rows.dimensions(head) if rows.query[d] and rows.key[d])
        scaled = Fraction(found.get(head, 0))
        yield HeadMargin(block, name, scaled, beta, Fraction(scores), used, Fraction(ov_bound))


def verdict(
    form: Precision,
    plan: Plan,
    weights: Arrays,
    sums: Sequence[SumRange],
    margins: Sequence[HeadMargin],
) -> Verdict:
    """Whether everything is exact in a format, and up to how many columns."""
    faults = [*_architecture_faults(plan), *_weight_faults(form, weights)]
    faults += [*_norm_faults(form, plan), *snap_faults(plan, weights)]
    for total in sums:
        if not total.fits(form):
            faults.append(_sum_fault(form, total))
    if plan.d_head & (plan.d_head - 1) or plan.d_head.bit_length() % 2 == 0:
        faults.append(f"1/√{plan.d_head}, the factor of all scores, is not a power of two")
    heads = softmax(form, plan, margins, sums)
    faults += heads.faults
    fused = not faults and heads.regime == UNDERFLOW and _fused(form, margins)
    return Verdict(form.name, heads.columns, tuple(faults), fused, heads.regime)


def _architecture_faults(plan: Plan) -> Iterator[str]:
    if not plan.architecture.is_stock:
        yield f"no proof covers {plan.architecture.options}"


def _weight_faults(form: Precision, weights: Arrays) -> Iterator[str]:
    for name, weight in weights.items():
        if not np.array_equal(_converted(weight, form), weight):
            yield f"`{name}` has a weight that {form.name} cannot hold"


def _converted(weight: npt.NDArray[Any], form: Precision) -> npt.NDArray[Any]:
    """Weights in a format; those that bfloat16 does not have are cut off."""
    if form.name == "bfloat16":
        bits = weight.astype(np.float32).view(np.uint32)
        return (bits & np.uint32(0xFFFF0000)).view(np.float32)
    with np.errstate(over="ignore"):
        return weight.astype(form.name)


def _norm_faults(form: Precision, plan: Plan) -> Iterator[str]:
    d = plan.d_model
    for used in {form.name: form, FLOAT32.name: FLOAT32}.values():
        if d > 1 << used.mantissa:
            yield f"RMSNorm: a sum of {d} ones is not exact in {used.name}"
        elif used.rounded(d * used.rounded(Fraction(1, d))) != 1:
            yield f"RMSNorm: {d} · (1/{d}) is not 1 in {used.name}"


def _sum_fault(form: Precision, total: SumRange) -> str:
    where = f"block {total.block + 1}, {total.what}: "
    if total.bound > form.largest:
        return f"{where}sums of up to {float(total.bound):g} overflow"
    return f"{where}sums need {total.bits} bits of mantissa, the format has {form.mantissa}"


def _fused(form: Precision, margins: Iterable[HeadMargin]) -> bool:
    """Whether a kernel that fuses the scaling of scores by log₂ e with the subtraction of their
    maximum, in float32, still finds one-hot weights after rounding to a format."""
    most = max((head.scores for head in margins), default=Fraction(0))
    error = (most + _ROUNDINGS) / (1 << FLOAT32.mantissa)
    return error < Fraction(1, 1 << (form.mantissa + 1))
