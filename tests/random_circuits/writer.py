"""Writes the text of a random valid circuit, statement by statement."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.random_circuits.expressions import Drawing, Expressions

__all__ = ["MASK", "NUMBER", "Writer"]

SLICES = {"float32": 16, "float64": 16, "bfloat16": 6, "float16": 9}
"""Bits that one MLP adds, by format; float32 is the usual one."""

RESERVED = ("value", "cpu", "one", "device", "register", "position", "positions", "position-1",
            "pc.next", "clear", "write result")  # fmt: skip
TRICKY = ("carry 16", "next pc", "posit", "values", "cpu2", "x one", "borrow", "next",
          "register 1", "clears", "writes", "in file", "ONE", "Value")  # fmt: skip


NUMBER, MASK = "number", "mask"
"""The registers of workers."""

_LETTERS = "abcdefghijkl"
"""Variables; others have a meaning in the text of expressions."""


class Writer:
    """Writes one circuit, statement by statement."""

    def __init__(self, drawing: Drawing, width: int, workers: bool = False) -> None:
        self.d = drawing
        self.width = width
        self.address_bits = drawing.choice([2, 1, 3, 3, 4, 5])
        self.register_bits = min(self.address_bits, drawing.choice([0, 0, 1, 2, 3]))
        self.zero_register = bool(self.register_bits and drawing.upto(1))
        self.workers = min(self.address_bits, drawing.choice([1, 2, 2, 3])) if workers else 0
        self.precision = drawing.choice(["float32"] * 8 + ["float64", "bfloat16", "float16"])
        self.e = Expressions(drawing, SLICES[self.precision])
        self.lines: list[str] = []
        self.registers: list[tuple[str, int]] = []
        self.settable: list[tuple[str, str, int]] = []
        self.pins: list[str] = []
        self.zeros: list[str] = []
        self.names: set[str] = set()
        self.lets: list[tuple[str, int]] = []
        self.reserved = False

    def name(self) -> tuple[str, str]:
        """A variable, and the name of its word: the same, or one that means mischief."""
        number = len(self.names)
        variable = f"{_LETTERS[number % len(_LETTERS)]}{number // len(_LETTERS) or ''}"
        word = variable
        if self.d.one_in(12):
            word = self.d.choice(TRICKY)
        elif self.d.one_in(120):
            word = self.d.choice(RESERVED)
        if word in self.names:
            word = variable
        self.reserved |= word in RESERVED
        self.names.add(word)
        return variable, word

    def add(self, line: str) -> None:
        self.lines.append(line)

    def made(self, variable: str, width: int) -> None:
        self.e.words.append((variable, width))

    def let(self, content: str, width: int) -> str:
        variable, word = self.name()
        self.add(f'{variable} = m.let("{word}", {content}, {width})')
        self.made(variable, width)
        self.lets.append((variable, width))
        return variable

    def begin(self) -> None:
        """Registers and pins; the program counter is one."""
        self.names.add("pc")
        width = self.d.choice([self.width, self.address_bits, 1, 3])
        self._register("pc", "pc", width)
        if self.workers:
            self._begin_workers()
        for _ in range(self.d.upto(2)):
            variable, word = self.name()
            if self.d.one_in(3):
                self.add(f'{variable} = m.pin("{word}")')
                self.registers.append((word, 1))
                self.pins.append(word)
                self.made(variable, 1)
            else:
                self._register(variable, word, self.d.choice([1, 2, self.width, 5]))

    def _begin_workers(self) -> None:
        """Two registers that never change."""
        for variable, word in (("u", NUMBER), ("v", MASK)):
            self.names.add(word)
            self.add(f'{variable} = m.register("{word}", {self.workers})')
            self.registers.append((word, self.workers))
            self.made(variable, self.workers)
        self.add("m.has_workers(u, v)")

    def _register(self, variable: str, word: str, width: int) -> None:
        self.add(f'{variable} = m.register("{word}", {width})')
        self.registers.append((word, width))
        self.settable.append((variable, word, width))
        self.made(variable, width)

    def statement(self) -> None:
        """One more word, or several that belong together."""
        makers: list[Callable[[], None]] = [
            self.fetch, self.plain_let, self.plain_let, self.fetch, self.output,
            self.fetch if self.workers else self.port,
            self.two_sums, self.one_slice, self.wide_sum, self.gated_read,
        ]  # fmt: skip
        if self.register_bits:
            makers += [self.read_register, self.read_onto]
        makers[self.d.upto(len(makers) - 1)]()

    def fetch(self) -> None:
        address, _ = self.e.any_word()
        offset = self.d.upto((1 << self.address_bits) - 1) if self.d.upto(1) else 0
        variable, word = self.name()
        bits, width = self._bits()
        self.add(f'{variable} = m.fetch("{word}", {address}, {offset}{bits})')
        self.made(variable, width)

    def _bits(self) -> tuple[str, int]:
        """Which bits of a word a read copies, mostly all, and how many they are."""
        if not self.d.one_in(4):
            return "", self.width
        width = self.d.upto(self.width, 1)
        first = self.d.upto(self.width - width)
        return f", bits=slice({first}, {first + width})", width

    def gated_read(self) -> None:
        """A read that depends on a bit."""
        address, _ = self.e.any_word()
        when = self.e.flag()
        variable, word = self.name()
        bits, width = self._bits()
        self.add(f'{variable} = m.read("{word}", {address}, when={when}{bits})')
        self.made(variable, width)

    def plain_let(self) -> None:
        width = self.d.choice([1, self.width, 2, self.address_bits, 4])
        if self.d.one_in(4):
            self.let(self.e.condition()[0], 1)
        else:
            self.let(self.e.value(width)[0], width)

    def output(self) -> None:
        width = self.d.choice([1, 2, self.width])
        content, _ = self.e.value(width)
        variable, word = self.name()
        self.add(f'{variable} = m.output("{word}", {content}, {width})')
        self.registers.append((word, width))
        self.made(variable, width)

    def port(self) -> None:
        """A read that may name the input column, or the CPU's own."""
        address = self.e.word(self.address_bits)
        if address is None:
            return
        names = "all_ones(A)" if self.d.upto(2) else "equal(A, 0)"
        literal = self.e.literal()[0] if self.d.upto(1) else None
        condition = names.replace("A", address) + (f" & {literal}" if literal else "")
        port = self.let(condition, 1)
        variable, word = self.name()
        when = f", when={self.e.flag()}" if self.d.one_in(3) else ""
        self.add(f'{variable} = m.read("{word}", {address}, port={port}{when})')
        self.made(variable, self.width)

    def two_sums(self) -> None:
        """Two sums of the same words, each with carries of its own."""
        width = self.d.choice([self.width, 4])
        x, y = self.e.word(width), self.e.word(width)
        if x is not None and y is not None:
            self.let(f"m.add({x}, {y})", width)
            self.let(f"m.{self.d.choice(['add', 'sub'])}({x}, {y})", width)

    def one_slice(self) -> None:
        """A sum with a carry from outside, and a threshold of the whole sum."""
        width = min(self.d.choice([self.width, 3]), SLICES[self.precision])
        x, y = self.e.word(width), self.e.word(width)
        if x is None or y is None:
            return
        total = f"t{len(self.names)}"
        self.add(f"s, {total} = slice_sum({x}, {y}, bit({self.e.lane()}))")
        self.let("s", width)
        self.let(f"Condition({total}, {self.d.choice([1 << width, 1, 2 << width >> 1])})", 1)

    def wide_sum(self) -> None:
        """A sum of places that hold several ones, or less than nothing, and whether it carries."""
        width = self.d.choice([2, 1, 3, 4])
        places = ", ".join(
            f"bit({self.e.lane()}) * {self.d.choice([2, 1, 3, -3])} + bit({self.e.lane()})"
            for _ in range(width)
        )
        made = f"w{len(self.names)}"
        self.add(f"{made} = wide_sum([{places}], bit({self.e.lane()}))")
        self.let(f"{made}.bits", width)
        self.let(f"bits_of({made}.total, {width + 2})", width + 2)
        self.let(f"Condition({made}.total, {self.d.choice([1 << width, 0, -1])})", 1)

    def read_register(self) -> None:
        address, _ = self.e.any_word()
        variable, word = self.name()
        self.add(f'{variable} = m.read_register("{word}", {address})')
        self.made(variable, self.width)

    def read_onto(self) -> None:
        """Onto zeros; from ones; or a choice between a register and something else, by x0."""
        address, _ = self.e.any_word()
        make, full = self.d.upto(1 + self.zero_register), (1 << self.width) - 1
        if make == 2:
            flag = self.e.flag()
            base = self.let(f"gated(literal({flag}), {self.e.forms(self.width)})", self.width)
            number = self.e.any_word(self.register_bits)
            address = self.let(f"gated(~literal({flag}), *map(bit, {number[0]}))", number[1])
        else:
            base = self.let(f"value({full if make else 0}, {self.width})", self.width)
        self.e.words = [(name, own) for name, own in self.e.words if name != base]
        found, word = self.name()
        self.add(f'{found} = m.read_register("{word}", {address})')
        self.let(f"{'without' if make == 1 else 'disjoint_or'}({base}, {found})", self.width)

    def write(self) -> None:
        """One write, or two that never meet."""
        content, second = self.e.word(self.width), self.e.word(self.width)
        address, other = self.e.word(self.address_bits), self.e.word(self.address_bits)
        if content is None or address is None or second is None or other is None:
            return
        file = self._file_flag() if not (self.zero_register and self.workers) else None
        if file and self.zero_register:
            address = self._odd(address)
        if self.workers:
            address, other = self._own(address), self._own(other)
        if not self.d.one_in(3):
            when = self.e.flag() if self.d.upto(1) else None
            self._write("first", address, content, file, when)
            return
        when = self.e.flag()
        opposite = self.let(f"~literal({when})", 1)
        self._write("first", address, content, file, when)
        self._write("second", other, second, None, opposite)

    def _file_flag(self) -> str | None:
        return self.e.flag() if self.register_bits and self.d.upto(1) else None

    def _odd(self, address: str) -> str:
        """An address with its lowest bit set: never that of x0."""
        one = self.let("1", 1)
        return f'Word("odd", (*{one}, *{address}[1:]))'

    def _own(self, address: str) -> str:
        """An address that no other worker has: it begins with the number of the worker."""
        return f'Word("own", (*u, *{address}[{self.workers}:]))'

    def _write(
        self, name: str, address: str, content: str, file: str | None, when: str | None
    ) -> None:
        flags = (f", in_registers={file}" if file else "") + (f", when={when}" if when else "")
        self.add(f'm.write("{name}", {address}, {content}{flags})')

    def end(self) -> None:
        """What becomes of the registers; whatever is not used is put out."""
        for variable, word, width in self.settable:
            if variable == "pc" or self.d.upto(3):
                self.add(f"m.next({variable}, {self.e.value(width)[0]})")
            else:
                self.pins.append(word)
        if self.d.one_in(4):
            self._stated()
        if self.d.one_in(8):
            self._working()
        if self.d.one_in(4):
            self.add(f"m.halts({self._bit_of_register()})")
        for variable, width in self.lets:
            if not self._used(variable):
                word = f"{variable} out"
                self.add(f'm.output("{word}", {variable}, {width})')
                self.registers.append((word, width))

    def _used(self, variable: str) -> bool:
        """Whether a line other than that which makes it names a variable."""
        lines = (re.sub(r'"[^"]*"', "", line) for line in self.lines)
        found = (line for line in lines if re.search(rf"\b{variable}\b", line))
        return any(not line.startswith(f"{variable} =") for line in found)

    def _bit_of_register(self) -> str:
        variable, _, width = self.d.choice(self.settable)
        first = self.d.upto(width - 1)
        return f"{variable}[{first}:{first + 1}]"

    def _stated(self) -> None:
        """Two registers of which one implies the other, for good."""
        condition = self.e.condition(1)
        self.lines.insert(1, 'g0, h0 = m.register("g0", 1), m.register("h0", 1)')
        self.registers += [("g0", 1), ("h0", 1)]
        self.zeros += ["g0", "h0"]
        self.add('m.invariant("if g0, then h0", ~literal(g0) | literal(h0))')
        self.add(f"m.next(g0, value(literal(g0) & literal({self.e.flag()}), 1))")
        loose = condition[0] if condition[1] != "sum" else self.e.literal()[0]
        self.add(f"m.next(h0, value(literal(h0) | ({loose}), 1))")

    def _working(self) -> None:
        """An instruction of two loops, with something that it keeps."""
        self.lines.insert(1, 'b0, k0 = m.register("b0", 1), m.register("k0", 2)')
        self.registers += [("b0", 1), ("k0", 2)]
        self.zeros += ["b0", "k0"]
        start = f"({self.e.is_conjunction()[0]}) & ~literal(b0)"
        self.add(f"m.next(b0, value({start}, 1))")
        self.add(f"m.next(k0, gated({start}, {self.e.forms(2)}))")
        self.add("m.multi_loop(b0, k0)")
