"""Random expressions over words, as text: conditions and values, valid by construction.

What the compiler asks of its caller is kept: of two conditions that are joined one is an AND of
literals, of what is merged at most one is a one. The *kind* of a condition says how it may be
joined: a `literal`; an `and` or an `or` of literals; or a `sum`, any other threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

__all__ = ["Drawing", "Expressions"]

T = TypeVar("T")

Condition = tuple[str, str]
"""Text and kind."""

Value = tuple[str, frozenset[str]]
"""Text, and the kinds of the conditions that it stands under; none for a plain word."""

TIGHT, LOOSE = ("literal", "and"), ("literal", "or")


class Drawing:
    """Small decisions of hypothesis."""

    def __init__(self, draw: Callable[[st.SearchStrategy[object]], object]) -> None:
        self._draw = draw

    def upto(self, largest: int, least: int = 0) -> int:
        """An integer; shrinks to the least."""
        return int(self._draw(st.integers(least, max(least, largest))))  # type: ignore[call-overload]

    def one_in(self, odds: int) -> bool:
        """True seldom; shrinks to False."""
        return self.upto(odds - 1) == odds - 1

    def choice(self, items: Sequence[T]) -> T:
        """One of several; shrinks to the first."""
        return items[self.upto(len(items) - 1)]


class Expressions:
    """Expressions over the words that a circuit has so far: `words` are names and widths."""

    def __init__(self, drawing: Drawing, slice_bits: int) -> None:
        self.d = drawing
        self.slice_bits = slice_bits
        self.words: list[tuple[str, int]] = []

    def word(self, width: int) -> str | None:
        """A word of just that width, or a slice of one; None if all are shorter."""
        fitting = [(name, own) for name, own in self.words if own >= width]
        if not fitting:
            return None
        name, own = fitting[len(fitting) - 1 - self.d.upto(len(fitting) - 1)]
        first = self.d.upto(own - width)
        return name if own == width else f"{name}[{first}:{first + width}]"

    def any_word(self, most: int = 64) -> tuple[str, int]:
        """Some word, cut to so many bits, and its width."""
        name, own = self.words[len(self.words) - 1 - self.d.upto(len(self.words) - 1)]
        if own > most or (own > 1 and self.d.one_in(4)):
            width = self.d.upto(min(own, most), 1)
            first = self.d.upto(own - width)
            return f"{name}[{first}:{first + width}]", width
        return name, own

    def lane(self) -> str:
        """A lane of some word."""
        name, own = self.words[len(self.words) - 1 - self.d.upto(len(self.words) - 1)]
        return f"{name}[{self.d.upto(own - 1)}]"

    def flag(self) -> str:
        """A word of one bit."""
        name, own = self.words[len(self.words) - 1 - self.d.upto(len(self.words) - 1)]
        first = self.d.upto(own - 1)
        return name if own == 1 else f"{name}[{first}:{first + 1}]"

    # conditions

    def literal(self) -> Condition:
        """A bit or its complement."""
        return f"{'~' * self.d.upto(1)}literal({self.flag()})", "literal"

    def is_conjunction(self) -> Condition:
        """An AND of literals."""
        most = min(8, self.slice_bits)
        make = self.d.upto(4)
        if make <= 1:
            return self.literal()
        word, width = self.any_word(most)
        number = self.d.upto((1 << width) - 1)
        if make == 2:
            return f"equal({word}, {number})", "and"
        if make == 3:
            return f"all_ones({word})", "and"
        return f"matches({word}, {self.d.upto((1 << width) - 1, 1)}, {number})", "and"

    def condition(self, depth: int = 2) -> Condition:
        """Any condition."""
        make = self.d.upto(8)
        if make <= 1:
            return self.literal()
        if make <= 3 or depth == 0:
            return self.is_conjunction()
        if make == 4:
            text, kind = self.condition(depth - 1)
            return f"~({text})", {"and": "or", "or": "and"}.get(kind, kind)
        if make <= 6:
            return self._joined(depth)
        return self._threshold()

    def _joined(self, depth: int) -> Condition:
        (x, first), (y, second) = self.is_conjunction(), self.condition(depth - 1)
        if self.d.upto(1):
            (x, first), (y, second) = (y, second), (x, first)
        kinds = {first, second}
        if kinds <= {*LOOSE} or (self.d.upto(1) and kinds & {*LOOSE}):
            return f"(({x}) | ({y}))", "or" if kinds <= {*LOOSE} else "sum"
        return f"(({x}) & ({y}))", "and" if kinds <= {*TIGHT} else "sum"

    def _threshold(self) -> Condition:
        make = self.d.upto(3)
        word, width = self.any_word(min(12, self.slice_bits))
        if make == 0:
            return f"nonpositive({word})", "sum"
        if make == 1:
            return f"Condition(total({word}), {self.d.upto(width + 1)})", "sum"
        if make == 2:
            return f"Condition(unsigned({word}), {self.d.upto((1 << width) - 1)})", "sum"
        terms = [f"bit({self.lane()}) * {self.d.upto(6) - 3}" for _ in range(self.d.upto(3, 1))]
        return f"Condition({' + '.join(terms)} + {self.d.upto(3) - 1}, {self.d.upto(2)})", "sum"

    # values

    def form(self) -> str:
        """A bit, its complement, or a constant."""
        make = self.d.upto(5)
        if make <= 2:
            return f"bit({self.lane()})"
        if make == 3:
            return f"constant(1) - bit({self.lane()})"
        return f"constant({make - 4})"

    def forms(self, width: int) -> str:
        """Forms of a word's bits, or of bits from anywhere."""
        word = self.word(width) if width > 3 or self.d.upto(1) else None
        if word is not None:
            return f"*map(bit, {word})"
        return ", ".join(self.form() for _ in range(width))

    def value(self, width: int, depth: int = 2) -> Value:
        """A value of so many bits."""
        makers = [self._plain, self._sum, self._weighed, self._merged, self._flipped, self._table]
        if depth:
            makers.append(lambda width: self._selected(width, depth))
        if width == 1:
            makers.append(self._one_bit)
        found = makers[self.d.upto(len(makers) - 1)](width)
        return found if found is not None else self._plain(width)

    def _plain(self, width: int) -> Value:
        word = None if self.d.one_in(6) else self.word(width)
        if word is None:
            return f"value({self.d.upto((1 << width) - 1)}, {width})", frozenset()
        return word, frozenset()

    def _sum(self, width: int) -> Value | None:
        x = self.word(width)
        y = self.word(width) if self.d.upto(3) else str(self.d.upto((1 << width) - 1))
        if x is None or y is None:
            return None
        minus = self.d.upto(1) and not y.isdigit()
        return f"m.{'sub' if minus else 'add'}({x}, {y})", frozenset(["sum"])

    def _weighed(self, width: int) -> Value:
        condition, kind = self.condition()
        return f"gated({condition}, {self.forms(width)})", frozenset([kind])

    def _merged(self, width: int) -> Value:
        make = self.d.upto(2)
        if make == 0:
            condition, kind = self.condition(1)
            opposite = {"and": "or", "or": "and"}.get(kind, kind)
            parts = [(condition, self.forms(width)), (f"~({condition})", self.forms(width))]
            return _merge(parts), frozenset([kind, opposite])
        if make == 1:
            word, own = self.any_word(4)
            keys = {self.d.upto((1 << own) - 1) for _ in range(3)}
            return _merge([(f"equal({word}, {k})", self.forms(width)) for k in sorted(keys)]), (
                frozenset(["and"])
            )
        cut = self.d.upto(width)
        (x, first), (y, second) = self.condition(1), self.condition(1)
        low, high = [self.form() for _ in range(cut)], [self.form() for _ in range(width - cut)]
        parts = [
            (x, ", ".join([*low, *["constant(0)"] * (width - cut)])),
            (y, ", ".join([*["constant(0)"] * cut, *high])),
        ]
        return _merge(parts), frozenset([first, second])

    def _flipped(self, width: int) -> Value | None:
        word = self.word(width)
        if word is None:
            return None
        condition, kind = self.condition(1)
        flip = f"Signal(bit(p), (Gated({condition}, constant(1) - bit(p) * 2),))"
        return f"Value(tuple({flip} for p in {word}))", frozenset([kind])

    def _table(self, width: int) -> Value:
        word, own = self.any_word(min(5, self.slice_bits))
        most = (1 << width) - 1
        rows = {self.d.upto((1 << own) - 1): self.d.upto(most, 1) for _ in range(self.d.upto(4, 1))}
        return f"table({word}, {rows}, {width})", frozenset(["and"])

    def _selected(self, width: int, depth: int) -> Value:
        (then, above), (otherwise, below) = (self.value(width, depth - 1) for _ in range(2))
        condition, kind = self.condition(1)
        suits = (kind in TIGHT or above <= {*TIGHT}) and (kind in LOOSE or below <= {*TIGHT})
        if not suits:
            condition, kind = self.literal()
        opposite = {"and": "or", "or": "and"}.get(kind, kind)
        kinds = {"and" if kind in TIGHT and k in TIGHT else "sum" for k in above}
        kinds |= {"and" if opposite in TIGHT and k in TIGHT else "sum" for k in below}
        return f"m.select({condition}, {then}, {otherwise})", frozenset([*kinds, kind])

    def _one_bit(self, width: int) -> Value:
        make = self.d.upto(2)
        if make == 0:
            flag = self.flag()
            (x, first), (y, second) = self.condition(1), self.condition(1)
            parts = f"({x}) & literal({flag}), ({y}) & ~literal({flag})"
            kinds = ("and" if kind in TIGHT else "sum" for kind in (first, second))
            return f"any_of_disjoint([{parts}])", frozenset(kinds)
        (x, _), (y, _) = self.is_conjunction(), self.is_conjunction()
        return f"{'but_not' if make == 1 else 'neither'}({x}, {y})", frozenset(["and"])


def _merge(parts: list[tuple[str, str]]) -> str:
    return f"disjoint_or({', '.join(f'gated({condition}, {forms})' for condition, forms in parts)})"
