"""Lifts with one lie each: made to look right, and named for what is wrong with them."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from looped.engines.lifted.code import MASK, Code, Instruction
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.layout import EACH_COLUMN
from looped.engines.lifted.lift import Cut, Lifted
from looped.engines.lifted.sums import State

__all__ = ["inserted", "mutants", "places", "replaced"]


def places(lifted: Lifted, *operations: str) -> list[int]:
    """Where instructions of some kinds are."""
    return [n for n, i in enumerate(lifted.code.instructions) if i.operation in operations]


def replaced(lifted: Lifted, place: int, **changes: object) -> Lifted:
    """The same code with one instruction changed."""
    code = _copied(lifted.code)
    code.instructions[place] = dataclasses.replace(code.instructions[place], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(lifted, code=code)


def inserted(lifted: Lifted, at: int, new: list[Instruction]) -> Lifted:
    """Code with more instructions at a place; theirs are the operands of the longer code."""
    size = len(lifted.code.instructions)
    order = [n if n < at else n + len(new) for n in range(size)]
    moved = _renumbered(lifted, order, size + len(new))
    for n, instruction in enumerate(new):
        moved.code.instructions[at + n] = instruction
    return moved


def mutants(lifted: Lifted) -> Iterator[tuple[str, Lifted]]:
    """All lies about a lift, for those that have what they change."""
    for name, make in _MUTATIONS.items():
        for number, wrong in enumerate(make(lifted)):
            yield f"{name}, {number}", wrong


def _copied(code: Code) -> Code:
    return Code(list(code.instructions), copy.copy(code.tables), list(code.following))


def _renumbered(lifted: Lifted, order: list[int], size: int) -> Lifted:
    """Code in which instruction n is at place `order[n]`; claims about it follow."""
    code = _copied(lifted.code)
    code.instructions = [Instruction("const")] * size
    for n, instruction in enumerate(lifted.code.instructions):
        operands = tuple(order[operand] for operand in instruction.operands)
        code.instructions[order[n]] = dataclasses.replace(instruction, operands=operands)
    code.following = [order[value] for value in code.following]

    def state(held: State) -> State:
        moved = isinstance(held, Bit) and held.value >= 0
        return Bit(order[held.value], held.place) if moved else held  # type: ignore[union-attr]

    def cut(old: Cut) -> Cut:
        end = size if old.end == len(order) else order[old.end]
        targets = {head: order[value] for head, value in old.targets.items()}
        return Cut(tuple(map(state, old.lanes)), end, targets, old.captured)

    return dataclasses.replace(lifted, code=code, cuts=tuple(map(cut, lifted.cuts)))


def _swapped(lifted: Lifted, first: int, second: int) -> Lifted:
    order = list(range(len(lifted.code.instructions)))
    order[first], order[second] = second, first
    return _renumbered(lifted, order, len(order))


def _constants_of(*operations: str, by: int) -> Callable[[Lifted], Iterator[Lifted]]:
    """The constant operand of operations is greater by a number."""

    def make(lifted: Lifted) -> Iterator[Lifted]:
        code = lifted.code
        for n in places(lifted, *operations):
            left, right = code.instructions[n].operands
            number = code.number(right)
            if number is not None:
                new = Instruction("const", (), (number + by) & MASK)
                moved = inserted(lifted, n, [new])
                yield replaced(moved, n + 1, operands=(left if left < n else left + 1, n))

    return make


def _operands(*operations: str, order: tuple[int, ...]) -> Callable[[Lifted], Iterator[Lifted]]:
    def make(lifted: Lifted) -> Iterator[Lifted]:
        for n in places(lifted, *operations):
            old = lifted.code.instructions[n].operands
            new = tuple(old[o] for o in order)
            if new != old:
                yield replaced(lifted, n, operands=new)

    return make


def _operation(old: str, new: str) -> Callable[[Lifted], Iterator[Lifted]]:
    def make(lifted: Lifted) -> Iterator[Lifted]:
        for n in places(lifted, old):
            yield replaced(lifted, n, operation=new)

    return make


def _guards_dropped(lifted: Lifted) -> Iterator[Lifted]:
    zero = next(n for n, i in enumerate(lifted.code.instructions) if i == Instruction("const"))
    for n in places(lifted, "guard"):
        if n > zero:
            yield replaced(lifted, n, operands=(zero,))


def _guard_after_its_load(lifted: Lifted) -> Iterator[Lifted]:
    for n in places(lifted, "guard"):
        after = n + 1
        if lifted.code.instructions[after : after + 1] and after in places(lifted, "load"):
            yield _swapped(lifted, n, after)


def _store_before_its_load(lifted: Lifted) -> Iterator[Lifted]:
    """The code stores early: what it then loads is new."""
    for n in places(lifted, "store"):
        address, content = lifted.code.instructions[n].operands
        yield inserted(
            lifted, max(address, content) + 1, [Instruction("store", (address, content))]
        )


def _word_of_another_pass(lifted: Lifted) -> Iterator[Lifted]:
    for n in range(len(lifted.code.following) - 1):
        code = _copied(lifted.code)
        code.following[n : n + 2] = reversed(code.following[n : n + 2])
        yield dataclasses.replace(lifted, code=code)


def _state_of_another_word(lifted: Lifted) -> Iterator[Lifted]:
    for n in places(lifted, "state"):
        number = lifted.code.instructions[n].number
        if number:
            yield replaced(lifted, n, number=number - 1)


def _state_is_a_constant(lifted: Lifted) -> Iterator[Lifted]:
    """All drivers take a word of the first: its number, for one."""
    for n in places(lifted, "state"):
        yield replaced(lifted, n, operation="const", number=0)


def _lanes_swapped(lifted: Lifted) -> Iterator[Lifted]:
    for n, word in enumerate(lifted.words):
        if len(word) > 1:
            words = list(lifted.words)
            words[n] = (word[1], word[0], *word[2:])
            yield dataclasses.replace(lifted, words=tuple(words))


def _cells_otherwise(lifted: Lifted) -> Iterator[Lifted]:
    first, second, *rest = lifted.packed
    yield dataclasses.replace(lifted, packed=(second, first, *rest))
    yield dataclasses.replace(lifted, packed=(second, *rest))


def _known_that_changes(lifted: Lifted) -> Iterator[Lifted]:
    """A lane of memory is said to be always -1."""
    found = lifted.behaviour
    known = found.known.copy()
    known[1, np.flatnonzero(known[1] == 0)[0]] = -1
    wrong = dataclasses.replace(found, rows=known, layout=EACH_COLUMN)
    yield dataclasses.replace(lifted, behaviour=wrong)


def _another_target(lifted: Lifted) -> Iterator[Lifted]:
    """A head is said to attend to what another attends to."""
    for n, cut in enumerate(lifted.cuts):
        values = sorted(set(cut.targets.values()))
        if len(values) > 1:
            targets: Mapping[int, int] = {
                head: values[(values.index(value) + 1) % len(values)]
                for head, value in cut.targets.items()
            }
            cuts = list(lifted.cuts)
            cuts[n] = dataclasses.replace(cut, targets=targets)
            yield dataclasses.replace(lifted, cuts=tuple(cuts))


def _no_capture(lifted: Lifted) -> Iterator[Lifted]:
    for n, cut in enumerate(lifted.cuts):
        if cut.captured:
            cuts = list(lifted.cuts)
            cuts[n] = dataclasses.replace(cut, captured=())
            yield dataclasses.replace(lifted, cuts=tuple(cuts))


def _tables(lifted: Lifted) -> Iterator[Lifted]:
    for n, table in enumerate(lifted.code.tables):
        for wrong in (np.roll(table, 1), table[:-1]):
            code = _copied(lifted.code)
            code.tables[n] = wrong
            yield dataclasses.replace(lifted, code=code)


_MUTATIONS: Mapping[str, Callable[[Lifted], Iterator[Lifted]]] = {
    "a shift by one more": _constants_of("shl", "shr", by=1),
    "a shift by 64 more": _constants_of("shl", "shr", by=64),
    "a sum that is one too large": _constants_of("add", "sub", by=1),
    "a mask of other bits": _constants_of("and", by=1),
    "another comparison": _constants_of("equal", by=1),
    "operands of a difference swapped": _operands("sub", "less", order=(1, 0)),
    "the wrong branch": _operands("select", order=(0, 2, 1)),
    "one branch for both": _operands("select", order=(0, 1, 1)),
    "a difference for a sum": _operation("add", "sub"),
    "no carries": _operation("add", "xor"),
    "no borrows": _operation("sub", "xor"),
    "a shift the other way": _operation("shl", "shr"),
    "no sign": _operation("negative", "ones"),
    "a guard dropped": _guards_dropped,
    "a guard after its load": _guard_after_its_load,
    "a store before a load": _store_before_its_load,
    "the address stored": _operands("store", order=(0, 0)),
    "stored to the content": _operands("store", order=(1, 1)),
    "words of the next pass swapped": _word_of_another_pass,
    "another word of the state": _state_of_another_word,
    "a word of the state that is zero for all": _state_is_a_constant,
    "lanes of a word swapped": _lanes_swapped,
    "cells packed in another way": _cells_otherwise,
    "a lane that changes is said to be known": _known_that_changes,
    "another target": _another_target,
    "a capture that is kept secret": _no_capture,
    "a table moved or cut": _tables,
}
