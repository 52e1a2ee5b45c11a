"""One loop of a circuit over unknown contents: every lane as a term, and the state after it.

The compiler's passes have no part in it: no schedule, no layout, no weights. Lanes get their terms
in order of dependence, and each has a name of its own, so that no term is larger than one statement
of the circuit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

import z3

from looped.circuit.circuit import Circuit, Define, Read, Write
from looped.circuit.words import ONE, Lane, Word
from looped.errors import ProofError
from looped.symbolic.cells import Content
from looped.symbolic.sums import signal_terms

__all__ = ["Claim", "Loop"]


class Claim(NamedTuple):
    """A statement to prove, in words and as a term.

    A claim with `premises` is to follow from these alone, so that the solver sees nothing else.
    Each of them is a fact of the loop, given in the case, or a claim before this one.
    """

    what: str
    holds: z3.BoolRef
    premises: tuple[z3.BoolRef, ...] | None = None


class Loop:
    """A loop that begins in any state.

    `registers` are the words before it, `memory` and `file` the contents, `arriving` is the word in
    the input column. `facts` hold of every state and every loop; `claims` must hold wherever a loop
    can begin, or the circuit is meaningless. Raises ProofError for an invalid circuit.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.facts: list[z3.BoolRef] = []
        self.claims: list[Claim] = []
        self.registers = {r.name: z3.BitVec(r.name, len(r.word)) for r in circuit.registers}
        self.memory = Content("memory", circuit.address_bits, circuit.width, self.facts.append)
        self.file = Content(
            "file", max(1, circuit.register_bits), circuit.width, self.facts.append, True
        )
        self.arriving = z3.BitVec("the input", circuit.width)
        self._lanes: dict[Lane, z3.BoolRef] = {ONE: z3.BoolVal(True)}
        self._definitions: dict[Lane, z3.BoolRef] = {}
        self._targets = {define.name: define.target for define in circuit.defines}
        for register in circuit.registers:
            for i, lane in enumerate(register.word):
                self._put(lane, z3.Extract(i, i, self.registers[register.name]) == 1)
        self._evaluate([*circuit.reads, *circuit.defines])
        self._writes = [self._effect(write) for write in circuit.writes]
        for one, other in combinations(self._writes, 2):
            same = z3.And(one.enabled, other.enabled, one.file == other.file)
            apart = z3.Not(z3.And(same, one.address == other.address))
            self.claims.append(Claim("no two writes go to one column", apart))

    def following(self) -> Mapping[str, z3.BitVecRef]:
        """The registers after the loop."""
        return {r.name: self.word(r.following or r.word) for r in self.circuit.registers}

    def memory_after(self, address: z3.BitVecRef) -> z3.BitVecRef:
        """The word at an address of memory after the loop."""
        return self._after(self.memory, address, in_file=False)

    def file_after(self, number: z3.BitVecRef) -> z3.BitVecRef:
        """A register of the file after the loop."""
        return self._after(self.file, number, in_file=True)

    def word(self, word: Word) -> z3.BitVecRef:
        """A word of lanes as a bit-vector."""
        bits = [z3.If(self._lane(lane), z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) for lane in word]
        return z3.simplify(z3.Concat(*reversed(bits)) if len(bits) > 1 else bits[0])

    def named(self, name: str) -> z3.BitVecRef:
        """The word that a statement of the circuit makes."""
        return self.word(self._targets[name])

    def definitions(self, name: str) -> list[z3.BoolRef]:
        """The facts that say what each lane of this word is."""
        return [self._definitions[lane] for lane in self._targets[name]]

    def _evaluate(self, statements: list[Read | Define]) -> None:
        """Give terms to all lanes, each after those that it depends on."""
        while statements:
            waiting = []
            for statement in statements:
                if not all(lane in self._lanes for lane in _needs(statement)):
                    waiting.append(statement)
                elif isinstance(statement, Read):
                    self._read(statement)
                else:
                    self._define(statement)
            if len(waiting) == len(statements):
                names = ", ".join(f"`{statement.name}`" for statement in waiting[:3])
                raise ProofError(f"{names} depend on themselves, or on lanes that nothing makes")
            statements = waiting

    def _define(self, define: Define) -> None:
        for lane, signal in zip(define.target, define.value.signals, strict=True):
            bit, is_bit = signal_terms(signal, self._lane)
            self.claims.append(Claim(f"lane {lane} is a bit ({define.where})", is_bit))
            self._name(lane, bit)

    def _read(self, read: Read) -> None:
        found = self._found(read)
        if read.onto is not None:
            base = self.word(read.onto)
            fits = found & (~base if read.negated else base) == 0
            self.claims.append(Claim(f"read `{read.name}` finds room ({read.where})", fits))
            found = found ^ base
        for i, lane in enumerate(read.result):
            self._name(lane, z3.Extract(i, i, found) == 1)

    def _found(self, read: Read) -> z3.BitVecRef:
        """The bits that a read copies, zeros where it does not read."""
        last = read.first + len(read.result) - 1
        found = z3.Extract(last, read.first, self._word_found(read))
        if read.when is None:
            return found
        return z3.If(self.word(read.when) == 1, found, z3.BitVecVal(0, len(read.result)))

    def _word_found(self, read: Read) -> z3.BitVecRef:
        if read.in_registers:
            return self.file.at(self._number(read.address, read.name, read.where))
        low = self._low(read.address, read.where)
        found = self.memory.at(low + read.offset)
        if read.port is None:
            return found
        port = self.word(read.port) == 1
        asks = port if read.when is None else z3.And(port, self.word(read.when) == 1)
        named = z3.Implies(asks, low == (1 << self.memory.address_bits) - 1)
        self.claims.append(Claim(f"read `{read.name}` names the input ({read.where})", named))
        return z3.If(port, self.arriving, found)

    def _effect(self, write: Write) -> _Effect:
        yes = z3.BoolVal(True)
        in_file = (
            self.word(write.in_registers) == 1 if write.in_registers is not None else z3.Not(yes)
        )
        enabled = self.word(write.when) == 1 if write.when is not None else yes
        address = self._low(write.address, write.where)
        if write.in_registers is not None:
            inside = z3.ULT(z3.ZeroExt(1, address), 1 << self.circuit.register_bits)
            what = f"write `{write.name}` names a register ({write.where})"
            self.claims.append(Claim(what, z3.Implies(z3.And(enabled, in_file), inside)))
        if len(write.value) != self.circuit.width:
            raise ProofError(f"the write at {write.where} does not write a word of the machine")
        return _Effect(enabled, in_file, address, self.word(write.value))

    def _after(self, content: Content, address: z3.BitVecRef, in_file: bool) -> z3.BitVecRef:
        word = content.at(address)
        for write in self._writes:
            here = z3.Extract(content.address_bits - 1, 0, write.address) == address
            place = write.file if in_file else z3.Not(write.file)
            word = z3.If(z3.And(write.enabled, place, here), write.value, word)
        return word

    def _low(self, address: Word, where: str) -> z3.BitVecRef:
        """The low bits of an address, which select the word."""
        if len(address) < self.circuit.address_bits:
            raise ProofError(f"the address at {where} has too few bits for the memory")
        return self.word(address[: self.circuit.address_bits])

    def _number(self, address: Word, name: str, where: str) -> z3.BitVecRef:
        """The number of a register."""
        bits = self.circuit.register_bits
        if len(address) < bits:
            raise ProofError(f"the number of a register at {where} has too few bits")
        if len(address) > bits:
            rest = self.word(address[bits:]) == 0
            self.claims.append(Claim(f"read `{name}` names a register ({where})", rest))
        return self.word(address[:bits])

    def _lane(self, lane: Lane) -> z3.BoolRef:
        return self._lanes[lane]

    def _name(self, lane: Lane, term: z3.BoolRef) -> None:
        name = z3.Bool(f"{lane.word}.{lane.index}")
        self._definitions[lane] = name == term
        self.facts.append(self._definitions[lane])
        self._put(lane, name)

    def _put(self, lane: Lane, term: z3.BoolRef) -> None:
        if lane in self._lanes:
            raise ProofError(f"lane `{lane}` is made twice")
        self._lanes[lane] = term


class _Effect(NamedTuple):
    """A write: whether it takes place, whether in the file, where, and what."""

    enabled: z3.BoolRef
    file: z3.BoolRef
    address: z3.BitVecRef
    value: z3.BitVecRef


def _needs(statement: Read | Define) -> Iterable[Lane]:
    if isinstance(statement, Read):
        return [*statement.lanes(), *(statement.onto or ())]
    return [lane for signal in statement.value.signals for lane in signal.lanes()]
