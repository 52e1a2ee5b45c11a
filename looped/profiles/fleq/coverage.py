"""What a FLEQ program does, instruction by instruction, by running it on the reference.

An instruction is of one class for its function and its shape, and of others for its corners.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from looped.isa.fleq import FUNCTIONS, WORDS, Operation, decode
from looped.profiles.case import Case, Coverage
from looped.reference import Fleq
from looped.trace import Step

__all__ = ["classes", "observe"]

_SHAPES = ("one element", "part", "whole square")
_CORNERS = {
    "saturates": ("mul", "add", "sub", "div", "exp"),
    "by zero": ("div", "rem"),
    "of a negative number": ("sqrt", "relu", "sigmoid", "sin", "exp"),
    "of the least number": tuple(FUNCTIONS),
    "one operand twice": tuple(name for name, f in FUNCTIONS.items() if f.arity == 2),
}
"""Corners by the functions that come to them."""

_OTHERS = (
    "branch taken",
    "branch not taken",
    "branch to itself",
    "halt by a branch",
    "halt by running past the end",
    "trap",
    "result over an operand",
    "result across the end of memory",
    "instruction changes itself",
    "instruction across the end of memory",
    "changed word executed",
)


def classes(width: int, memory: int, *, fraction: int, side: int) -> tuple[str, ...]:
    """Every class of instructions."""
    shaped = tuple(f"{name}, {shape}" for name in FUNCTIONS for shape in _SHAPES)
    corners = tuple(f"{name} {corner}" for corner, names in _CORNERS.items() for name in names)
    return (*shaped, *corners, *_OTHERS)


def observe(case: Case, memory: int, steps: int, *, fraction: int, side: int) -> Coverage:
    """What the first `steps` instructions of a program do, on the reference."""
    image = case.image
    computer = Fleq(image.words, image.width, memory, fraction=fraction, side=side)
    counts: Counter[str] = Counter()
    changed: set[int] = set()
    done = 0
    while done < steps and not computer.halted:
        places = [(computer.pc + k) % memory for k in range(len(WORDS))]
        words = [computer.memory[place] for place in places]
        step = computer.step()
        counts.update(set(_classes(computer, places, words, step)))
        counts["changed word executed"] += not changed.isdisjoint(places)
        changed.update(access.address for access in step.writes)
        done += 1
    return Coverage(1, int(computer.halted), done, +counts)


def _classes(computer: Fleq, places: list[int], words: list[int], step: Step) -> Iterator[str]:
    operation, memory = decode(words[0]), len(computer.memory)
    if places[0] > places[-1]:
        yield "instruction across the end of memory"
    written = [access.address for access in step.writes]
    if not set(written).isdisjoint(places):
        yield "instruction changes itself"
    if step.cause is not None:
        yield "trap"
    if operation is None or step.cause is not None:
        return
    rows, cols = ((n - 1) % computer.side + 1 for n in (operation.rows, operation.cols))
    whole = rows == cols == computer.side
    yield f"{operation.function}, {_SHAPES[2 if whole else rows * cols > 1]}"
    if written != sorted(written):
        yield "result across the end of memory"
    reads = step.reads[:-1] if operation.judge else step.reads
    if not set(written).isdisjoint(access.address for access in reads):
        yield "result over an operand"
    yield from _corners(computer, operation, step, words)
    if operation.judge:
        yield "branch taken" if step.next_pc != (step.pc + 6) % (2 * memory) else "branch not taken"
        if step.next_pc == step.pc:
            yield "branch to itself"
    if computer.halted:
        ran = step.next_pc == step.pc + 6
        yield "halt by running past the end" if ran else "halt by a branch"


def _corners(computer: Fleq, operation: Operation, step: Step, words: list[int]) -> Iterator[str]:
    name, function = operation.function, FUNCTIONS[operation.function]
    half = 1 << computer.width - 1
    reads = step.reads[:-1] if operation.judge else step.reads
    first = [access.value for access in reads[:: function.arity]]
    second = [access.value for access in reads[1::2]] if function.arity == 2 else []
    found = {
        "saturates": any(access.value in (half, half - 1) for access in step.writes),
        "by zero": 0 in second,
        "of a negative number": any(value >= half for value in first),
        "of the least number": half in first,
        "one operand twice": words[1] % len(computer.memory) == words[2] % len(computer.memory),
    }
    for corner, holds in found.items():
        if holds and name in _CORNERS[corner]:
            yield f"{name} {corner}"
