"""The paper's SUBLEQ runs programs beside the reference interpreter."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from looped.errors import CompileError
from looped.study.paper import lockstep
from looped.study.paper.layers import DTYPES, Construction
from looped.study.paper.lockstep import distinct_states, steps_right
from looped.study.paper.memory import code, leak_bound
from looped.study.paper.norms import unnormed
from looped.study.paper.programs import (
    Program,
    as_reference,
    countdown,
    factorial,
    multiply,
    random_program,
)
from looped.study.paper.subleq import (
    decode,
    embed,
    safe_temperature,
    short_subleq,
    subleq,
    uncorrected,
)
from looped.study.paper.table import programs

N, BITS = 32, 8
SAFE = {"9": safe_temperature(N, BITS, 2), "7": safe_temperature(N, BITS, 1)}
BUILD = {"9": subleq, "7": short_subleq}


@pytest.mark.parametrize(("program", "result"), [(multiply(7, 9), 63), (factorial(5), 120)])
def test_the_program_ends_with_its_result(program: Program, result: int) -> None:
    machine = subleq(N, BITS, 12.0)
    model = unnormed(machine, torch.float32)
    x = embed(program, N, BITS, "float32")[None]
    for _ in range(80):
        x = model(x)
    memory, pc = decode(x[0], machine.lanes, program)
    assert memory[0] == result
    assert pc == len(program.commands) - 1


@pytest.mark.parametrize("layers", BUILD)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_stays_right_at_the_safe_temperature(dtype: str, layers: str) -> None:
    machine = BUILD[layers](N, BITS, SAFE[layers])
    assert len(machine.layers) == int(layers) and machine.heads == 2
    assert machine.lanes.count == 82
    outcome = steps_right(programs(), N, machine, dtype, 60)
    assert outcome.right == 60 and outcome.deviation < 0.01


def test_it_stays_right_in_float16() -> None:
    outcome = steps_right(programs()[:3], N, short_subleq(N, BITS, 8.0), "float16", 30)
    assert (outcome.right, outcome.deviation) == (30, 0.0)


@pytest.mark.parametrize("layers", BUILD)
def test_it_fails_a_little_below(layers: str) -> None:
    machine = BUILD[layers](N, BITS, SAFE[layers] - 3.5)
    assert steps_right(programs(), N, machine, "float64", 100).right < 100


def test_without_correction_errors_grow_until_rounding_swallows_them() -> None:
    hot, cold = (uncorrected(subleq(N, BITS, temperature)) for temperature in (12.0, 20.0))
    assert len(hot.layers) == 8
    assert steps_right(programs(), N, hot, "float64", 40).right < 10
    assert steps_right(programs(), N, hot, "float32", 40).right == 40
    assert steps_right(programs(), N, cold, "float64", 40).right == 40


def test_a_pointer_that_is_off_makes_the_next_read_worse() -> None:
    """By a factor of up to 1 + λb, as the tie of the half-permutation breaks."""
    temperature, bits = 8.0, 5
    machine = subleq(N, BITS, temperature)
    x = embed(multiply(7, 9), N, BITS, "float64")[None]
    model = unnormed(Construction(machine.lanes, machine.layers[:2]), torch.float64)
    state = model(x)[0, 0]
    pointer, word = (
        (state[list(machine.lanes[name])].abs() - 1).abs().max().item() for name in ("p_a", "mem_a")
    )
    assert 0 < pointer <= leak_bound(temperature, bits)
    growth = 1 + temperature * bits
    assert growth / 3 < word / pointer <= 1.05 * growth


def test_corner_words_fail_before_random_ones() -> None:
    """At λ = 9 the programs that end are wrong within 100 steps, where they meet 0 and -1."""
    machine = subleq(N, BITS, 9.0)
    corners, random = programs()[:2], programs()[3:]
    assert steps_right(corners, N, machine, "float64", 100).right < 100
    assert steps_right(random, N, machine, "float64", 100).right == 100


def test_wider_words_need_a_larger_temperature() -> None:
    assert safe_temperature(N, 16, 2) > safe_temperature(N, 8, 2) + 5
    drawn = [random_program(seed, 12, 8, 16) for seed in (0, 2)]
    machine = subleq(N, 16, safe_temperature(N, 16, 2))
    assert steps_right(drawn, N, machine, "float64", 40).right == 40


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_runs_in_a_pre_norm_with_pinned_lanes(dtype: str) -> None:
    machine = subleq(N, BITS, 12.0)
    outcome = steps_right(programs()[:4], N, machine, dtype, 12, pre_norm=True)
    assert (outcome.right, outcome.deviation) == (12, 0.0)


def test_the_comparison_notices_a_wrong_bit() -> None:
    """A program whose state differs from the reference's in one bit of one cell."""
    machine = subleq(N, BITS, 12.0)
    right, wrong = multiply(7, 9), multiply(7, 8)
    x = embed(right, N, BITS, "float64")
    x[2] = embed(wrong, N, BITS, "float64")[2]
    reference, base = as_reference(right, BITS)
    model = unnormed(machine, torch.float64)
    x = model(x[None])
    reference.step()
    memory, _ = decode(x[0], machine.lanes, right)
    assert memory != reference.memory[base : base + len(memory)]


def test_the_comparison_notices_a_wrong_program_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two equal commands: whoever begins at the second has the right memory at the wrong place."""
    program = Program("twice", ((1, 0, 2), (1, 0, 2), (1, 0, 0)), (100, 1))

    def shifted(*arguments: Any) -> torch.Tensor:
        x = embed(*arguments)
        lanes = subleq(N, BITS, 12.0).lanes
        x[0, list(lanes["pc"])] = torch.tensor(code(1 + 2 + 1, 5), dtype=x.dtype)
        return x

    machine = subleq(N, BITS, 12.0)
    assert steps_right([program], N, machine, "float32", 2).right == 2
    monkeypatch.setattr(lockstep, "embed", shifted)
    assert steps_right([program], N, machine, "float32", 2).right == 0


def test_endless_programs_do_not_run_in_small_circles() -> None:
    for program in programs()[2:]:
        assert distinct_states(program, BITS, 200) == 200


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(CompileError, match="countdown from 9 does not fit into 8 columns"):
        embed(countdown(9), 8, BITS, "float32")
    with pytest.raises(CompileError, match="random 1 does not fit into 128 words"):
        as_reference(random_program(1, 60, 8, BITS), BITS)
