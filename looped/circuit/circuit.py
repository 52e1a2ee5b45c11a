"""The primitives and the graph that they form.

A circuit is one step of a machine, over named words. Attention reads and writes columns of memory
and of the register file, MLPs put values into lanes; the order of statements does not matter, only
what depends on what. `validity` says which circuits are valid.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from looped.circuit import arithmetic, validity
from looped.circuit.names import NEXT, check_name, scoped
from looped.circuit.signals import Condition, Operand, Value, value
from looped.circuit.statements import Define, Invariant, Read, Register, Write
from looped.circuit.words import Lane, Word
from looped.errors import CompileError
from looped.ports import InputPort, OutputPort, Ports, TrapPort
from looped.precision import FLOAT32, Precision

__all__ = ["Circuit", "Define", "Invariant", "Read", "Register", "Write"]


@dataclass
class Circuit:
    """One step of a machine. Statements are added by the methods; `check` says if it is valid.

    Memory has 2^address_bits words. The register file, if there is one, has 2^register_bits; with
    `zero_register` its register 0 is zero for good. `precision` is the format in which its sums
    shall be exact: adders are cut to its mantissa. Raises CompileError for impossible sizes, and
    every method for a statement that cannot be.
    """

    name: str
    width: int
    address_bits: int
    register_bits: int = 0
    zero_register: bool = False
    halted: Lane | None = None
    busy: Lane | None = None
    working: tuple[Word, ...] = ()
    precision: Precision = FLOAT32
    ports: Ports = field(default_factory=Ports)
    registers: list[Register] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    defines: list[Define] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    invariants: list[Invariant] = field(default_factory=list)

    def __post_init__(self) -> None:
        validity.check_sizes(self)

    @property
    def has_input(self) -> bool:
        """Whether there is an input column: some read can name a device."""
        return any(read.port is not None for read in self.reads)

    def register(self, name: str, width: int) -> Word:
        """A word that lives from loop to loop; `next` gives it its next value."""
        where = _caller()
        word = self._made(name, width, where)
        self.registers.append(Register(name, word, None, where))
        return word

    def pin(self, name: str) -> Word:
        """A one-bit register that the host sets between loops."""
        return self.register(name, 1)

    def halts(self, flag: Word) -> None:
        """Say which bit of a register tells that the machine does no more until its host acts."""
        validity.check_bit("what halts", flag, _caller())
        self.halted = flag[0]

    def invariant(self, name: str, condition: Condition) -> None:
        """State what holds between two loops. No weight depends on it; proofs may, and prove it."""
        self.invariants.append(Invariant(name, condition, _caller()))

    def works(self, flag: Word, *words: Word) -> None:
        """Say which bit of a register tells that an instruction goes on in the next loop.

        `words` are the registers that hold what there is of it; with the flag they are zero between
        two instructions.
        """
        validity.check_bit("what works", flag, _caller())
        self.busy, self.working = flag[0], (flag, *words)

    def input_port(self, ready: Word, taken: Word, waiting: Word) -> None:
        """Declare how the machine takes input: see InputPort. Some read must name the device."""
        where = _caller()
        flags = [self._port_word(word, where, 1) for word in (ready, taken, waiting)]
        self.ports = replace(self.ports, input=InputPort(*flags))

    def output_port(self, content: Word, when: Word) -> None:
        """Declare how the machine writes output: see OutputPort."""
        where = _caller()
        port = OutputPort(self._port_word(content, where, 8), self._port_word(when, where, 1))
        self.ports = replace(self.ports, output=port)

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
            raise CompileError(f"`{register}` at {where} is no register of this circuit")
        old = self.registers[index]
        if old.following is not None:
            raise CompileError(
                f"register `{old.name}` gets its next value twice: at {old.where} and {where}"
            )
        target = Word.of(scoped(old.name, NEXT), len(register))
        self.registers[index] = replace(old, following=target, where=where)
        self._define(old.name, target, following, where)

    def output(self, name: str, content: Operand | Condition, width: int = 1) -> Word:
        """A register made anew in every loop, for the host to see; returns the new value."""
        where = _caller()
        word = self._made(name, width, where)
        following = Word.of(scoped(name, NEXT), width)
        self._define(name, following, content, where)
        self.registers.append(Register(name, word, following, where))
        return following

    def fetch(self, name: str, address: Word, offset: int = 0) -> Word:
        """The word at `address + offset`; the offset costs a positional code, not an adder."""
        return self._read(name, address, offset, None, _caller())

    def read(self, name: str, address: Word, port: Word | None = None) -> Word:
        """The word at `address`, in the device columns where the bit `port` is set."""
        return self._read(name, address, 0, port, _caller())

    def _read(self, name: str, address: Word, offset: int, port: Word | None, where: str) -> Word:
        if not 0 <= offset < 1 << self.address_bits:
            raise CompileError(
                f"read `{name}` at {where}: there is no offset {offset} "
                f"in a memory of {1 << self.address_bits} words",
                hint=f"addresses wrap: {offset % (1 << self.address_bits)} is the same",
            )
        if port is not None:
            validity.check_bit(f"the port of read `{name}`", port, where)
        result = self._made(name, self.width, where)
        low = address[: self.address_bits]
        self.reads.append(Read(name, low, offset, port, result, where))
        return result

    def read_file(self, name: str, address: Word) -> Word:
        """The register at `address`."""
        where = _caller()
        validity.check_file_read(self, name, where)
        result = self._made(name, self.width, where)
        low = address[: self.register_bits]
        self.reads.append(Read(name, low, 0, None, result, where, file=True))
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
        file: Word | None = None,
        when: Word | None = None,
    ) -> None:
        """Replace the word at `address`, after every read of the loop; see Write."""
        write = Write(name, address[: self.address_bits], content, _caller(), file, when)
        validity.check_write(self, write)
        self.writes.append(write)

    def check(self) -> None:
        """Raise CompileError unless the circuit is valid; see `validity`."""
        validity.check_circuit(self)

    def uses(self) -> Iterator[tuple[str, set[Lane]]]:
        """For each statement, its place and the CPU lanes that it depends on."""
        for read in self.reads:
            yield read.where, {*read.lanes(), *(read.onto or ())}
        for write in self.writes:
            yield write.where, set(write.lanes())
        for define in self.defines:
            for signal in define.value.signals:
                yield define.where, set(signal.lanes())

    def _made(self, name: str, width: int, where: str) -> Word:
        """A new word of a machine's own. Raises CompileError if it cannot be, or is there."""
        check_name(name, where)
        validity.check_width(name, width, where)
        for other in self._makers():
            if other.name == name:
                raise CompileError(f"word `{name}` is made twice: at {other.where} and {where}")
        return Word.of(name, width)

    def _makers(self) -> Iterator[Register | Read | Define]:
        yield from self.registers
        yield from self.reads
        yield from self.defines

    def _port_word(self, word: Word, where: str, most: int | None = None) -> str:
        """The name of a register with the old or the new value `word`, of `most` bits."""
        for register in self.registers:
            if word in (register.word, register.following):
                if most is not None and len(word) > most:
                    raise CompileError(
                        f"the port at {where} takes {most} bits at most, and `{register.name}` "
                        f"has {len(word)}"
                    )
                return register.name
        raise CompileError(
            f"the port at {where} has `{word}`, which is no register",
            hint="make it by `register`, `pin` or `output`",
        )

    def _keep(self, name: str, content: Value) -> Word:
        """Lanes for what arithmetic needs on its way: a name of the compiler's, made unique."""
        taken = {other.name for other in self._makers()}
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
