"""Ten-line attacks by hand on what a certificate goes by: plans, circuits, names and weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch

from looped import registry
from looped.artefact.plan import CompiledMachine, Occupant
from looped.circuit.circuit import Circuit, Define, Register
from looped.circuit.signals import literal, value
from looped.circuit.words import Word
from looped.number_format import UNSIGNED
from looped.passes.emit import compile_circuit
from looped.verify.certificate import Certificate, certify
from tests.conftest import compiled

WIDTH, MEMORY = 8, 32
CIRCUIT = registry.machine("subleq").circuit(WIDTH, MEMORY)


def faults(found: Certificate) -> list[str]:
    return [claim.fault for claim in found.claims if claim.fault is not None]


def planned(**changes: Any) -> CompiledMachine:
    machine = compiled("subleq", WIDTH, MEMORY)
    return dataclasses.replace(machine, plan=dataclasses.replace(machine.plan, **changes))


def worded(**changes: tuple[int, ...]) -> CompiledMachine:
    return planned(words={**compiled("subleq", WIDTH, MEMORY).plan.words, **changes})


def gated(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> CompiledMachine:
    machine = compiled("subleq", WIDTH, MEMORY)
    weights = {**machine.weights, name: change(machine.weights[name].clone())}
    return dataclasses.replace(machine, weights=weights)


def moved(blocks: tuple[int, ...]) -> CompiledMachine:
    """The blocks in another order, or one of them twice."""
    machine = compiled("subleq", WIDTH, MEMORY)
    weights = {}
    for name, weight in machine.weights.items():
        if not name.startswith("layers."):
            weights[name] = weight
    for new, old in enumerate(blocks):
        for name, weight in machine.weights.items():
            if name.startswith(f"layers.{old}."):
                weights[name.replace(f"layers.{old}.", f"layers.{new}.", 1)] = weight
    plans = tuple(machine.plan.blocks[old] for old in blocks)
    return CompiledMachine(dataclasses.replace(machine.plan, blocks=plans), weights)


PLAN = compiled("subleq", WIDTH, MEMORY).plan
PC, VALUE, READY = (PLAN.words[name] for name in ("pc", "value", "ready"))
Q, OUT = "layers.0.self_attn.q_proj.weight", "layers.2.self_attn.o_proj.weight"


def _without(occupants: tuple[tuple[Occupant, ...], ...], word: str) -> object:
    """Occupants of lanes, those of one word left out."""
    return tuple(tuple(each for each in held if each.word != word) for held in occupants)


ATTACKS: dict[str, Callable[[], CompiledMachine]] = {
    "halted is another lane": lambda: planned(halted=PC[0]),
    "halted is missing": lambda: planned(halted=None),
    "busy is told of a machine that is never busy": lambda: planned(busy=PC[0]),
    "working lanes that are not compared": lambda: planned(scratch=PC),
    "more memory": lambda: planned(memory=2 * MEMORY),
    "less memory": lambda: planned(memory=MEMORY // 2),
    "a register file": lambda: planned(n_registers=32),
    "no input column": lambda: planned(has_input=False),
    "words of another width": lambda: planned(width=WIDTH + 1),
    "code is left out of memory": lambda: planned(code=(0, 1, 2)),
    "another entry": lambda: planned(entry=3),
    "another dtype": lambda: planned(dtype="bfloat16"),
    "no such dtype": lambda: planned(dtype="float8"),
    "heads of another size": lambda: planned(d_head=PLAN.d_head * 4),
    "fewer heads": lambda: planned(n_heads=PLAN.n_heads - 1),
    "a head less in the plan": lambda: planned(
        blocks=(dataclasses.replace(PLAN.blocks[0], heads=()), *PLAN.blocks[1:])
    ),
    "a block twice": lambda: moved((0, 1, 2, 2)),
    "blocks in another order": lambda: moved((0, 2, 1)),
    "a block less": lambda: moved((0, 1)),
    "pc in the lanes of ready": lambda: worded(pc=(READY[0], *PC[1:])),
    "pc turned around": lambda: worded(pc=PC[::-1]),
    "a pin on a bit of pc": lambda: worded(ready=PC[:1]),
    "the memory word on pc": lambda: worded(value=PC),
    "a pin that is the constant": lambda: worded(ready=PLAN.words["one"]),
    "tags exchanged": lambda: worded(cpu=PLAN.words["device"], device=PLAN.words["cpu"]),
    "positions turned around": lambda: worded(position=PLAN.words["position"][::-1]),
    "a word that is not there": lambda: worded(spare=(PLAN.d_model - 1,)),
    "an output in a dead lane": lambda: worded(out=tuple(range(PLAN.d_model - 8, PLAN.d_model))),
    "a lane beyond all lanes": lambda: worded(ready=(PLAN.d_model,)),
    "a position by a strange name": lambda: worded(positional=VALUE),
    "weights in float64": lambda: gated(Q, lambda w: w.double() * (1 + 2.0**-40)),
    "no number in an idle row": lambda: gated(
        Q, lambda w: w.index_fill(0, torch.tensor([-1 % len(w)]), float("nan"))
    ),
    "weights of another shape": lambda: gated(Q, lambda w: w[:, :-1]),
    "a gain of the last norm": lambda: gated("norm.weight", lambda w: w * 2),
    "an output to the padding": lambda: gated(
        OUT, lambda w: torch.cat([w[:-1], w[VALUE[0] : VALUE[0] + 1]])
    ),
    "a format of another kind": lambda: planned(formats={**PLAN.formats, "value": UNSIGNED}),
    "a register less": lambda: planned(registers=PLAN.registers[:-1]),
    "a lane without its occupants": lambda: planned(occupants=_without(PLAN.occupants, "mem_b")),
    "another mixer": lambda: planned(mixer="linear"),
    "a head with ties": lambda: gated(Q, lambda w: w * 0),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_plans_and_weights_that_lie_are_refused(attack: str) -> None:
    found = certify(ATTACKS[attack](), CIRCUIT)
    assert faults(found) or not found.verdicts["float32"].exact
    assert not found.certified("float32")


def test_a_missing_weight_or_one_too_many_is_refused() -> None:
    machine = compiled("subleq", WIDTH, MEMORY)
    less = {name: w for name, w in machine.weights.items() if name != Q}
    more = {**machine.weights, Q.replace("weight", "bias"): torch.ones(1)}
    for weights, fault in ((less, f"`{Q}` is missing"), (more, "is not planned")):
        found = certify(dataclasses.replace(machine, weights=weights), CIRCUIT)
        assert fault in faults(found)[0]


def counter(name: str) -> Circuit:
    """pc counts on; the register `name` says whether a word that was fetched has been odd."""
    m = Circuit("counter", WIDTH, 5)
    pc = m.register("pc", WIDTH)
    m.next(pc, m.add(pc, 1))
    word = m.fetch("word", pc)
    flag = Word.of(name, 1)
    following = Word.of(f"next {name}", 1)
    m.registers.append(Register(name, flag, following, "here"))
    becomes = value(literal(word[:1]) | literal(flag), 1)
    m.defines.append(Define(name, following, becomes, "here"))
    return m


def named(name: str) -> Certificate:
    return certify(compile_circuit(counter("odd")), counter(name))


@pytest.mark.parametrize(
    "name", ["one", "cpu", "device", "value", "position", "position-1", "positions", "pc"]
)
def test_names_of_the_machine_s_own_are_refused(name: str) -> None:
    """Before anything is built on them: such a register would share lanes with its namesake."""
    found = named(name)
    assert [claim.part for claim in found.claims if not claim.holds] == ["names"]
    assert not found.certified("float32")


def test_a_word_with_the_name_of_a_next_value_is_refused() -> None:
    m = counter("odd")
    m.defines.append(Define("next odd", Word.of("next odd", 1), m.defines[-1].value, "here"))
    assert faults(certify(compile_circuit(counter("odd")), m)) == ["`next odd.0` is made twice"]
