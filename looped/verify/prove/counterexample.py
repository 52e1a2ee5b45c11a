"""MachineState: a concrete state of a machine, and the next state on both sides.

The circuit is compiled and its weights run on the dense engine for one loop; the reference executes
one step from the same state. So a counterexample does not depend on the prover.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import z3

from looped import registry
from looped.artefact.embedding import read_word
from looped.artefact.plan import Plan
from looped.circuit.circuit import Circuit
from looped.engines.dense import DenseEngine
from looped.image import Image
from looped.passes.allocate import VALUE
from looped.passes.emit import compile_circuit
from looped.symbolic.loop import Loop
from looped.verify.expected import Expected

__all__ = ["MachineState", "WordDifference", "differences"]


@dataclass(frozen=True, slots=True)
class MachineState:
    """Words by name and address; all others are zero. `arriving` is the word in the input
    column."""

    registers: Mapping[str, int]
    memory: Mapping[int, int]
    file: Mapping[int, int]
    arriving: int

    @classmethod
    def of(cls, loop: Loop, model: z3.ModelRef) -> MachineState:
        """The state that a model of the solver gives for the beginning of a loop."""

        def number(term: z3.BitVecRef) -> int:
            return int(model.eval(term, True).as_long())

        return cls(
            {name: number(word) for name, word in loop.registers.items()},
            {number(address): number(word) for address, word in loop.memory.reads},
            {number(address): number(word) for address, word in loop.file.reads},
            number(loop.arriving),
        )

    def __str__(self) -> str:
        cells = {f"memory[{a}]": value for a, value in sorted(self.memory.items())}
        cells |= {f"x{n}": value for n, value in sorted(self.file.items())}
        words = {**self.registers, **cells}
        return ", ".join(f"{name} = {value:#x}" for name, value in words.items() if value)


@dataclass(frozen=True, slots=True)
class WordDifference:
    """A word after the loop: which one, on the circuit's weights and on the reference."""

    where: str
    circuit: int
    reference: int

    def __str__(self) -> str:
        return f"{self.where} is {self.circuit:#x}, not {self.reference:#x}"


def differences(circuit: Circuit, state: MachineState) -> list[WordDifference]:
    """Run one loop on the dense engine and one step on the reference, from one state.

    A lane that is not ±1 counts by its sign, and is a difference of its own.
    """
    machine = compile_circuit(circuit)
    plan = machine.plan
    expected = _expected(plan, state)
    engine = DenseEngine(machine)
    engine.load(expected.x[None])
    engine.step()
    _step(expected, state)
    found = engine.state()[0]
    return _compared(plan, np.asarray(found), expected.x)


def _expected(plan: Plan, state: MachineState) -> Expected:
    """The reference in a state, and the residual stream for it."""
    words = [state.memory.get(address, 0) for address in range(plan.memory)]
    data = bytes([state.arriving]) if state.arriving < 256 else b""
    language = registry.machine(plan.machine).language
    image = Image(
        plan.machine,
        plan.width,
        tuple(words),
        addresses_per_word=language.addresses_per_word,
    )
    expected = Expected(image, plan, data, served=False)
    reference = expected.reference
    for name, value in state.registers.items():
        expected.set(plan.cpu, name, value)
        if hasattr(reference, name):
            setattr(reference, name, value)
    for number, value in state.file.items():
        reference.x[number] = value
        expected.set(plan.memory + number, VALUE, value)
    return expected


def _step(expected: Expected, state: MachineState) -> None:
    """One step of the reference; a machine that waits for input does not change."""
    reference = expected.reference
    waits = expected.plan.has_input and not state.registers["ready"]
    if waits and not reference.halted and reference.takes_input():
        values = {"reading": 0, "waiting": 1, "writing": 0, "out": 0}
    else:
        expected.step()
        values = {"waiting": 0} if expected.plan.has_input else {}
    for name, value in values.items():
        expected.set(expected.plan.cpu, name, value)


def _compared(plan: Plan, found: np.ndarray, expected: np.ndarray) -> list[WordDifference]:
    """The words that differ, except in the input column, which the host fills."""
    columns = [c for c in range(plan.columns) if plan.input is None or c != plan.input]
    result = []
    for column in columns:
        for name, lanes in plan.words.items():
            if name in ("ready",):
                continue
            one, other = found[column, list(lanes)], expected[column, list(lanes)]
            if not np.array_equal(one, other):
                where = f"{plan.column_name(column)}, {name}"
                result.append(WordDifference(where, int(read_word(one)), int(read_word(other))))
    return result
