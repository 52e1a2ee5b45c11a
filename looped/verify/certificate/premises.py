"""Premises: what must hold before any other claim about a machine can be stated.

Plan, circuit and weights may come from anywhere. The plan must match the circuit, word by word. No
word may have the name or the lanes of another. Weights must be finite and have the planned shapes.
Hosts and engines trust the plan: which lanes hold a word, which lane says that the machine has
halted, how many columns there are. So this file compares all of that with the circuit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from looped.artefact.plan import CompiledMachine, Plan
from looped.artefact.validity import check_plan
from looped.circuit.circuit import Circuit
from looped.circuit.words import ONE, Lane, Word
from looped.errors import CompileError
from looped.passes.allocate import (
    VALUE,
    Layout,
    allocate,
    planned_occupants,
    static_words,
    word_formats,
)
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import schedule
from looped.precision import PRECISIONS
from looped.verify.certificate.claims import LAYOUT, Claim
from looped.verify.certificate.explanation import explanation_faults
from looped.verify.certificate.snaps import snap_faults

__all__ = ["planned_words", "premise_claims"]


def premise_claims(
    machine: CompiledMachine, circuit: Circuit, code: frozenset[int] | None = None
) -> tuple[Claim, ...]:
    """The claims that all others presuppose, up to the first that fails.

    `code` lists the addresses of the words that a baked circuit contains, None if it is universal.
    """
    claims: list[Claim] = []
    for part, statement, cases, faults in _premises(machine, circuit, code):
        fault = next(iter(faults), None)
        claims.append(Claim(None, part, statement, LAYOUT, cases, fault))
        if fault is not None:
            break
    return tuple(claims)


def _premises(
    machine: CompiledMachine, circuit: Circuit, code: frozenset[int] | None
) -> Iterator[tuple[str, str, int, Iterable[str]]]:
    plan = machine.plan
    made = list(_made(circuit))
    yield (
        "names", "no two words of the circuit share a name, and none has a reserved one; every "
        "lane in use is made", len(made), _name_faults(circuit, made),
    )  # fmt: skip
    yield (
        "weights", "are finite, float32, and as many as the plan says", len(machine.weights),
        _weight_faults(machine),
    )  # fmt: skip
    if plan.architecture.snap:
        yield (
            "snap", "sets every lane that a weight may write to ±1, and changes no other",
            len(plan.snapped) * len(plan.blocks), snap_faults(plan, machine.arrays),
        )  # fmt: skip
    scheduled = schedule(fuse_reads(circuit))
    layout = allocate(scheduled)
    yield (
        "plan", "matches the circuit: sizes, words, and the lanes that hosts read",
        len(plan.words),
        itertools.chain(
            _code_faults(plan, code), _plan_faults(plan, circuit, layout, scheduled.blocks)
        ),
    )  # fmt: skip
    yield (
        "explanation", "names the words of the circuit that heads and hidden units read and write",
        len(plan.blocks), explanation_faults(plan, scheduled, layout),
    )  # fmt: skip


def planned_words(circuit: Circuit, layout: Layout) -> dict[str, tuple[int, ...]]:
    """The lanes of each word that exists between loops, by circuit and layout."""
    words = {_own_name(word): word for word in static_words(circuit)}
    words[VALUE] = Word.of(VALUE, circuit.width)
    words |= {r.name: r.following or r.word for r in circuit.registers}
    return {name: tuple(layout.index[lane] for lane in word) for name, word in words.items()}


def _own_name(word: Word) -> str:
    return word.lanes[0].word


def _made(circuit: Circuit) -> Iterator[Lane]:
    """Every lane once for each statement that makes it."""
    for word in (*static_words(circuit), Word.of(VALUE, circuit.width)):
        yield from word
    for register in circuit.registers:
        yield from register.word
    for read in circuit.reads:
        yield from read.result
    for define in circuit.defines:
        yield from define.target


def _name_faults(circuit: Circuit, made: list[Lane]) -> Iterator[str]:
    seen: set[Lane] = set()
    for lane in made:
        if lane in seen:
            yield f"`{lane}` is made twice"
        seen.add(lane)
    own = {*map(_own_name, static_words(circuit)), VALUE}
    names = [register.name for register in circuit.registers]
    for name in names:
        if name in own or names.count(name) > 1:
            yield f"register `{name}` has the name of another word"
        elif name.startswith("position"):
            yield f"register `{name}` has the name of a position"
    for lane in _used(circuit):
        if lane not in seen:
            yield f"`{lane}` is used but never made"
    between = {ONE, *(lane for register in circuit.registers for lane in register.word)}
    for invariant in circuit.invariants:
        if not between.issuperset(invariant.condition.form.terms):
            yield f"invariant `{invariant.name}` has a lane that belongs to no register"
    yield from _shape_faults(circuit)


def _used(circuit: Circuit) -> Iterator[Lane]:
    for _, lanes in circuit.uses():
        yield from lanes
    for register in circuit.registers:
        yield from register.following or ()
    for invariant in circuit.invariants:
        yield from invariant.condition.form.terms
    yield from (lane for lane in (circuit.halted, circuit.busy) if lane is not None)
    yield from itertools.chain.from_iterable(circuit.scratch)


def _shape_faults(circuit: Circuit) -> Iterator[str]:
    """Faults in the widths of words that a statement combines."""
    for read in circuit.reads:
        if len(read.onto or read.result) != len(read.result):
            yield f"`{read.name}` reads words of another width"
        if not 0 <= read.first < read.first + len(read.result) <= circuit.width:
            yield f"`{read.name}` reads bits that a word does not have"
        if read.when is not None and len(read.when) != 1:
            yield f"`{read.name}` depends on a word that is not one bit"
        if len(read.address) > circuit.address_bits:
            yield f"`{read.name}` has an address that is too wide"
        if read.in_registers and not circuit.register_bits:
            yield f"`{read.name}` reads a register file, but the circuit has none"
    for write in circuit.writes:
        if (len(write.value), len(write.address)) != (circuit.width, circuit.address_bits):
            yield f"`{write.name}` has a word or an address of another width"
    for register in circuit.registers:
        if len(register.following or register.word) != len(register.word):
            yield f"`{register.name}` changes its width"
    for define in circuit.defines:
        if len(define.target) != len(define.value.signals):
            yield f"`{define.name}` has another width than its value"


def _weight_faults(machine: CompiledMachine) -> Iterator[str]:
    try:
        check_plan(machine.plan)
        machine.plan.check_mixer()
    except (ValueError, CompileError) as error:
        yield f"the plan: {error}"
        return
    if not machine.plan.architecture.is_stock:
        yield f"no proof covers {machine.plan.architecture.options}"
        return
    shapes, weights = machine.plan.shapes(), machine.arrays
    for name in sorted({*shapes, *weights}):
        weight = weights.get(name)
        if weight is None or name not in shapes:
            yield f"`{name}` is missing" if weight is None else f"`{name}` is not planned"
        elif weight.shape != shapes[name] or weight.dtype != np.float32:
            yield f"`{name}` has another shape or dtype"
        elif not np.isfinite(weight).all():
            yield f"`{name}` has a weight that is not finite"


def _code_faults(plan: Plan, code: frozenset[int] | None) -> Iterator[str]:
    """Hosts leave the words of a baked program out of memory: they must be in the circuit."""
    if plan.baked != (code is not None):
        yield "it is baked, the circuit is not" if plan.baked else "it is not baked, the circuit is"
    elif set(plan.code) != (code or set()):
        yield "it leaves out other words of a program than the circuit contains"
    if plan.entry and not plan.baked:
        yield "it has an entry, but no program"


def _plan_faults(plan: Plan, circuit: Circuit, layout: Layout, blocks: int) -> Iterator[str]:
    n_registers = 1 << circuit.register_bits if circuit.register_bits else 0
    pairs: Mapping[str, tuple[object, object]] = {
        "machine": (plan.machine, circuit.name),
        "width": (plan.width, circuit.width),
        "memory": (plan.memory, 1 << circuit.address_bits),
        "n_registers": (plan.n_registers, n_registers),
        "has_input": (plan.has_input, circuit.has_input),
        "dtype": (plan.dtype, circuit.precision.name),
        "ports": (plan.ports, circuit.ports),
        "parameters": (dict(plan.parameters), dict(circuit.parameters)),
        "halted": (plan.halted, _settled(circuit, layout, circuit.halted)),
        "busy": (plan.busy, _settled(circuit, layout, circuit.busy)),
        "scratch": (
            sorted(plan.scratch),
            sorted(layout.index[_kept(circuit)[lane]] for word in circuit.scratch for lane in word),
        ),
    }
    if blocks != len(plan.blocks):
        yield f"it has {len(plan.blocks)} blocks, the circuit takes {blocks}"
    for name, (own, expected) in pairs.items():
        if own != expected:
            yield f"`{name}` is {own!r}, but the circuit says {expected!r}"
    yield from _worker_faults(plan, circuit)
    if plan.formats != word_formats(circuit):
        yield "the formats of its words are not those of the circuit"
    if plan.registers != tuple(register.name for register in circuit.registers):
        yield "its registers are not those of the circuit"
    if plan.occupants != planned_occupants(circuit, layout, blocks):
        yield "the occupants of its lanes are not those of the circuit"
    if plan.dtype not in PRECISIONS:
        yield f"there is no dtype `{plan.dtype}`"
    if len(layout) > plan.d_model:
        yield f"it has {plan.d_model} lanes, the circuit takes {len(layout)}"
    yield from _word_faults(plan, planned_words(circuit, layout))


def _worker_faults(plan: Plan, circuit: Circuit) -> Iterator[str]:
    """Whether the registers of workers are those of the circuit; `check_plan` checks the count."""
    own, declared = plan.workers, circuit.workers
    names = None if own is None else (own.number, own.mask)
    if names != (None if declared is None else (declared.number.name, declared.mask.name)):
        yield "its workers are not those of the circuit"
    elif declared is not None:
        kept = [r.word for r in circuit.registers if r.following is None]
        if declared.mask not in kept:
            yield f"`{declared.mask.name}` does not stay what it is"
        if declared.number not in [r.word for r in circuit.registers]:
            yield f"`{declared.number.name}` is not the whole of a register"


def _word_faults(plan: Plan, planned: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    wrong = sorted(n for n in {*planned, *plan.words} if planned.get(n) != plan.words.get(n))
    yield from (f"`{name}` is not where the plan says" for name in wrong)
    owners: dict[int, str] = {}
    for name, lanes in plan.words.items():
        for lane in lanes:
            if lane in owners:
                yield f"`{name}` and `{owners[lane]}` share a lane"
            owners[lane] = name


def _kept(circuit: Circuit) -> dict[Lane, Lane]:
    """Each lane of a register, and the lane that holds its next value."""
    return {
        old: new
        for register in circuit.registers
        for old, new in zip(register.word, register.following or register.word, strict=True)
    }


def _settled(circuit: Circuit, layout: Layout, lane: Lane | None) -> int | None:
    """The index of a lane of a register between loops; -1 for a lane of no register."""
    if lane is None:
        return None
    kept = _kept(circuit).get(lane)
    return -1 if kept is None or lane == ONE else layout.index[kept]
