"""A case: its circuit by the compiler, its states by plain integers, its streams by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import Plan
from looped.circuit.arithmetic import (
    all_ones,
    but_not,
    equal,
    matches,
    neither,
    nonpositive,
    slice_sum,
    table,
    without,
)
from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    any_of_disjoint,
    disjoint_or,
    gated,
    literal,
    value,
)
from looped.circuit.sums import bits_of, wide_sum
from looped.circuit.words import Word, bit, constant, total, unsigned
from looped.precision import precision
from tests.random_circuits.meaning import State, loop
from tests.random_circuits.strategy import Case
from tests.random_circuits.writer import MASK, NUMBER

__all__ = ["built", "poked", "starts", "stream", "trail"]

IMPORTS = """\
from looped.circuit.arithmetic import *
from looped.circuit.circuit import Circuit
from looped.precision import precision
from looped.circuit.signals import *
from looped.circuit.sums import *
from looped.circuit.words import *
"""
"""What the text of a circuit needs before it, to be run by itself."""

_VOCABULARY = {
    item.__name__: item
    for item in (
        Circuit, Condition, Gated, Signal, Value, Word, all_ones, bit, but_not, constant, equal,
        literal, matches, disjoint_or, neither, nonpositive, any_of_disjoint, bits_of, precision,
        slice_sum, table, total, unsigned, value, gated, without, wide_sum,
    )
}  # fmt: skip


def built(case: Case) -> Circuit:
    """The circuit of a text. Raises CompileError."""
    names: dict[str, object] = dict(_VOCABULARY)
    exec(compile(case.text, "<circuit>", "exec"), names)
    circuit = names["m"]
    assert isinstance(circuit, Circuit)
    return circuit


def starts(case: Case, count: int, workers: int = 1) -> list[State]:
    """Random states; with a seed of zero everything is zero but what workers know of each other."""
    rng = random.Random(case.seed)

    def word(width: int) -> int:
        full = (1 << width) - 1
        if case.seed == 0:
            return 0
        return rng.choice((0, 1, full, full >> 1, rng.randint(0, full), rng.randint(0, full)))

    states = []
    for _ in range(count):
        memory = [word(case.width) for _ in range(1 << case.address_bits)]
        file = [
            word(case.width) for _ in range(1 << case.register_bits if case.register_bits else 0)
        ]
        if case.zero_register:
            file[0] = 0
        cpus = [
            {n: (0 if n in case.zeros else word(w), w) for n, w in case.registers}
            for _ in range(workers)
        ]
        for number, cpu in enumerate(cpus):
            if case.workers:
                cpu[NUMBER] = number, case.workers
                cpu[MASK] = workers - 1, case.workers
        states.append(State(memory, file, cpus, word(case.width)))
    return states


def poked(case: Case, state: State) -> State:
    """A state after its host has set pins and the input."""
    rng = random.Random(case.seed + 1)
    cpus = [dict(cpu) for cpu in state.cpus]
    for cpu in cpus:
        for name in case.pins:
            width = cpu[name][1]
            cpu[name] = rng.randint(0, (1 << width) - 1) if case.seed else 0, width
    return replace(state, cpus=cpus, input=rng.randint(0, (1 << case.width) - 1))


def trail(case: Case, state: State, loops: int) -> list[State]:
    """The states after each loop. Raises InvalidCircuitError."""
    text = compile(case.text, "<circuit>", "exec")
    states = []
    for _ in range(loops):
        state = loop(text, state, case.address_bits, case.width)
        states.append(state)
    return states


def stream(state: State, plan: Plan) -> npt.NDArray[np.int8]:
    """The residual stream of a state, every lane of every column."""
    x = np.full((plan.columns, plan.d_model), -1, np.int8)
    words = plan.words
    cpu, last = len(state.memory) + len(state.file), len(state.memory) - 1
    x[:, words["one"]] = 1
    x[cpu : cpu + len(state.cpus), words["cpu"]] = 1
    x[cpu:, words["device"]] = 1
    for column, number in enumerate([*state.memory, *state.file]):
        _put(x, column, words["value"], number)
    for name in (name for name in words if name.startswith("position")):
        offset = int(name.partition("-")[2] or 0)
        for column in range(len(state.memory)):
            _put(x, column, words[name], (column - offset) & last)
        for number in range(len(state.file)):
            _put(x, len(state.memory) + number, words[name], number)
    if state.file:
        x[len(state.memory) : cpu, words["register"]] = 1
    for place, registers in enumerate(state.cpus, start=cpu):
        for name, (number, _) in registers.items():
            _put(x, place, words[name], number)
    if plan.has_input:
        _put(x, cpu + 1, words["value"], state.input)
        for name in (name for name in words if name.startswith("position")):
            x[cpu + 1, words[name]] = 1
    return x


def _put(x: npt.NDArray[np.int8], column: int, lanes: tuple[int, ...], number: int) -> None:
    x[column, lanes] = [1 if number >> i & 1 else -1 for i in range(len(lanes))]
