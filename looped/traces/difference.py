"""The first difference of two traces: by step, word, bit and source line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from looped.traces.record import Read, Record, RegisterWrite, Write

__all__ = ["Agreement", "Difference", "compare"]

_CONTEXT = 3
"""Steps that are shown before the difference."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two equal traces, and their number of steps."""

    steps: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference of two traces.

    `place` is the word and its lowest bit that differs, `a` and `b` what the two did there;
    `before` are equal records before it. A record is None if that trace has ended.
    """

    step: int
    place: str
    a: str
    b: str
    source: str | None
    before: tuple[Record, ...]
    records: tuple[Record | None, Record | None]

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        source = f" ({self.source})" if self.source else ""
        return f"step {self.step}: {place}A {self.a}, B {self.b}{source}"


def compare(a: Iterable[Record], b: Iterable[Record], hexadecimal: bool) -> Agreement | Difference:
    """Compare two traces step by step, and hold a few steps of each.

    It compares what instructions are and do; not the text, the source line and the count of loops.
    `hexadecimal` chooses how addresses are shown.
    """
    before: deque[Record] = deque(maxlen=_CONTEXT)
    steps = 0
    for first, second in zip_longest(a, b):
        if first is None or second is None:
            record = first or second
            assert record is not None
            continues = f"continues at {_number(record.pc, hexadecimal)}"
            ends = "ends before it"
            told = (continues, ends) if second is None else (ends, continues)
            return _difference(record.step, ("", *told), before, (first, second))
        found = next(_differences(first, second, hexadecimal), None)
        if found is not None:
            return _difference(first.step, found, before, (first, second))
        before.append(first)
        steps += 1
    return Agreement(steps)


def _difference(
    step: int,
    told: tuple[str, str, str],
    before: Iterable[Record],
    records: tuple[Record | None, Record | None],
) -> Difference:
    sources = dict.fromkeys(record.source for record in records if record and record.source)
    source = " and ".join(sources) or None
    return Difference(step, *told, source, tuple(before), records)


def _differences(a: Record, b: Record, hexadecimal: bool) -> Iterator[tuple[str, str, str]]:
    """What differs in two records, the cause before its effects: place, A, B."""
    if a.step != b.step:
        yield "", f"begins at step {a.step}", f"at step {b.step}"
    if a.pc != b.pc:
        yield _words("pc", a.pc, b.pc, "is at", hexadecimal)
    for number, (one, other) in enumerate(zip(a.code, b.code, strict=False)):
        if one != other:
            place = f"word {number} of the instruction at {_number(a.pc, hexadecimal)},"
            yield _words(place, one, other, "has", False)
    for name in ("reads", "registers", "writes"):
        yield from _accesses(getattr(a, name), getattr(b, name), name, hexadecimal)
    if a.next_pc != b.next_pc:
        yield _words("pc", a.next_pc, b.next_pc, "continues at", hexadecimal)
    for name, verb in (("input", "took"), ("trap", "raised"), ("output", "wrote")):
        values = getattr(a, name), getattr(b, name)
        if values[0] != values[1]:
            told = [f"{verb} {'nothing' if v in (None, '') else repr(v)}" for v in values]
            yield name, told[0], told[1]


def _accesses(
    a: tuple[Read | Write | RegisterWrite, ...],
    b: tuple[Read | Write | RegisterWrite, ...],
    name: str,
    hexadecimal: bool,
) -> Iterator[tuple[str, str, str]]:
    """The differences of two lists of accesses."""
    verb = "read" if name == "reads" else "wrote"
    for one, other in zip_longest(a, b):
        if one is None or other is None or _place(one, hexadecimal) != _place(other, hexadecimal):
            places = [_place(access, hexadecimal) for access in (one, other)]
            yield name, f"{verb} {places[0]}", f"{verb} {places[1]}"
            continue
        place = _place(one, hexadecimal)
        for field, did in (("value", "read"), ("old", "had"), ("new", "wrote")):
            values = getattr(one, field, 0), getattr(other, field, 0)
            if values[0] != values[1]:
                yield _words(place, *values, did, False)


def _place(access: Read | Write | RegisterWrite | None, hexadecimal: bool) -> str:
    if access is None:
        return "nothing else"
    if isinstance(access, RegisterWrite):
        return f"x{access.register}"
    return f"mem[{_number(access.address, hexadecimal)}]"


def _words(place: str, a: int, b: int, verb: str, hexadecimal: bool) -> tuple[str, str, str]:
    bit = ((a ^ b) & -(a ^ b)).bit_length() - 1
    shown = [f"{verb} {_number(value, hexadecimal)}" for value in (a, b)]
    return f"{place} bit {bit}", shown[0], shown[1]


def _number(value: int, hexadecimal: bool) -> str:
    return f"{value:#x}" if hexadecimal else str(value)
