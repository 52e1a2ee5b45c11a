"""The bits of values that are zero in every pass, without diagrams.

The set of the other bits of a value is an integer. It may be too large, never too small.
"""

from __future__ import annotations

import numpy as np

from looped.engines.lifted.code import MASK, Code, Instruction

__all__ = ["may_be_one"]

WORD = 64


def may_be_one(code: Code, widths: tuple[int, ...], cells: int) -> list[int]:
    """For each value the bits that may be one.

    `widths` counts the bits of each state word (by number) that may be one, `cells` those of a
    cell.
    """
    found: list[int] = []
    for instruction in code.instructions:
        match instruction.operation:
            case "state":
                bits = (1 << widths[instruction.number]) - 1
            case "load":
                bits = (1 << cells) - 1
            case "table":
                bits = int(np.bitwise_or.reduce(code.tables[instruction.number])) & MASK
            case _:
                bits = _made(code, instruction, [found[o] for o in instruction.operands])
        found.append(bits)
    return found


def _made(code: Code, instruction: Instruction, operands: list[int]) -> int:
    match instruction.operation, operands:
        case "const", _:
            return instruction.number
        case "and", [first, second]:
            return first & second
        case "or" | "xor", [first, second]:
            return first | second
        case "select", [_, first, second]:
            return first | second
        case "equal" | "less" | "negative", _:
            return 1
        case "shl" | "shr", [first, _]:
            by = code.number(instruction.operands[1])
            if by is not None and by < WORD:
                left = instruction.operation == "shl"
                return first << by & MASK if left else first >> by
    return MASK
