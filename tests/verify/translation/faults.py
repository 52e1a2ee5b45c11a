"""Lifted code with one fault."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator

from looped.engines.lifted.code import Code, Instruction
from looped.engines.lifted.lift import Lifted
from tests import seeds
from tests.engines.lifted.evaluate import evaluate

_OTHERS = {"add": "sub", "sub": "add", "and": "or", "or": "and", "xor": "or", "shl": "shr",
           "shr": "shl", "equal": "less", "less": "equal"}  # fmt: skip


def faults(lifted: Lifted) -> Iterator[tuple[str, Lifted]]:
    """Code in which one instruction is another, one for each that can be made wrong that way."""
    for place, instruction in enumerate(lifted.code.instructions):
        for name, wrong in _wrong(instruction, lifted.code):
            yield f"{name} at {place}", _with(lifted, place, wrong)
    for number in range(len(lifted.code.following)):
        code = _copied(lifted.code)
        code.following[number] = code.following[number - 1]
        yield f"word {number} after the pass is another", dataclasses.replace(lifted, code=code)
    for number, table in enumerate(lifted.code.tables):
        code = _copied(lifted.code)
        code.tables[number] = table[::-1].copy()
        yield f"table {number} backwards", dataclasses.replace(lifted, code=code)


def behaves(wrong: Lifted, right: Lifted) -> bool:
    """Whether code does the same in random states, wherever it does not give up."""
    rng, columns = seeds.rng(0), len(right.behaviour.known)
    for _ in range(200):
        state = [rng.getrandbits(len(word)) for word in right.words]
        cells = [rng.choice((0, 1, 254, 255, rng.getrandbits(8))) for _ in range(columns + 1)]
        outcomes = []
        for each in (wrong, right):
            after = list(cells)
            try:
                values = evaluate(each.code, state, after)
            except (IndexError, ValueError, OverflowError):
                return False
            words = None if values is None else [values[v] for v in each.code.following]
            outcomes.append((words, after[:columns]))
        if None not in (outcomes[0][0], outcomes[1][0]) and outcomes[0] != outcomes[1]:
            return False
    return True


def _wrong(instruction: Instruction, code: Code) -> Iterator[tuple[str, Instruction]]:
    operation, operands = instruction.operation, instruction.operands
    if operation in ("sub", "less"):
        yield "swapped operands", dataclasses.replace(instruction, operands=operands[::-1])
    if operation == "select":
        swapped = (operands[0], operands[2], operands[1])
        yield "swapped branches", dataclasses.replace(instruction, operands=swapped)
    if operation in _OTHERS:
        other = _OTHERS[operation]
        yield f"{other} for {operation}", dataclasses.replace(instruction, operation=other)
    if operation == "const":
        yield "a wrong constant", dataclasses.replace(instruction, number=instruction.number ^ 1)
    if operation == "and" and code.number(operands[1]) is not None:
        copied = (operands[0], operands[0])
        yield "a dropped mask", dataclasses.replace(instruction, operands=copied)
    if operation == "load":
        yield "a load of column 0", dataclasses.replace(instruction, operands=(_zero(code),))
    if operation == "store":
        yield "a lost capture", Instruction("guard", (_zero(code),))
        yield "another column", dataclasses.replace(instruction, operands=operands[:1] * 2)
    if operation == "guard":
        yield "a lost guard", Instruction("guard", (_zero(code),))


def _zero(code: Code) -> int:
    return next(n for n, i in enumerate(code.instructions) if i == Instruction("const"))


def _copied(code: Code) -> Code:
    return Code(list(code.instructions), copy.copy(code.tables), list(code.following))


def _with(lifted: Lifted, place: int, wrong: Instruction) -> Lifted:
    code = _copied(lifted.code)
    code.instructions[place] = wrong
    return dataclasses.replace(lifted, code=code)
