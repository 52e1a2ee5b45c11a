"""FLEQ in weights beside its reference: random programs, and all columns after each instruction."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from looped.artefact.embedding import State, embed
from looped.artefact.plan import CompiledMachine, Plan
from looped.engines.engine import NO_LANES, Engine, Lanes, Watch
from looped.isa.fleq import FUNCTIONS, Operation, Selector, encode
from looped.machines.fleq.machine import describe
from looped.passes.emit import compile_circuit
from looped.reference.fleq import Fleq

__all__ = [
    "CORNERS",
    "NUMBERS",
    "Setting",
    "elements_together",
    "fleq",
    "program",
    "reference",
    "together",
]

NUMBERS = frozenset(function.number for function in FUNCTIONS.values())
CORNERS = (0, 1, 0x7FFF, 0x8000, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF)

_MOST_LOOPS = 20_000


@dataclass(frozen=True)
class Setting:
    """What a machine is compiled for, and how many workers it has: the weights do not depend on
    that."""

    side: int
    memory: int = 512
    width: int = 32
    fraction: int = 16
    workers: int = 1


def fleq(setting: Setting) -> CompiledMachine:
    """The machine, compiled at most once a session."""
    return _compiled(replace(setting, workers=1)).with_workers(setting.workers)


@functools.cache
def _compiled(setting: Setting) -> CompiledMachine:
    bits = setting.memory.bit_length() - 1
    return compile_circuit(
        describe(setting.width, bits, fraction=setting.fraction, side=setting.side)
    )


def reference(words: Sequence[int], setting: Setting) -> Fleq:
    """The interpreter of the same machine."""
    return Fleq(
        words,
        setting.width,
        setting.memory,
        fraction=setting.fraction,
        side=setting.side,
        workers=setting.workers,
    )


def program(
    rng: random.Random, setting: Setting, length: int = 24, large: bool = False
) -> list[int]:
    """Instructions that branch forwards only, so that no state comes twice, and random words.

    With `large` most results have all rows or all columns. Most write behind the instructions, a
    few anywhere, so also over themselves. Whoever comes to the end goes on with random words.
    """
    memory, side = setting.memory, setting.side
    words = [_word(rng, setting.width) for _ in range(memory)]
    for n in range(length):
        target = rng.randrange(memory)
        if rng.random() < 0.9:
            target = rng.randrange(6 * length, max(6 * length + 1, memory - side**2))
        words[6 * n : 6 * n + 6] = [
            _op(rng, side, large),
            rng.randrange(memory),
            rng.randrange(memory),
            target,
            rng.randrange(memory),
            6 * rng.randint(n + 1, n + 3),
        ]
    return words


def _op(rng: random.Random, side: int, large: bool) -> int:
    def size() -> int:
        sizes = [1, 1, 2, rng.randint(1, side), rng.choice([1, side])]
        return rng.choice([*sizes, side, side, side, side] if large else sizes)

    def operand() -> tuple[Selector, Selector]:
        return Selector(rng.randrange(4)), Selector(rng.randrange(4))

    function, judge = rng.choice(["mul", *FUNCTIONS]), rng.random() < 0.4
    operation = Operation(function, operand(), operand(), size(), size(), size(), judge)
    return encode(operation) | rng.choice([0, rng.getrandbits(6)]) << 26


def _word(rng: random.Random, width: int) -> int:
    """All magnitudes and both signs, and corners."""
    mask = (1 << width) - 1
    if rng.random() < 0.15:
        return rng.choice([0, 1, mask, 1 << width - 1, mask >> 1])
    magnitude = rng.getrandbits(rng.randint(1, width))
    return (-magnitude if rng.random() < 0.5 else magnitude) & mask


def together(engine: Engine, plain: Fleq, plan: Plan, most: int) -> list[int]:
    """Run a program on both until it halts or has done `most` instructions.

    After each instruction every lane of every column must be what the reference says. Returns the
    loops that each took. Raises AssertionError for a difference.
    """
    engine.load(embed(plain.memory, plan)[None])
    busy = np.array(plan.words["busy"])
    loops: list[int] = []
    while len(loops) < most and not plain.halted:
        pc, op = plain.pc, plain.memory[plain.pc]
        plain.step()
        loops.append(_instruction(engine, busy, plan.cpu))
        found = engine.state()[0]
        for column, lane in np.argwhere(found != _state(plain, plan))[:1].tolist():
            raise AssertionError(
                f"instruction {len(loops)} at {pc}, {op:#x}: in {plan.column_name(column)} "
                f"{plan.lane_name(lane)} is {found[column, lane]}"
            )
    return loops


def elements_together(engine: Engine, plain: Fleq, plan: Plan, most: int) -> int:
    """Run a program on both as `together` does, but each instruction in one stretch.

    Returns the elements of results that both have computed.
    """
    engine.load(embed(plain.memory, plan)[None])
    watch = Watch(plan.cpu, NO_LANES, np.array(plan.words["busy"]))
    elements = 0
    for number in range(most):
        if plain.halted:
            break
        pc, op = plain.pc, plain.memory[plain.pc]
        step = plain.step()
        engine.advance(1, watch)
        same = np.array_equal(engine.state()[0], _state(plain, plan))
        assert same, f"instruction {number} at {pc}, {op:#x}"
        elements += len(step.writes) + len(step.written.split())
    return elements


def _state(plain: Fleq, plan: Plan) -> State:
    """The residual stream that stands for a machine between two instructions."""
    x = embed(plain.memory, plan, plain.pc)
    flags = {"halted": int(plain.halted), "trap": plain.trap, "cause": plain.cause}
    for column in plan.cpus:
        for name, number in flags.items():
            _set(x, plan, column, name, number)
    for column, shown in zip(plan.cpus, plain.printed(), strict=False):
        if shown is not None:
            _set(x, plan, column, "printing", 1)
            _set(x, plan, column, "line end", int(shown.ends_line))
            _set(x, plan, column, "printed", shown.word)
    return x


def _set(x: State, plan: Plan, column: int, name: str, number: int) -> None:
    lanes = list(plan.words[name])
    x[column, lanes] = 2 * (number >> np.arange(len(lanes)) & 1) - 1


def _instruction(engine: Engine, busy: Lanes, cpu: int) -> int:
    """One instruction; returns its loops."""
    for loops in range(1, _MOST_LOOPS):
        engine.step(1)
        if engine.read(cpu, busy)[0, 0] == -1:
            return loops
    raise AssertionError("an instruction does not end")
