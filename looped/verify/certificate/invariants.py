"""Invariants: what holds in the first state, and after a loop if it held before it.

The proof is about the circuit alone. Other claims prove that the weights do what the circuit says
in states in which the invariants hold. The induction over loops needs both.
"""

from __future__ import annotations

from collections.abc import Iterator

from looped.artefact.embedding import embed_compact
from looped.circuit.circuit import Invariant, Write
from looped.circuit.signals import Condition
from looped.circuit.words import ONE, Form, Lane, Word
from looped.diagrams import Diagrams, Node, TooLarge
from looped.image import Regions
from looped.passes.allocate import VALUE
from looped.verify.certificate.claims import FROM_DEFINITIONS, Claim
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.semantics import CircuitSemantics

__all__ = ["broken", "invariant_claims"]


def invariant_claims(context: ProofContext) -> Iterator[Claim]:
    """A claim for each invariant of the circuit, and one about a register that stays zero."""
    bases = Regions.of(context.plan.parameters).bases
    starts = [_first_state(context, column, base) for column in context.plan.cpus for base in bases]
    for invariant in context.circuit.invariants:
        begins = all(_holds(invariant.condition, start) for start in starts)
        fault = None if begins else "it does not hold at the beginning"
        yield Claim(
            None, "registers",
            f"{invariant.name}: where a program begins at a word of memory, and after every loop",
            FROM_DEFINITIONS, 1, fault or broken(context, invariant),
        )  # fmt: skip
    if context.circuit.zero_register:
        faults = [_first_x0(context), *(_writes_x0(context, w) for w in context.circuit.writes)]
        yield Claim(
            None, "x0", "is zero at the beginning, and nothing is ever written to it",
            FROM_DEFINITIONS, len(faults), next((f for f in faults if f), None),
        )  # fmt: skip


def _first_state(context: ProofContext, column: int, base: int) -> dict[Lane, int]:
    """What the lanes of registers hold in a CPU column before a program begins in the region from
    `base` on, apart from those of its entry and of pins, which the host sets."""
    plan = context.plan
    cpu = embed_compact((), plan, None if plan.baked else base).column(column)
    held = {ONE: 1}
    for register in context.circuit.registers:
        if register.following is None and not _is_mask(context, register.word):
            continue
        places = plan.words[register.name]
        held |= {lane: int(cpu[i]) for lane, i in zip(register.word, places, strict=True)}
    for lane in _entry(context):
        del held[lane]
    return held


def _is_mask(context: ProofContext, word: Word) -> bool:
    """Whether a register is the mask of the workers, which nobody ever changes."""
    workers = context.circuit.workers
    return workers is not None and word == workers.mask


def _entry(context: ProofContext) -> Iterator[Lane]:
    """The lanes of `pc` that are open where a program begins: those that fetches read, but the
    one that selects a region."""
    pc = next(r.word for r in context.circuit.registers if r.name == "pc")
    addresses = {lane for read in context.circuit.reads for lane in read.lanes()}
    regions = Regions.of(context.plan.parameters)
    if len(regions.bases) > 1:
        addresses.discard(pc[regions.selector])
    places = [i for i, lane in enumerate(pc) if lane in addresses] or [0, len(pc) - 1]
    yield from pc.lanes[places[0] : places[-1] + 1]


def _holds(condition: Condition, lanes: dict[Lane, int]) -> bool:
    """Whether a condition holds for all signs of the lanes that `lanes` leaves open."""
    unknown = sum(abs(c) for lane, c in condition.form.terms.items() if lane not in lanes)
    known = sum(c * lanes[lane] for lane, c in condition.form.terms.items() if lane in lanes)
    return condition.form.constant + known - unknown >= condition.threshold


def broken(context: ProofContext, invariant: Invariant) -> str | None:
    """Why an invariant may fail after a loop that begins with all invariants, or None."""
    semantics = CircuitSemantics(Diagrams(), {})
    becomes = {
        old: _set_by_host(old) if new == old else new for old, new in context.next_lanes().items()
    }
    if context.circuit.workers is not None:
        becomes |= {lane: lane for lane in context.circuit.workers.mask}
    form = invariant.condition.form
    terms = {becomes.get(lane, lane): factor for lane, factor in form.terms.items()}
    after = semantics.condition(
        Condition(Form(terms, form.constant), invariant.condition.threshold)
    )
    return _possibly(context, semantics, semantics.space.negated(after), "it may fail after a loop")


def _set_by_host(pin: Lane) -> Lane:
    """A new variable for a pin after the loop: the host may set either sign."""
    return Lane(pin.word, -1 - pin.index)


def _first_x0(context: ProofContext) -> str | None:
    plan = context.plan
    first = embed_compact((), plan).column(plan.memory)[list(plan.words[VALUE])]
    return "it is not zero at the beginning" if (first > 0).any() else None


def _writes_x0(context: ProofContext, write: Write) -> str | None:
    """Whether a write may go to register 0."""
    if write.in_registers is None:
        return None
    semantics = CircuitSemantics(Diagrams(), {})
    space = semantics.space
    hit = space.one
    for lane in (*write.in_registers, *(write.when or ())):
        hit = space.times(hit, semantics.lane(lane))
    for lane in write.address:
        hit = space.times(hit, space.negated(semantics.lane(lane)))
    return _possibly(context, semantics, hit, f"`{write.name}` may write to it")


def _possibly(
    context: ProofContext, semantics: CircuitSemantics, condition: Node, fault: str
) -> str | None:
    try:
        return fault if possible(context, semantics, condition) else None
    except TooLarge as error:
        return f"{fault}: {error}"
