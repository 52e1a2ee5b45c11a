"""Several CPU columns: they take the same loops, and no two of them write to one column.

The claims are about the circuit, with the count of workers that the plan says. They hold for any
two workers, so for all of them. Other claims tie circuit and weights together for each worker, with
any mask, and whatever the others have written to memory before the loop: an instruction ends, an
invariant holds, a lane is a bit. `attention` says why each head attends to the same columns as
beside one worker alone; for that it needs that no two workers write to one column in a loop, in no
state in which their numbers differ.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from looped.artefact.embedding import embed_compact, read_word
from looped.circuit.circuit import Write
from looped.circuit.words import Lane
from looped.diagrams import Diagrams, Node, TooLarge
from looped.verify.certificate.agreement import Agreement, agreement, mask_signs, numbering
from looped.verify.certificate.claims import FROM_DEFINITIONS, LAYOUT, Claim
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.semantics import CircuitSemantics
from looped.verify.certificate.stages import conjoined
from looped.verify.certificate.two_workers import TwoWorkers

__all__ = ["worker_claims"]


def worker_claims(context: ProofContext) -> Iterator[Claim]:
    """The claims about a machine with more than one CPU column."""
    workers, count = context.plan.workers, len(context.plan.cpus)
    if workers is None or count == 1:
        return
    yield Claim(
        None, "workers", f"{count} workers begin with their numbers, from 0 on, and agree in all "
        f"else; `{workers.mask}` is {count - 1}", LAYOUT, count * context.plan.d_model,
        _beginning(context),
    )  # fmt: skip
    found = agreement(context)
    own = numbering(context)
    bits = f"bit 0 of `{workers.number}`" if len(own) == 1 else (
        f"bits 0 to {len(own) - 1} of `{workers.number}`"
    )  # fmt: skip
    yield Claim(
        None, "workers", f"{bits}, in which they have their numbers, never change",
        FROM_DEFINITIONS, len(own), _changes(found, own),
    )  # fmt: skip
    yield Claim(
        None, "workers", f"take the same loops: {_names(_decisive(context))} agree in all of "
        f"them, as do all registers but {_names(found.registers)}", FROM_DEFINITIONS,
        len(context.next_lanes()), _parts(context, found),
    )  # fmt: skip
    writes = context.circuit.writes
    yield Claim(
        None, "workers", "no two of them write to one column in the same loop", FROM_DEFINITIONS,
        len(writes) ** 2, _meeting(TwoWorkers.of(found), own),
    )  # fmt: skip


def _beginning(context: ProofContext) -> str | None:
    """What is wrong with the CPU columns as a program begins, or None."""
    plan, workers = context.plan, context.plan.workers
    assert workers is not None
    empty = embed_compact((), plan)
    x = np.stack([empty.column(cpu) for cpu in plan.cpus])
    number, mask = (list(plan.words[name]) for name in (workers.number, workers.mask))
    if not np.array_equal(read_word(x[:, number]), np.arange(workers.count)):
        return f"`{workers.number}` is not the number of each worker"
    if not (read_word(x[:, mask]) == workers.count - 1).all():
        return f"`{workers.mask}` is not the count of workers - 1"
    differ = {int(lane) for lane in np.flatnonzero((x != x[0]).any(axis=0))}
    return "they differ in other lanes" if differ - {*number} else None


def _decisive(context: ProofContext) -> set[Lane]:
    """The lanes of registers that say which loops a machine takes, and what its host does."""
    circuit = context.circuit
    names = {"pc"}
    if circuit.ports.trap is not None:
        names |= {circuit.ports.trap.trap, circuit.ports.trap.cause}
    found = {lane for r in circuit.registers if r.name in names for lane in r.word}
    return found | {lane for lane in (circuit.halted, circuit.busy) if lane is not None}


def _names(lanes: set[Lane] | frozenset[Lane]) -> str:
    return ", ".join(f"`{name}`" for name in sorted({lane.word for lane in lanes}))


def _parts(context: ProofContext, found: Agreement) -> str | None:
    """A register that says which loops a machine takes, in which workers may differ, or None."""
    lanes = sorted(_decisive(context) & found.registers, key=str)
    return f"`{lanes[0]}` may differ between workers" if lanes else None


def _changes(found: Agreement, own: tuple[Lane, ...]) -> str | None:
    """A bit of the numbers of workers that a loop may change, or None."""
    following = found.context.next_lanes()
    for lane in own:
        semantics = CircuitSemantics(Diagrams(), {})
        old, new = semantics.lane(lane), semantics.lane(following[lane])
        changed = semantics.space.negated(semantics.space.equals(old, new))
        if _possible(found.context, semantics, changed):
            return f"`{lane}` may change"
    return None


def _meeting(two: TwoWorkers, own: tuple[Lane, ...]) -> str | None:
    """Two writes by which workers with different numbers may meet in a column, or None."""
    context, writes = two.context(), two.agreement.context.circuit.writes
    for write in writes:
        for other in writes:
            semantics = CircuitSemantics(Diagrams(), {})
            if _possible(context, semantics, _meet(two, semantics, write, other, own)):
                return f"`{write.name}` of a worker may meet `{other.name}` of another"
    return None


def _meet(
    two: TwoWorkers, semantics: CircuitSemantics, one: Write, other: Write, own: tuple[Lane, ...]
) -> Node:
    """The condition that the numbers of two workers differ, and that one writes by one statement
    where the other writes by another."""
    space = semantics.space
    numbers = [(lane, two.other(lane)) for lane in own]
    places = [(a, two.other(b)) for a, b in zip(one.address, other.address, strict=True)]
    for pair in (*places, *numbers):
        for lane in pair:
            semantics.touch(lane)
    meet = space.negated(_same(semantics, numbers))
    meet = space.times(meet, _same(semantics, places))
    for lane in (*(one.when or ()), *(two.other(b) for b in other.when or ())):
        meet = space.times(meet, semantics.lane(lane))
    files = [semantics.lane(one.in_registers[0]) if one.in_registers else space.zero]
    files += [
        semantics.lane(two.other(other.in_registers[0])) if other.in_registers else space.zero
    ]
    return space.times(meet, space.equals(*files))


def _same(semantics: CircuitSemantics, pairs: list[tuple[Lane, Lane]]) -> Node:
    """The condition that two words are equal."""
    total = semantics.space.one
    for a, b in pairs:
        equal = semantics.space.equals(semantics.lane(a), semantics.lane(b))
        total = semantics.space.times(total, equal)
    return total


def _possible(context: ProofContext, semantics: CircuitSemantics, condition: Node) -> bool:
    """Whether a condition may hold in a loop; it may if the proof is too large."""
    try:
        condition = conjoined(semantics, condition, mask_signs(context))
        return possible(context, semantics, condition)
    except TooLarge:
        return True
