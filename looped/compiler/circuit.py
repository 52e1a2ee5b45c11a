"""The primitives, the graph that they form, and what a valid one is.

A circuit is one step of a machine, over named words. Attention reads and writes columns of memory
and of the register file, MLPs put values into lanes; the order of statements does not matter, only
what depends on what.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from looped.compiler import arithmetic
from looped.compiler.precision import FLOAT32, Precision
from looped.compiler.signals import Condition, Operand, Value, value
from looped.compiler.words import Lane, Word
from looped.errors import CompileError

__all__ = ["Circuit", "Define", "Invariant", "Read", "Register", "Write"]


@dataclass(frozen=True, slots=True)
class Register:
    """A word of the CPU column that lives from loop to loop.

    `word` holds its old value and `following` its new one, in the same lanes; without
    `following` the machine never changes it.
    """

    name: str
    word: Word
    following: Word | None
    where: str


@dataclass(frozen=True, slots=True)
class Read:
    """A head that copies the word at `address + offset` from a memory column to the CPU column.

    Only the low bits of the address count. Where the bit `port` is set, the address names a
    device column instead; a read of the `file` copies a register. `fuse_reads` sets `onto`: the
    head adds to that word, which then exists no more; in no place may both have a one. If `negated`
    it subtracts: wherever the word that is read has a one, `onto` must have one too.
    """

    name: str
    address: Word
    offset: int
    port: Word | None
    result: Word
    where: str
    file: bool = False
    onto: Word | None = None
    negated: bool = False

    def lanes(self) -> Iterator[Lane]:
        """The CPU lanes that it depends on, those of `onto` left out."""
        yield from self.address
        yield from self.port or ()


@dataclass(frozen=True, slots=True)
class Define:
    """An MLP that puts a value into the lanes of `target`."""

    name: str
    target: Word
    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class Write:
    """Two heads that replace the word in the memory column at `address` by `value`.

    Where the bit `file` is set, the address is that of a register. Nothing is written where the
    bit `when` is not set.
    """

    name: str
    address: Word
    value: Word
    where: str
    file: Word | None = None
    when: Word | None = None

    def lanes(self) -> Iterator[Lane]:
        """The CPU lanes that it depends on."""
        yield from self.address
        yield from self.value
        yield from self.file or ()
        yield from self.when or ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """What holds between two loops whatever a program does: a condition on lanes of registers."""

    name: str
    condition: Condition
    where: str


@dataclass
class Circuit:
    """One step of a machine. Statements are added by the methods; `check` says if it is valid.

    Memory has 2^address_bits words. The register file, if there is one, has 2^file_bits; with
    `zero_register` its register 0 is zero for good. `precision` is the format in which its sums
    shall be exact: adders are cut to its mantissa.
    """

    name: str
    width: int
    address_bits: int
    file_bits: int = 0
    zero_register: bool = False
    halted: Lane | None = None
    busy: Lane | None = None
    working: tuple[Word, ...] = ()
    precision: Precision = FLOAT32
    registers: list[Register] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    defines: list[Define] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    invariants: list[Invariant] = field(default_factory=list)

    def register(self, name: str, width: int) -> Word:
        """A word that lives from loop to loop; `next` gives it its next value."""
        word = Word.of(name, width)
        self._claim(name, _caller())
        self.registers.append(Register(name, word, None, _caller()))
        return word

    @property
    def has_input(self) -> bool:
        """Whether there is an input column: some read can name a device."""
        return any(read.port is not None for read in self.reads)

    def pin(self, name: str) -> Word:
        """A one-bit register that the host sets between loops."""
        return self.register(name, 1)

    def halts(self, flag: Word) -> None:
        """Say which bit of a register tells that the machine does no more until its host acts."""
        self.halted = flag[0]

    def invariant(self, name: str, condition: Condition) -> None:
        """State what holds between two loops. No weight depends on it; proofs may, and prove it."""
        self.invariants.append(Invariant(name, condition, _caller()))

    def works(self, flag: Word, *words: Word) -> None:
        """Say which bit of a register tells that an instruction goes on in the next loop.

        `words` are the registers that hold what there is of it; with the flag they are zero between
        two instructions.
        """
        self.busy, self.working = flag[0], (flag, *words)

    def next(self, register: Word, following: Operand) -> None:
        """Give a register its next value. Raises CompileError if it already has one."""
        index = next(i for i, r in enumerate(self.registers) if r.word == register)
        old = self.registers[index]
        if old.following is not None:
            raise CompileError(
                f"register `{old.name}` gets its next value twice: at {old.where} and {_caller()}"
            )
        target = Word.of(f"next {old.name}", len(register))
        self.registers[index] = replace(old, following=target, where=_caller())
        self._define(old.name, target, value(following, len(register)), _caller())

    def output(self, name: str, content: Operand | Condition, width: int = 1) -> Word:
        """A register made anew in every loop, for the host to see; returns the new value."""
        where = _caller()
        self._claim(name, where)
        following = Word.of(f"next {name}", width)
        self.registers.append(Register(name, Word.of(name, width), following, where))
        self._define(name, following, value(content, width), where)
        return following

    def fetch(self, name: str, address: Word, offset: int = 0) -> Word:
        """The word at `address + offset`; the offset costs a positional code, not an adder."""
        return self._read(name, address, offset, None, _caller())

    def read(self, name: str, address: Word, port: Word | None = None) -> Word:
        """The word at `address`, in the device columns where the bit `port` is set."""
        return self._read(name, address, 0, port, _caller())

    def _read(self, name: str, address: Word, offset: int, port: Word | None, where: str) -> Word:
        self._claim(name, where)
        result = Word.of(name, self.width)
        low = address[: self.address_bits]
        self.reads.append(Read(name, low, offset, port, result, where))
        return result

    def read_file(self, name: str, address: Word) -> Word:
        """The register at `address`."""
        self._claim(name, _caller())
        result = Word.of(name, self.width)
        self.reads.append(Read(name, address, 0, None, result, _caller(), file=True))
        return result

    def let(self, name: str, content: Operand | Condition, width: int | None = None) -> Word:
        """Put a value into lanes of its own, under a name."""
        if width is None:
            width = len(content) if isinstance(content, Word | Value) else 1
        word = Word.of(name, width)
        self._claim(name, _caller())
        self._define(name, word, value(content, width), _caller())
        return word

    def add(self, x: Word, y: Word | int) -> Value:
        """`x + y`, wrapped to the width of x."""
        return arithmetic.add(x, y, self.let, self.precision.slice_bits)

    def sub(self, x: Word, y: Word) -> Value:
        """`x - y`, wrapped to the width of x."""
        return arithmetic.sub(x, y, self.let, self.precision.slice_bits)

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
        low = address[: self.address_bits]
        self.writes.append(Write(name, low, content, _caller(), file, when))

    def _define(self, name: str, target: Word, content: Value, where: str) -> None:
        self.defines.append(Define(name, target, content, where))

    def _claim(self, name: str, where: str) -> None:
        """Raises CompileError if the name is taken, with both places."""
        makers: list[Register | Read | Define] = [
            *self.registers,
            *self.reads,
            *self.defines,
        ]
        for other in makers:
            if other.name == name:
                raise CompileError(f"word `{name}` is made twice: at {other.where} and {where}")

    def check(self) -> None:
        """Raise CompileError unless every lane that is used is made, and every word is used."""
        made = {lane for register in self.registers for lane in register.word}
        made.update(lane for read in self.reads for lane in read.result)
        made.update(lane for define in self.defines for lane in define.target)
        used: set[Lane] = set()
        for where, lanes in self.uses():
            for lane in lanes:
                if lane not in made:
                    raise CompileError(f"lane `{lane}` is used at {where} and made nowhere")
                used.add(lane)
        between = {lane for r in self.registers for lane in r.word}
        for invariant in self.invariants:
            if not between.issuperset(invariant.condition.form.terms):
                raise CompileError(
                    f"invariant `{invariant.name}` at {invariant.where} is not about registers"
                )
        kept = {lane for r in self.registers for lane in r.following or ()}
        for define in self.defines:
            if not used.intersection(define.target) and not kept.intersection(define.target):
                raise CompileError(f"word `{define.name}` is made at {define.where} and never used")

    def uses(self) -> Iterator[tuple[str, set[Lane]]]:
        """For each statement, its place and the CPU lanes that it depends on."""
        for read in self.reads:
            yield read.where, {*read.lanes(), *(read.onto or ())}
        for write in self.writes:
            yield write.where, set(write.lanes())
        for define in self.defines:
            for signal in define.value.signals:
                yield define.where, set(signal.lanes())


def _caller() -> str:
    """The place in a machine description that called into this file: `subleq.py:41`."""
    frame = sys._getframe(1)
    while frame.f_back is not None and Path(frame.f_code.co_filename).parent == _HERE:
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{frame.f_lineno}"


_HERE = Path(__file__).parent
