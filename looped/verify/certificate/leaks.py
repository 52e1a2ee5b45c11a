"""What a softmax leaves of the columns that lose, and what takes that away: the regime of a head.

Let a head's best score exceed all others by `safe`, with β, after rounding. The exponential of the
winner is 1, that of a loser at most exp(-safe): S = (n - 1)·exp(-safe) at most for all losers. Let
`reach` be the most that the value of a column, or the difference of two values, adds to a lane, and
1 if that is less. The head adds reach·S too much or too little: the winner's value is divided by a
sum of weights that is 1 + S in the reals, but may be rounded to 1. A lane's *leak* is the sum of
reach·S over the heads of a block.

*Underflow.* exp(-safe) rounds to zero: no leak, for any number of columns.

*Absorbed.* The leak is at most 2^-(p+1), half of the last place below 1 in a format of p bits. All
that heads add is integers plus leaks. Where the winner's value is not zero, the result rounds to
it: the value is at least 1 as a part of a lane, so its last place is no smaller, and so is that of
a partial sum that is not zero. (A tie rounds to the integer, whose last bit is even.) A sum of zero
keeps its leak, but the residual add rounds ±1 plus the leak to ±1. So the lane is ±1 to the bit
before anything reads it. For values of 0 and 2 and one head this is the law
safe ≥ (p + 2)·ln 2 + ln(n - 1).

*Snapped.* The leak and the roundings of the sums are less than 1/2, and a snap (`looped.nn.snap`)
sets the lane to ±1 before anything reads it.

Kernels round exponentials and sums of many small numbers: `_inflation` bounds that, for any order.
Weights and their products with values may be subnormal; each gets the error of that on top.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from looped.artefact.plan import Plan
from looped.precision import FLOAT32, Precision
from looped.verify.certificate.claims import HeadMargin
from looped.verify.certificate.sum_ranges import SumRange

__all__ = ["ABSORBED", "SNAPPED", "UNDERFLOW", "Softmax", "softmax"]

UNDERFLOW, ABSORBED, SNAPPED = "underflow", "absorbed", "snapped"

_LN2 = Fraction(693147181, 10**9)
"""Above ln 2."""

_EXP_ERROR = Fraction(1, 1 << 10)
"""The relative error of a kernel's exponentials: those of PyTorch have a few units of 2^-24."""


@dataclass(frozen=True, slots=True)
class Softmax:
    """The regime in which all heads are exact, the weakest one that some head needs, None if some
    head is in none; for up to how many columns, None for any number; and what is wrong."""

    regime: str | None
    columns: int | None
    faults: tuple[str, ...]


def softmax(
    form: Precision, plan: Plan, margins: Sequence[HeadMargin], sums: Iterable[SumRange]
) -> Softmax:
    """The regime of the heads of a machine in a format."""
    attention = {total.block: total for total in sums if total.what == "attention"}
    found = [
        _block_softmax(form, plan, [m for m in margins if m.block == block], attention.get(block))
        for block in sorted({margin.block for margin in margins})
    ]
    faults = tuple(fault for each in found for fault in each.faults)
    limits = [each.columns for each in found if each.columns is not None]
    order = (UNDERFLOW, ABSORBED, SNAPPED)
    regimes = [each.regime for each in found]
    weakest = max((order.index(r) for r in regimes if r is not None), default=0)
    return Softmax(None if None in regimes else order[weakest], min(limits, default=None), faults)


def _block_softmax(
    form: Precision, plan: Plan, margins: Sequence[HeadMargin], attention: SumRange | None
) -> Softmax:
    leaking = {m: safe for m in margins if not _underflows(form, safe := _safe(form, plan, m))}
    if not leaking:
        return Softmax(UNDERFLOW, None, ())
    regime = SNAPPED if plan.architecture.snap else ABSORBED
    allowed = _allowed(form, plan, regime, attention)
    each = {head: _leak(form, head, safe) for head, safe in leaking.items()}
    total = sum(each.values(), Fraction(0))
    limit = _limit(form, plan, allowed, total, plan.columns)
    if limit >= plan.columns:  # sums over as many columns round more often
        return Softmax(regime, max(plan.columns, _limit(form, plan, allowed, total, limit)), ())
    return Softmax(None, limit, tuple(_faults(each, leaking, limit)))


def _limit(form: Precision, plan: Plan, allowed: Fraction, leak: Fraction, columns: int) -> int:
    """The most columns whose leaks are allowed, if sums have as many terms as for `columns`; 0 if
    not even two are. `leak` is that of one column."""
    inflation = _inflation(form, plan, columns)
    if allowed <= 0 or inflation is None:
        return 0
    others = int(allowed / (leak * inflation))
    return others + 1 if others else 0


def _faults(
    each: Mapping[HeadMargin, Fraction], leaking: Mapping[HeadMargin, Fraction], limit: int
) -> Iterator[str]:
    """The head that leaks most."""
    head = max(each, key=lambda m: each[m])
    yield (
        f"block {head.block + 1}, head `{head.head}`: a scaled margin of "
        f"{float(head.scaled_margin):g} makes softmax one-hot for {limit} columns at most"
    )


def _allowed(form: Precision, plan: Plan, regime: str, attention: SumRange | None) -> Fraction:
    """The leak of a lane that is repaired."""
    if attention is None:
        return Fraction(0)
    if regime == ABSORBED:
        integers = attention.grid >= 1
        return Fraction(1, 1 << (form.mantissa + 1)) if integers else Fraction(0)
    terms = plan.columns + plan.n_heads * plan.d_head + 8
    rounding = terms * Fraction(2, 1 << form.mantissa) * Fraction(attention.bound)
    return Fraction(1, 2) - rounding


def _leak(form: Precision, head: HeadMargin, safe: Fraction) -> Fraction:
    """The most that one losing column adds to a lane through a head."""
    if safe <= 0:
        return Fraction(1 << 20)
    weight = Fraction(math.exp(-float(safe))) * (1 + _EXP_ERROR) + Fraction(2) ** form.tiny
    return max(head.ov_bound, Fraction(1)) * weight


def _inflation(form: Precision, plan: Plan, columns: int) -> Fraction | None:
    """By how much roundings can enlarge a sum of small numbers over columns, heads, dimensions:
    (1 + 2^-p)^terms. None if that is beyond all use."""
    exponent = (columns + plan.n_heads * plan.d_head + 8) * 2.0**-form.mantissa
    return None if exponent > 64 else Fraction(math.exp(exponent)) * (1 + _EXP_ERROR)


def _underflows(form: Precision, safe: Fraction) -> bool:
    return safe > (1 - form.softmax_tiny) * _LN2


def _safe(form: Precision, plan: Plan, head: HeadMargin) -> Fraction:
    """The margin that is left after rounding."""
    return head.scaled_margin - _score_error(form, plan, head) - _exponent_error(head)


def _exponent_error(head: HeadMargin) -> Fraction:
    """The part of a margin that rounding scores times log₂ e may cost, in float32."""
    return 2 * head.scores * Fraction(1, 1 << FLOAT32.mantissa)


def _score_error(form: Precision, plan: Plan, head: HeadMargin) -> Fraction:
    """The part of a margin that the scaling of q and k may cost."""
    exponent = plan.d_head.bit_length() - 1
    if exponent % 4 == 0:
        return Fraction(0)
    rounding = (head.dimensions + 6) * Fraction(1, 1 << form.mantissa)
    return 2 * head.scores * rounding / (1 - rounding) if rounding < 1 else head.scaled_margin
