"""Clock: the rotary pair by which the latest of equal records wins.

Rotary embeddings turn pair k of a query or a key at position t by the angle ω_k t, with
ω_k = θ^(-2k/d_head) (Su et al. 2021, *RoFormer*, section 3.2). In the pair of the clock every key
is (1, 0) and every query S (cos φ, sin φ). So the score at distance d is S cos(ω d + φ). With
φ = π/2 - ω T/2 it is S sin(ω (T/2 - d)). It falls from S sin(ω T/2) at distance 0 to -S sin(ω T/2)
at distance T, everywhere by at least S ω cos(ω T/2) per token.

Matching lanes lie in the slowest pairs, which turn by less than half a unit in the last place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from looped.decoder.spec import HEAD_DIM
from looped.errors import CompileError
from looped.precision import FLOAT32

__all__ = ["PAIRS", "THETA", "Clock", "clock", "frequency", "largest_span"]

PAIRS = HEAD_DIM // 2
_OCTAVES = 3
"""ω_k = 2^(-3k). Powers of two keep the angles exact. Slow pairs should be as slow as possible, and
2^(3 · 32) is the largest θ of this form that is a float32: 2^(4 · 32) is not."""

THETA = 2.0 ** (_OCTAVES * PAIRS)

_ARC = 1.75
"""Radians that the clock turns over the whole span, at most. Below π it is monotone. At 1.75 its
range is ±0.77 S, so that a match beats a word that was never written, and that beats a mismatch, by
0.23 S each; and the slope at its ends is 0.64 S ω, while the next pair has ω/8."""

_GAP = 256
"""Logits by which a token at least outscores one that is one token older, in exact arithmetic."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The pair that is the clock, its frequency ω in radians per token, its phase φ, the scale S,
    and the least margin, in logits, of the latest of equal records, with all rounding."""

    pair: int
    omega: float
    phase: float
    scale: float
    margin: float


def frequency(pair: int) -> float:
    """ω of a rotary pair, in radians per token."""
    return math.ldexp(1.0, -_OCTAVES * pair)


def _rounding(lanes: int) -> float:
    """A bound on the error of a score in float32, in units of S, for so many matching lanes.

    Matching lanes add integer multiples of S, exactly. Only sums that contain the clock round: at
    most one for each term, each by half a unit in the last place of at most lanes + 4. The clock
    itself takes twelve roundings of numbers up to S: two cosines and sines, six products, two sums.
    """
    unit = 2.0**-FLOAT32.mantissa
    return unit * ((lanes + 2) * (1 << (lanes + 4).bit_length() - 1) + 12)


def _clock(span: int, lanes: int, distance: int) -> Clock:
    pair = next(k for k in range(PAIRS) if frequency(k) * span <= _ARC)
    omega = frequency(pair)
    slope = omega * math.cos(omega * span / 2)
    scale = 2.0 ** math.ceil(math.log2(_GAP / slope))
    margin = scale * (distance * slope - 2 * _rounding(lanes))
    return Clock(pair, omega, math.pi / 2 - omega * span / 2, scale, margin)


def largest_span(lanes: int, distance: int) -> int:
    """The longest span, in tokens, that `clock` accepts."""
    spans = [1 << k for k in range(1, FLOAT32.mantissa)]
    fits = [span for span in spans if _exact(_clock(span, lanes, distance))]
    low, high = fits[-1], 2 * fits[-1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _exact(_clock(middle, lanes, distance)) else (low, middle)
    return low


def _exact(found: Clock) -> bool:
    """Whether every older record has a weight of exactly zero in the softmax."""
    return found.margin > FLOAT32.underflow


def clock(span: int, lanes: int, distance: int) -> Clock:
    """The clock for contexts of at most `span` tokens, where queries match `lanes` lanes and two
    keys that match one query are at least `distance` tokens apart.

    Raises CompileError if the span is too long for float32.
    """
    found = _clock(span, lanes, distance)
    if not _exact(found):
        longest = largest_span(lanes, distance)
        raise CompileError(
            f"in a context of {span:,} tokens float32 does not tell records apart by their age",
            hint=f"the longest context of this machine has {longest:,} tokens",
        )
    return found
