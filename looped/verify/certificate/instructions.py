"""Instructions that take several loops: that they end, and leave nothing behind.

Both are statements about the circuit alone, for all operands. A register that counts decides when
an instruction ends: its next values are found for each value that it comes to, in a loop that goes
on from one that went on. If those steps form no cycle, their longest path bounds the number of
loops. Only lanes that decide about the register and about `busy` are looked through; at the first
cycle another register is tried, and the work on each is bounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

from looped.artefact.embedding import embed
from looped.circuit.words import Lane, Word
from looped.diagrams import Diagrams, TooLarge, Work
from looped.verify.certificate.claims import THROUGH, Claim
from looped.verify.certificate.meaning import Meaning
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.subject import Subject

__all__ = ["instruction_claims"]

_WIDEST = 8
"""Bits of a register whose values are taken one by one."""
_STEPS = 1_000_000
"""Steps on diagrams for each of the two claims, and each register that may count: some seconds."""


def instruction_claims(subject: Subject) -> Iterator[Claim]:
    """The claims about a machine whose instructions may take several loops."""
    busy = subject.circuit.busy
    if busy is None:
        return
    lanes = [lane for word in subject.circuit.working for lane in word if lane != busy]
    yield Claim(
        None, "working registers", "are zero at the beginning, and after every instruction but one "
        "that a trap or a host stops before its end",
        THROUGH, 1 + len(lanes), _left_at_first(subject) or _left_at_last(subject, busy, lanes),
    )  # fmt: skip
    yield _end(subject, busy)


def _end(subject: Subject, busy: Lane) -> Claim:
    """That every instruction ends, shown by the first register that counts its loops to an end."""
    loops, cases = None, 0
    for word in _counters(subject, busy):
        steps = _Steps(subject, busy, word, Work(_STEPS))
        try:
            loops = longest(steps.first(), steps.after)
        except TooLarge:
            loops = None
        cases += steps.cases
        if loops is not None:
            break
    told = f"takes {1 + loops} loops at most" if loops is not None else "ends"
    fault = None if loops is not None else "no register is found that counts its loops to an end"
    statement = f"an instruction {told}, for all operands"
    return Claim(None, "instructions", statement, THROUGH, cases, fault)


def _counters(subject: Subject, busy: Lane) -> list[Word]:
    """The registers that may count, those whose next values depend on the fewest lanes first.

    None does where `busy` is a pin: it ends when its host says so.
    """
    following = _following(subject)
    if following[busy] == busy:
        return []
    words = [w for w in subject.circuit.working if len(w) <= _WIDEST and busy not in w.lanes]
    return sorted(words, key=lambda word: len(_cone(subject, [following[lane] for lane in word])))


def _cone(subject: Subject, lanes: list[Lane]) -> set[Lane]:
    """The lanes that some lanes depend on, themselves included, back to the beginning of a loop."""
    found, pending = set(lanes), list(lanes)
    while pending:
        signal = subject.definitions.get(pending.pop())
        new = set(signal.lanes()) - found if signal is not None else set()
        found |= new
        pending += new
    return found


def _following(subject: Subject) -> Mapping[Lane, Lane]:
    """Lanes of registers, and those that hold their next values."""
    return {
        old: new
        for register in subject.circuit.registers
        for old, new in zip(register.word, register.following or register.word, strict=True)
    }


def _left_at_first(subject: Subject) -> str | None:
    plan = subject.plan
    first = embed((), plan)[plan.cpu, list(plan.working)]
    return "they are not zero at the beginning" if (first > 0).any() else None


def _left_at_last(subject: Subject, busy: Lane, lanes: list[Lane]) -> str | None:
    """The first working lane that may be a one when an instruction has ended, and why."""
    work = Work(_STEPS)
    for lane in lanes:
        meaning = Meaning(Diagrams(work), {})
        try:
            if _left(subject, meaning, busy, lane):
                return f"`{lane}` may be left"
        except TooLarge as error:
            return f"`{lane}`: {error}"
    return None


def _left(subject: Subject, meaning: Meaning, busy: Lane, lane: Lane) -> bool:
    following = _following(subject)
    space = meaning.space
    ended = space.negated(meaning.lane(following[busy]))
    made = _gated(subject, meaning, following[lane])
    before = _working(subject, meaning, busy)
    return possible(subject, meaning, space.times(space.times(before, ended), made))


def _gated(subject: Subject, meaning: Meaning, lane: Lane) -> int:
    """A condition that holds wherever a lane is made a one: one of its gates is open."""
    signal = subject.definitions.get(lane)
    if signal is None or signal.linear:
        return meaning.lane(lane)
    meaning.arrange(signal)
    gates = (meaning.condition(term.condition) for term in signal.gated)
    return functools.reduce(meaning.space.maximum, gates, meaning.space.zero)


def _working(subject: Subject, meaning: Meaning, busy: Lane) -> int:
    """The condition that a loop begins busy and not halted, or with nothing left.

    A loop that begins busy and halted is left out: a trap or a host has stopped its instruction.
    """
    space = meaning.space
    goes_on = meaning.lane(busy)
    if subject.circuit.halted is not None:
        goes_on = space.times(goes_on, space.negated(meaning.lane(subject.circuit.halted)))
    zeros: dict[object, int] = {lane: -1 for word in subject.circuit.working for lane in word}
    clean = space.threshold(zeros, len(zeros))
    return space.maximum(goes_on, clean)


class _Steps:
    """The values that a register may have one after the other while an instruction goes on.

    Each is found when it is asked for, and all of them within a bound: so a register that counts
    nothing is soon known for it. Raises TooLarge beyond that.
    """

    def __init__(self, subject: Subject, busy: Lane, word: Word, work: Work) -> None:
        following = _following(subject)
        self.subject = subject
        self.busy, self.goes_on = busy, following[busy]
        self.word, self.next_word = word, [following[lane] for lane in word]
        self.cases, self.work = 0, work

    def first(self) -> Iterator[int]:
        """The values after the first loop of an instruction that goes on."""
        return self._values({self.busy: False})

    def after(self, number: int) -> Iterator[int]:
        """The values after a loop with this one before it, if it went on and goes on again."""
        held = {lane: bool(number >> i & 1) for i, lane in enumerate(self.word)}
        return self._values({self.busy: True, **held})

    def _values(self, held: Mapping[Lane, bool]) -> Iterator[int]:
        meaning = Meaning(Diagrams(self.work), {})
        condition = meaning.lane(self.goes_on)
        for lane, one in held.items():
            condition = meaning.space.times(condition, _signed(meaning, lane, one))
        yield from self._split(meaning, condition, len(self.word))

    def _split(self, meaning: Meaning, condition: int, bits: int) -> Iterator[int]:
        """The numbers that the lowest bits may be where a condition holds."""
        self.cases += 1
        if not possible(self.subject, meaning, condition):
            return
        if not bits:
            yield 0
            return
        top = bits - 1
        for one in (0, 1):
            held = _signed(meaning, self.next_word[top], bool(one))
            narrowed = meaning.space.times(condition, held)
            for rest in self._split(meaning, narrowed, top):
                yield rest | one << top


def _signed(meaning: Meaning, lane: Lane, one: bool) -> int:
    held = meaning.lane(lane)
    return held if one else meaning.space.negated(held)


def longest(first: Iterable[int], after: Callable[[int], Iterable[int]]) -> int | None:
    """The number of values on the longest path from the first ones; None at the first cycle."""
    path: list[tuple[int, Iterator[int]]] = [(-1, iter(first))]
    most, lengths = [0], dict[int, int]()
    while path:
        value, rest = path[-1]
        following = next(rest, None)
        if following is None:
            path.pop()
            lengths[value] = 1 + most.pop()
            most[-1:] = [max(length, lengths[value]) for length in most[-1:]]
        elif following in lengths:
            most[-1] = max(most[-1], lengths[following])
        elif any(following == value for value, _ in path):
            return None
        else:
            path.append((following, iter(after(following))))
            most.append(0)
    return lengths[-1] - 1
