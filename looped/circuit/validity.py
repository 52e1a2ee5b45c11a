"""Which circuits are valid: checks of each statement as it is made, and of a whole circuit.

| checked                                                    | when                              |
|------------------------------------------------------------|-----------------------------------|
| sizes, widths, names, offsets, one-bit flags               | as a statement is made            |
| every lane is made, every definition used, there is a `pc` | by `Circuit.check`, in compiling  |
| sums in conditions are integers                            | by `Circuit.check`, exactly       |
| signals are bits                                           | by `Circuit.check` if few lanes   |
|                                                            | decide it (`bits`), else by the   |
|                                                            | certificate: *made lanes are bits*|
| heads sum to bits, no two writes hit one column, ports     | by the certificate                |
| name existing devices, x0 stays zero, invariants hold      |                                   |
"""

from __future__ import annotations

from looped.circuit.bits import check_bits
from looped.circuit.graph import Graph
from looped.circuit.statements import Write
from looped.circuit.words import Form, Lane, Word
from looped.errors import CompileError
from looped.number_format import NumberFormat

__all__ = [
    "check_bit",
    "check_bits_of_read",
    "check_circuit",
    "check_number",
    "check_one_output",
    "check_printed",
    "check_register_read",
    "check_sizes",
    "check_width",
    "check_workers",
    "check_write",
]

_WIDEST = 64
_MOST_ADDRESS_BITS = 24


def check_sizes(m: Graph) -> None:
    """Raise CompileError for sizes out of range."""
    if not 1 <= m.width <= _WIDEST:
        raise CompileError(f"circuit `{m.name}` has {m.width}-bit words: 1 to {_WIDEST} bits")
    if not 1 <= m.address_bits <= _MOST_ADDRESS_BITS:
        raise CompileError(
            f"circuit `{m.name}` has {m.address_bits}-bit addresses: 1 to {_MOST_ADDRESS_BITS} bits"
        )
    if not 0 <= m.register_bits <= m.address_bits:
        raise CompileError(
            f"circuit `{m.name}` has {m.register_bits}-bit register numbers: "
            f"0 to {m.address_bits} bits, as in an address"
        )
    if m.zero_register and not m.register_bits:
        raise CompileError(f"circuit `{m.name}` has a zero register but no register file")


def check_width(name: str, width: int, where: str) -> None:
    """Raise CompileError for a word with no bits or too many."""
    if not 1 <= width <= _WIDEST:
        raise CompileError(f"word `{name}` at {where} has {width} bits: 1 to {_WIDEST}")


def check_number(name: str, width: int, number: NumberFormat, where: str) -> None:
    """Raise CompileError for a number format that a word cannot have."""
    if not number.fits(width):
        what = f"{number.kind} with {number.fraction_bits} fraction bits"
        raise CompileError(f"word `{name}` at {where} has {width} bits and cannot be {what}")


def check_one_output(m: Graph, where: str) -> None:
    """Raise CompileError for a machine that both writes bytes and prints numbers."""
    if m.ports.output is not None and m.ports.print is not None:
        raise CompileError(
            f"circuit `{m.name}` has a second port for output at {where}",
            hint="a machine writes bytes or prints numbers",
        )


def check_printed(m: Graph, name: str, where: str) -> None:
    """Raise CompileError for a port that prints a register which does not hold a number."""
    number = next(register.number for register in m.registers if register.name == name)
    if not number.is_number:
        raise CompileError(
            f"the port at {where} prints `{name}`, which holds no number but has the format "
            f"`{number.kind}`"
        )


def check_bit(what: str, flag: Word, where: str) -> None:
    """Raise CompileError unless a word that is used as a flag has one bit."""
    if len(flag) != 1:
        raise CompileError(f"{what} at {where} is a word of {len(flag)} bits: it must have one")


def check_register_read(m: Graph, name: str, where: str) -> None:
    """Raise CompileError unless there is a register file to read."""
    if not m.register_bits:
        raise CompileError(f"read `{name}` at {where}: the circuit has no register file")


def check_bits_of_read(m: Graph, name: str, bits: slice, where: str) -> range:
    """The bits of a word that a read copies. Raises CompileError unless they are adjacent."""
    copied = range(m.width)[bits]
    if not copied or copied.step != 1:
        raise CompileError(
            f"read `{name}` at {where} copies no adjacent bits of a word of {m.width} bits"
        )
    return copied


