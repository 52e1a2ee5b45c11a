"""Parts of straight-line code: what some values need, and what is left if some are constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from looped.engines.lifted.code import MASK, Code

__all__ = ["evaluated", "under"]

_EFFECTS = ("store", "guard")

Given = Mapping[int, tuple[int, int]]
"""For some values, a mask and what they have in it."""

_NOTHING: Given = {}

_FOLDS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "equal": lambda a, b: int(a == b),
    "less": lambda a, b: int(a < b),
    "shr": lambda a, b: a >> b,
}


def evaluated(code: Code, values: Sequence[int]) -> Code:
    """The code that leaves some values, with the guards before the last of them.

    There must be no store before it.
    """
    last = max(values)
    start = Code(code.instructions[: last + 1], code.tables, list(values), code.limits)
    return _copied(start, {}, list(range(last + 1)))


def under(code: Code, constants: Mapping[int, int], given: Given = _NOTHING) -> Code:
    """The code of passes in which some values are these `constants`, and others have the `given`
    bits, a mask and a pattern in it."""
    numbers: dict[int, int] = {}
    source: list[int] = []
    for value, instruction in enumerate(code.instructions):
        operands = [source[operand] for operand in instruction.operands]
        known = [numbers.get(operand) for operand in operands]
        source.append(value)
        if value in constants:
            numbers[value] = constants[value]
        elif instruction.operation == "const":
            numbers[value] = instruction.number
        elif instruction.operation == "select" and known[0] is not None:
            source[value] = operands[1] if known[0] else operands[2]
        elif instruction.operation == "and" and 0 in known:
            numbers[value] = 0
        elif instruction.operation in _FOLDS and None not in known:
            a, b = (number for number in known if number is not None)
            numbers[value] = _FOLDS[instruction.operation](a, b) & MASK
        elif instruction.operation in ("or", "xor", "add") and 0 in known:
            source[value] = operands[1 - known.index(0)]
    return _copied(code, numbers, source, given)


def _copied(
    code: Code, numbers: Mapping[int, int], source: Sequence[int], given: Given = _NOTHING
) -> Code:
    """The instructions on which effects and the values after the pass depend, in order; a value
    with a number is a constant, and every other one is its source."""
    live = {source[value] for value in code.following}
    for value in range(len(code.instructions) - 1, -1, -1):
        instruction = code.instructions[value]
        if (value in live and value not in numbers) or instruction.operation in _EFFECTS:
            live.add(value)
            live.update(source[operand] for operand in instruction.operands)
    result = Code(tables=code.tables)
    place: dict[int, int] = {}
    for value, instruction in enumerate(code.instructions):
        if value in numbers and value in live:
            place[value] = result.const(numbers[value])
        elif value in live:
            operands = [place[source[operand]] for operand in instruction.operands]
            place[value] = result.emit(
                instruction.operation,
                *operands,
                number=instruction.number,
                most=code.limits.get(value, MASK),
            )
            if value in given:
                mask, pattern = given[value]
                others = result.mask(place[value], ~mask & MASK)
                place[value] = result.either(others, result.const(pattern))
    result.following = [place[source[value]] for value in code.following]
    return result
