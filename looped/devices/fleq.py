"""What a FLEQ instruction accesses, element by element, and why a FLEQ program has trapped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from looped.devices.accesses import Accesses, Words, word_at
from looped.devices.host import ColumnPort
from looped.image import Image
from looped.isa.fleq import FUNCTIONS, WORDS, Operation, Selector, decode

__all__ = ["describe_fleq_trap", "fleq_accesses"]


def fleq_accesses(image: Image, port: Words) -> Accesses:
    """What the FLEQ instruction at the program counter accesses, in the order of the reference.

    After some of its loops, that is what it still accesses.
    """
    pc, size, plan = port.cpu("pc"), port.size, port.plan
    if pc >= size:
        return Accesses()
    op, a, b, c, flag, _ = (word_at(image, port, (pc + n) % size) for n in range(len(WORDS)))
    operation, unfinished = decode(op), port.cpu("busy") == 1
    if unfinished and port.cpu("judging") == 1:
        return Accesses((flag % size,))
    if operation is None:
        return Accesses()
    side, workers = plan.parameters["side"], 1 if plan.workers is None else plan.workers.count
    sweep = _Sweep(operation, a, b, c, side, size)
    reads, writes, late = list[int](), list[int](), set[int]()
    for group in _groups(sweep, workers, port.cpu("element") if unfinished else 0):
        for address in (address for i, j in group for address in sweep.reads(i, j)):
            if address in writes:
                late.add(len(reads))
            reads.append(address)
        if FUNCTIONS[operation.function].stores:
            writes += [(c + i * side + j) % size for i, j in group]
    if operation.judge:
        late |= {len(reads)} if flag % size in writes else set()
        reads.append(flag % size)
    return Accesses(tuple(reads), tuple(writes), late=frozenset(late))


def describe_fleq_trap(image: Image, port: ColumnPort) -> str | None:
    """The trap of a machine that has halted, None if it has halted without one."""
    if port.cpu("trap") == 0:
        return None
    pc = port.cpu("pc")
    location = image.location(pc)
    place = f"{pc}" + (f" ({location})" if location else "")
    number = word_at(image, port, pc % port.size) & 31
    name = next((name for name, f in FUNCTIONS.items() if f.number == number), None)
    fault = f"this machine has no `{name}`" if name else f"no function has the number {number}"
    return f"trap at {place}: {fault}"


@dataclass(frozen=True, slots=True)
class _Sweep:
    """An instruction with its addresses, in rows of `side` words and a memory of `size` words."""

    operation: Operation
    a: int
    b: int
    c: int
    side: int
    size: int

    @property
    def rows(self) -> int:
        """Rows of the result; of a size log2(side) bits count."""
        return (self.operation.rows - 1) % self.side + 1

    @property
    def cols(self) -> int:
        """Columns of the result."""
        return (self.operation.cols - 1) % self.side + 1

    def reads(self, i: int, j: int) -> Iterator[int]:
        """The words of the operands of element (i, j), in order."""
        operation, function = self.operation, FUNCTIONS[self.operation.function]
        last = (operation.inner - 1) % self.side
        for k in range(0 if function.sums else last, last + 1):
            index = {Selector.ZERO: 0, Selector.I: i, Selector.J: j, Selector.K: k}
            for base, (row, column) in ((self.a, operation.a), (self.b, operation.b))[
                : function.arity
            ]:
                yield (base + index[row] * self.side + index[column]) % self.size


def _groups(sweep: _Sweep, workers: int, first: int) -> Iterator[list[tuple[int, int]]]:
    """The elements that are computed at once: those among `workers` consecutive places.

    `first` is the first place. An instruction that has become smaller finds no element there.
    """
    side = sweep.side
    row, column = divmod(first, side)
    while True:
        places = range(row * side + column, row * side + column + workers)
        pairs = (divmod(place, side) for place in places)
        yield [(i, j) for i, j in pairs if i < sweep.rows and j < sweep.cols]
        if column + workers < sweep.cols:
            column += workers
            continue
        row, column = row + max(1, workers // side), 0
        if row >= sweep.rows:
            return
