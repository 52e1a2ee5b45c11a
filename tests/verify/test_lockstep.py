"""The transformer equals the reference after every loop; what differs is reported by name."""

from __future__ import annotations

import dataclasses
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.image import Image, Location
from looped.verify.lockstep import Mismatch, lockstep
from tests import seeds
from tests.conftest import compiled, examples
from tests.verify.random_programs import programs

BATCH = 10


def compare_random_programs(width: int, memory: int, data: st.DataObject, steps: int) -> int:
    """One batch; returns the number of steps that were compared."""
    machine = compiled("subleq", width, memory)
    images = data.draw(st.lists(programs(width, memory), min_size=BATCH, max_size=BATCH))
    inputs = data.draw(st.lists(st.binary(max_size=8), min_size=BATCH, max_size=BATCH))
    return lockstep(machine, DenseEngine(machine), images, inputs, steps).steps


@pytest.mark.parametrize(("width", "memory", "steps"), [(8, 256, 12), (16, 512, 6), (32, 512, 3)])
@examples(0.08)
@given(data=st.data())
def test_random_programs_run_like_the_reference(
    width: int, memory: int, steps: int, data: st.DataObject
) -> None:
    """Batches of 10 programs of 100 random instructions (85 in the 256 words of 8 bits)."""
    compare_random_programs(width, memory, data, steps)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "memory"), [(8, 256), (16, 512), (32, 512)])
@examples(0.2)
@given(data=st.data())
def test_random_programs_run_like_the_reference_for_long(
    width: int, memory: int, data: st.DataObject
) -> None:
    """The same, a hundred steps each."""
    compare_random_programs(width, memory, data, steps=100)


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (0, 1), (127, 128), (128, 127), (255, 1)])
@pytest.mark.parametrize("aliased", [False, True])
def test_corner_operands(a: int, b: int, aliased: bool, machine) -> None:
    words = (3, 3 if aliased else 4, 9, a, b)
    image = Image("subleq", 8, words)
    small = machine("subleq", 8, 32)
    lockstep(small, DenseEngine(small), [image], [b""], steps=3)


def broken(machine: CompiledMachine, name: str, row: int, column: int) -> CompiledMachine:
    weights = {key: weight.clone() for key, weight in machine.weights.items()}
    weights[name][row, column] += 1
    return CompiledMachine(machine.plan, weights)


def test_a_wrong_bias_is_reported_as_lane_word_and_source_line(machine) -> None:
    small = machine("subleq", 8, 32)
    plan = small.plan
    unit = next(g for g in plan.blocks[2].groups if g.name == "pc").units[0]
    wrong = broken(small, "layers.2.mlp.gate_proj.weight", unit, plan.words["one"][0])
    places = tuple(Location("p.sasm", line) for line in (7, 7, 7))
    image = Image("subleq", 8, (9, 9, 12), {}, places)
    with pytest.raises(Mismatch) as caught:
        lockstep(wrong, DenseEngine(wrong), [image], [b""], steps=5)
    difference = caught.value.difference
    assert (difference.step, difference.pc, difference.location) == (1, 0, "p.sasm:7")
    assert re.search(r"after step 1, the instruction at 0 \(p\.sasm:7\): ", str(difference))
    assert "cpu" in difference.place


def test_a_value_that_is_no_sign_is_reported_as_a_lane(machine) -> None:
    small = machine("subleq", 8, 32)
    weights = {**small.weights, "norm.weight": small.weights["norm.weight"].clone()}
    lane = small.plan.words["value"][2]
    weights["norm.weight"][lane] = 1.5
    wrong = CompiledMachine(small.plan, weights)
    with pytest.raises(Mismatch) as caught:
        lockstep(wrong, DenseEngine(wrong), [Image("subleq", 8, (9, 9, 12))], [b""], steps=5)
    assert str(caught.value) == (
        "after step 1, the instruction at 0: mem[0], value.2, is -1.5 and should be -1"
    )


def test_most_single_weight_faults_are_seen(machine) -> None:
    """A verifier must be able to fail: weights that matter, one wrong at a time."""
    small = machine("subleq", 8, 32)
    image = Image("subleq", 8, (20, 21, 6, 0, 0, 0, 255, 22, 9, 20, 255, 12, 23, 20, 0, *[5] * 9))
    generator = torch.Generator().manual_seed(seeds.number(0))
    names = [n for n, w in small.weights.items() if w.dim() == 2 and "mlp.down" in n]
    seen = 0
    for trial in range(30):
        weight = small.weights[names[trial % len(names)]]
        nonzero = weight.nonzero()
        row, column = nonzero[torch.randint(len(nonzero), (), generator=generator)].tolist()
        wrong = broken(small, names[trial % len(names)], row, column)
        try:
            lockstep(wrong, DenseEngine(wrong), [image], [b"ab"], steps=20)
        except Mismatch:
            seen += 1
    assert seen >= 15


def always_busy(machine: CompiledMachine, *working: int) -> CompiledMachine:
    """A machine that tells after every loop that its instruction goes on."""
    one = machine.plan.words["one"][0]
    plan = dataclasses.replace(machine.plan, busy=one, scratch=working)
    return CompiledMachine(plan, machine.weights)


def test_an_instruction_must_come_to_an_end(machine) -> None:
    busy = always_busy(machine("subleq", 8, 32))
    with pytest.raises(Mismatch) as caught:
        lockstep(busy, DenseEngine(busy), [Image("subleq", 8, (20, 20, 0))], [b""])
    assert str(caught.value) == (
        "after step 1, the instruction at 0: `busy` is 1 and should be 0 by then"
    )


def test_while_an_instruction_goes_on_only_its_own_lanes_may_change(machine) -> None:
    small = machine("subleq", 8, 32)
    image = Image("subleq", 8, (20, 20, 12, *[0] * 9, 20, 20, 0))
    busy = always_busy(small)
    with pytest.raises(Mismatch, match="cpu, word `pc`, is 12 and should be 0"):
        lockstep(busy, DenseEngine(busy), [image], [b""])
    busy = always_busy(small, *small.plan.words["pc"])
    with pytest.raises(Mismatch, match="`busy` is 1 and should be 0 by then"):
        lockstep(busy, DenseEngine(busy), [image], [b""])
