"""Which circuits are valid: what is checked as statements are made, and of a whole circuit.

| checked                                                    | when                              |
|------------------------------------------------------------|-----------------------------------|
| sizes, widths, names, offsets, one-bit flags               | as a statement is made            |
| every lane is made, every definition used, there is a `pc` | by `Circuit.check`, in compiling  |
| conditions stand on integers                               | by `Circuit.check`, exactly       |
| signals are bits                                           | by `Circuit.check` if few lanes   |
|                                                            | decide it (`bits`), else by the   |
|                                                            | certificate: *made lanes are bits*|
| heads sum to bits, writes do not meet, ports name devices  | by the certificate                |
| that are there, x0 stays zero, invariants hold             |                                   |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from looped.circuit.bits import check_bits
from looped.circuit.statements import Write
from looped.circuit.words import Form, Lane, Word
from looped.errors import CompileError

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit

__all__ = [
    "check_bit",
    "check_circuit",
    "check_file_read",
    "check_sizes",
    "check_width",
    "check_write",
]

_WIDEST = 64
_MOST_ADDRESS_BITS = 20


def check_sizes(m: Circuit) -> None:
    """Raise CompileError for sizes that no machine can have."""
    if not 1 <= m.width <= _WIDEST:
        raise CompileError(f"circuit `{m.name}` has no words of {m.width} bits: 1 to {_WIDEST}")
    if not 1 <= m.address_bits <= _MOST_ADDRESS_BITS:
        raise CompileError(
            f"circuit `{m.name}` has no addresses of {m.address_bits} bits: "
            f"1 to {_MOST_ADDRESS_BITS}"
        )
    if not 0 <= m.register_bits <= m.address_bits:
        raise CompileError(
            f"circuit `{m.name}` has no numbers of registers of {m.register_bits} bits: "
            f"0 to {m.address_bits}, as in an address"
        )
    if m.zero_register and not m.register_bits:
        raise CompileError(f"circuit `{m.name}` has a zero register and no register file")


def check_width(name: str, width: int, where: str) -> None:
    """Raise CompileError for a word with no bits or too many."""
    if not 1 <= width <= _WIDEST:
        raise CompileError(f"word `{name}` at {where} has {width} bits: 1 to {_WIDEST}")


def check_bit(what: str, flag: Word, where: str) -> None:
    """Raise CompileError unless a word that is used as a flag has one bit."""
    if len(flag) != 1:
        raise CompileError(f"{what} at {where} is a word of {len(flag)} bits: it must be one")


def check_file_read(m: Circuit, name: str, where: str) -> None:
    """Raise CompileError unless there is a register file."""
    if not m.register_bits:
        raise CompileError(f"read `{name}` at {where}: the circuit has no register file")


def check_write(m: Circuit, write: Write) -> None:
    """Raise CompileError unless a write has a full address, a whole word and flags of one bit."""
    at = f"write `{write.name}` at {write.where}"
    for other in m.writes:
        if other.name == write.name:
            raise CompileError(
                f"write `{write.name}` is made twice: at {other.where} and {write.where}"
            )
    if len(write.address) != m.address_bits:
        raise CompileError(
            f"{at}: an address of {len(write.address)} bits, and memory needs {m.address_bits}"
        )
    if len(write.value) != m.width:
        raise CompileError(f"{at}: a word of {len(write.value)} bits, and memory has {m.width}")
    if write.file is not None and not m.register_bits:
        raise CompileError(f"{at}: the circuit has no register file")
    for what, flag in (("file", write.file), ("when", write.when)):
        if flag is not None:
            check_bit(f"`{what}` of write `{write.name}`", flag, write.where)


def check_circuit(m: Circuit) -> None:
    """Raise CompileError for the first thing that makes a circuit invalid."""
    if not any(register.name == "pc" for register in m.registers):
        raise CompileError(
            f"circuit `{m.name}` has no register `pc`", hint="a program's entry is put there"
        )
    _check_lanes(m)
    _check_flags(m)
    _check_integers(m)
    check_bits(m)


def _check_lanes(m: Circuit) -> None:
    """Every lane that is used is made, and every definition is used."""
    made = {lane for register in m.registers for lane in register.word}
    made.update(lane for read in m.reads for lane in read.result)
    made.update(lane for define in m.defines for lane in define.target)
    used: set[Lane] = set()
    for where, lanes in m.uses():
        for lane in sorted(lanes - made, key=str):
            raise CompileError(f"lane `{lane}` is used at {where} and made nowhere")
        used |= lanes
    used.update(lane for register in m.registers for lane in register.following or ())
    for define in m.defines:
        if used.isdisjoint(define.target):
            raise CompileError(f"word `{define.name}` is made at {define.where} and never used")


def _check_flags(m: Circuit) -> None:
    """What the host looks at, and what invariants speak of, are registers."""
    between = {lane for register in m.registers for lane in register.word}
    for invariant in m.invariants:
        if not between.issuperset(invariant.condition.form.terms):
            raise CompileError(
                f"invariant `{invariant.name}` at {invariant.where} is not about registers"
            )
    flags = [lane for lane in (m.halted, m.busy) if lane is not None]
    for lane in (*flags, *(lane for word in m.working for lane in word)):
        if lane not in between:
            raise CompileError(f"lane `{lane}` tells the host something and is no register's")


def _check_integers(m: Circuit) -> None:
    """A condition is a threshold of a form that is an integer for all signs of its lanes."""
    for define in m.defines:
        for signal in define.value.signals:
            for term in signal.gated:
                if not _is_integer(term.condition.form):
                    raise CompileError(
                        f"word `{define.name}` at {define.where}: a condition stands on a sum that "
                        "is not always an integer"
                    )
    for invariant in m.invariants:
        if not _is_integer(invariant.condition.form):
            raise CompileError(
                f"invariant `{invariant.name}` at {invariant.where} stands on a sum that is not "
                "always an integer"
            )


def _is_integer(form: Form) -> bool:
    """Whether a form is an integer for all signs: at its minimum, and in every step from there."""
    steps = (2 * factor for factor in form.terms.values())
    return form.minimum.denominator == 1 and all(step.denominator == 1 for step in steps)