def check_write(m: Graph, write: Write) -> None:
    """Raise CompileError unless a write has a full address, a whole word and flags of one bit."""
    at = f"write `{write.name}` at {write.where}"
    for other in m.writes:
        if other.name == write.name:
            raise CompileError(
                f"write `{write.name}` is made twice: at {other.where} and {write.where}"
            )
    if len(write.address) != m.address_bits:
        raise CompileError(
            f"{at}: an address of {len(write.address)} bits, but memory needs {m.address_bits}"
        )
    if len(write.value) != m.width:
        raise CompileError(f"{at}: a word of {len(write.value)} bits, but memory has {m.width}")
    if write.in_registers is not None and not m.register_bits:
        raise CompileError(f"{at}: the circuit has no register file")
    for what, flag in (("in_registers", write.in_registers), ("when", write.when)):
        if flag is not None:
            check_bit(f"`{what}` of write `{write.name}`", flag, write.where)


def check_workers(number: Word, mask: Word, where: str) -> None:
    """Raise CompileError unless the largest number of a worker fits into the mask."""
    if number == mask or len(number) != len(mask):
        raise CompileError(
            f"the number of a worker at {where} has {len(number)} bits, and the mask "
            f"{len(mask)}: two registers of one width are needed"
        )


def check_circuit(m: Graph) -> None:
    """Raise CompileError for the first thing that makes a circuit invalid."""
    if not any(register.name == "pc" for register in m.registers):
        raise CompileError(
            f"circuit `{m.name}` has no register `pc`", hint="it holds a program's entry"
        )
    _check_lanes(m)
    _check_flags(m)
    _check_workers(m)
    _check_integers(m)
    check_bits(m)


def _check_lanes(m: Graph) -> None:
    """Every lane in use is made, and every definition is used."""
    made = {lane for register in m.registers for lane in register.word}
    made.update(lane for read in m.reads for lane in read.result)
    made.update(lane for define in m.defines for lane in define.target)
    used: set[Lane] = set()
    for where, lanes in m.uses():
        for lane in sorted(lanes - made, key=str):
            raise CompileError(f"lane `{lane}` is used at {where} but never made")
        used |= lanes
    used.update(lane for register in m.registers for lane in register.following or ())
    for define in m.defines:
        if used.isdisjoint(define.target):
            raise CompileError(f"word `{define.name}` is made at {define.where} but never used")


def _check_flags(m: Graph) -> None:
    """The flags that a host reads, and the lanes of invariants, belong to registers."""
    between = {lane for register in m.registers for lane in register.word}
    for invariant in m.invariants:
        if not between.issuperset(invariant.condition.form.terms):
            raise CompileError(
                f"invariant `{invariant.name}` at {invariant.where} "
                "has a lane that belongs to no register"
            )
    flags = [lane for lane in (m.halted, m.busy) if lane is not None]
    for lane in (*flags, *(lane for word in m.scratch for lane in word)):
        if lane not in between:
            raise CompileError(f"a host reads lane `{lane}`, which belongs to no register")


def _check_workers(m: Graph) -> None:
    """Workers have registers, a mask that never changes, and no input column."""
    if m.workers is None:
        return
    registers = {register.word: register for register in m.registers}
    for name, word in (("number", m.workers.number), ("mask", m.workers.mask)):
        if word not in registers:
            raise CompileError(f"the {name} of workers at {m.workers.where} is not a register")
    mask = registers[m.workers.mask]
    if mask.following is not None:
        raise CompileError(f"the mask of workers gets a next value at {mask.where}: it never may")
    if m.has_input:
        raise CompileError(
            f"circuit `{m.name}` has workers and an input column: it can only have one of them"
        )


def _check_integers(m: Graph) -> None:
    """The form of a condition is an integer for all signs of its lanes."""
    for define in m.defines:
        for signal in define.value.signals:
            for term in signal.gated:
                if not _is_integer(term.condition.form):
                    raise CompileError(
                        f"word `{define.name}` at {define.where}: a condition has a sum that is "
                        "not always an integer"
                    )
    for invariant in m.invariants:
        if not _is_integer(invariant.condition.form):
            raise CompileError(
                f"invariant `{invariant.name}` at {invariant.where} has a sum that is not always "
                "an integer"
            )


def _is_integer(form: Form) -> bool:
    """Whether a form is an integer for all signs: at its minimum, and in every step from there,
    which is twice a factor."""
    return form.minimum.denominator == 1 and all(f.denominator <= 2 for f in form.terms.values())
