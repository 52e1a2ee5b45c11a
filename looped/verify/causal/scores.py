"""The scores of a head, token type by token type: what they depend on, and by how much one wins.

A score is a constant, plus products of one lane of the query and one lane of the key, plus the
share of the clock. Which keys a query prefers follows from three levels:

    a match, all of whose products are +1  >  the first token  >  every other token,

and among matches the clock decides. The first token may itself be a match, the oldest of all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from looped.decoder.spec import HEAD_DIM
from looped.diagrams import Number
from looped.precision import Precision
from looped.verify.causal.layers import Layer
from looped.verify.causal.rotary import Clock, is_power_of_two, rounding
from looped.verify.causal.tokens import FIRST, TokenType
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.rows import Row

__all__ = ["Purpose", "ScoreForm", "Scores", "least_margin", "scores_of"]

_PAIRS = HEAD_DIM // 2
_SCALE = Fraction(1, math.isqrt(HEAD_DIM))


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a head is for: it copies `copies` (target to source lane) from the latest token of the
    types `cells` whose lanes equal the query's. `matches` pairs the lanes of query and key. Tokens
    that match the same query are at least `distance` tokens apart."""

    name: str
    copies: Mapping[int, int]
    cells: frozenset[str]
    matches: frozenset[tuple[int, int]] = frozenset()
    distance: int = 1


@dataclass(slots=True)
class ScoreForm:
    """The score of a head for keys of one type of token, without the clock: a constant and products
    of lanes of query and key. `terms` are the magnitudes of its summands; `clock` is the key's
    entry in the clock, 0 or 1."""

    constant: Fraction = Fraction(0)
    products: dict[tuple[int, int], Fraction] = field(default_factory=dict)
    terms: list[float] = field(default_factory=list)
    clock: int = 0

    @property
    def most(self) -> Fraction:
        """The largest score."""
        return self.constant + sum(map(abs, self.products.values()))


@dataclass(frozen=True, slots=True)
class Scores:
    """The clock of a head, the largest ω of its matching pairs, and a form for each type of key."""

    clock: Clock
    omega: float
    forms: Mapping[str, ScoreForm]


def scores_of(
    layer: Layer, head: int, types: Sequence[TokenType], omegas: Sequence[float]
) -> Scores | ClaimFailed:
    """The scores of a head, if they have this shape."""
    query = layer.query[head * HEAD_DIM : (head + 1) * HEAD_DIM]
    high = [d for d in range(_PAIRS, HEAD_DIM) if query[d]]
    if len(high) != 1 or not query[high[0] - _PAIRS]:
        return ClaimFailed("it has no clock, or more than one")
    pair = high[0] - _PAIRS
    sides = [_constant(query[d]) for d in (pair, pair + _PAIRS)]
    if None in sides or not is_power_of_two(omegas[pair]):
        return ClaimFailed("its clock is not constant, or has angles that are not exact")
    x, y = (float(side * _SCALE) for side in sides if side is not None)
    forms = {}
    for kind in types:
        found = _form(query, layer.key, pair, kind)
        if isinstance(found, ClaimFailed):
            return found
        forms[kind.name] = found
    matching = [omegas[d] for d in range(_PAIRS) if d != pair and query[d]]
    return Scores(Clock(x, y, omegas[pair]), max(matching, default=0.0), forms)


def _constant(row: Row) -> Fraction | None:
    """A form that is a multiple of the lane `one`."""
    return Fraction(row[0]) if set(row) == {0} else None


def _form(
    query: Sequence[Row], key: Sequence[Row], pair: int, kind: TokenType
) -> ScoreForm | ClaimFailed:
    form = ScoreForm()
    for d in range(HEAD_DIM):
        if not query[d]:
            continue
        free = {lane: c for lane, c in key[d].items() if lane not in kind.fixed}
        constant = Fraction(sum(c * kind.fixed[i] for i, c in key[d].items() if i in kind.fixed))
        if d in (pair, pair + _PAIRS):
            if free or constant not in ((0, 1) if d == pair else (0,)):
                return ClaimFailed(f"the clock of a key of type `{kind.name}` is not 0 or 1")
            form.clock += int(constant)
        elif len(query[d]) > 1 or (free and (constant or len(free) > 1)):
            return ClaimFailed(f"dimension {d} mixes lanes for keys of type `{kind.name}`")
        else:
            _add_product(form, *next(iter(query[d].items())), free, constant)
    return form


def _add_product(
    form: ScoreForm, lane: int, factor: Number, free: Mapping[int, Number], constant: Fraction
) -> None:
    """Add one dimension: a lane of the query times a lane of the key, or times a constant."""
    scale = Fraction(factor) * _SCALE
    for own, c in free.items() or [(0, constant)]:
        if c == 0:
            continue
        form.terms.append(float(abs(scale * c)))
        if lane == own == 0:
            form.constant += scale * c
        else:
            where = (lane, own)
            form.products[where] = form.products.get(where, Fraction(0)) + scale * c


def least_margin(
    scores: Scores, purpose: Purpose, span: int, positions: int, precision: Precision
) -> float | ClaimFailed:
    """By how many logits the token that a head is for at least outscores every other token.

    All that a query may attend to lies within `span` tokens, and positions are below `positions`.
    """
    forms, clock = scores.forms, scores.clock
    fault = _shape_fault(forms, purpose)
    if fault is not None:
        return ClaimFailed(fault)
    angle, unit = scores.omega * positions, 2.0**-precision.mantissa
    errors = {name: rounding(clock, f.terms, angle, precision) for name, f in forms.items()}
    latest = clock.least_gap(span, purpose.distance) - 2 * max(errors[n] for n in purpose.cells)
    error = max(errors[name] + 6 * unit * sum(f.terms) for name, f in forms.items())
    levels = _levels(forms, purpose)
    ranges = 1 if len(levels) == 3 else 2  # the first token has no clock, unless it is a match
    steps = (float(a - b) - ranges * clock.reach(span) for a, b in itertools.pairwise(levels))
    return min(latest, *(step - 2 * error for step in steps))


def _levels(forms: Mapping[str, ScoreForm], purpose: Purpose) -> list[Fraction]:
    """The scores of matches, of the first token if it is no match, and of all others at most."""
    cells = [forms[name] for name in purpose.cells]
    others = [f.most for n, f in forms.items() if n not in purpose.cells and n != FIRST]
    others += [f.most - 2 * c for f in cells for c in f.products.values()]
    first = [] if FIRST in purpose.cells else [forms[FIRST].most]
    return [cells[0].most, *first, max(others)]


def _shape_fault(forms: Mapping[str, ScoreForm], purpose: Purpose) -> str | None:
    """What keeps the types of tokens from the levels that a purpose needs, or None."""
    tops = {forms[name].most for name in purpose.cells}
    if len(tops) != 1:
        return "tokens that match have different scores"
    for name in purpose.cells:
        if set(forms[name].products) != purpose.matches:
            return f"keys of type `{name}` match other lanes"
        if any(c <= 0 for c in forms[name].products.values()):
            return f"keys of type `{name}` win by a mismatch"
    alone = FIRST not in purpose.cells
    for name, form in forms.items():
        if form.clock != (0 if alone and name == FIRST else 1):
            return f"keys of type `{name}` have another clock"
    if alone and forms[FIRST].products:
        return "the score of the first token depends on the query"
    return None
