"""Thresholds of weighted bits as Boolean expressions: literals, carries, or a comparison.

The threshold [z ≥ t] of a weighted sum z of bits is simplified bit by bit, heaviest bits first.

- A bit is *necessary* if z cannot reach t without it: [z ≥ t] = bit and [rest ≥ t - w].
- A bit is *sufficient* if z always reaches t with it: [z ≥ t] = bit or [rest ≥ t].
- Suppose that the bits are fields F of words, with weight ±2^j for a bit at place j, and that
  v = z - t lies between -2^i and 2^i - 1. Then [v ≥ 0] = not bit i of v. Let E = Σ ±F + K, where
  K = -t modulo 2^i and whole words replace the fields that end at bit i or i + 1. The bits that are
  added this way change bit i only by the words' own bits i. So bit i of v is bit i of E, exclusive
  or the bits i of the words whose fields end there. E is the same for every bit of an adder, so
  that one addition gives all its carries.
- Any other sum is computed and compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from looped.engines.lifted.carries import Carries
from looped.engines.lifted.code import Code
from looped.engines.lifted.runs import WHOLE, Bit, Field, Weights, fields_of, members, runs_of

__all__ = ["All", "Bit", "Conditions", "Cube", "Expression", "Not", "Parity", "leaves"]


class Cube(NamedTuple):
    """The condition that a value has the bits of `pattern` in the places of `mask`."""

    value: int
    mask: int
    pattern: int

    def excludes(self, other: Cube) -> bool:
        """Whether at most one of both can hold."""
        same = self.value == other.value
        return same and bool((self.pattern ^ other.pattern) & self.mask & other.mask)

    def implies(self, other: Cube) -> bool:
        """Whether the other holds wherever this one does."""
        inside = self.value == other.value and not other.mask & ~self.mask
        return inside and self.pattern & other.mask == other.pattern


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of an expression."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class All:
    """The conjunction of expressions."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Parity:
    """The exclusive or of expressions."""

    parts: tuple[Expression, ...]


Expression = bool | Bit | Not | All | Parity

_FEW = 4
"""From this many literals of one word on, the word is compared: that takes a mask and a comparison,
while each literal takes a shift and a mask. A comparison also excludes or implies others (Cube)."""

_LEAST_SLICED = 3
"""Bits of a sum in slices, with a carry: two bits are as short one by one."""

_LEAST_COUNTED, _MOST_COUNTED = 5, 7
"""Bits in a count: with fewer, literals and carries are as short, and expressions double with each.
FLEQ counts 5 and 6."""


def leaves(expression: Expression) -> set[Bit]:
    """The bits that an expression mentions."""
    if isinstance(expression, bool):
        return set()
    if isinstance(expression, Bit):
        return {expression}
    inner = (expression.inner,) if isinstance(expression, Not) else expression.parts
    return set().union(*map(leaves, inner))


