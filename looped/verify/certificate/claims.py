"""Claim, Verdict, Certificate: what is shown, how, and for which dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from looped.verify.certificate.sum_ranges import Extent

__all__ = [
    "ALGEBRA",
    "DIAGRAMS",
    "EXHAUSTION",
    "LAYOUT",
    "THROUGH",
    "Certificate",
    "Claim",
    "Lead",
    "Verdict",
]

ALGEBRA = "exact arithmetic on the weights"
DIAGRAMS = "decision diagrams over all states"
THROUGH = "decision diagrams, from how lanes are made"
EXHAUSTION = "exhaustion through the MLP's weights"
LAYOUT = "looking at each one"


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about one part of a block (counted from 0; None: the whole machine).

    `cases` is how many things it was shown for; `fault` says where it failed, None if it holds.
    """

    block: int | None
    part: str
    statement: str
    method: str
    cases: int
    fault: str | None = None

    @property
    def holds(self) -> bool:
        """Whether it was shown."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class Lead:
    """By how much the winner of a head leads, in the worst case, after scaling: gap times β.

    `carried` is the largest sum of magnitudes that losers could add to a lane, were their weights
    one each; `scores` bounds the scores, after scaling.
    """

    block: int
    head: str
    lead: Fraction
    beta: int
    scores: Fraction
    dimensions: int
    carried: Fraction

    @property
    def gap(self) -> Fraction:
        """The lead before scaling by β."""
        return self.lead / self.beta


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a machine is exact in a dtype; `faults` says why not.

    `columns` is the number of columns up to which its heads are one-hot, None if there is no limit.
    `fused` says whether that is so of kernels too that fuse the scaling of scores for exp2 with the
    subtraction of their maximum.
    """

    dtype: str
    columns: int | None
    faults: tuple[str, ...]
    fused: bool = False

    @property
    def exact(self) -> bool:
        """Whether every sum, softmax and norm is exact in the dtype."""
        return not self.faults


@dataclass(frozen=True)
class Certificate:
    """All that was shown about a machine. `dtype` is the format that it was compiled for."""

    machine: str
    dtype: str
    claims: tuple[Claim, ...]
    extents: tuple[Extent, ...]
    leads: tuple[Lead, ...]
    verdicts: Mapping[str, Verdict]
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether the weights compute the circuit, whatever the dtype."""
        return all(claim.holds for claim in self.claims)

    def certified(self, dtype: str) -> bool:
        """Whether the machine runs every program exactly in a dtype."""
        return self.sound and self.verdicts[dtype].exact
