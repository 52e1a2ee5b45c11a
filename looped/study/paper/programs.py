"""Programs of the paper's SUBLEQ: commands apart from memory, no self-modification.

A command (a, b, c): mem[b] -= mem[a]; if mem[b] ≤ 0 go to command c, else to the next one. The last
command of a program that ends is EOF, which jumps to itself (section 5.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from looped.errors import CompileError
from looped.reference import Subleq

__all__ = ["Program", "as_reference", "countdown", "factorial", "multiply", "random_program"]


@dataclass(frozen=True, slots=True)
class Program:
    """Commands by number, and the words that memory begins with (signed)."""

    name: str
    commands: tuple[tuple[int, int, int], ...]
    memory: tuple[int, ...]


def multiply(a: int, b: int) -> Program:
    """a times b into cell 0: cell 0 grows by a until b has gone down to zero."""
    x, y, temp, zero, one, minus = range(6)
    commands = ((x, temp, 1), (one, y, 4), (temp, x, 3), (zero, zero, 1), (zero, minus, 4))
    return Program(f"multiply {a} x {b}", commands, (a, b, 0, 0, 1, -1))


def factorial(n: int) -> Program:
    """n! into cell 0, by n - 1 products as in `multiply`."""
    total, outer, inner, temp, zero, one, minus, copy = range(8)
    commands = (
        (one, outer, 10),  # 0: outer -= 1, ends at zero
        (temp, temp, 2),  # 1: temp = -total
        (total, temp, 3),
        (inner, inner, 4),  # 3: inner = outer, by way of copy
        (copy, copy, 5),
        (outer, copy, 6),
        (copy, inner, 7),
        (one, inner, 0),  # 7: total += -temp as often as inner goes down to one
        (temp, total, 9),
        (zero, zero, 7),
        (zero, minus, 10),  # 10: EOF
    )
    return Program(f"factorial of {n}", commands, (1, n + 1, 0, 0, 0, 1, -1, 0))


def countdown(start: int) -> Program:
    """Down from `start` to zero, again and again, without an end."""
    counter, temp, origin, one, zero = range(5)
    commands = (
        (one, counter, 2),  # 0
        (zero, zero, 0),
        (temp, temp, 3),  # 2: counter = origin
        (origin, temp, 4),
        (temp, counter, 5),
        (zero, zero, 0),
    )
    return Program(f"countdown from {start}", commands, (start, 0, start, 1, 0))


def random_program(seed: int, commands: int, cells: int, bits: int) -> Program:
    """Commands and words at random; the last command jumps back, so that it never ends."""
    rng = np.random.default_rng(seed)
    drawn = [
        tuple(int(rng.integers(k)) for k in (cells, cells, commands)) for _ in range(commands - 1)
    ]
    code = tuple((a, b, c) for a, b, c in drawn)
    words = [int(v) for v in rng.integers(-(1 << bits - 1), 1 << bits - 1, cells - 1)]
    back = (cells - 1, cells - 1, 0)  # the last cell minus itself is 0
    return Program(f"random {seed}", (*code, back), (*words, 0))


def as_reference(program: Program, bits: int) -> tuple[Subleq, int]:
    """The program for the reference interpreter, code and data in one memory; where data begins.

    Command i is the three words from address 3i on, cell k the word `base + k`. The program never
    writes below `base`, so that both machines do the same.
    """
    base, size = 3 * len(program.commands), 1 << bits
    words = [w for a, b, c in program.commands for w in (base + a, base + b, 3 * c)]
    words += [value % size for value in program.memory]
    if len(words) > size // 2:
        raise CompileError(f"{program.name} does not fit into {size // 2} words")
    return Subleq(words, bits, size), base
