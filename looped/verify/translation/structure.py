"""What a lift must be like before any claim about it means something.

The other proofs take these properties for granted. Without them a claim can hold for one reading of
the code and fail for that of the engine: an operand that comes later, a word with more lanes than
bits, a lane of memory that no cell holds, or cuts that pass by one store twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from looped.analysis.model import Model
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.lift import Lifted
from looped.verify.translation.lifted_pass import WrongLift
from looped.verify.translation.reader import WORD

__all__ = ["check_structure"]


def check_structure(model: Model, lifted: Lifted) -> None:
    """Raise WrongLift unless a lift is one pass of code for a model, with cuts in their order."""
    for fault in _faults(model, lifted):
        raise WrongLift(fault)


def _faults(model: Model, lifted: Lifted) -> Iterator[str]:
    code, size = lifted.code, len(lifted.code.instructions)
    if len(lifted.cuts) != 2 * len(model.blocks):
        yield "the code has other cuts than the model has blocks"
    ends = [0, *(cut.end for cut in lifted.cuts), size]
    if any(second < first for first, second in itertools.pairwise(ends)):
        yield "the cuts of the code are not in order"
    if len(code.following) != len(lifted.words):
        yield "the code leaves the wrong number of words"
    if any(len(word) > WORD for word in (*lifted.words, lifted.packed)):
        yield f"a word has more than {WORD} lanes"
    for n, instruction in enumerate(code.instructions):
        if not all(0 <= operand < n for operand in instruction.operands):
            yield f"instruction {n} has operands that do not come before it"
        if not 0 <= instruction.number < _numbers(lifted, instruction.operation):
            yield f"instruction {n}: a {instruction.operation} that does not exist"
    if not all(0 <= value < size for value in code.following):
        yield "the code leaves values that do not exist"
    named = {lane for cut in lifted.cuts for lane in cut.lanes if isinstance(lane, Bit)}
    if not all(-len(lifted.words) <= bit.value < size and 0 <= bit.place < WORD for bit in named):
        yield "lanes hold bits of values that do not exist"
    found = lifted.behaviour
    passive = np.delete(found.known, found.driver, axis=0)
    loose = sorted({*np.flatnonzero((passive == 0).any(axis=0)).tolist()} - {*lifted.packed})
    if loose:
        yield f"lane {loose[0]} of passive columns is neither known nor in a cell"


def _numbers(lifted: Lifted, operation: str) -> int:
    """How many numbers an operation can have."""
    match operation:
        case "const":
            return 1 << WORD
        case "state":
            return len(lifted.words)
        case "table":
            return len(lifted.code.tables)
    return 1
