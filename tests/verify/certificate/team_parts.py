"""What workers do in small circuits: some never meet, some meet, some part."""

from __future__ import annotations

from collections.abc import Mapping

from looped.circuit.arithmetic import all_ones
from looped.circuit.signals import Gated, Signal, Value, gated, literal
from looped.circuit.words import Word, bit, constant
from tests.verify.certificate.teams import Part, Team

__all__ = ["APART", "MEETING", "PARTING", "TOGETHER"]


def _own(t: Team) -> None:
    t.write("own", t.own)


def _alone(t: Team) -> None:
    """Of four workers the last one writes."""
    last = t.m.let("last", all_ones(t.number) & ~literal(t.seen))
    t.write("alone", t.word, last)


def _halves(t: Team) -> None:
    ones = t.m.let("ones", 1, 1)
    t.write("low", Word("low", (*t.number, *t.zero)))
    t.write("high", Word("high", (*t.number, t.zero[0], *ones)))


def _base(t: Team) -> None:
    t.write("base", t.m.let("place", t.m.add(t.base, t.low(t.number))))


def _above(t: Team) -> None:
    """The bits above the mask count the rounds; those under it stay."""
    for_two = literal(t.mask[:1]) & ~literal(t.mask[1:])
    flips = Gated(for_two, constant(1) - bit(t.number[1]) * 2)
    t.m.next(t.number, Value((Signal(bit(t.number[0])), Signal(bit(t.number[1]), (flips,)))))
    t.write("own", t.own)


def _cancels(t: Team) -> None:
    """The next address does not depend on the number, although its definition has it."""
    own = literal(t.number[:1])
    form = bit(t.word[0])
    both = Signal(constant(0), (Gated(own, form), Gated(~own, form)))
    t.m.next(t.pc, Value((both, *(Signal(bit(lane)) for lane in t.pc[1:]))))
    t.write("own", t.own)


APART: Mapping[str, Part] = {
    "own places": _own,
    "one worker": _alone,
    "two writes": _halves,
    "a register that agrees": _base,
    "bits above the mask": _above,
    "a number that cancels": _cancels,
}
"""What is right with one, two and four workers."""


def _same(t: Team) -> None:
    t.write("same", t.word)


def _shifted(t: Team) -> None:
    t.write("shifted", Word("shifted", (*t.zero, t.word[0], t.number[0])))


def _modulo(t: Team) -> None:
    """The second bit of the number does not reach the address."""
    t.write("modulo", t.let(t.m.add(t.word, Word("one", (t.number[0], t.zero[0], *t.zero)))))


def _covered(t: Team) -> None:
    either = gated(literal(t.mask[1:]) | literal(t.number[1:]), constant(1)).signals
    t.write("covered", t.let(Value((Signal(bit(t.number[0])), *either, *_bits(t.word[2:])))))


def _by_a_word(t: Team) -> None:
    t.write("wherever", t.read)


def _by_a_private_register(t: Team) -> None:
    t.m.next(t.base, t.read)
    t.write("base", t.m.let("place", t.m.add(t.base, t.low(t.number))))


def _neighbours(t: Team) -> None:
    t.write("own", t.own)
    t.write("next", t.m.let("place", t.m.add(t.own, 1)))


def _by_a_private_bit(t: Team) -> None:
    t.write("same", t.word, t.m.let("some", literal(t.read[:1])))


def _by_a_private_flag(t: Team) -> None:
    t.m.next(t.seen, t.read[:1])
    t.write("same", t.word, t.m.let("some", literal(t.seen)))


def _swapped(t: Team) -> None:
    t.m.next(t.number, Word("swapped", t.number.lanes[::-1]))
    t.write("own", t.own)


def _counted(t: Team) -> None:
    t.m.next(t.number, t.m.add(t.number, 1))
    t.write("own", t.own)


def _sometimes(t: Team) -> None:
    rare = all_ones(t.word) & literal(t.read[:1])
    clear = (Gated(rare & literal(t.number[1:]), constant(-1)),)
    t.m.next(t.number, Value((Signal(bit(t.number[0])), Signal(bit(t.number[1]), clear))))
    t.write("own", t.own)


def _bits(word: Word) -> tuple[Signal, ...]:
    return tuple(Signal(bit(lane)) for lane in word)


MEETING: Mapping[str, tuple[Part, str]] = {
    "one address": (_same, "`same` of a worker may meet `same` of another"),
    "a number that is shifted out": (_shifted, "`shifted` of a worker may meet"),
    "half of the number": (_modulo, "`modulo` of a worker may meet"),
    "a number that the mask covers": (_covered, "`covered` of a worker may meet"),
    "an address that is read": (_by_a_word, "`wherever` of a worker may meet"),
    "a register that is read": (_by_a_private_register, "`base` of a worker may meet"),
    "the place of the next worker": (_neighbours, "`own` of a worker may meet `next` of another"),
    "one address under a bit that is read": (_by_a_private_bit, "`same` of a worker may meet"),
    "one address under a private flag": (_by_a_private_flag, "`same` of a worker may meet"),
    "numbers that are swapped": (_swapped, "`number.0` may change"),
    "numbers that count": (_counted, "`number.0` may change"),
    "a number that is lost once": (_sometimes, "`number.1` may change"),
}
"""What is wrong with four workers: what is refused, and why."""


def _own_branch(t: Team) -> None:
    then = t.m.select(literal(t.number[:1]), t.word, t.m.let("next", t.m.add(t.pc, 1)))
    t.m.next(t.pc, then)


def _branch_by_a_word(t: Team) -> None:
    t.m.next(t.pc, t.read)


def _later(t: Team) -> None:
    """A flag holds what was read, and the program counter follows it one loop later."""
    t.m.next(t.seen, t.read[:1])
    _branch_by_a_flag(t)


def _branch_by_a_flag(t: Team) -> None:
    then = t.m.select(literal(t.seen), t.word, t.m.let("next", t.m.add(t.pc, 1)))
    t.m.next(t.pc, then)


def _halts(t: Team) -> None:
    t.m.next(t.seen, t.number[1:])
    t.m.halts(t.seen)


PARTING: Mapping[str, tuple[Part, str]] = {
    "a branch by the number": (_own_branch, "`pc.0` may differ"),
    "a branch by a word": (_branch_by_a_word, "`pc.0` may differ"),
    "a branch by a private flag": (_later, "`pc.0` may differ"),
    "a worker that halts": (_halts, "`seen.0` may differ"),
}
"""Workers that do not take the same loops, if there are four."""


TOGETHER: Part = _branch_by_a_flag
"""A branch by a flag: workers part if a host may set it in one of them."""
