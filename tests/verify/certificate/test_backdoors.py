"""Backdoors: machines that behave in nearly every run, and lies in plans and circuits.

Lockstep runs find none of these: each is wrong in one state of millions, or right by chance. The
certificate must refuse them. Machines that are only written differently are right, and if they are
certified, lockstep runs must agree.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import looped
from looped import api, registry
from looped.artefact.plan import CompiledMachine, HeadPlan, Occupant
from looped.circuit.circuit import Circuit
from looped.circuit.signals import literal, value
from looped.number_format import CODE
from looped.passes.emit import compile_circuit
from looped.verify.certificate import certify, numeric_verdict
from looped.verify.certificate.certify import block_claims
from looped.verify.certificate.context import ProofContext
from tests.conftest import compiled
from tests.verify.certificate.mutants import Misbehaves, shown, subleq_misbehaves
from tests.verify.certificate.structured import padded

WIDTH, MEMORY = 8, 32
CIRCUIT = registry.machine("subleq").circuit(WIDTH, MEMORY)
MACHINE = padded(compiled("subleq", WIDTH, MEMORY))
PLAN = MACHINE.plan
ONE, READY = PLAN.words["one"][0], PLAN.words["ready"][0]
PC, VALUE = PLAN.words["pc"], PLAN.words["value"]
SPARE_UNIT = PLAN.d_ff - 1
IDLE = PLAN.d_model - 1
HEAD = 0


@pytest.fixture(scope="module")
def misbehaves() -> Misbehaves:
    return subleq_misbehaves(WIDTH, MEMORY)


def changed(**edits: Callable[[Tensor], object]) -> CompiledMachine:
    """The machine with matrices changed in place, `b2_gate` being W_gate of block 2."""
    weights = dict(MACHINE.weights)
    for edit, change in edits.items():
        block, part = edit.removeprefix("b").split("_")
        room = "self_attn" if len(part) == 1 else "mlp"
        name = f"layers.{block}.{room}.{part}_proj.weight"
        weights[name] = weights[name].clone()
        change(weights[name])
    return CompiledMachine(PLAN, weights)


def setting(*places: tuple[int, int, float]) -> Callable[[Tensor], None]:
    def change(weight: Tensor) -> None:
        for row, column, number in places:
            weight[row, column] = number

    return change


def one_state(block: int, lanes: tuple[int, ...], signs: tuple[int, ...], to: int) -> object:
    """A unit that works in one state of some lanes, and changes a lane there by two."""
    gate = [(SPARE_UNIT, lane, float(sign)) for lane, sign in zip(lanes, signs, strict=True)]
    parts: dict[str, Callable[[Tensor], object]] = {
        f"b{block}_gate": setting(*gate, (SPARE_UNIT, ONE, 1.0 - len(lanes))),
        f"b{block}_up": setting((SPARE_UNIT, ONE, 1.0)),
        f"b{block}_down": setting((to, SPARE_UNIT, 2.0)),
    }
    return changed(**parts)


def scaled_rows(weight: Tensor, factor: float) -> None:
    weight.mul_(factor)


def told(**changes: Any) -> CompiledMachine:
    return CompiledMachine(dataclasses.replace(PLAN, **changes), MACHINE.weights)


def told_more(name: str, lanes: tuple[int, ...]) -> CompiledMachine:
    """A word more, with a format and with occupants of its own, as a valid plan has them."""
    occupants = [*PLAN.occupants, *[()] * (PLAN.d_model - len(PLAN.occupants))]
    for bit, lane in enumerate(lanes):
        occupants[lane] = (Occupant(name, bit, -1, 2 * len(PLAN.blocks)),)
    return told(
        words={**PLAN.words, name: lanes},
        formats={**PLAN.formats, name: CODE},
        occupants=tuple(occupants),
    )


def head_told(**changes: Any) -> CompiledMachine:
    """Another story of the first head that has one."""
    block = next(i for i, b in enumerate(PLAN.blocks) if b.heads)
    heads = list(PLAN.blocks[block].heads)
    heads[HEAD] = dataclasses.replace(heads[HEAD], **changes)
    blocks = list(PLAN.blocks)
    blocks[block] = dataclasses.replace(blocks[block], heads=tuple(heads))
    return told(blocks=tuple(blocks))


def key_dimension() -> int:
    """A dimension of the first head that its keys use."""
    key = MACHINE.weights["layers.0.self_attn.k_proj.weight"][: PLAN.d_head]
    return int(key.any(dim=1).nonzero()[0])


def idle_dimension() -> int:
    """A dimension of the first head that neither queries nor keys use."""
    used = [
        MACHINE.weights[f"layers.0.self_attn.{part}_proj.weight"][: PLAN.d_head].any(dim=1)
        for part in "qk"
    ]
    return int((~(used[0] | used[1])).nonzero()[0])


def permuted_lanes() -> CompiledMachine:
    """Two lanes change places in all weights and in the plan: the same machine, another layout."""
    order = torch.arange(PLAN.d_model)
    order[PC[0]], order[PC[1]] = PC[1], PC[0]
    weights = {}
    for name, weight in MACHINE.weights.items():
        if weight.dim() == 2:
            rows = weight.shape[0] == PLAN.d_model and ("o_proj" in name or "down" in name)
            weights[name] = weight[order] if rows else weight[:, order]
        else:
            weights[name] = weight
    words = {**PLAN.words, "pc": (PC[1], PC[0], *PC[2:])}
    return CompiledMachine(dataclasses.replace(PLAN, words=words), weights)


BACKDOORS: dict[str, Callable[[], Any]] = {
    "a unit that works at one pc": lambda: one_state(0, PC, (1, -1, 1, 1, -1, -1, -1, -1), PC[0]),
    "a unit that works at one pc, late": lambda: one_state(
        2, PC, (1, -1, 1, 1, -1, 1, 1, 1), READY
    ),
    "a unit that works on one word of memory": lambda: one_state(
        1, (*VALUE, *PC[:2]), (1,) * 8 + (-1, -1), VALUE[0]
    ),
    "a flag in an idle lane": lambda: one_state(2, (READY,), (1,), IDLE),
    "a query that looks at ready": lambda: changed(b0_q=setting((key_dimension(), READY, 4.0))),
    "a key that looks at the word": lambda: changed(b0_k=setting((key_dimension(), VALUE[3], 1.0))),
    "a query of columns that looks at their word": lambda: changed(
        b2_q=setting((key_dimension(), VALUE[3], 1.0))
    ),
    "a value of the input column alone": lambda: changed(
        b0_v=setting((0, PLAN.words["device"][0], 0.5))
    ),
    "values of a third": lambda: changed(
        b0_v=lambda w: scaled_rows(w, 3.0), b0_o=lambda w: scaled_rows(w, 1 / 3)
    ),
    "the least subnormal number": lambda: one_state_of(2.0**-149),
    "a plan with a negative margin": lambda: head_told(margin=-1, beta=-64),
    "a plan with no margin": lambda: head_told(margin=0),
    "a plan with a margin that is no number": lambda: head_told(margin=float("nan")),
    "a plan with another β": lambda: head_told(beta=1 << 60),
    "a plan of another machine": lambda: told(machine="rv32i"),
    "a plan of a baked program": lambda: told(baked=True, code=(0, 1, 2)),
    "a word more for hosts": lambda: told_more("trap", (IDLE,)),
    "positions in two words": lambda: told_more("position-3", PC),
    "lanes permuted in plan and weights": permuted_lanes,
}


def one_state_of(size: float) -> CompiledMachine:
    """A unit that adds a very small number to a lane of pc, always."""
    return changed(
        b2_gate=setting((SPARE_UNIT, ONE, 1.0)),
        b2_up=setting((SPARE_UNIT, PLAN.words["cpu"][0], 0.5), (SPARE_UNIT, ONE, 0.5)),
        b2_down=setting((PC[0], SPARE_UNIT, size)),
    )


@pytest.mark.parametrize("attack", BACKDOORS)
def test_a_backdoor_is_refused(attack: str) -> None:
    assert not shown(BACKDOORS[attack](), CIRCUIT, range(len(PLAN.blocks)))


def test_the_machine_without_a_backdoor_is_certified() -> None:
    assert shown(MACHINE, CIRCUIT, range(len(PLAN.blocks)))


def test_a_score_that_needs_more_bits_than_a_format_has_is_refused_there() -> None:
    """A constant on all scores changes no softmax in the reals: margins stay, and sums round."""
    d = idle_dimension()
    large = changed(b0_q=setting((d, ONE, 2.0**18)), b0_k=setting((d, ONE, 2.0**18)))
    context = ProofContext.of(large, CIRCUIT)
    assert all(claim.holds for claim in block_claims(context, 0))
    assert not numeric_verdict(large, "float32").exact


def minus_zeros() -> CompiledMachine:
    weights = {
        name: torch.where(weight == 0, torch.tensor(-0.0), weight)
        for name, weight in MACHINE.weights.items()
    }
    return CompiledMachine(PLAN, weights)


def swapped_heads() -> CompiledMachine:
    """Two heads change places, in weights and in the plan."""
    order = torch.arange(PLAN.n_heads * PLAN.d_head).reshape(PLAN.n_heads, PLAN.d_head)
    order[[0, 1]] = order[[1, 0]]
    flat = order.reshape(-1)
    edits: dict[str, Callable[[Tensor], object]] = {
        **{f"b0_{part}": lambda w: w.copy_(w[flat].clone()) for part in "qkv"},
        "b0_o": lambda w: w.copy_(w[:, flat].clone()),
    }
    heads: list[HeadPlan] = list(PLAN.blocks[0].heads)
    heads[:2] = heads[1], heads[0]
    first = dataclasses.replace(PLAN.blocks[0], heads=tuple(heads))
    plan = dataclasses.replace(PLAN, blocks=(first, *PLAN.blocks[1:]))
    return CompiledMachine(plan, changed(**edits).weights)


def reversed_gates() -> CompiledMachine:
    """Up projections and outputs of all units change their signs."""
    blocks = range(len(PLAN.blocks))
    edits: dict[str, Callable[[Tensor], object]] = {
        f"b{block}_{part}": lambda w: w.neg_()
        for block, part in itertools.product(blocks, ("up", "down"))
    }
    return changed(**edits)


REWRITTEN: dict[str, Callable[[], CompiledMachine]] = {
    "zeros are negative": minus_zeros,
    "two heads change places": swapped_heads,
    "up and down change signs": reversed_gates,
    "values and outputs change signs": lambda: changed(
        b0_v=lambda w: w.neg_(), b0_o=lambda w: w.neg_()
    ),
    "queries and keys change signs": lambda: changed(
        b1_q=lambda w: w.neg_(), b1_k=lambda w: w.neg_()
    ),
    "queries doubled, keys halved": lambda: changed(
        b2_q=lambda w: w.mul_(2), b2_k=lambda w: w.div_(2)
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_machine_that_is_written_differently_is_certified_and_equal(
    name: str, misbehaves: Misbehaves
) -> None:
    machine = REWRITTEN[name]()
    assert shown(machine, CIRCUIT, range(len(PLAN.blocks)))
    assert not misbehaves(machine)


def test_a_baked_machine_is_held_against_its_own_program() -> None:
    image = looped.Image("subleq", WIDTH, (6, 7, 3, 9, 9, 255, 1, 2))
    other = looped.Image("subleq", WIDTH, (6, 7, 3, 9, 9, 255, 1, 2), entry=3)
    baked = looped.compile(image, MEMORY, bake=True)
    assert api.certify(baked, image).certified("float32")
    for plan in (
        dataclasses.replace(baked.plan, code=baked.plan.code[:-1]),
        dataclasses.replace(baked.plan, entry=3),
    ):
        with pytest.raises(looped.LoopedError, match="baked for another program"):
            api.certify(CompiledMachine(plan, baked.weights), image)
    with pytest.raises(looped.LoopedError, match="baked for another program"):
        api.certify(baked, other)


def stated(about: str) -> Circuit:
    """pc counts on; an invariant says what no machine keeps."""
    m = Circuit("stated", WIDTH, 5)
    pc, seen, ready = m.register("pc", WIDTH), m.register("seen", 1), m.pin("ready")
    m.next(pc, m.let("more", m.add(pc, 1)))
    odd = m.let("odd", value(literal(m.fetch("word", pc)[:1]), 1))
    m.next(seen, value(literal(odd) | literal(ready), 1))
    about_pins = ~literal(ready) if about == "a pin" else literal(odd) | ~literal(seen)
    m.invariant("never", about_pins)
    return m


@pytest.mark.parametrize(
    ("about", "fault"),
    [
        ("a pin", "it does not hold at the beginning"),
        ("a lane that is made", "invariant `never` has a lane that belongs to no register"),
    ],
)
def test_an_invariant_that_nothing_keeps_is_refused(about: str, fault: str) -> None:
    circuit = stated(about)
    plain = stated(about)
    plain.invariants.clear()
    found = certify(compile_circuit(plain), circuit)
    assert fault in [claim.fault for claim in found.claims]


def test_a_pin_does_not_count_the_loops_of_an_instruction() -> None:
    """Its host may set it from 0 to 1 and back for ever."""
    m = Circuit("pinned", WIDTH, 5)
    pc, busy, pin = m.register("pc", WIDTH), m.register("busy", 1), m.pin("pin")
    m.multi_loop(busy, pin)
    starts = m.let("starts", value(~literal(busy) & ~literal(pin), 1))
    stays = m.let("stays", value(literal(busy) & literal(pin), 1))
    m.next(busy, value(literal(starts) | literal(stays), 1))
    m.next(pc, m.fetch("word", pc))
    found = certify(compile_circuit(m), m)
    faults = [claim.fault for claim in found.claims if claim.part == "instructions"]
    assert faults == ["found no registers that rank its loops"]
