"""For which dtypes a machine is exact: sums, norm and softmax against what a format can hold.

*Softmax.* The winner's exponential is exp(0) = 1. A loser's is exp(-lead) at most; where that
rounds to zero the weights are 1, 0, 0, …, whatever the number of columns and however the sum is cut
into tiles. Where it does not, the losers' weights still vanish against ±1 when their sum stays
below 2^-(mantissa + 2): that bounds the number of columns.

*Exponentials.* Some kernels compute exp(s - max) as a power of two, with s · log₂ e. If they round
that product before they take the maximum, the winner's exponent is still exactly 0, and a loser's
is off by two roundings of a score in float32, the smallest format of a softmax: that is taken off
the lead. If they fuse product and subtraction, the winner's exponent is what one rounding leaves,
|s| · log₂ e · 2^-24 at most. Its weight, or the sum by which all are divided, is then off from 1 by
|s| · 2^-24 and some roundings, which vanishes where results are rounded to a format of few bits. In
float32 it does not: `Verdict.fused` says where such kernels are exact too.

*Scaling.* Some kernels scale q and k by √(1/√d_head) each, which is exact if d_head is a power of
16. Otherwise a rounding error of (1 + u)^(d + 6), u being 2^-mantissa, is taken off the lead.

*Norm.* The mean square of ±1 lanes is d_model/d_model: the sum is an integer of the format, and it
is divided by d_model, or multiplied by the rounded 1/d_model, which must give 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from looped.artefact.plan import CompiledMachine, Plan
from looped.diagrams import Number
from looped.precision import FLOAT32, Precision, precision
from looped.verify.certificate.claims import Lead, Verdict
from looped.verify.certificate.columns import column_classes
from looped.verify.certificate.margins import margins, overstated
from looped.verify.certificate.ranges import Extent, block_extents, score_bound
from looped.verify.certificate.rows import block_rows
from looped.verify.certificate.spans import BlockSpans, block_spans

__all__ = ["block_leads", "numeric_verdict", "verdict"]

_LN2 = Fraction(693147181, 10**9)
"""Above ln 2."""
_LOG2_E = Fraction(1442695040, 10**9)
"""Below log₂ e."""
_ROUNDINGS = 8
"""Units of the last place: more than exp2, a sum and a quotient cost."""


def numeric_verdict(machine: CompiledMachine, dtype: str) -> Verdict:
    """The cheap part of a certificate: sums, norm and softmax in one dtype.

    The leads are the margins that the weights have, and a plan that tells more is a fault.
    Raises CompileError for an unknown dtype.
    """
    form = precision(dtype)
    wrong = [n for n, weight in machine.weights.items() if not bool(weight.isfinite().all())]
    if wrong:
        return Verdict(dtype, 0, (f"`{wrong[0]}` has a weight that is no finite number",))
    classes = column_classes(machine.plan)
    extents: list[Extent] = []
    leads: list[Lead] = []
    lies: list[str] = []
    for block in range(len(machine.plan.blocks)):
        spans = block_spans(block_rows(machine, block), classes)
        extents += block_extents(block, spans)
        found = margins(spans, classes)
        lies += overstated(machine.plan, block, found)
        leads += block_leads(machine.plan, block, spans, found)
    result = verdict(form, machine.plan, machine.weights, extents, leads)
    return dataclasses.replace(result, faults=(*lies, *result.faults))


def block_leads(
    plan: Plan, block: int, spans: BlockSpans, found: Mapping[int, Number]
) -> Iterator[Lead]:
    """The leads of the heads of a block, with what else decides about their softmax."""
    rows = spans.rows
    for head, carried in spans.carried.items():
        told = plan.blocks[block].heads
        name = told[head].name if head < len(told) else f"head {head}"
        beta = max(1, told[head].beta) if head < len(told) else 1
        scores = score_bound(spans, head) * (rows.scale or 1)
        used = sum(1 for d in rows.dimensions(head) if rows.query[d] and rows.key[d])
        lead = Fraction(found.get(head, 0))
        yield Lead(block, name, lead, beta, Fraction(scores), used, Fraction(carried))


def verdict(
    form: Precision,
    plan: Plan,
    weights: Mapping[str, Tensor],
    extents: Sequence[Extent],
    leads: Sequence[Lead],
) -> Verdict:
    """Whether everything is exact in a format, and up to how many columns."""
    faults = [*_weight_faults(form, weights), *_norm_faults(form, plan)]
    for extent in extents:
        if not extent.fits(form):
            faults.append(_extent_fault(form, extent))
    if plan.d_head & (plan.d_head - 1) or plan.d_head.bit_length() % 2 == 0:
        faults.append(f"1/√{plan.d_head}, by which scores are scaled, is no power of two")
    limits = []
    for lead in leads:
        limit = _columns(form, plan, lead)
        if limit is not None:
            limits.append(limit)
        if limit is not None and limit < plan.columns:
            faults.append(
                f"block {lead.block + 1}, head `{lead.head}`: a lead of {float(lead.lead):g} makes "
                f"softmax one-hot for {limit} columns at most"
            )
    fused = not faults and _fused(form, leads)
    return Verdict(form.name, min(limits, default=None), tuple(faults), fused)


def _weight_faults(form: Precision, weights: Mapping[str, Tensor]) -> Iterator[str]:
    dtype: torch.dtype = getattr(torch, form.name)
    for name, weight in weights.items():
        if not torch.equal(weight.to(dtype).to(weight.dtype), weight):
            yield f"`{name}` has a weight that {form.name} cannot hold"


def _norm_faults(form: Precision, plan: Plan) -> Iterator[str]:
    d = plan.d_model
    for used in {form.name: form, FLOAT32.name: FLOAT32}.values():
        if d > 1 << used.mantissa:
            yield f"RMSNorm: a sum of {d} ones is not exact in {used.name}"
        elif used.rounded(d * used.rounded(Fraction(1, d))) != 1:
            yield f"RMSNorm: {d} · (1/{d}) is not 1 in {used.name}"


def _extent_fault(form: Precision, extent: Extent) -> str:
    where = f"block {extent.block + 1}, {extent.what}: "
    if extent.bound > form.largest:
        return f"{where}sums of up to {float(extent.bound):g} overflow"
    return f"{where}sums need {extent.bits} bits of mantissa, there are {form.mantissa}"


def _columns(form: Precision, plan: Plan, lead: Lead) -> int | None:
    """The number of columns for which softmax is exact, None if any number will do."""
    safe = lead.lead - _score_error(form, plan, lead) - _exponent_error(lead)
    if safe <= 0:
        return 0
    if safe > (1 - form.softmax_tiny) * _LN2:
        return None
    if not lead.carried:
        return None
    exponent = int(safe * _LOG2_E) - (form.mantissa + 2)
    if exponent < 0:
        return 0
    return int(Fraction(1 << exponent) / (plan.n_heads * lead.carried)) + 1


def _exponent_error(lead: Lead) -> Fraction:
    """How much of a lead the roundings of scores times log₂ e may cost, in float32."""
    return 2 * lead.scores * Fraction(1, 1 << FLOAT32.mantissa)


def _fused(form: Precision, leads: Iterable[Lead]) -> bool:
    """Whether a kernel that fuses the scaling of scores by log₂ e with the subtraction of their
    maximum, in float32, still finds one-hot weights after rounding to a format."""
    most = max((lead.scores for lead in leads), default=Fraction(0))
    error = (most + _ROUNDINGS) / (1 << FLOAT32.mantissa)
    return error < Fraction(1, 1 << (form.mantissa + 1))


def _score_error(form: Precision, plan: Plan, lead: Lead) -> Fraction:
    """How much of a lead the scaling of q and k may cost."""
    exponent = plan.d_head.bit_length() - 1
    if exponent % 4 == 0:
        return Fraction(0)
    rounding = (lead.dimensions + 6) * Fraction(1, 1 << form.mantissa)
    return 2 * lead.scores * rounding / (1 - rounding) if rounding < 1 else lead.lead