class Conditions:
    """Turns thresholds into expressions, and emits the sums that they need.

    For some values, `widths` says how many of the lowest bits may be one.
    """

    def __init__(self, code: Code, widths: Mapping[int, int]) -> None:
        self.code = code
        self.widths = widths
        self.cubes: dict[Bit, Cube] = {}
        self.sums: dict[object, list[tuple[int, int]]] = {}
        self.carries = Carries()

    def threshold(self, bits: Weights, at: int, flips: Collection[Bit] = ()) -> Expression:
        """`[Σ weight · bit ≥ at]`; `flips` are the bits that change if it holds."""
        weights = {bit: weight for bit, weight in bits.items() if weight}
        low = sum(min(w, 0) for w in weights.values())
        high = sum(max(w, 0) for w in weights.values())
        if at <= low:
            return True
        if at > high:
            return False
        whole = self._whole(weights, at)
        if whole is not None:
            return self.threshold(*whole, flips)
        carry = self._carry(weights, at, low, high)
        if carry is not None:
            return carry
        if self.is_count(weights):
            return self._counted(sorted(weights.items()), at)
        necessary = {b for b, w in weights.items() if high - abs(w) < at}
        sufficient = {b for b, w in weights.items() if low + abs(w) >= at} - necessary
        if not necessary and not sufficient:
            if self._is_short(weights):
                return self._counted(sorted(weights.items()), at)
            return self._compare(weights, at)
        peeled = self._outermost(weights, necessary or sufficient)
        rest = {b: w for b, w in weights.items() if b not in peeled}
        literals = {b: weights[b] > 0 for b in peeled}
        if necessary:  # all of them hold
            given = sum(w for b, w in weights.items() if b in peeled and w > 0)
            return self._conjunction(literals, self.threshold(rest, at - given, flips), flips)
        given = sum(w for b, w in weights.items() if b in peeled and w < 0)  # none of them holds
        denied = {bit: not positive for bit, positive in literals.items()}
        return _negation(self._conjunction(denied, _negation(self.threshold(rest, at - given))))

    @staticmethod
    def is_count(bits: Weights) -> bool:
        """Whether a sum counts ones in different words: each lane of a word does so in its place,
        and its condition needs no sum of its own."""
        values = {bit.value for bit in bits}
        few = _LEAST_COUNTED <= len(values) <= _MOST_COUNTED
        return few and len(values) == len(bits) and {*bits.values()} <= {-1, 1}

    @staticmethod
    def _is_short(bits: Weights) -> bool:
        """Whether a sum counts a few ones of one word."""
        same = len({bit.value for bit in bits}) == 1
        return same and len(bits) <= _MOST_COUNTED and {*bits.values()} <= {-1, 1}

    def _counted(self, bits: Sequence[tuple[Bit, int]], at: int) -> Expression:
        """The threshold of a count: it is that of all other bits, with or without the first."""
        low = sum(weight < 0 for _, weight in bits)
        if at <= -low:
            return True
        if at > len(bits) - low:
            return False
        (bit, weight), rest = bits[0], bits[1:]
        parts = []
        for literal, left in ((bit, at - weight), (Not(bit), at)):
            other = self._counted(rest, left)
            if other is not False:
                parts.append(literal if other is True else All((literal, other)))
        return parts[0] if len(parts) == 1 else Parity(tuple(parts))

    def _conjunction(
        self, literals: Mapping[Bit, bool], rest: Expression, flips: Collection[Bit] = ()
    ) -> Expression:
        """Literals (True: the bit is one) and one more expression."""
        parts: list[Expression] = []
        by_value: dict[int, list[Bit]] = {}
        for bit in literals:
            by_value.setdefault(bit.value, []).append(bit)
        for value, bits in sorted(by_value.items()):
            if Bit(value, len(bits)) in flips and self._are_lowest(bits, literals):
                parts.append(self._carry_of_one(value, len(bits)))
                continue
            if len(bits) < _FEW:
                parts += [bit if literals[bit] else Not(bit) for bit in sorted(bits)]
                continue
            mask = sum(1 << bit.place for bit in bits)
            pattern = sum(1 << bit.place for bit in bits if literals[bit])
            masked = self.code.mask(value, mask)
            equal = Bit(self.code.emit("equal", masked, self.code.const(pattern)), 0)
            self.cubes[equal] = Cube(value, mask, pattern)
            parts.append(equal)
        if rest is False:
            return False
        if rest is not True:
            parts.append(rest)
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    @staticmethod
    def _are_lowest(bits: list[Bit], literals: Mapping[Bit, bool]) -> bool:
        """Whether the lowest bits of a word are to be ones. If that flips the next bit, it is the
        carry of the word plus one."""
        lowest = sorted(bit.place for bit in bits) == list(range(len(bits)))
        return lowest and all(literals[bit] for bit in bits)

    def _carry_of_one(self, value: int, place: int) -> Expression:
        """The carry into a place of a word plus one."""
        total, _ = self._sum((Field(value, 0, 1, WHOLE, 0),), 1, place + 1)
        return Parity((Bit(total, place), Bit(value, place)))

    def _outermost(self, weights: Weights, candidates: set[Bit]) -> set[Bit]:
        """Candidates to remove first: bits outside fields, else single bits, else the heaviest."""
        fields = runs_of(weights)
        words = members(f for f in fields if f.length > 1 or self._may_grow(weights, f.first))
        for inside in (members(fields), words):
            if outside := candidates - inside:
                return outside
        heaviest = max(abs(weights[bit]) for bit in candidates)
        return {bit for bit in candidates if abs(weights[bit]) == heaviest}

    def _may_grow(self, weights: Weights, bit: Bit) -> bool:
        """Whether a bit is a field of one: the only bit of its word here, and the word's first."""
        alone = sum(other.value == bit.value for other in weights) == 1
        return alone and bit.place == 0 and self.widths.get(bit.value, 0) > 1

    def _whole(self, weights: Weights, at: int) -> tuple[Weights, int] | None:
        """The threshold of the sum of whole words of which the bits are upper slices, if it is."""
        whole = self.carries.expanded(weights, at) if len(weights) >= _LEAST_SLICED else None
        fields = None if whole is None else fields_of(whole[0])
        if fields is None:
            return None
        top = max(field.top for field in fields)
        ends = {field.top for field in fields if field.length > 1}
        return whole if ends <= {top - 1, top} else None

    def _carry(self, weights: Weights, at: int, low: int, high: int) -> Expression | None:
        """The threshold as a bit of a sum of words, if its bits are fields of words."""
        fields = fields_of(weights)
        if fields is None:
            return None
        i = max((at - low - 1).bit_length(), (high - at).bit_length())
        if i == 0 or max(field.top for field in fields) not in (i, i + 1):
            return None
        for field in fields:
            single = field.length == 1 and not self._may_grow(weights, field.first)
            if single == (field.top >= i):  # a whole word must reach bit i, a single bit must not
                return None
        total, constant = self._sum(tuple(sorted(f.cut(i) for f in fields)), -at, i)
        parts: list[Expression] = [Bit(total, i)]
        parts += [
            Bit(field.value, field.start + i)
            for field in fields
            if field.top == i and field.start + i < self.widths.get(field.value, 64)
        ]
        flipped = (-at - constant) >> i & 1
        expression = parts[0] if len(parts) == 1 else Parity(tuple(parts))
        return expression if flipped else Not(expression)

    def digit(self, bits: Weights, constant: int, place: int) -> Bit:
        """Bit `place` of `Σ weight · bit + constant`, as a two's complement number.

        A field that ends there may be longer: heavier bits do not change bit `place`. So one
        addition gives all digits of a sum.
        """
        weights = {bit: weight for bit, weight in bits.items() if weight}
        fields = [f for f in runs_of(weights) if f.length > 1 or self._may_grow(weights, f.first)]
        inside = members(fields)
        single = tuple(sorted((b, w) for b, w in weights.items() if b not in inside))
        words = tuple(sorted(field.cut(place + 1) for field in fields))
        total, _ = self._sum(words, constant % (2 << place), place + 1, single)
        return Bit(total, place)

    def _sum(
        self,
        terms: tuple[Field, ...],
        constant: int,
        bits: int,
        single: tuple[tuple[Bit, int], ...] = (),
    ) -> tuple[int, int]:
        """`Σ ±(word >> start) + Σ weight · bit + K` and K, which equals `constant` modulo 2^bits;
        reuses a sum. The `single` bits are added one by one."""
        made = self.sums.setdefault((terms, single), [])
        for value, other in made:
            if (constant - other) % (1 << bits) == 0:
                return value, other
        half = 1 << (bits - 1)
        chosen = (constant + half) % (1 << bits) - half
        total = self._added(self.code.const(chosen), terms)
        for bit, weight in single:
            held = self.code.mask(self.code.shift(bit.value, -bit.place), 1)
            total = self.code.plus(total, self.code.times(held, weight))
        made.append((total, chosen))
        return total, chosen

    def _added(self, total: int, terms: Iterable[Field]) -> int:
        """A value plus or minus some fields."""
        for field in terms:
            shifted = self.code.shift(field.value, -field.start)
            if field.low or field.top < WHOLE:
                shifted = self.code.mask(shifted, (1 << field.top) - (1 << field.low))
            if field.sign > 0:
                total = self.code.plus(total, shifted)
            else:
                total = self.code.emit("sub", total, shifted)
        return total

    def _compare(self, weights: Weights, at: int) -> Expression:
        """The sum compared with `at`: fields are added as words, and the other bits of a word with
        equal weights are counted together."""
        code = self.code
        total = code.const(-at)
        left = dict(weights)
        for factor, own in _by_odd_factor(weights).items():
            fields = [field for field in runs_of(own) if field.length > 1]
            for bit in members(fields):
                del left[bit]
            word = self._added(code.const(0), sorted(fields))
            total = code.plus(total, code.times(word, factor))
        groups: dict[tuple[int, int], list[Bit]] = {}
        for bit, weight in sorted(left.items()):
            groups.setdefault((bit.value, weight), []).append(bit)
        for (value, weight), bits in groups.items():
            masked = code.mask(value, sum(1 << bit.place for bit in bits))
            count = code.emit("ones", masked)
            total = code.plus(total, code.times(count, weight))
        return Not(Bit(code.emit("negative", total), 0))


def _by_odd_factor(weights: Weights) -> dict[int, dict[Bit, int]]:
    """Weights by their greatest odd divisor, divided by it."""
    result: dict[int, dict[Bit, int]] = {}
    for bit, weight in weights.items():
        odd = abs(weight // (weight & -weight))
        result.setdefault(odd, {})[bit] = weight // odd
    return result


def _negation(expression: Expression) -> Expression:
    if isinstance(expression, bool):
        return not expression
    return expression.inner if isinstance(expression, Not) else Not(expression)
