"""Instructions that take several loops: that they end, and leave nothing behind.

Both are statements about the circuit alone, for all operands. A register that counts decides when
an instruction ends: its next value is found for each of its values, in a loop that goes on from one
that went on. If those steps form no cycle, their longest path bounds the number of loops.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from looped.compiler.embedding import embed
from looped.compiler.words import Lane, Word
from looped.verify.certificate.claims import THROUGH, Claim
from looped.verify.certificate.diagrams import Diagrams, TooLarge
from looped.verify.certificate.meaning import Meaning
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.subject import Subject

__all__ = ["instruction_claims"]

_WIDEST = 8
"""Bits of a register whose values are taken one by one."""


def instruction_claims(subject: Subject) -> Iterator[Claim]:
    """The claims about a machine whose instructions may take several loops."""
    busy = subject.circuit.busy
    if busy is None:
        return
    lanes = [lane for word in subject.circuit.working for lane in word if lane != busy]
    faults = [_left_at_first(subject), *(_left(subject, busy, lane) for lane in lanes)]
    yield Claim(
        None, "working registers", "are zero at the beginning, and after every instruction but one "
        "that a host has stopped before its end",
        THROUGH, len(faults), next((f for f in faults if f), None),
    )  # fmt: skip
    loops, cases = _longest(subject, busy)
    told = f"takes {loops} loops at most" if loops is not None else "ends"
    yield Claim(
        None, "instructions", f"an instruction {told}, for all operands", THROUGH, cases,
        None if loops is not None else "no register is found that counts its loops to an end",
    )  # fmt: skip


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


def _left(subject: Subject, busy: Lane, lane: Lane) -> str | None:
    """What is wrong if a working lane may be a one when an instruction has ended."""
    following = _following(subject)
    meaning = Meaning(Diagrams(), {})
    space = meaning.space
    ended = space.negated(meaning.lane(following[busy]))
    made = _gated(subject, meaning, following[lane])
    before = _working(subject, meaning, busy)
    try:
        left = space.times(space.times(before, ended), made)
        fault = possible(subject, meaning, left)
    except TooLarge as error:
        return f"`{lane}`: {error}"
    return f"`{lane}` may be left" if fault else None


def _gated(subject: Subject, meaning: Meaning, lane: Lane) -> int:
    """A condition that holds wherever a lane is made a one: one of its gates is open."""
    signal = subject.definitions.get(lane)
    if signal is None or signal.linear:
        return meaning.lane(lane)
    meaning.arrange(signal)
    gates = (meaning.condition(term.condition) for term in signal.gated)
    return functools.reduce(meaning.space.maximum, gates, meaning.space.zero)


def _working(subject: Subject, meaning: Meaning, busy: Lane) -> int:
    """The condition that a loop begins busy and not halted, or with nothing left."""
    space = meaning.space
    goes_on, clean = meaning.lane(busy), space.one
    if subject.circuit.halted is not None:
        goes_on = space.times(goes_on, space.negated(meaning.lane(subject.circuit.halted)))
    for word in subject.circuit.working:
        for lane in word:
            clean = space.times(clean, space.negated(meaning.lane(lane)))
    return space.maximum(goes_on, clean)


def _longest(subject: Subject, busy: Lane) -> tuple[int | None, int]:
    """The most loops of an instruction, by some register that counts; the cases looked at."""
    cases = 0
    words = [w for w in subject.circuit.working if len(w) <= _WIDEST and busy not in w.lanes]
    for word in sorted(words, key=len, reverse=True):
        steps = {n: _nexts(subject, busy, word, n) for n in range(1 << len(word))}
        first = _nexts(subject, busy, word, None)
        cases += len(steps) + 1
        if None not in steps.values() and first is not None:
            known = {n: found or () for n, found in steps.items()}
            loops = _path(known, first)
            if loops is not None:
                return 1 + loops, cases
    return None, cases


def _nexts(subject: Subject, busy: Lane, word: Word, number: int | None) -> tuple[int, ...] | None:
    """The values that a register may have after a loop that goes on, if it has this one before it
    in a loop that went on; or after the first loop (None). None if that is not to be told."""
    meaning = Meaning(Diagrams(), {})
    space = meaning.space
    following = _following(subject)
    held = {busy: number is not None}
    for i, lane in enumerate(word if number is not None else ()):
        held[lane] = bool((number or 0) >> i & 1)
    condition = meaning.lane(following[busy])
    for lane, one in held.items():
        condition = space.times(condition, _signed(meaning, lane, one))
    try:
        return tuple(_values(subject, meaning, condition, [following[lane] for lane in word]))
    except TooLarge:
        return None


def _values(subject: Subject, meaning: Meaning, condition: int, lanes: list[Lane]) -> Iterator[int]:
    """The numbers that lanes may hold where a condition holds, the highest bit first."""
    if not possible(subject, meaning, condition):
        return
    if not lanes:
        yield 0
        return
    top = len(lanes) - 1
    for one in (0, 1):
        narrowed = meaning.space.times(condition, _signed(meaning, lanes[top], bool(one)))
        for rest in _values(subject, meaning, narrowed, lanes[:top]):
            yield rest | one << top


def _signed(meaning: Meaning, lane: Lane, one: bool) -> int:
    held = meaning.lane(lane)
    return held if one else meaning.space.negated(held)


def _path(steps: Mapping[int, tuple[int, ...]], first: tuple[int, ...]) -> int | None:
    """The number of values on the longest path from the first ones, None if there is a cycle."""
    open_values: set[int] = set()

    @functools.cache
    def longest(value: int) -> int | None:
        if value in open_values:
            return None
        open_values.add(value)
        lengths = [longest(following) for following in steps[value]]
        open_values.discard(value)
        known = [length for length in lengths if length is not None]
        return None if len(known) < len(lengths) else 1 + max(known, default=0)

    lengths = [longest(value) for value in first]
    known = [length for length in lengths if length is not None]
    return None if len(known) < len(lengths) else max(known, default=0)
