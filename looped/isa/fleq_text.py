"""An instruction of FLEQ as text, with addresses in the place of names."""

from __future__ import annotations

from looped.isa.fleq import FUNCTIONS, Operation, Selector, decode

__all__ = ["disassemble"]

_INDEX = "0ijk"
"""The letters of the selectors, by their numbers."""


def disassemble(words: tuple[int, ...], pc: int, width: int) -> str:
    """The text of an instruction: `mul [40](i,k), [50](k,j) -> [60] 2x2x2 if [70] <= 0 goto 6`.

    In brackets stands the address of a matrix, behind it where the row and the column of an operand
    come from, unless it is one number. Numbers are signed.
    """
    a, b, c, flag, p = (word - (word >> width - 1 << width) for word in words[1:])
    operation = decode(words[0])
    if operation is None:
        return f"no function has the number {words[0] & 31}"
    function = FUNCTIONS[operation.function]
    operands = [_operand(a, operation.a), _operand(b, operation.b)][: function.arity]
    text = f"{operation.function} {', '.join(operands)}"
    if function.stores:
        text += f" -> [{c}]"
    text += f" {_size(operation)}"
    return f"{text} if [{flag}] <= 0 goto {p}" if operation.judge else text


def _operand(address: int, selectors: tuple[Selector, Selector]) -> str:
    row, column = (_INDEX[selector] for selector in selectors)
    return f"[{address}]" if row == column == "0" else f"[{address}]({row},{column})"


def _size(operation: Operation) -> str:
    """Rows and columns, and the number of k if the instruction has one."""
    size = f"{operation.rows}x{operation.cols}"
    selectors = (*operation.a, *operation.b)[: 2 * FUNCTIONS[operation.function].arity]
    return f"{size}x{operation.inner}" if Selector.K in selectors else size
