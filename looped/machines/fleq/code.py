"""Which words of a FLEQ image are instructions, which of them change, and which are read as data.

A program moves a pointer by writing to an operand word of an instruction. So a baked program keeps
such a word in memory, and fetches it there; the weights contain all others. For that, two things
must be known without a run: which instructions are reachable, and where they store. So the words
that say what an instruction computes, where it stores and where it branches may not change.

The exploration takes a word for a constant until an instruction that it has reached stores there;
then it visits those instructions again that rely on it. A constant flag decides a branch. A copy of
a word onto itself changes nothing: a branch without a statement is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from looped.errors import CompileError
from looped.image import Image
from looped.isa.fleq import FUNCTIONS, WORDS, Operation, Selector, decode

__all__ = ["FleqCode", "explore"]

_OP, _A, _B, _C, _FLAG, _P = range(len(WORDS))


@dataclass(frozen=True, slots=True)
class FleqCode:
    """Reachable instructions: program counter → six words; an instruction that traps is none.

    `changing` are the addresses of those words of instructions that the program writes to: a baked
    machine fetches them from memory. `addresses` are the words that are code and not data.
    """

    memory: int
    instructions: dict[int, tuple[int, ...]]
    changing: frozenset[int]
    addresses: frozenset[int]

    def constant(self, index: int, bits: int) -> dict[int, int]:
        """Program counter → low bits of word `index` of the instruction, if it never changes."""
        return {
            pc: words[index] % (1 << bits)
            for pc, words in self.instructions.items()
            if (pc + index) % self.memory not in self.changing
        }

    def in_memory(self, index: int) -> dict[int, int]:
        """Program counter → 1, if word `index` of the instruction there changes."""
        places = ((pc, (pc + index) % self.memory) for pc in self.instructions)
        return {pc: 1 for pc, place in places if place in self.changing}


def explore(image: Image, memory: int, side: int) -> FleqCode:
    """The instructions that are reachable from an image's entry, for a memory of `memory` words.

    Rows of matrices lie `side` words apart. Raises CompileError if the program writes to a word of
    an instruction that says what it computes, where it stores or where it branches.
    """
    found = _Exploration(image.padded(memory), image.width, side)
    found.explore(image.entry)
    _check(image, found)
    instructions = {pc: i.words for pc, i in sorted(found.reached.items()) if i.operation}
    owned = {(pc + n) % memory for pc in instructions for n in range(len(WORDS))}
    changing = frozenset(owned & found.writers.keys())
    return FleqCode(memory, instructions, changing, frozenset(owned - changing - found.read()))


@dataclass(frozen=True, slots=True)
class _Instruction:
    """Six words of memory, and what they mean; an `operation` that is None traps."""

    words: tuple[int, ...]
    operation: Operation | None


@dataclass
class _Exploration:
    """What is known of a program: its instructions by program counter, and the program counter of
    one that stores at each address."""

    words: tuple[int, ...]
    width: int
    side: int
    reached: dict[int, _Instruction] = field(default_factory=dict)
    writers: dict[int, int] = field(default_factory=dict)
    _relying: dict[int, set[int]] = field(default_factory=dict)

    def explore(self, entry: int) -> None:
        """Visit all instructions that may follow the one at `entry`."""
        pending = [entry]
        while pending:
            pc = pending.pop()
            if pc in self.reached or pc >= len(self.words):
                continue
            words = tuple(self.words[self.place(pc + n)] for n in range(len(WORDS)))
            self.reached[pc] = instruction = _Instruction(words, decode(words[_OP]))
            if instruction.operation is not None:
                for address in self._stored(pc, words, instruction.operation):
                    pending += self._changed(address, pc)
                pending += self._following(pc, words, instruction.operation)

    def read(self) -> set[int]:
        """The addresses that instructions read as data: all of them if one has a pointer."""
        found = set[int]()
        for pc, (words, operation) in self._operations():
            operands = [(_A, operation.a), (_B, operation.b)]
            for index, selectors in operands[: FUNCTIONS[operation.function].arity]:
                if self.changes(pc + index):
                    return set(range(len(self.words)))
                found.update(map(self.place, self._operand(words[index], selectors, operation)))
            if operation.judge:
                if self.changes(pc + _FLAG):
                    return set(range(len(self.words)))
                found.add(self.place(words[_FLAG]))
        return found

    def place(self, address: int) -> int:
        """The word at an address."""
        return address % len(self.words)

    def changes(self, address: int) -> bool:
        """Whether some instruction stores there."""
        return self.place(address) in self.writers

    def _changed(self, address: int, writer: int) -> set[int]:
        """The instructions to visit again because another one stores at an address."""
        if address in self.writers:
            return set()
        self.writers[address] = writer
        again = self._relying.pop(address, set())
        for pc in again:
            self.reached.pop(pc, None)
        return again

    def _operations(self) -> Iterator[tuple[int, tuple[tuple[int, ...], Operation]]]:
        for pc, instruction in self.reached.items():
            if instruction.operation is not None:
                yield pc, (instruction.words, instruction.operation)

    def _stored(self, pc: int, words: tuple[int, ...], operation: Operation) -> Iterator[int]:
        """The addresses where an instruction stores another word than is there, perhaps."""
        if not FUNCTIONS[operation.function].stores:
            return
        onto_itself = operation.function == "copy" and not self._change_for(pc, [pc + _A])
        last = self._size(operation.inner) - 1
        for i in range(self._size(operation.rows)):
            for j in range(self._size(operation.cols)):
                target = self.place(words[_C] + i * self.side + j)
                row, column = ((0, i, j, last)[selector] for selector in operation.a)
                source = self.place(words[_A] + row * self.side + column)
                if not (onto_itself and source == target):
                    yield target

    def _following(self, pc: int, words: tuple[int, ...], operation: Operation) -> Iterable[int]:
        """The program counters that may follow."""
        end = 2 * len(self.words)
        after, target = (pc + len(WORDS)) % end, words[_P] % end
        if not operation.judge:
            return [after]
        if self._change_for(pc, [pc + _FLAG, words[_FLAG]]):
            return [after, target]
        flag = self.words[self.place(words[_FLAG])]
        return [target if flag == 0 or flag >> self.width - 1 else after]

    def _change_for(self, pc: int, addresses: Iterable[int]) -> bool:
        """Whether one of these words changes; if none does, the visit of `pc` relies on that."""
        places = [self.place(address) for address in addresses]
        if any(place in self.writers for place in places):
            return True
        for place in places:
            self._relying.setdefault(place, set()).add(pc)
        return False

    def _operand(
        self, base: int, selectors: tuple[Selector, Selector], operation: Operation
    ) -> Iterator[int]:
        """The addresses of the elements of an operand."""
        inner = range(self._size(operation.inner))
        indices = {
            Selector.ZERO: range(1),
            Selector.I: range(self._size(operation.rows)),
            Selector.J: range(self._size(operation.cols)),
            Selector.K: inner if FUNCTIONS[operation.function].sums else inner[-1:],
        }
        row, column = selectors
        for i in indices[row]:
            for j in [i] if row == column else indices[column]:
                yield base + i * self.side + j

    def _size(self, size: int) -> int:
        """Of a size log2(side) bits count."""
        return (size - 1) % self.side + 1


def _check(image: Image, found: _Exploration) -> None:
    """Raise CompileError for the first instruction that cannot be in the weights."""
    for pc, instruction in sorted(found.reached.items()):
        operation = instruction.operation
        roles = {_OP: "the word that says what it computes"}
        if operation is not None and FUNCTIONS[operation.function].stores:
            roles[_C] = "the address of its result"
        if operation is not None and operation.judge:
            roles[_P] = "the target of its branch"
        for index, role in roles.items():
            writer = found.writers.get(found.place(pc + index))
            if writer is not None:
                raise CompileError(
                    f"the instruction at {_shown(image, writer)} may write to the instruction at "
                    f"{_shown(image, pc)}, to {role}: a baked program can only move what its "
                    "instructions read",
                    hint="run it on the universal machine: leave out --bake",
                )


def _shown(image: Image, address: int) -> str:
    location = image.location(address)
    return f"address {address}" + (f" ({location})" if location else "")
