"""Thresholds of weighted bits as Boolean expressions: literals, carries, and comparisons at worst.

A weighted sum z of bits with a threshold t is taken apart from the outside, heaviest bits first.

- A bit without which z cannot reach t is *necessary*: [z ≥ t] = bit and [rest ≥ t - w].
- A bit with which z is sure to reach t is *sufficient*: [z ≥ t] = bit or [rest ≥ t].
- If the bits are fields F of words, each bit weighted ±2^j in its order, and v = z - t lies between
  -2^i and 2^i - 1, then [v ≥ 0] = not bit i of v. With the whole words in place of the fields that
  end at bit i or i + 1, E = Σ ±F + K with K = -t modulo 2^i, bit i changes by the words' own bits i
  only: bit i of v is bit i of E, exclusive or the bits i of the words whose fields end there. E is
  the same for every bit of an adder, so that all of its carries are one addition.
- What is left is computed as it stands and compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from looped.engines.lifted.code import Code

__all__ = ["All", "Bit", "Conditions", "Cube", "Expression", "Not", "Parity", "leaves"]


class Bit(NamedTuple):
    """Bit `place` of the value of an instruction."""

    value: int
    place: int


class Cube(NamedTuple):
    """The condition that some bits of a value, those in `mask`, are those of `pattern`."""

    value: int
    mask: int
    pattern: int

    def excludes(self, other: Cube) -> bool:
        """Whether both cannot hold."""
        same = self.value == other.value
        return same and bool((self.pattern ^ other.pattern) & self.mask & other.mask)

    def implies(self, other: Cube) -> bool:
        """Whether the other holds wherever this one does."""
        inside = self.value == other.value and not other.mask & ~self.mask
        return inside and self.pattern & other.mask == other.pattern


class Not(NamedTuple):
    """The negation of an expression."""

    inner: Expression


class All(NamedTuple):
    """The conjunction of expressions."""

    parts: tuple[Expression, ...]


class Parity(NamedTuple):
    """The exclusive or of expressions."""

    parts: tuple[Expression, ...]


Expression = bool | Bit | Not | All | Parity

_FEW = 4
"""So many literals of one word are worth a comparison of the word."""


def leaves(expression: Expression) -> set[Bit]:
    """The bits that an expression mentions."""
    if isinstance(expression, bool):
        return set()
    if isinstance(expression, Bit):
        return {expression}
    inner = (expression.inner,) if isinstance(expression, Not) else expression.parts
    return set().union(*map(leaves, inner))


class Conditions:
    """Turns thresholds into expressions; sums are emitted as code. `width` is known by value."""

    def __init__(self, code: Code, widths: Mapping[int, int]) -> None:
        self.code = code
        self.widths = widths
        self.cubes: dict[Bit, Cube] = {}
        self.sums: dict[tuple[tuple[int, int, int, int], ...], list[tuple[int, int]]] = {}

    def threshold(self, bits: Mapping[Bit, int], at: int) -> Expression:
        """`[Σ weight · bit ≥ at]`."""
        weights = {bit: weight for bit, weight in bits.items() if weight}
        low = sum(min(w, 0) for w in weights.values())
        high = sum(max(w, 0) for w in weights.values())
        if at <= low:
            return True
        if at > high:
            return False
        carry = self._carry(weights, at, low, high)
        if carry is not None:
            return carry
        necessary = {b for b, w in weights.items() if high - abs(w) < at}
        sufficient = {b for b, w in weights.items() if low + abs(w) >= at} - necessary
        if not necessary and not sufficient:
            return self._compare(weights, at)
        peeled = self._outermost(weights, necessary or sufficient)
        rest = {b: w for b, w in weights.items() if b not in peeled}
        literals = {b: weights[b] > 0 for b in peeled}
        if necessary:  # all of them hold
            given = sum(w for b, w in weights.items() if b in peeled and w > 0)
            return self._conjunction(literals, self.threshold(rest, at - given))
        given = sum(w for b, w in weights.items() if b in peeled and w < 0)  # none of them holds
        denied = {bit: not positive for bit, positive in literals.items()}
        return _negation(self._conjunction(denied, _negation(self.threshold(rest, at - given))))

    def _conjunction(self, literals: Mapping[Bit, bool], rest: Expression) -> Expression:
        """Literals (True: the bit is one) and one more expression."""
        parts: list[Expression] = []
        by_value: dict[int, list[Bit]] = {}
        for bit in literals:
            by_value.setdefault(bit.value, []).append(bit)
        for value, bits in sorted(by_value.items()):
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

    def _outermost(self, weights: Mapping[Bit, int], candidates: set[Bit]) -> set[Bit]:
        """Those to take away first: bits of no field, then bits on their own, then the heaviest."""
        fields = _runs(weights)
        words = _members(f for f in fields if f[3] > 1 or self._may_grow(weights, Bit(*f[:2])))
        for inside in (_members(fields), words):
            if outside := candidates - inside:
                return outside
        heaviest = max(abs(weights[bit]) for bit in candidates)
        return {bit for bit in candidates if abs(weights[bit]) == heaviest}

    def _may_grow(self, weights: Mapping[Bit, int], bit: Bit) -> bool:
        """Whether a bit is alone here, but not the last of its word: the shortest of fields."""
        alone = sum(other.value == bit.value for other in weights) == 1
        return alone and bit.place + 1 < self.widths.get(bit.value, 0)

    def _carry(self, weights: Mapping[Bit, int], at: int, low: int, high: int) -> Expression | None:
        """The threshold as a bit of a sum of words, if its bits are fields of words."""
        fields = _fields(weights)
        if fields is None:
            return None
        i = max((at - low - 1).bit_length(), (high - at).bit_length())
        if i == 0 or max(length for *_, length in fields) not in (i, i + 1):
            return None
        for value, start, _, length in fields:
            single = length == 1 and not self._may_grow(weights, Bit(value, start))
            if single == (length >= i):  # a whole word must reach bit i, a bit on its own must not
                return None
        terms = tuple(
            sorted(
                (v, start, sign, length if length < i else 64) for v, start, sign, length in fields
            )
        )
        total, constant = self._sum(terms, -at, i)
        parts: list[Expression] = [Bit(total, i)]
        parts += [
            Bit(value, start + i)
            for value, start, _, length in fields
            if length == i and start + i < self.widths.get(value, 64)
        ]
        flipped = (-at - constant) >> i & 1
        expression = parts[0] if len(parts) == 1 else Parity(tuple(parts))
        return expression if flipped else Not(expression)

    def _sum(
        self, terms: tuple[tuple[int, int, int, int], ...], constant: int, bits: int
    ) -> tuple[int, int]:
        """`Σ ±(word >> start) + K` for a K equal to `constant` modulo 2^bits: one already there.

        Words shorter than 64 bits are cut to their length.
        """
        made = self.sums.setdefault(terms, [])
        for value, other in made:
            if (constant - other) % (1 << bits) == 0:
                return value, other
        half = 1 << (bits - 1)
        chosen = (constant + half) % (1 << bits) - half
        total = self.code.const(chosen)
        for word, start, sign, length in terms:
            shifted = self.code.shift(word, -start)
            if length < 64:
                shifted = self.code.mask(shifted, (1 << length) - 1)
            if sign > 0:
                total = self.code.plus(total, shifted)
            else:
                total = self.code.emit("sub", total, shifted)
        made.append((total, chosen))
        return total, chosen

    def _compare(self, weights: Mapping[Bit, int], at: int) -> Expression:
        """The sum as it stands, compared: bits of one word with equal weights are counted."""
        code = self.code
        total = code.const(-at)
        groups: dict[tuple[int, int], list[Bit]] = {}
        for bit, weight in sorted(weights.items()):
            groups.setdefault((bit.value, weight), []).append(bit)
        for (value, weight), bits in groups.items():
            masked = code.mask(value, sum(1 << bit.place for bit in bits))
            count = code.emit("ones", masked)
            total = code.plus(total, code.emit("mul", count, code.const(weight)))
        return Not(Bit(code.emit("negative", total), 0))


def _negation(expression: Expression) -> Expression:
    if isinstance(expression, bool):
        return not expression
    return expression.inner if isinstance(expression, Not) else Not(expression)


def _runs(weights: Mapping[Bit, int]) -> list[tuple[int, int, int, int]]:
    """Per value, its longest run of bits that weigh ±1, ±2, ±4, …: (value, start, sign, length)."""
    by_value: dict[int, list[tuple[int, int]]] = {}
    for bit, weight in weights.items():
        by_value.setdefault(bit.value, []).append((bit.place, weight))
    result = []
    for value, pairs in by_value.items():
        pairs.sort()
        runs = [(_run_length(pairs[n:]), -n) for n, (_, w) in enumerate(pairs) if abs(w) == 1]
        if runs:
            length, n = max(runs)
            start, weight = pairs[-n]
            if length > 1 or len(pairs) == 1:
                result.append((value, start, weight, length))
    return result


def _run_length(pairs: list[tuple[int, int]]) -> int:
    """How many (place, weight) from the first on go up by one place and double their weight."""
    start, weight = pairs[0]
    fitting = [pair == (start + j, weight << j) for j, pair in enumerate(pairs)]
    return fitting.index(False) if False in fitting else len(fitting)


def _members(fields: Iterable[tuple[int, int, int, int]]) -> set[Bit]:
    """The bits of fields."""
    return {Bit(value, start + j) for value, start, _, length in fields for j in range(length)}


def _fields(weights: Mapping[Bit, int]) -> list[tuple[int, int, int, int]] | None:
    """The same if all the bits are in there, else None."""
    fields = _runs(weights)
    whole = sum(length for *_, length in fields) == len(weights)
    return fields if whole else None
