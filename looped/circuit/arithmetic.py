"""add, sub, select, compare: composed of thresholds and products, one MLP each.

Sums follow one identity. The carry into bit i is one threshold of the lower bits. So the exclusive
or of that carry and one operand's bit y_i is a band of a single integer U_i:

    U_i = 2^i·y_i + Σ_{j<i} 2^j (x_j + y_j) + carry,    y_i xor carry_i = [2^i ≤ U_i < 2^(i+1)],

and the last exclusive or, with x_i, is a product: x_i + band · (1 - 2·x_i). Subtraction has T_i =
2^i·y_i + Σ_{j<i} 2^j (y_j - x_j) + borrow and the band 1 ≤ T_i ≤ 2^i. A bit costs five hidden
units, and no bit waits for another, as long as U_i fits the dtype's mantissa. Wider words are cut
into slices; the carry between slices has a lane of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from looped.circuit.names import scoped
from looped.circuit.signals import Condition, Gated, Operand, Signal, Value, literal, value
from looped.circuit.words import Form, Lane, Word, bit, constant, total
from looped.errors import CompileError

__all__ = [
    "add",
    "all_ones",
    "but_not",
    "equal",
    "matches",
    "neither",
    "nonpositive",
    "select",
    "slice_sum",
    "sub",
    "table",
    "without",
]

Keep = Callable[[str, Value], Word]
"""Puts a value into lanes of a circuit, under a unique name that the compiler reserves."""


def add(x: Word, y: Word | int, keep: Keep, size: int) -> Value:
    """`x + y` modulo 2^len(x).

    The carry into bit I, between slices of `size` bits, is kept as `X+Y.carry.I`.
    """

    def band(i: int, partial: Form, top: Form) -> tuple[Condition, ...]:
        whole = partial + top
        return Condition(whole, 1 << i), Condition(whole, 2 << i)

    name = scoped(f"{x.name}+{y if isinstance(y, int) else y.name}", "carry")
    return _ripple(x, _bits(y, x, "added to"), 1, (name, keep), band, size)


def sub(x: Word, y: Word, keep: Keep, size: int) -> Value:
    """`x - y` modulo 2^len(x).

    The borrow from bit I, between slices of `size` bits, is kept as `X-Y.borrow.I`.
    """

    def band(i: int, partial: Form, top: Form) -> tuple[Condition, ...]:
        whole = partial + top
        return Condition(whole, 1), Condition(whole, (1 << i) + 1)

    name = scoped(f"{x.name}-{y.name}", "borrow")
    return _ripple(x, _bits(y, x, "taken from"), -1, (name, keep), band, size)


def slice_sum(x: Word, y: Word, carry: Form) -> tuple[Value, Form]:
    """`x + y + carry` modulo 2^len(x) within one slice, and the whole sum as a form.

    Every comparison of the sum with a constant, its carry among them, is a threshold of that form.
    """
    _same_width("added to", y, x)
    signals = []
    partial = carry
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        top = partial + bit(b) * (1 << i)
        band = (Condition(top, 1 << i), Condition(top, 2 << i))
        signals.append(_exclusive_or(a, band))
        partial = top + bit(a) * (1 << i)
    return Value(tuple(signals)), partial


def _bits(operand: Word | int, x: Word, how: str) -> list[Form]:
    if isinstance(operand, int):
        return [constant(operand >> i & 1) for i in range(len(x))]
    _same_width(how, operand, x)
    return [bit(lane) for lane in operand]


def _same_width(how: str, y: Word, x: Word) -> None:
    if len(y) != len(x):
        raise CompileError(f"a word of {len(y)} bits is {how} one of {len(x)}")


def _ripple(
    x: Word,
    y: list[Form],
    x_sign: int,
    carries: tuple[str, Keep],
    band: Callable[[int, Form, Form], tuple[Condition, ...]],
    size: int,
) -> Value:
    """The bits of x ± y, slice after slice. `x_sign` is x's sign in the sum that carries."""
    name, keep = carries
    signals: list[Signal] = []
    partial = constant(0)
    for i, lane in enumerate(x):
        k = i % size
        if k == 0 and i > 0:
            threshold = 1 << size if x_sign > 0 else 1
            carry = value(Condition(partial, threshold), 1)
            partial = bit(keep(scoped(name, i), carry)[0])
        signals.append(_exclusive_or(lane, band(k, partial, y[i] * (1 << k))))
        partial = partial + (y[i] + bit(lane) * x_sign) * (1 << k)
    return Value(tuple(signals))


