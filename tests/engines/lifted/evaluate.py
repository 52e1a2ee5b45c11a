"""What straight-line code computes, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence

from looped.engines.lifted.code import MASK, Code


def evaluate(code: Code, state: Sequence[int], cells: list[int]) -> list[int] | None:
    """The value of every instruction; None if a guard failed. Stores go into `cells`."""
    values: list[int] = []
    for instruction in code.instructions:
        operands = [values[operand] for operand in instruction.operands]
        value = 0
        match instruction.operation:
            case "const":
                value = instruction.number
            case "state":
                value = state[instruction.number]
            case "load":
                value = cells[operands[0]]
            case "table":
                value = int(code.tables[instruction.number][operands[0]])
            case "add":
                value = operands[0] + operands[1]
            case "sub":
                value = operands[0] - operands[1]
            case "mul":
                value = operands[0] * operands[1]
            case "and":
                value = operands[0] & operands[1]
            case "or":
                value = operands[0] | operands[1]
            case "xor":
                value = operands[0] ^ operands[1]
            case "shl":
                value = operands[0] << operands[1]
            case "shr":
                value = operands[0] >> operands[1]
            case "equal":
                value = int(operands[0] == operands[1])
            case "less":
                value = int(operands[0] < operands[1])
            case "negative":
                value = operands[0] >> 63
            case "ones":
                value = operands[0].bit_count()
            case "select":
                value = operands[1] if operands[0] else operands[2]
            case "store":
                cells[operands[0]] = operands[1]
            case "guard":
                if operands[0]:
                    return None
        values.append(value & MASK)
    return values
