"""What is left of straight-line code if some values are constants: the first, quick fold.

It knows whole words only, in one pass forwards and one backwards, and so leaves little of a long
code to the folds that look at bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from looped.engines.lifted.code import MASK, Code

__all__ = ["Impossible", "narrowed"]

_TWO: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b & MASK,
    "sub": lambda a, b: a - b & MASK,
    "mul": lambda a, b: a * b & MASK,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << b & MASK if b < 64 else 0,
    "shr": lambda a, b: a >> b,
    "equal": lambda a, b: int(a == b),
    "less": lambda a, b: int(a < b),
}

_ONE: dict[str, Callable[[int], int]] = {
    "negative": lambda a: a >> 63,
    "ones": int.bit_count,
}

_SAME = {"or": (0, 1), "xor": (0, 1), "add": (0, 1), "sub": (1,), "shl": (1,), "shr": (1,)}
"""Operations that leave the other operand if one of these is zero."""


class Impossible(Exception):
    """The constants lead to a pass that is always abandoned."""


def narrowed(
    code: Code, words: Mapping[int, int], loads: Mapping[int, int]
) -> tuple[Code, dict[int, int]]:
    """The code with these `words` of the state and `loads`, by their place, as constants.

    The loads stay, though nobody reads them; their new places and numbers come with the code.
    Raises Impossible.
    """
    numbers: dict[int, int] = {}
    source = list(range(len(code.instructions)))
    for value, instruction in enumerate(code.instructions):
        operation = instruction.operation
        if operation == "const":
            numbers[value] = instruction.number
        elif operation == "state":
            if instruction.number in words:
                numbers[value] = words[instruction.number]
        elif value in loads:
            numbers[value] = loads[value]
        else:
            operands = [source[operand] for operand in instruction.operands]
            known = [numbers.get(operand) for operand in operands]
            if operation == "guard" and known[0]:
                raise Impossible
            if (taken := _taken(operation, operands, known)) is not None:
                source[value] = taken
            elif (number := _number(code, operation, known, instruction.number)) is not None:
                numbers[value] = number
    return _kept(code, numbers, source, loads)


def _taken(operation: str, operands: Sequence[int], known: Sequence[int | None]) -> int | None:
    """The operand that is the value; None if it is not one of them."""
    if operation == "select":
        condition = known[0]
        return None if condition is None else operands[1 if condition else 2]
    for place in _SAME.get(operation, ()):
        if known[place] == 0:
            return operands[1 - place]
    return None


def _number(code: Code, operation: str, known: Sequence[int | None], number: int) -> int | None:
    """The value, None if it is not known, or if there is none."""
    if operation in _TWO:
        a, b = known
        if operation in ("and", "mul") and (a == 0 or b == 0):
            return 0
        return None if a is None or b is None else _TWO[operation](a, b)
    only = known[0] if len(known) == 1 else None
    if only is None:
        return None
    if operation == "table":
        return int(code.tables[number][only]) & MASK
    return _ONE[operation](only) if operation in _ONE else None


def _kept(
    code: Code, numbers: Mapping[int, int], source: Sequence[int], loads: Mapping[int, int]
) -> tuple[Code, dict[int, int]]:
    """The instructions on which effects and the values after the pass depend."""
    live = {source[value] for value in code.following}
    for value in range(len(code.instructions) - 1, -1, -1):
        instruction = code.instructions[value]
        effect = instruction.operation == "store" or value in loads
        if instruction.operation == "guard":
            effect = source[instruction.operands[0]] not in numbers
        if effect or (value in live and value not in numbers):
            live.add(value)
            live.update(source[operand] for operand in instruction.operands)
        else:
            live.discard(value)
    result = Code(tables=code.tables)
    place: dict[int, int] = {}

    def taken(value: int) -> int:
        value = source[value]
        return result.const(numbers[value]) if value in numbers else place[value]

    for value in sorted(live):
        instruction = code.instructions[value]
        operands = [taken(operand) for operand in instruction.operands]
        place[value] = result.emit(instruction.operation, *operands, number=instruction.number)
    result.following = [taken(value) for value in code.following]
    return result, {place[value]: number for value, number in loads.items()}