def _exclusive_or(lane: Lane, band: tuple[Condition, ...]) -> Signal:
    """`lane xor [band[0] and not band[1]]`, where band[1] implies band[0]."""
    flip = constant(1) - bit(lane) * 2
    inside, above = band
    return Signal(bit(lane), (Gated(inside, flip), Gated(above, -flip)))


def select(
    condition: Condition | Word,
    then: Operand | Condition,
    otherwise: Operand | Condition,
    width: int,
) -> Value:
    """`then` where the condition holds, else `otherwise`.

    Linear parts are joined as `b + condition · (a - b)`, so that their common terms are not gated.
    Raises CompileError if the condition cannot be joined with theirs.
    """
    if isinstance(condition, Word):
        condition = literal(condition)
    pairs = zip(value(then, width).signals, value(otherwise, width).signals, strict=True)
    return Value(tuple(_select_bit(condition, a, b) for a, b in pairs))


def _select_bit(condition: Condition, a: Signal, b: Signal) -> Signal:
    gated = a.when(condition) + b.when(~condition)
    difference = a.linear - b.linear
    if difference:
        gated += (Gated(condition, difference),)
    return Signal(b.linear, gated)


def all_ones(word: Word) -> Condition:
    """Whether every bit is one: the word is -1."""
    return Condition(total(word), len(word))


def but_not(x: Condition, y: Condition) -> Value:
    """`x and not y` as one bit, for two ANDs of literals: `x - (x and y)`."""
    return Value((Signal(constant(0), (_counted(x, 1), _counted(x & y, -1))),))


def without(word: Word | Value, part: Word | Value) -> Value:
    """The bits of a word that are not in `part`, which has a one only where the word has one."""
    pairs = zip(value(word, len(word)).signals, value(part, len(word)).signals, strict=True)
    signals = []
    for whole, taken in pairs:
        minus = tuple(Gated(term.condition, -term.form) for term in taken.gated)
        signals.append(Signal(whole.linear - taken.linear, (*whole.gated, *minus)))
    return Value(tuple(signals))


def neither(x: Condition, y: Condition) -> Value:
    """`not x and not y` as one bit, for two ANDs of literals: `1 - x - y + (x and y)`."""
    terms = (_counted(x, -1), _counted(y, -1), _counted(x & y, 1))
    return Value((Signal(constant(1), terms),))


def _counted(condition: Condition, factor: int) -> Gated:
    return Gated(condition, constant(factor))


def nonpositive(word: Word) -> Condition:
    """Whether a two's complement word is zero or negative, by one threshold.

    It is positive if some bit is one and the sign is not: `Σ bits - width·sign ≥ 1`.
    """
    positive = total(word[:-1]) - bit(word[-1]) * len(word)
    return ~Condition(positive, 1)


def equal(word: Word, number: int) -> Condition:
    """Whether a word is that (unsigned) number: an AND of literals."""
    return matches(word, (1 << len(word)) - 1, number)


def matches(word: Word, mask: int, number: int) -> Condition:
    """Whether a word and a number are equal in the bits of a mask: an AND of literals.

    Raises CompileError for a mask or a number that the word cannot hold.
    """
    for held in (mask, number):
        if not 0 <= held < 1 << len(word):
            raise CompileError(f"`{word.name}` has {len(word)} bits and is compared with {held}")
    ones = [
        bit(lane) if number >> i & 1 else constant(1) - bit(lane)
        for i, lane in enumerate(word)
        if mask >> i & 1
    ]
    return Condition(sum(ones, constant(0)), len(ones))


def table(word: Word, rows: Mapping[int, int], width: int) -> Value:
    """The `width`-bit number that `rows` has for a word, 0 where it has none: a look-up in the MLP.

    One hidden unit a row, shared by all the bits (Giannou et al. 2023 keep the program in the
    columns; a key-value memory in the MLP is Geva et al. 2021's reading of it). Raises CompileError
    for a key that the word cannot hold, or a number that `width` bits cannot hold.
    """
    for number in rows.values():
        if not 0 <= number < 1 << width:
            raise CompileError(f"a table of {width} bits has no room for {number}")
    conditions = {key: equal(word, key) for key, number in rows.items() if number}
    signals = []
    for i in range(width):
        hits = (conditions[key] for key, number in rows.items() if number >> i & 1)
        signals.append(Signal(constant(0), tuple(Gated(hit, constant(1)) for hit in hits)))
    return Value(tuple(signals))
