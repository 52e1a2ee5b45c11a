"""Does the result of an instruction depend on the number of workers?

One worker stores each element before it reads for the next; many read for all of them first. Both
agree if no element reads a word that an earlier element has stored.
"""

from __future__ import annotations

from collections.abc import Iterator

from looped.isa.fleq import FUNCTIONS, Operation, Selector

__all__ = ["depends_on_workers"]


def depends_on_workers(operation: Operation, a: int, b: int | None, c: int, side: int) -> bool:
    """Whether an element reads what an earlier one has stored; `b` is None where it is not read.

    `a`, `b` and `c` are addresses, `side` the row stride.
    """
    stored: set[int] = set()
    for i in range(operation.rows):
        for j in range(operation.cols):
            if not stored.isdisjoint(_reads(operation, a, b, i, j, side)):
                return True
            stored.add(c + i * side + j)
    return False


def _reads(operation: Operation, a: int, b: int | None, i: int, j: int, side: int) -> Iterator[int]:
    sums = FUNCTIONS[operation.function].sums
    for k in range(operation.inner) if sums else (operation.inner - 1,):
        yield _address(a, operation.a, (0, i, j, k), side)
        if b is not None:
            yield _address(b, operation.b, (0, i, j, k), side)


def _address(
    base: int, selectors: tuple[Selector, Selector], index: tuple[int, int, int, int], side: int
) -> int:
    row, column = selectors
    return base + index[row] * side + index[column]
