"""The tables of `looped study paper`: measured errors against bounds, and steps of SUBLEQ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from looped.study.paper.adder import wrong_sums
from looped.study.paper.cases import PAIRS, Case
from looped.study.paper.layers import DTYPES, Construction
from looped.study.paper.lockstep import steps_right
from looped.study.paper.memory import least_temperature
from looped.study.paper.product import LINEAR, RICHARDSON, SINH, best_error, matrices
from looped.study.paper.programs import (
    Program,
    countdown,
    factorial,
    multiply,
    random_program,
)
from looped.study.paper.subleq import safe_temperature, short_subleq, subleq, uncorrected

__all__ = [
    "ADDERS",
    "BITS",
    "COLUMNS",
    "MACHINES",
    "TEMPERATURES",
    "Machine",
    "adder_row",
    "adder_table",
    "best_table",
    "error_row",
    "error_table",
    "programs",
    "steps",
    "steps_row",
    "steps_table",
    "temperature_table",
]

COLUMNS, BITS = 32, 8
"""The size of the paper's own example: 32 columns, words of 8 bits."""

TEMPERATURES = (4.0, 6.0, 8.0, 9.0, 10.0, 12.0, 16.0, 20.0)
"""λ of the table of steps."""

ADDERS = {"float16": 10, "float32": 23, "float64": 52}
"""N up to which the adder is right, and beyond which it is not: the mantissa less one."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A row of the table of steps: SUBLEQ in one of its forms, for a λ."""

    name: str
    build: Callable[[float], Construction]


MACHINES = (
    Machine("9 layers", lambda temperature: subleq(COLUMNS, BITS, temperature)),
    Machine(
        "9 less correction", lambda temperature: uncorrected(subleq(COLUMNS, BITS, temperature))
    ),
    Machine("7 layers", lambda temperature: short_subleq(COLUMNS, BITS, temperature)),
)


def programs() -> list[Program]:
    """What the machines run side by side: two that end, one that counts, three at random."""
    drawn = [random_program(seed, 12, 8, BITS) for seed in (0, 2, 3)]
    return [multiply(7, 9), factorial(5), countdown(100), *drawn]


def error_row(case: Case) -> list[str]:
    """Measure a construction in every dtype."""
    machine = case.machine
    return [
        case.name,
        str(len(machine.layers)),
        str(machine.heads),
        str(machine.lanes.count),
        *(_number(case.error(dtype)) for dtype in DTYPES),
        "" if case.bound is None else _number(case.bound("float64")),
        "" if case.paper is None else _number(case.paper),
        case.inputs,
    ]


def error_table(rows: Iterable[Sequence[str]]) -> str:
    """The table of errors, in Markdown."""
    head = ["construction", "layers", "heads", "width", *DTYPES]
    return _table([*head, "bound, float64", "paper", "largest over"], rows)


def steps(machine: Machine, temperature: float, dtype: str, limit: int) -> int:
    """Steps that a machine stays right, `limit` at most."""
    return steps_right(programs(), COLUMNS, machine.build(temperature), dtype, limit).right


def steps_row(machine: Machine, dtype: str, limit: int) -> list[str]:
    """The steps for each λ; a `+` where the limit ended the run."""
    counts = [steps(machine, temperature, dtype, limit) for temperature in TEMPERATURES]
    return [machine.name, dtype, *(f"{n}+" if n == limit else str(n) for n in counts)]


def steps_table(rows: Iterable[Sequence[str]]) -> str:
    """The table of steps: machine, dtype, then a column for each λ."""
    head = ["machine", "dtype", *(f"λ = {temperature:g}" for temperature in TEMPERATURES)]
    return _table(head, rows)


def adder_row(dtype: str) -> list[str]:
    """Wrong sums of the adder at the widest N that is right, and one beyond."""
    widest = ADDERS[dtype]
    return [dtype, str(widest), *(str(wrong_sums(n, dtype, seed=0)) for n in (widest, widest + 1))]


def adder_table(rows: Iterable[Sequence[str]]) -> str:
    """The table of the widest adders."""
    return _table(["dtype", "N", "wrong of 336 at N", "at N + 1"], rows)


def temperature_table() -> str:
    """The λ that a read, a step of nine layers and one of seven need, for words of N bits."""
    rows = []
    for columns in (32, 1024):
        for bits in (8, 16, 32):
            read = least_temperature(columns, 2.0**-25)
            safe = [safe_temperature(columns, bits, adders) for adders in (2, 1)]
            rows.append([str(columns), str(bits), *(f"{value:.1f}" for value in (read, *safe))])
    return _table(["n", "N", "read, half an ulp of float32", "9 layers", "7 layers"], rows)


def best_table() -> str:
    """The product's best cases: the best of 20 single pairs, at the best c of a sweep."""
    rows = []
    for d in (4, 8):
        for dtype in ("float32", "float64"):
            pairs = matrices(d, PAIRS, 0, dtype)[1:]
            best = [best_error(pairs, heads, dtype) for heads in (LINEAR, SINH, RICHARDSON)]
            rows.append([str(d), dtype, *map(_number, best)])
    return _table(["d", "dtype of a pair", "1 head", "2 heads", "4 heads"], rows)


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    cells = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
