"""What the text of a circuit means, on plain integers: the vocabulary of circuits, a second time.

The text of a circuit is Python that calls `m.register`, `m.fetch`, `m.add` and so on. Carried out
with the compiler's vocabulary it builds a circuit; carried out with this one it computes one loop.
Nothing of the compiler is imported here: a lane is an int, a word a tuple of ints, a condition a
bool, a form a number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import CodeType

__all__ = ["InvalidCircuitError", "State", "loop"]

Number = int | Fraction


class InvalidCircuitError(Exception):
    """A circuit does what no circuit may do, in a state that can be."""


@dataclass
class State:
    """Memory, register file, registers of each CPU by name, and the word of the input column."""

    memory: list[int]
    file: list[int]
    cpus: list[dict[str, tuple[int, int]]]
    """Value and width of each register, for each worker; mostly there is one."""
    input: int = 0


class Truth:
    """A condition that holds or not."""

    def __init__(self, holds: object) -> None:
        self.holds = bool(holds)

    def __bool__(self) -> bool:
        return self.holds

    def __invert__(self) -> Truth:
        return Truth(not self.holds)

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.holds and other.holds)

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.holds or other.holds)


class Word:
    """Bits, least significant first; also a value that has not been put into lanes."""

    def __init__(self, name: str, lanes: Iterable[Number]) -> None:
        self.signals = tuple(lanes)

    def __len__(self) -> int:
        return len(self.signals)

    def __iter__(self) -> Iterator[Number]:
        return iter(self.signals)

    def __getitem__(self, key: int | slice) -> Number | Word:
        if isinstance(key, slice):
            return Word("", self.signals[key])
        return self.signals[key]

    @property
    def sign(self) -> Word:
        return Word("", self.signals[-1:])

    def __int__(self) -> int:
        if not all(bit in (0, 1) for bit in self.signals):
            raise InvalidCircuitError(f"a signal is no bit: {self.signals}")
        return sum(int(bit) << i for i, bit in enumerate(self.signals))


def word(number: int, width: int) -> Word:
    return Word("", (number >> i & 1 for i in range(width)))


Operand = Word | Truth | int | Sequence[Truth]


def value(operand: Operand, width: int) -> Word:
    if isinstance(operand, int):
        return word(operand, width)
    if isinstance(operand, Word):
        return operand
    truths = [operand] if isinstance(operand, Truth) else operand
    return Word("", (int(bool(truth)) for truth in truths))


def signal(linear: Number, gated: Iterable[Number] = ()) -> Number:
    return linear + sum(gated)


def gated(condition: Truth, form: Number) -> Number:
    return form if condition else 0


def disjoint_or(*words: Word) -> Word:
    return Word("", (sum(bits) for bits in zip(*words, strict=True)))


def gated_word(condition: Truth, *forms: Number) -> Word:
    return Word("", (gated(condition, form) for form in forms))


def any_of_disjoint(conditions: Iterable[Truth]) -> Word:
    return Word("", [sum(bool(condition) for condition in conditions)])


def nonpositive(x: Word) -> Truth:
    return Truth(int(x) == 0 or x.signals[-1] == 1)


def table(x: Word, rows: Mapping[int, int], width: int) -> Word:
    return word(rows.get(int(x), 0), width)


def slice_sum(x: Word, y: Word, carry: Number) -> tuple[Word, Number]:
    total = int(x) + int(y) + carry
    return word(int(total), len(x)), total


@dataclass(frozen=True)
class WideSum:
    """A sum of places: its bits, and its value."""

    bits: Word
    total: int


def wide_sum(places: Sequence[Number], carry: Number = 0) -> WideSum:
    total = int(carry) + sum(int(place) << i for i, place in enumerate(places))
    return WideSum(word(total, len(places)), total)


@dataclass
class Loop:
    """One loop of one CPU: `m` in the text of a circuit. Ends with its registers and writes."""

    before: State
    cpu: dict[str, tuple[int, int]]
    address_bits: int
    width: int
    nexts: dict[str, tuple[int, int]] = field(default_factory=dict)
    named: dict[int, str] = field(default_factory=dict)
    kept: list[Word] = field(default_factory=list)
    hits: dict[tuple[str, int], int] = field(default_factory=dict)

    def register(self, name: str, width: int) -> Word:
        number, _ = self.cpu.setdefault(name, (0, width))
        self.cpu[name] = number, width
        made = word(number, width)
        self.named[id(made)] = name
        self.kept.append(made)  # so that no other word gets its id
        return made

    def pin(self, name: str) -> Word:
        return self.register(name, 1)

    def next(self, register: Word, following: Operand) -> None:
        content = value(following, len(register))
        self.nexts[self.named[id(register)]] = int(content), len(register)

    def output(self, name: str, content: Operand, width: int = 1) -> Word:
        self.cpu.setdefault(name, (0, width))
        made = value(content, width)
        self.nexts[name] = int(made), width
        return made

    def halts(self, flag: Word) -> None:
        """The host's affair."""

    def multi_loop(self, flag: Word, *words: Word) -> None:
        """The host's affair."""

    def has_workers(self, number: Word, mask: Word) -> None:
        """The host's affair."""

    def invariant(self, name: str, condition: Truth) -> None:
        if not condition:
            raise InvalidCircuitError(f"invariant `{name}` does not hold")

    def fetch(self, name: str, address: Word, offset: int = 0, bits: slice = slice(None)) -> Word:
        place = int(address[: self.address_bits]) + offset  # type: ignore[arg-type]
        found = word(self.before.memory[place % len(self.before.memory)], self.width)
        return Word("", found.signals[bits])

    def read(
        self,
        name: str,
        address: Word,
        port: Word | None = None,
        when: Word | None = None,
        bits: slice = slice(None),
    ) -> Word:
        if when is not None and not int(when):
            return Word("", word(0, self.width).signals[bits])
        if port is None or not int(port):
            return self.fetch(name, address, bits=bits)
        place = int(address[: self.address_bits])  # type: ignore[arg-type]
        if place not in (0, len(self.before.memory) - 1):
            raise InvalidCircuitError(f"there is no device {place}")
        return Word("", word(self.before.input if place else 0, self.width).signals[bits])

    def read_register(self, name: str, address: Word) -> Word:
        return word(self.before.file[int(address) % len(self.before.file)], self.width)

    def let(self, name: str, content: Operand, width: int | None = None) -> Word:
        if width is None:
            width = len(content) if isinstance(content, Word) else 1
        made = value(content, width)
        int(made)
        return made

    def add(self, x: Word, y: Word | int) -> Word:
        return word(int(x) + int(y), len(x))

    def sub(self, x: Word, y: Word) -> Word:
        return word(int(x) - int(y), len(x))

    def select(self, condition: Truth | Word, then: Operand, otherwise: Operand) -> Word:
        widths = [len(x) for x in (then, otherwise) if isinstance(x, Word)]
        holds = int(condition) if isinstance(condition, Word) else condition
        return value(then if holds else otherwise, widths[0] if widths else 1)

    def write(
        self,
        name: str,
        address: Word,
        content: Word,
        in_registers: Word | None = None,
        when: Word | None = None,
    ) -> None:
        if when is not None and not int(when):
            return
        kind = "file" if in_registers is not None and int(in_registers) else "memory"
        place = kind, int(address)
        if place in self.hits:
            raise InvalidCircuitError("two writes meet in one column")
        self.hits[place] = int(content)


