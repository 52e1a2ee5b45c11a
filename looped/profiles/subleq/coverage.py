"""What a SUBLEQ program does, instruction by instruction, by running it on the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from looped.profiles.case import Case, Coverage
from looped.reference import Subleq
from looped.trace import Step

__all__ = ["classes", "observe"]


def classes(width: int, memory: int, **dialect: int) -> tuple[str, ...]:
    """Every class of instructions on a machine of this size."""
    known = (
        "branch taken",
        "branch not taken",
        "difference zero",
        "difference negative",
        "difference positive",
        "difference overflows",
        "byte in",
        "end of input in",
        "byte out",
        "both operands -1",
        "a and b name one word",
        "operand in the instruction itself",
        "instruction changes itself",
        "changed word executed",
        "first word changed",
        "last word changed",
        "branch to itself",
        "halt by a branch",
        "halt by running past the largest pc",
    )
    full, half = 1 << width, 1 << width - 1
    operands = ("operand beyond memory",) if full > memory else ()
    ends = ("instruction across the end of memory",) if half >= memory else ()
    return (*known, *operands, *ends, *(("pc beyond memory",) if half > memory else ()))


def observe(case: Case, memory: int, steps: int, **dialect: int) -> Coverage:
    """What the first `steps` instructions of a program do, on the reference."""
    image = case.image
    computer = Subleq(image.words, image.width, memory, case.data, image.entry, **dialect)
    counts: Counter[str] = Counter()
    changed: set[int] = set()
    done = 0
    while done < steps and not computer.halted:
        own = (computer.order, 1 - computer.order, 2)
        places = [(computer.pc + k) % memory for k in own]
        words = [computer.memory[place] for place in places]
        step = computer.step()
        counts.update(set(_classes(computer, places, words, step)))
        counts["changed word executed"] += not changed.isdisjoint(places)
        changed.update(access.address for access in step.writes)
        done += 1
    return Coverage(1, int(computer.halted), done, +counts)


def _classes(computer: Subleq, places: list[int], words: list[int], step: Step) -> Iterator[str]:
    memory, width = len(computer.memory), computer.width
    ones, half = (1 << width) - 1, 1 << width - 1
    a, b, c = words
    if a == ones:
        yield "end of input in" if step.consumed == ones else "byte in"
        if b == ones:
            yield "both operands -1"
    elif b == ones:
        yield "byte out"
    else:
        yield from _subtraction(step, half, c)
        if a % memory == b % memory:
            yield "a and b name one word"
    named = [word % memory for word in (a, b) if word != ones]
    if not set(named).isdisjoint(places):
        yield "operand in the instruction itself"
    if any(word >= memory for word in (a, b) if word != ones):
        yield "operand beyond memory"
    written = {access.address for access in step.writes}
    for name, where in (
        ("instruction changes itself", set(places)),
        ("first word changed", {0}),
        ("last word changed", {memory - 1}),
    ):
        if written & where:
            yield name
    if places[0] > places[2]:
        yield "instruction across the end of memory"
    if step.pc >= memory:
        yield "pc beyond memory"
    if computer.halted:
        ran = step.next_pc == step.pc + 3
        yield "halt by running past the largest pc" if ran else "halt by a branch"


def _subtraction(step: Step, half: int, c: int) -> Iterator[str]:
    source, target = (access.value for access in step.reads)
    difference = step.writes[0].value
    positive = 0 < difference < half
    yield "branch not taken" if positive else "branch taken"
    if not positive and c == step.pc:
        yield "branch to itself"
    sign = "positive" if positive else "negative" if difference else "zero"
    yield f"difference {sign}"
    exact = (target ^ half) - (source ^ half)
    if not -half <= exact < half:
        yield "difference overflows"
