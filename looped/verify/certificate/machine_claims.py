"""Claims about the machine as a whole: codes of columns, the entry, phases, the norm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from looped.circuit.circuit import Read, Write
from looped.verify.certificate.attention_state import is_register_file
from looped.verify.certificate.claims import ALGEBRA, LAYOUT, Claim
from looped.verify.certificate.columns import POSITION
from looped.verify.certificate.context import ProofContext

__all__ = ["machine_claims"]


def machine_claims(context: ProofContext) -> Iterator[Claim]:
    """The claims about columns, lanes and phases on which the proofs of blocks rely."""
    columns = context.plan.columns
    yield Claim(
        None, "columns", "have the codes of their positions; no two of one kind have the same code",
        LAYOUT, columns, _codes(context),
    )  # fmt: skip
    yield Claim(
        None, "entry", _entry(context), LAYOUT, 1, None,
    )  # fmt: skip
    statements = len(_accesses(context)) + len(context.circuit.registers)
    yield Claim(
        None, "circuit", "every read, write and register has its phase; writes after all reads",
        LAYOUT, statements, _phases(context),
    )  # fmt: skip
    gains = [(n, w) for n, w in context.machine.arrays.items() if w.ndim == 1]
    wrong = [name for name, weight in gains if not bool((weight == 1).all())]
    yield Claim(
        None, "RMSNorm", "is the identity on ±1 states: all gains are 1, the mean square is 1",
        ALGEBRA, len(gains), f"`{wrong[0]}` has a gain that is not 1" if wrong else None,
    )  # fmt: skip


def _codes(context: ProofContext) -> str | None:
    """A column with a wrong code, or None. Registers have their numbers in every word of
    positions."""
    for columns in context.classes:
        if columns.single:
            continue
        if columns.counts:
            for word, found in columns.offsets.items():
                if found != int(word.removeprefix(POSITION) or 0) % columns.size:
                    return f"`{word}` is wrong in a column of {columns.name}"
            continue
        own = columns.numbers(POSITION)
        if not np.array_equal(own, np.arange(len(own))):
            return f"one of the columns {columns.name} has the code of another"
        for word, lanes in columns.codes.items():
            in_file = is_register_file(context, columns)
            offset = 0 if in_file else int(word.removeprefix(POSITION) or 0)
            shifted = (own + offset) % (1 << len(lanes))
            if not np.array_equal(columns.numbers(word), shifted):
                return f"`{word}` is wrong in a column of {columns.name}"
    return None


def _accesses(context: ProofContext) -> list[Read | Write]:
    return [*context.circuit.reads, *context.circuit.writes]


def _phases(context: ProofContext) -> str | None:
    reads = {id(r): phase for phase, rs in context.schedule.reads.items() for r in rs}
    writes = {id(w): phase for phase, ws in context.schedule.writes.items() for w in ws}
    placed = sum(map(len, context.schedule.reads.values()))
    placed += sum(map(len, context.schedule.writes.values()))
    missing = [a for a in _accesses(context) if id(a) not in reads and id(a) not in writes]
    if missing or placed != len(_accesses(context)):
        return f"`{missing[0].name}` has no phase" if missing else "an access has two phases"
    if min(writes.values(), default=0) < max(reads.values(), default=0) and writes:
        return "a write comes before a read"
    return None


def _entry(context: ProofContext) -> str:
    """What the certificate says about the entry of programs."""
    plan = context.plan
    if plan.baked:
        return f"a program begins at {plan.entry}; the certificate covers no other entry"
    return "a program begins wherever its image says: the program counter may have any value"
