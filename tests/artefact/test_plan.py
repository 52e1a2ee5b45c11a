"""The plan says what every lane holds after every phase, and nothing runs an unknown mixer."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from looped import registry
from looped.artefact.embedding import embed, embed_words
from looped.artefact.plan import CompiledMachine, Occupant
from looped.artefact.validity import check_plan
from looped.circuit.names import plain
from looped.circuit.words import Lane
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.errors import CompileError
from looped.number_format import ADDRESS, CODE, FLAG, SIGNED, UNSIGNED
from looped.passes.fuse_reads import fuse_reads
from looped.verify.certificate import certify
from tests import seeds
from tests.circuit.evaluate import Lanes, evaluate
from tests.machines.rv32i_cases import case

MEMORY = 64

ENGINES = {"dense": DenseEngine, "event": EventEngine, "lifted": LiftedEngine}


def phases(machine: CompiledMachine, x: torch.Tensor) -> list[torch.Tensor]:
    """The lanes of the CPU column before the first block, and after every phase of one loop."""
    after = [x[machine.plan.cpu]]
    for block in machine.model().transformer.layers:
        x = x + block.self_attn(block.input_layernorm(x)[None])[0]
        after.append(x[machine.plan.cpu])
        x = x + block.mlp(block.post_attention_layernorm(x))
        after.append(x[machine.plan.cpu])
    return after


def held(lanes: Lanes, name: str) -> set[int]:
    """The signs that a word's bit may have in a loop: that of a register before and after it."""
    word, _, bit = name.rpartition(".")
    own = {Lane(word, int(bit)), Lane(f"{word}.next", int(bit))}
    return {sign for lane, sign in lanes.items() if lane in own}


def check(machine: CompiledMachine, x: torch.Tensor, lanes: Lanes) -> int:
    """Hold every lane after every phase against the circuit; returns how many were held."""
    plan, count = machine.plan, 0
    for phase, column in enumerate(phases(machine, x), start=-1):
        for lane in range(plan.d_model):
            name = plan.occupant(lane, phase)
            sign = int(column[lane])
            if name is None:
                assert sign == -1, (phase, lane)
            elif signs := held(lanes, name):
                assert sign in signs, (phase, lane, name)
                count += len(signs) == 1
    return count


def test_lanes_of_rv32i_hold_what_the_plan_says(machine) -> None:
    compiled = machine("rv32i", 32, MEMORY)
    plan, circuit = compiled.plan, fuse_reads(registry.machine("rv32i").circuit(32, MEMORY))
    for mnemonic in ("sub", "lw", "sb"):
        one = case(seeds.rng(f"occupants {mnemonic}"), mnemonic, MEMORY)
        x = torch.tensor(embed(one.words, plan, one.pc), dtype=torch.float32)
        registers = embed_words(one.registers, 32)
        x[plan.memory : plan.cpu, list(plan.words["value"])] = torch.tensor(registers).float()
        lanes = evaluate(circuit, one.words, one.registers, {"pc": one.pc, "trap": 0, "cause": 0})
        assert check(compiled, x, lanes) > 700


def test_lanes_of_subleq_hold_what_the_plan_says(machine) -> None:
    """Words of memory below its size, so that no port is named."""
    compiled = machine("subleq", 16, MEMORY)
    circuit = registry.machine("subleq").circuit(16, MEMORY)
    circuit.reads = [dataclasses.replace(read, port=None) for read in circuit.reads]
    for seed in range(10):
        words = seeds.rng(seed).choices(range(MEMORY - 1), k=MEMORY)
        state = {"pc": 3 * seed, "ready": 0, **dict.fromkeys(("reading", "waiting", "writing"), 0)}
        lanes = evaluate(circuit, words, [], {**state, "out": 0})
        x = torch.tensor(embed(words, compiled.plan, 3 * seed), dtype=torch.float32)
        assert check(compiled, x, lanes) > 300


def test_a_lane_is_shared_and_its_occupants_have_phases(machine) -> None:
    """Of SUBLEQ, `result` takes the place of `mem_b` in the MLP of block 2, which is phase 3."""
    plan = machine("subleq", 16, MEMORY).plan
    (lane,) = [i for i, held in enumerate(plan.occupants) if "mem_b.5" in map(str, held)]
    assert plan.occupants[lane] == (
        Occupant("a", 12, 0, 1),
        Occupant("mem_b", 5, 2, 3),
        Occupant("result", 5, 3, 5),
    )
    names = [plan.occupant(lane, phase) for phase in range(-1, 6)]
    assert names == [None, "a.12", None, "mem_b.5", "result.5", "result.5", None]
    assert plan.occupant_names(lane) == ("a.12", "mem_b.5", "result.5")
    assert plan.lane_name(lane) == f"lane {lane} (a.12, mem_b.5, result.5)"
    assert plan.occupant(plan.d_model, 0) is None


def test_words_have_formats_and_registers_names(machine) -> None:
    plan = machine("subleq", 16, MEMORY).plan
    assert (plan.formats["value"], plan.formats["pc"]) == (SIGNED, ADDRESS)
    assert (plan.formats["ready"], plan.formats["position"]) == (FLAG, CODE)
    assert machine("rv32i", 32, MEMORY).plan.formats["value"] == UNSIGNED
    circuit = registry.machine("subleq").circuit(16, MEMORY)
    assert plan.registers == tuple(plain(register.name) for register in circuit.registers)


@pytest.mark.parametrize("name", registry.names())
def test_plans_of_the_compiler_are_valid(name: str, machine) -> None:
    check_plan(machine(name, 32, MEMORY).plan)


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_refuse_an_unknown_mixer(engine: str, machine) -> None:
    good = machine("subleq", 8, 32)
    linear = dataclasses.replace(good, plan=dataclasses.replace(good.plan, mixer="linear"))
    with pytest.raises(CompileError) as caught:
        ENGINES[engine](linear)
    assert caught.value.render() == (
        "error: the machine mixes columns by `linear`\nhint: this version of looped knows `softmax`"
    )


def test_the_certificate_refuses_an_unknown_mixer(machine) -> None:
    good = machine("subleq", 8, 32)
    linear = dataclasses.replace(good, plan=dataclasses.replace(good.plan, mixer="linear"))
    found = certify(linear, registry.machine("subleq").circuit(8, 32))
    assert [c.fault for c in found.claims if c.fault is not None] == [
        "the plan: the machine mixes columns by `linear`"
    ]
    assert not any(found.certified(dtype) for dtype in ("float32", "float64"))
