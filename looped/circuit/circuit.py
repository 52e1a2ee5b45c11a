"""Circuit: the primitives in which a machine describes one step.

Attention heads read and write columns of memory and of the register file, MLPs put values into
lanes. The order of statements does not matter, only their dependences.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from looped.circuit import arithmetic, validity
from looped.circuit.graph import Graph
from looped.circuit.names import NEXT, check_name, scoped
from looped.circuit.signals import Condition, Operand, Value, value
from looped.circuit.statements import (
    Define,
    Invariant,
    Read,
    Register,
    WorkerRegisters,
    Write,
)
from looped.circuit.words import Word
from looped.errors import CompileError
from looped.number_format import ADDRESS, FLAG, UNSIGNED, NumberFormat
from looped.ports import InputPort, OutputPort, PrintPort, TrapPort

__all__ = ["Circuit", "Define", "Invariant", "Read", "Register", "Write"]

_ALL = slice(None)


@dataclass
class Circuit(Graph):
    """A graph, and the language in which a machine writes it: each method adds a statement.

    `check` says whether the graph is valid. Raises CompileError for impossible sizes; every method
    raises it for a statement that is wrong in itself.
    """

    def __post_init__(self) -> None:
        validity.check_sizes(self)
        validity.check_number("value", self.width, self.number, self.name)

    def register(self, name: str, width: int, number: NumberFormat | None = None) -> Word:
        """A word that keeps its value from loop to loop; `next` gives it its next value.

        By default the `pc` is an address, any other register of one bit a flag, a wider one an
        unsigned number.
        """
        where = _caller()
        word = self._made(name, width, where)
        number = self._number(name, width, number, where)
        self.registers.append(Register(name, word, None, where, number))
        return word

    def pin(self, name: str) -> Word:
        """A one-bit register that the host sets between loops."""
        return self.register(name, 1)

    def halts(self, flag: Word) -> None:
        """Declare the bit of a register that stops the machine until its host acts."""
        validity.check_bit("the flag that halts", flag, _caller())
        self.halted = flag[0]

    def invariant(self, name: str, condition: Condition) -> None:
        """State a condition that holds between two loops. No weight depends on it; proofs use and
        prove it."""
        self.invariants.append(Invariant(name, condition, _caller()))

    def multi_loop(self, flag: Word, *words: Word) -> None:
        """Declare the bit of a register that is set while an instruction takes another loop.

        `words` are the registers that hold its intermediate results; with the flag they are zero
        between two instructions.
        """
        validity.check_bit("the flag of a multi-loop instruction", flag, _caller())
        self.busy, self.scratch = flag[0], (flag, *words)

    def has_workers(self, number: Word, mask: Word) -> None:
        """Declare that the machine may have several CPU columns, with the same weights.

        They are any power of two up to 2^bits of `number`. The register `number` begins as the
        number of the worker, from 0 on; the register `mask` is their count - 1 in all of them and
        never changes. All take the same loops. In one loop no two of them may write to one column,
        and each reads what memory holds before the writes. Such a machine has no input column.
        """
        where = _caller()
        if self.workers is not None:
            raise CompileError(f"workers are declared twice: at {self.workers.where} and {where}")
        validity.check_workers(number, mask, where)
        self.workers = WorkerRegisters(number, mask, where)

    def input_port(self, ready: Word, taken: Word, waiting: Word) -> None:
        """Declare how the machine takes input: see InputPort. Some read must have a `port`."""
        where = _caller()
        flags = [self._port_word(word, where, 1) for word in (ready, taken, waiting)]
        self.ports = replace(self.ports, input=InputPort(*flags))

    def output_port(self, content: Word, when: Word) -> None:
        """Declare how the machine writes bytes: see OutputPort. It must not print as well."""
        where = _caller()
        port = OutputPort(self._port_word(content, where, 8), self._port_word(when, where, 1))
        self.ports = replace(self.ports, output=port)
        validity.check_one_output(self, where)

    def print_port(self, content: Word, when: Word, ends_line: Word) -> None:
        """Declare how the machine prints numbers: see PrintPort. It must not write bytes as well.

        The register `content` must have the format of a number.
        """
        where = _caller()
        flags = [self._port_word(word, where, 1) for word in (when, ends_line)]
        port = PrintPort(self._port_word(content, where), *flags)
        self.ports = replace(self.ports, print=port)
        validity.check_one_output(self, where)
        validity.check_printed(self, port.content, where)

    def trap_port(self, trap: Word, cause: Word) -> None:
        """Declare how the machine asks its host for help: see TrapPort."""
        where = _caller()
        port = TrapPort(self._port_word(trap, where, 1), self._port_word(cause, where))
        self.ports = replace(self.ports, trap=port)

    def next(self, register: Word, following: Operand) -> None:
        """Give a register its next value, once."""
        where = _caller()
        found = (i for i, r in enumerate(self.registers) if r.word == register)
        index = next(found, None)
        if index is None:
            raise CompileError(f"`{register}` at {where} is not a register of this circuit")
        old = self.registers[index]
        if old.following is not None:
            raise CompileError(
                f"register `{old.name}` gets its next value twice: at {old.where} and {where}"
            )
        target = Word.of(scoped(old.name, NEXT), len(register))
        self.registers[index] = replace(old, following=target, where=where)
        self._define(old.name, target, following, where)

    def output(
        self,
        name: str,
        content: Operand | Condition,
        width: int = 1,
        number: NumberFormat | None = None,
    ) -> Word:
        """A register that every loop computes, for the host to read; returns the new value."""
        where = _caller()
        word = self._made(name, width, where)
        following = Word.of(scoped(name, NEXT), width)
        self._define(name, following, content, where)
        number = self._number(name, width, number, where)
        self.registers.append(Register(name, word, following, where, number))
        return following

    def fetch(
        self,
        name: str,
        address: Word,
        offset: int = 0,
        bits: slice = _ALL,
        when: Word | None = None,
    ) -> Word:
        """The word at `address + offset`; the offset costs a positional code, not an adder.

        Where the bit `when` is not set it is zero. Of `bits` that are not all, only those are
        copied.
        """
        return self._read(name, address, _caller(), offset=offset, bits=bits, when=when)

    def read(
        self,
        name: str,
        address: Word,
        port: Word | None = None,
        when: Word | None = None,
        bits: slice = _ALL,
    ) -> Word:
        """The word at `address`, in the device columns where the bit `port` is set.

        Where the bit `when` is not set it is zero. Of `bits` that are not all, only those are
        copied.
        """
        return self._read(name, address, _caller(), port=port, when=when, bits=bits)

    def _read(
        self,
        name: str,
        address: Word,
        where: str,
        *,
        bits: slice,
        offset: int = 0,
        port: Word | None = None,
        when: Word | None = None,
    ) -> Word:
        if not 0 <= offset < 1 << self.address_bits:
            raise CompileError(
                f"read `{name}` at {where}: there is no offset {offset} "
                f"in a memory of {1 << self.address_bits} words",
                hint=f"addresses wrap: {offset % (1 << self.address_bits)} is the same",
            )
        for what, flag in (("port", port), ("`when`", when)):
            if flag is not None:
                validity.check_bit(f"the {what} of read `{name}`", flag, where)
        copied = validity.check_bits_of_read(self, name, bits, where)
        result = self._made(name, len(copied), where)
        low = address[: self.address_bits]
        self.reads.append(
            Read(name, low, offset, port, result, where, first=copied.start, when=when)
        )
        return result

    def read_register(self, name: str, address: Word) -> Word:
        """The word of the register file at `address`."""
        where = _caller()
        validity.check_register_read(self, name, where)
        result = self._made(name, self.width, where)
        low = address[: self.register_bits]
        self.reads.append(Read(name, low, 0, None, result, where, in_registers=True))
        return result

    def let(self, name: str, content: Operand | Condition, width: int | None = None) -> Word:
        """Put a value into lanes of its own, under a name."""
        where = _caller()
        if width is None:
            width = len(content) if isinstance(content, Word | Value) else 1
        word = self._made(name, width, where)
        self._define(name, word, content, where)
        return word

    def add(self, x: Word, y: Word | int) -> Value:
        """`x + y`, wrapped to the width of x."""
        return arithmetic.add(x, y, self._keep, self.precision.slice_bits)

    def sub(self, x: Word, y: Word) -> Value:
        """`x - y`, wrapped to the width of x."""
        return arithmetic.sub(x, y, self._keep, self.precision.slice_bits)

    def select(
        self,
        condition: Condition | Word,
        then: Operand | Condition,
        otherwise: Operand | Condition,
    ) -> Value:
        """`then` where the condition holds, else `otherwise`; constants take the other's width."""
        sizes = [len(x) for x in (then, otherwise) if isinstance(x, Word | Value)]
        width = sizes[0] if sizes else 1
        return arithmetic.select(condition, then, otherwise, width)

    def write(
        self,
        name: str,
        address: Word,
        content: Word,
        in_registers: Word | None = None,
        when: Word | None = None,
    ) -> None:
        """Replace the word at `address`, after every read of the loop; see Write."""
        low = address[: self.address_bits]
        write = Write(name, low, content, _caller(), in_registers, when)
        validity.check_write(self, write)
        self.writes.append(write)

    def check(self) -> None:
        """Raise CompileError unless the circuit is valid; see `validity`."""
        validity.check_circuit(self)

    def _made(self, name: str, width: int, where: str) -> Word:
        """A new word of the machine. Raises CompileError for an invalid or used name."""
        check_name(name, where)
        validity.check_width(name, width, where)
        for other in self.makers():
            if other.name == name:
                raise CompileError(f"word `{name}` is made twice: at {other.where} and {where}")
        return Word.of(name, width)

    def _number(
        self, name: str, width: int, number: NumberFormat | None, where: str
    ) -> NumberFormat:
        if number is None:
            return ADDRESS if name == "pc" else FLAG if width == 1 else UNSIGNED
        validity.check_number(name, width, number, where)
        return number

    def _port_word(self, word: Word, where: str, most: int | None = None) -> str:
        """The name of a register with the old or the new value `word`, of `most` bits."""
        for register in self.registers:
            if word in (register.word, register.following):
                if most is not None and len(word) > most:
                    raise CompileError(
                        f"the port at {where} takes {most} bits at most, but `{register.name}` "
                        f"has {len(word)}"
                    )
                return register.name
        raise CompileError(
            f"the port at {where} has `{word}`, which is not a register",
            hint="make it by `register`, `pin` or `output`",
        )

    def _keep(self, name: str, content: Value) -> Word:
        """Lanes for an intermediate result of arithmetic, under a unique name that the compiler
        reserves."""
        taken = {other.name for other in self.makers()}
        scopes = (name, *(f"{name}#{k}" for k in range(2, len(taken) + 3)))
        unique = next(scope for scope in scopes if scope not in taken)
        word = Word.of(unique, len(content))
        self.defines.append(Define(unique, word, content, _caller()))
        return word

    def _define(self, name: str, target: Word, content: Operand | Condition, where: str) -> None:
        try:
            made = value(content, len(target))
        except CompileError as error:
            raise CompileError(f"word `{name}` at {where}: {error}") from None
        self.defines.append(Define(name, target, made, where))


def _caller() -> str:
    """The place in a machine description that called into the compiler: `subleq.py:41`."""
    frame = sys._getframe(1)
    while frame.f_back is not None and Path(frame.f_code.co_filename).parent == _HERE:
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{frame.f_lineno}"


_HERE = Path(__file__).parent
