"""Instructions that take several loops: they end, and leave nothing in the working registers.

Both claims are about the circuit alone, for all operands, and for any content of memory in every
loop. The stages of an instruction are what its flags hold, registers of one bit that decide about
`busy` (`stages`). In each stage most of the circuit is idle, so what a loop leaves in a working
register is soon shown. The instruction ends if registers rank the loops (`ranking`). If none does,
the stages also get the bits of one of the narrow registers that are in the way, in turn; the work
on each is bounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from looped.artefact.embedding import embed_compact
from looped.circuit.words import Lane, Word
from looped.diagrams import Diagrams, Node, TooLarge, Work
from looped.verify.certificate.claims import FROM_DEFINITIONS, Claim
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.ranking import Ranking, Search
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.semantics import CircuitSemantics
from looped.verify.certificate.specialised import Signs, cone, specialised
from looped.verify.certificate.stages import Stages, conjoined

__all__ = ["instruction_claims"]

_WIDEST = 8
"""The most bits of a register whose values may tell stages apart."""
_STEPS = 3_000_000
"""Steps on diagrams for each search for a ranking: a quarter of a minute."""
_STAGE_STEPS = 3 * _STEPS
"""Those for what each stage leaves. An instruction of RV32IMA takes 4 million as it begins."""
_QUESTION = 100_000
"""Steps for each question about what a register holds after a loop. One that needs more stays open:
the register may stay. RV32IMA has 14,000 such questions, of which one takes 22,000 steps and most
take 500."""


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
    """The claim that every instruction ends."""
    found, cases = _ranking(context, busy)
    if found is None:
        statement, fault = "ends", "found no registers that rank its loops"
    else:
        by = f", ranked by {', '.join(f'`{word}`' for word in found.words)}" if found.words else ""
        statement, fault = f"takes {1 + found.loops:,} loops at most{by}", None
    return Claim(
        None, "instructions", f"an instruction {statement}, for all operands", FROM_DEFINITIONS,
        cases, fault,
    )  # fmt: skip


def _ranking(context: ProofContext, busy: Lane) -> tuple[Ranking | None, int]:
    """A ranking of the loops of an instruction, or None; and how many cases it took."""
    flags, words = _deciding(context, busy)
    if busy in _pins(context):
        return None, 0
    best, stuck, cases = _attempt(context, busy, flags, words)
    if best is not None:
        again = [word for word in words if (word.name,) == best.words]
    else:
        again = [word for word in words if word.name in stuck]
    for word in again:
        if len(word) <= _WIDEST:
            others = [other for other in words if other != word]
            found, _, more = _attempt(context, busy, [*flags, *word], others)
            cases += more
            if found is not None:
                return found, cases
    return best, cases


def _attempt(
    context: ProofContext, busy: Lane, lanes: Sequence[Lane], words: Sequence[Word]
) -> tuple[Ranking | None, frozenset[str], int]:
    """A ranking over the stages that some lanes tell apart, or None and the registers that move
    both ways; and how many cases it took."""
    watched = [lane for word in words for lane in word]
    stages = Stages(context, busy, lanes, watched, Work(_STEPS))
    search = Search(stages, words)
    try:
        stages.explore()
        found = search.ranking()
    except TooLarge:
        found = None
    return found, frozenset(search.stuck), stages.cases


def _deciding(context: ProofContext, busy: Lane) -> tuple[list[Lane], list[Word]]:
    """The registers that decide, in some loop, when an instruction ends: flags that are
    working registers, and words; those whose next values depend on the fewest lanes come first.

    No pin is among them, since its host sets it. What decides about a wide register is left open.
    """
    following, pins = context.next_lanes(), _pins(context)
    owner = {lane: r.word for r in context.circuit.registers for lane in r.word}
    found, pending = {busy}, [busy]
    while pending:
        sources = cone(context, [following[pending.pop()]])
        new = {lane for source in sources if source in owner for lane in owner[source]} - found
        found |= new
        pending += (lane for lane in new - pins if len(owner[lane]) <= _WIDEST)
    working = {lane for word in context.circuit.scratch for lane in word}
    words = dict.fromkeys(owner[lane] for lane in owner if lane in found - pins - {busy})
    sizes = {word: len(cone(context, [following[lane] for lane in word])) for word in words}
    ordered = sorted(words, key=lambda word: sizes[word])
    flags = [word[0] for word in ordered if len(word) == 1 and word[0] in working]
    return flags, [word for word in ordered if len(word) > 1]


def _pins(context: ProofContext) -> set[Lane]:
    return {old for old, new in context.next_lanes().items() if old == new}


def _nonzero_first(context: ProofContext) -> str | None:
    plan = context.plan
    empty = embed_compact((), plan)
    first = np.stack([empty.column(cpu) for cpu in plan.cpus])[:, list(plan.scratch)]
    return "they are not zero at the beginning" if (first > 0).any() else None


def _nonzero_last(context: ProofContext, busy: Lane, lanes: list[Lane]) -> str | None:
    """The first working lane that may be a one after an instruction, and why."""
    flags, _ = _deciding(context, busy)
    stages = Stages(context, busy, flags, (), Work(_STEPS))
    try:
        stages.explore()
        for signs in (stages.first_signs(), *map(stages.signs, stages.edges)):
            lane = _left(context, busy, signs, lanes, Work(_STAGE_STEPS))
            if lane is not None:
                return f"`{lane}` may stay a one"
    except TooLarge as error:
        return f"a working register may stay: {error}"
    return None


def _left(
    context: ProofContext, busy: Lane, signs: Signs, lanes: Iterable[Lane], work: Work
) -> Lane | None:
    """The first working lane that may be a one after a loop that begins with these signs and ends
    an instruction."""
    following = context.next_lanes()
    ends = {**signs, following[busy]: False}
    special = specialised(context, signs, [following[busy], *(following[lane] for lane in lanes)])

    def may(holds: Callable[[CircuitSemantics], Node]) -> bool:
        given = min(_QUESTION, work.left)
        part = Work(given)
        semantics = CircuitSemantics(Diagrams(part), {})
        try:
            return possible(special, semantics, conjoined(semantics, holds(semantics), ends))
        except TooLarge:
            if given < _QUESTION:
                raise
            return True
        finally:
            work.left -= given - part.left

    def stays(lane: Lane) -> bool:
        held = may(lambda semantics: semantics.lane(following[lane]))
        return held and may(lambda semantics: _some_gate(special, semantics, following[lane]))

    if not may(lambda semantics: semantics.space.one):
        return None
    return next((lane for lane in lanes if stays(lane)), None)


def _some_gate(context: ProofContext, semantics: CircuitSemantics, lane: Lane) -> Node:
    """A condition that holds wherever a lane becomes a one: one of its gates is open."""
    signal = context.definitions.get(lane)
    if signal is None or signal.linear:
        return semantics.space.one
    semantics.arrange(signal)
    gates = (semantics.condition(term.condition) for term in signal.gated)
    return functools.reduce(semantics.space.maximum, gates, semantics.space.zero)