VOCABULARY: dict[str, object] = {
    "Condition": lambda form, threshold: Truth(form >= threshold),
    "Gated": gated,
    "Signal": signal,
    "Value": lambda signals: Word("", signals),
    "Word": Word,
    "all_ones": lambda x: Truth(all(x)),
    "bit": lambda lane: lane,
    "but_not": lambda x, y: value(x & ~y, 1),
    "constant": lambda number: number,
    "equal": lambda x, number: Truth(int(x) == number),
    "literal": lambda x: Truth(int(x)),
    "matches": lambda x, mask, number: Truth((int(x) ^ number) & mask == 0),
    "disjoint_or": disjoint_or,
    "neither": lambda x, y: value(~x & ~y, 1),
    "nonpositive": nonpositive,
    "any_of_disjoint": any_of_disjoint,
    "slice_sum": slice_sum,
    "table": table,
    "total": sum,
    "unsigned": int,
    "value": value,
    "bits_of": lambda number, count: word(int(number), count),
    "wide_sum": wide_sum,
    "gated": gated_word,
    "without": lambda x, y: Word("", map(operator.sub, x, y)),
}


def loop(text: CodeType, before: State, address_bits: int, width: int) -> State:
    """The state after one loop of a circuit, which all workers pass. Raises
    InvalidCircuitError."""
    loops = [_carried_out(text, before, cpu, address_bits, width) for cpu in before.cpus]
    columns = {"memory": list(before.memory), "file": list(before.file)}
    places = set[tuple[str, int]]()
    for each in loops:
        for (kind, place), content in each.hits.items():
            if (kind, place) in places:
                raise InvalidCircuitError("two writes meet in one column")
            places.add((kind, place))
            if place < len(columns[kind]):
                columns[kind][place] = content
    cpus = [{**each.cpu, **each.nexts} for each in loops]
    return State(columns["memory"], columns["file"], cpus, before.input)


def _carried_out(
    text: CodeType,
    before: State,
    cpu: dict[str, tuple[int, int]],
    address_bits: int,
    width: int,
) -> Loop:
    """One loop of one CPU."""
    made: list[Loop] = []

    def circuit(*args: object, **named: object) -> Loop:
        made.append(Loop(before, cpu, address_bits, width))
        return made[0]

    precisions: Callable[[str], str] = str
    exec(text, {**VOCABULARY, "Circuit": circuit, "precision": precisions})
    return made[0]
