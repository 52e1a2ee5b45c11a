"""FLEQ as data: mem[c] = f(mem[a], mem[b]); if mem[flag] ≤ 0 goto p.

Giannou et al. 2023, "Looped Transformers as Programmable Computers", FLEQ.

An instruction is six words: the op word, the addresses a, b, c and flag, and the target p. The op
word chooses the function and the elements that it works on:

    bits   0-4       5-6    7-8    9-10   11-12  13-16  17-20  21-24  25
    field  function  a_row  a_col  b_row  b_col  rows   cols   inner  judge

Element (i, j) of the result is f(x, y), where x is the element of `a` in the row and the column
that the selectors of `a` name, and y likewise for `b`. A selector is 0, i, j or k: k is the index
of a sum of products. So broadcasting, transposition, outer and matrix products are one mechanism.
Rows of a matrix lie `side` words apart. The sizes are those of the result, and of the sum (inner);
a field holds a size minus one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from looped.errors import CompileError

__all__ = [
    "FIELDS",
    "FUNCTIONS",
    "LARGEST_SIDE",
    "WORDS",
    "Field",
    "Format",
    "Function",
    "Operation",
    "Selector",
    "decode",
    "encode",
]

WORDS: tuple[str, ...] = ("op", "a", "b", "c", "flag", "p")
"""The words of an instruction, in order."""

LARGEST_SIDE = 16
"""Rows, columns and terms of a sum that the fields of four bits can name."""


class Selector(IntEnum):
    """Where a row or a column index of an operand comes from."""

    ZERO = 0
    I = 1  # noqa: E741 the row of the result, as in every text on matrices
    J = 2
    K = 3


@dataclass(frozen=True, slots=True)
class Field:
    """`width` bits of the op word from bit `at` on."""

    at: int
    width: int


FIELDS: dict[str, Field] = {
    "function": Field(0, 5),
    "a_row": Field(5, 2),
    "a_col": Field(7, 2),
    "b_row": Field(9, 2),
    "b_col": Field(11, 2),
    "rows": Field(13, 4),
    "cols": Field(17, 4),
    "inner": Field(21, 4),
    "judge": Field(25, 1),
}
"""The fields of the op word, from the lowest bit on."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function block: its number in the op word and how many operands it reads.

    One that sums is applied to every k and added up. One that stores leaves its result in `c`.
    """

    number: int
    arity: int
    sums: bool = False
    stores: bool = True


FUNCTIONS: dict[str, Function] = {
    "mul": Function(1, 2, sums=True),
    "relu": Function(2, 1),
    "sigmoid": Function(8, 1),
    "sin": Function(9, 1),
    "add": Function(16, 2),
    "sub": Function(17, 2),
    "copy": Function(18, 1),
    "print": Function(19, 1, stores=False),
    "div": Function(24, 2),
    "sqrt": Function(25, 1),
    "exp": Function(26, 1),
    "rem": Function(27, 2),
}
"""Every function by its name. Any other number traps, 0 among them: zeros are no program.

Bit 3 marks what takes many steps without a sum, bit 4 a result that is a sum as it stands.
"""


@dataclass(frozen=True, slots=True)
class Format:
    """A fixed-point word: `width` bits in two's complement, `fraction` of them after the point.

    Raises CompileError for one that holds no op word or no domain of the tables: the op word takes
    26 bits, the tables reach from -16 to 16 (five bits before the point), their segments of a
    quarter have at least two bits of their own, and `exp` exceeds every word before 16 (24 bits).
    """

    width: int = 32
    fraction: int = 16

    def __post_init__(self) -> None:
        if not 26 <= self.width <= 64:
            raise CompileError(f"fleq has no {self.width}-bit words", hint="26 to 64 bits")
        possible = self.fractions(self.width)
        if self.fraction not in possible:
            raise CompileError(
                f"a {self.width}-bit word cannot have {self.fraction} fraction bits",
                hint=f"{possible[0]} to {possible[-1]}",
            )

    @staticmethod
    def fractions(width: int) -> range:
        """How many bits of a word of `width` bits may stand after the point."""
        return range(max(4, width - 24), width - 4)

    @property
    def lowest(self) -> int:
        """The least word as an integer; its value is `lowest / 2^fraction`."""
        return -(1 << self.width - 1)

    @property
    def highest(self) -> int:
        """The largest word as an integer."""
        return (1 << self.width - 1) - 1

    def __str__(self) -> str:
        return f"Q{self.width - self.fraction}.{self.fraction}"


@dataclass(frozen=True, slots=True)
class Operation:
    """An op word taken apart. Sizes count from one; `judge` says whether the branch is judged."""

    function: str
    a: tuple[Selector, Selector] = (Selector.ZERO, Selector.ZERO)
    b: tuple[Selector, Selector] = (Selector.ZERO, Selector.ZERO)
    rows: int = 1
    cols: int = 1
    inner: int = 1
    judge: bool = False


def encode(operation: Operation) -> int:
    """The op word. Raises CompileError for an unknown function or a size that does not fit."""
    function = FUNCTIONS.get(operation.function)
    if function is None:
        raise CompileError(f"fleq has no function `{operation.function}`")
    sizes = {"rows": operation.rows, "cols": operation.cols, "inner": operation.inner}
    for name, size in sizes.items():
        if not 1 <= size <= LARGEST_SIDE:
            raise CompileError(f"{name} cannot be {size}", hint=f"1 to {LARGEST_SIDE}")
    values = {
        "function": function.number,
        "a_row": operation.a[0],
        "a_col": operation.a[1],
        "b_row": operation.b[0],
        "b_col": operation.b[1],
        **{name: size - 1 for name, size in sizes.items()},
        "judge": int(operation.judge),
    }
    return sum(int(value) << FIELDS[name].at for name, value in values.items())


def decode(word: int) -> Operation | None:
    """The operation in an op word, None if its function is unknown. Higher bits do not count."""
    value = {n: word >> field.at & (1 << field.width) - 1 for n, field in FIELDS.items()}
    names = (name for name, f in FUNCTIONS.items() if f.number == value["function"])
    name = next(names, None)
    if name is None:
        return None
    return Operation(
        name,
        (Selector(value["a_row"]), Selector(value["a_col"])),
        (Selector(value["b_row"]), Selector(value["b_col"])),
        value["rows"] + 1,
        value["cols"] + 1,
        value["inner"] + 1,
        bool(value["judge"]),
    )
