"""Claim, Verdict, Certificate: what is proved, by which method, and for which dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from looped.verify.certificate.sum_ranges import SumRange

__all__ = [
    "ALGEBRA",
    "DIAGRAMS",
    "EXHAUSTION",
    "FROM_DEFINITIONS",
    "LAYOUT",
    "Certificate",
    "Claim",
    "ClaimFailed",
    "HeadMargin",
    "Verdict",
]

ALGEBRA = "exact arithmetic on the weights"
DIAGRAMS = "decision diagrams over all states"
FROM_DEFINITIONS = "decision diagrams over the definitions of lanes"
EXHAUSTION = "exhaustion through the MLP's weights"
LAYOUT = "a check of each case"


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about one part of a block (counted from 0; None: the whole machine).

    `cases` counts the lanes, weights or states that the proof covers; `fault` says where the proof
    fails, None if the claim holds.
    """

    block: int | None
    part: str
    statement: str
    method: str
    cases: int
    fault: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the claim is proved."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class ClaimFailed:
    """Why a proof fails. The proof returns it in place of a result."""

    reason: str


@dataclass(frozen=True, slots=True)
class HeadMargin:
    """The margin of a head: the least difference between its best score and any other.

    `scaled_margin` is what the softmax sees, the margin times β. `scores` bounds the magnitude of
    the scores, also times β. `ov_bound` is the most that a column, or the difference of two, could
    add to a lane with an attention weight of one.
    """

    block: int
    head: str
    scaled_margin: Fraction
    beta: Fraction
    scores: Fraction
    dimensions: int
    ov_bound: Fraction

    @property
    def margin(self) -> Fraction:
        """The margin before scaling by β."""
        return self.scaled_margin / self.beta


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a machine is exact in a dtype; `faults` says why not.

    Its heads are one-hot for up to `columns` columns, None if there is no limit. `fused` says
    whether they are also one-hot in kernels that fuse the scaling of scores for exp2 with the
    subtraction of their maximum. `regime` says what makes them one-hot: `underflow`, `absorbed` or
    `snapped` (see `leaks`); None if nothing does.
    """

    dtype: str
    columns: int | None
    faults: tuple[str, ...]
    fused: bool = False
    regime: str | None = None

    @property
    def exact(self) -> bool:
        """Whether every sum, softmax and norm is exact in the dtype."""
        return not self.faults


@dataclass(frozen=True)
class Certificate:
    """All claims about a machine, and whether each is proved.

    `dtype` is the format that the machine was compiled for.
    """

    machine: str
    dtype: str
    claims: tuple[Claim, ...]
    sums: tuple[SumRange, ...]
    margins: tuple[HeadMargin, ...]
    verdicts: Mapping[str, Verdict]
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether the weights compute the circuit, whatever the dtype."""
        return all(claim.holds for claim in self.claims)

    def certified(self, dtype: str) -> bool:
        """Whether the machine runs every program exactly in a dtype."""
        return self.sound and self.verdicts[dtype].exact
