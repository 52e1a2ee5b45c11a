"""Instructions that take several loops: they end, and leave nothing in the working registers.

Both claims are about the circuit alone, for all operands. A register that counts decides when an
instruction ends. For each value of that register, the proof finds the next values after a loop that
leaves the instruction unfinished. If those steps form no cycle, their longest path bounds the
number of loops. The proof sees through only those lanes that decide about the register and about
`busy`. At the first cycle it tries another register; the work on each is bounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

from looped.artefact.embedding import embed
from looped.circuit.words import Lane, Word
from looped.diagrams import Diagrams, Node, TooLarge, Work
from looped.verify.certificate.claims import FROM_DEFINITIONS, Claim
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.semantics import CircuitSemantics

__all__ = ["instruction_claims"]

_WIDEST = 8
"""The most bits of a register whose values the proof enumerates."""
_STEPS = 1_000_000
"""Steps on diagrams for each of the two claims, and each register that may count: a few seconds."""


def instruction_claims(context: ProofContext) -> Iterator[Claim]:
    """The claims about a machine whose instructions may take several loops."""
    busy = context.circuit.busy
    if busy is None:
        return
    lanes = [lane for word in context.circuit.scratch for lane in word if lane != busy]
    fault = _nonzero_first(context) or _nonzero_last(context, busy, lanes)
    yield Claim(
        None, "working registers", "are zero at the beginning, and after every instruction",
        FROM_DEFINITIONS, 1 + len(lanes), fault,
    )  # fmt: skip
    yield _end(context, busy)


def _end(context: ProofContext, busy: Lane) -> Claim:
    """The claim that every instruction ends, proved by the first register that counts its loops."""
    loops, cases = None, 0
    for word in _counters(context, busy):
        steps = _Steps(context, busy, word, Work(_STEPS))
        try:
            loops = longest(steps.first(), steps.after)
        except TooLarge:
            loops = None
        cases += steps.cases
        if loops is not None:
            break
    bound = f"takes {1 + loops} loops at most" if loops is not None else "ends"
    fault = None if loops is not None else "found no register that counts its loops to an end"
    statement = f"an instruction {bound}, for all operands"
    return Claim(None, "instructions", statement, FROM_DEFINITIONS, cases, fault)


def _counters(context: ProofContext, busy: Lane) -> list[Word]:
    """The registers that may count; those whose next values depend on the fewest lanes come first.

    No pin counts, since its host sets it. If `busy` is a pin, the host decides when the instruction
    ends.
    """
    following = context.next_lanes()
    pins = {old for old, new in following.items() if old == new}
    if busy in pins:
        return []
    words = [
        word
        for word in context.circuit.scratch
        if len(word) <= _WIDEST and busy not in word.lanes and pins.isdisjoint(word)
    ]
    return sorted(words, key=lambda word: len(_cone(context, [following[lane] for lane in word])))


def _cone(context: ProofContext, lanes: list[Lane]) -> set[Lane]:
    """The lanes that some lanes depend on, themselves included, back to the beginning of a loop."""
    cone, pending = set(lanes), list(lanes)
    while pending:
        signal = context.definitions.get(pending.pop())
        new = set(signal.lanes()) - cone if signal is not None else set()
        cone |= new
        pending += new
    return cone


def _nonzero_first(context: ProofContext) -> str | None:
    plan = context.plan
    first = embed((), plan)[plan.cpu, list(plan.scratch)]
    return "they are not zero at the beginning" if (first > 0).any() else None


def _nonzero_last(context: ProofContext, busy: Lane, lanes: list[Lane]) -> str | None:
    """The first working lane that may be a one after an instruction, and why."""
    work = Work(_STEPS)
    for lane in lanes:
        semantics = CircuitSemantics(Diagrams(work), {})
        try:
            if _may_stay(context, semantics, busy, lane):
                return f"`{lane}` may stay a one"
        except TooLarge as error:
            return f"`{lane}`: {error}"
    return None


def _may_stay(context: ProofContext, semantics: CircuitSemantics, busy: Lane, lane: Lane) -> bool:
    """Whether a working lane may be a one after a loop that ends an instruction."""
    following = context.next_lanes()
    space = semantics.space
    ended = space.negated(semantics.lane(following[busy]))
    made = _gated(context, semantics, following[lane])
    before = _unfinished_or_zero(context, semantics, busy)
    return possible(context, semantics, space.times(space.times(before, ended), made))


def _gated(context: ProofContext, semantics: CircuitSemantics, lane: Lane) -> Node:
    """A condition that holds wherever a lane becomes a one: one of its gates is open."""
    signal = context.definitions.get(lane)
    if signal is None or signal.linear:
        return semantics.lane(lane)
    semantics.arrange(signal)
    gates = (semantics.condition(term.condition) for term in signal.gated)
    return functools.reduce(semantics.space.maximum, gates, semantics.space.zero)


def _unfinished_or_zero(context: ProofContext, semantics: CircuitSemantics, busy: Lane) -> Node:
    """The condition that a loop begins with an unfinished instruction, or with all zeros."""
    space = semantics.space
    zeros: dict[object, int] = {lane: -1 for word in context.circuit.scratch for lane in word}
    return space.maximum(semantics.lane(busy), space.threshold(zeros, len(zeros)))


class _Steps:
    """The successive values that a register may have during an instruction.

    `longest` finds each value when it needs it, within a bound on the work, so that it soon
    dismisses a register that does not count. Raises TooLarge beyond the bound.
    """

    def __init__(self, context: ProofContext, busy: Lane, word: Word, work: Work) -> None:
        following = context.next_lanes()
        self.context = context
        self.busy, self.still_busy = busy, following[busy]
        self.word, self.next_word = word, [following[lane] for lane in word]
        self.cases, self.work = 0, work

    def first(self) -> Iterator[int]:
        """The values after the first loop of an instruction, if that leaves it unfinished."""
        return self._values({self.busy: False})

    def after(self, number: int) -> Iterator[int]:
        """The values after a loop that begins with this one, if the instruction is unfinished
        before and after it."""
        held = {lane: bool(number >> i & 1) for i, lane in enumerate(self.word)}
        return self._values({self.busy: True, **held})

    def _values(self, held: Mapping[Lane, bool]) -> Iterator[int]:
        semantics = CircuitSemantics(Diagrams(self.work), {})
        condition = semantics.lane(self.still_busy)
        for lane, one in held.items():
            condition = semantics.space.times(condition, _signed(semantics, lane, one))
        yield from self._split(semantics, condition, len(self.word))

    def _split(self, semantics: CircuitSemantics, condition: Node, bits: int) -> Iterator[int]:
        """The numbers that the lowest bits may hold where a condition holds."""
        self.cases += 1
        if not possible(self.context, semantics, condition):
            return
        if not bits:
            yield 0
            return
        top = bits - 1
        for one in (0, 1):
            held = _signed(semantics, self.next_word[top], bool(one))
            narrowed = semantics.space.times(condition, held)
            for rest in self._split(semantics, narrowed, top):
                yield rest | one << top


def _signed(semantics: CircuitSemantics, lane: Lane, one: bool) -> Node:
    held = semantics.lane(lane)
    return held if one else semantics.space.negated(held)


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
