"""An Assembly to memory: sections to addresses, items to bytes, bytes to words.

Sections follow each other in the order code, constants, data, zeros, from address 0. Items of open
length grow until the layout is a fixed point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from looped.errors import Diagnostic, LoopedError
from looped.image import Location
from looped.lang.gnu.assembly import LABEL, Assembly
from looped.lang.gnu.data import (
    ALIGNING,
    FILLING,
    LEB128,
    NUMBERS,
    TEXTS,
    alignment,
    fill,
    leb128,
    numbers,
    repeated,
    texts,
)
from looped.lang.gnu.items import Item
from looped.lang.gnu.nodes import Modifier
from looped.lang.gnu.sections import CODE, DATA, ZEROS, Section
from looped.lang.gnu.values import Values
from looped.lang.items import Noting
from looped.lang.language import MOST_WORDS, Placed
from looped.lang.riscv.instructions import make
from looped.lang.riscv.operands import Operands, is_modified
from looped.lang.riscv.sizes import ORIGIN, Sizes

__all__ = ["lay_out"]

_ENDS = {"etext": CODE, "edata": DATA, "end": ZEROS}
_START = "_start"
_NOP = (0x13).to_bytes(4, "little")
_MOST_BYTES = 4 * MOST_WORDS


def lay_out(program: Assembly, errors: list[Diagnostic]) -> Placed:
    """The memory of a program; appends its errors to `errors`."""
    return _Layout(program, errors).placed()


@dataclass
class _Layout:
    """The layout of a program: addresses of all its items, and errors."""

    program: Assembly
    errors: list[Diagnostic]
    _items: dict[str, list[Item]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = Values(self.program.names)
        self.operands = Operands(self.values)
        self.sizes = Sizes(self.operands)
        sections = sorted(self.program.sections.all.values(), key=lambda s: s.kind or 0)
        self.loaded = [section for section in sections if section.kind is not None]
        self.others = [section for section in sections if section.kind is None]
        for section in sections:
            self._items[section.name] = section.items()

    def placed(self) -> Placed:
        """The words of the program."""
        for section in (*self.loaded, *self.others):
            self._align(section)
        self._settle()
        symbols = self._symbols()
        self.operands.pcrel = dict(self._high_parts())
        content, places = self._bytes()
        words = tuple(
            int.from_bytes(content[i : i + 4], "little") for i in range(0, len(content), 4)
        )
        start = self.program.names.table.get(_START)
        loaded = {section.name for section in self.loaded}
        known = start is not None and (start.value is not None or start.anchor.section in loaded)
        entry = symbols.get(_START, 0) if known else 0
        if start is not None and entry % 4:
            message = f"`{_START}` is {entry:#x}, which is not a multiple of 4"
            self.errors.append(
                Diagnostic(message, start.span, "a program begins at an instruction")
            )
        public = self.program.names.public()
        constants = frozenset(each.name for each in public if each.value is not None)
        width = self.program.target.width
        return Placed(words, tuple(places), symbols, width, entry, constants & symbols.keys())

    def _align(self, section: Section) -> None:
        """The alignment of a section: the largest alignment of its items."""
        section.alignment = 4 if section.kind == CODE else 1
        for item in self._items[section.name]:
            if item.kind in ALIGNING:
                with Noting(self.errors, item):
                    multiple = alignment(item, self.operands.number).multiple
                    section.alignment = max(section.alignment, multiple)

    def _settle(self) -> None:
        """Place everything again until nothing grows."""
        while True:
            wrong: list[Diagnostic] = []
            self._place(wrong)
            if not self._grow():
                self.errors += wrong
                return

    def _grow(self) -> bool:
        """Whether an item needed more bytes than it had."""
        grown = False
        ignored: list[Diagnostic] = []  # the pass that makes the bytes reports these errors
        for section in (*self.loaded, *self.others):
            for item in self._items[section.name]:
                if item.is_open:
                    with Noting(ignored, item):
                        grown |= self.sizes.grow(item)
        return grown

    def _place(self, wrong: list[Diagnostic]) -> None:
        """Set the address of every item. Raises LoopedError if the program is too long."""
        self.values.moved()
        address, kind = 0, -1
        for section in self.loaded:
            unit = section.alignment
            if section.kind != kind:  # as linkers align what they make of all of a kind
                kind = section.kind or 0
                unit = max(4, *(s.alignment for s in self.loaded if s.kind == kind))
            address = self._place_section(section, _aligned(address, unit), wrong)
        for section in self.others:
            self._place_section(section, 0, wrong)
        self.values.moved()
        self._provide()

    def _place_section(self, section: Section, base: int, wrong: list[Diagnostic]) -> int:
        """The first address after a section that begins at `base`."""
        address = base
        for item in self._items[section.name]:
            item.anchor.address = address
            if not item.is_open:
                address += item.size
            else:
                with Noting(wrong, item):
                    address += self.sizes.now(item, base)
            if address > _MOST_BYTES:
                message = f"the program is longer than {_MOST_BYTES:,} bytes"
                raise LoopedError(message, item.origin)
        address = _aligned(address, _whole(section))
        section.place = base, address
        return address

    def _provide(self) -> None:
        """Set the addresses of the names that linkers define."""
        for name, last in _ENDS.items():
            end = max(s.place[1] for s in self.loaded if (s.kind or 0) <= last)
            self.values.provided |= {name: end, f"_{name}": end}
        zeros = [section.place[0] for section in self.loaded if section.kind == ZEROS]
        self.values.provided["__bss_start"] = min(zeros)
        data = min(section.place[0] for section in self.loaded if section.kind == DATA)
        self.values.provided["__global_pointer$"] = data + 0x800

    def _symbols(self) -> dict[str, int]:
        """The public symbols; reports errors of those that the source sets."""
        for symbol in self.program.names.constants:
            with Noting(self.errors, None):
                self.values.constant(symbol)
        result = {}
        for symbol in self.program.names.public():
            if symbol.value is None:
                result[symbol.name] = symbol.anchor.address
            else:
                with Noting([], None):
                    result[symbol.name] = self.values.constant(symbol)
        return result

    def _high_parts(self) -> Iterator[tuple[int, Modifier]]:
        """The addresses of instructions with a `%pcrel_hi`, and that operand."""
        for section in self.loaded:
            for item in self._items[section.name]:
                if item.kind == "auipc" and len(item.operands) == 2:
                    operand = item.operands[1]
                    if isinstance(operand, Modifier) and is_modified(operand, "%pcrel_hi"):
                        yield item.anchor.address, operand

    def _bytes(self) -> tuple[bytes, list[Location | None]]:
        """The memory, and where each of its words comes from."""
        content = bytearray()
        places: list[Location | None] = []
        for section in self.loaded:
            content += bytes(section.place[0] - len(content))
            for item in self._items[section.name]:
                if item.kind == LABEL:
                    continue
                with Noting(self.errors, item):
                    content += bytes(item.anchor.address - len(content))
                    content += self._made(item, section)
                    if item.kind not in ALIGNING and item.kind != ORIGIN:
                        places += [None] * (item.anchor.address // 4 - len(places))
                        places += [item.location] * (-(-len(content) // 4) - len(places))
            content += _padding(section, section.place[1] - len(content), len(content))
        content += bytes(-len(content) % 4)
        places += [None] * (len(content) // 4 - len(places))
        return bytes(content), places

    def _made(self, item: Item, section: Section) -> bytes:
        """The bytes of an item."""
        kind, number = item.kind, self.operands.number
        if kind in NUMBERS:
            return numbers(item, number)
        if kind in TEXTS:
            return texts(item)
        if kind in LEB128:
            return _stretched(leb128(item, number), item.size)
        if kind in FILLING:
            count, content = fill(item, number)
            return content * count
        if kind in ALIGNING:
            wanted = alignment(item, number)
            gap = wanted.gap(item.anchor.address)
            if wanted.pattern is None:
                return _padding(section, gap, item.anchor.address)
            return repeated(item, wanted.pattern, gap)
        if kind == ORIGIN:
            gap = max(0, self.sizes.now(item, section.place[0]))
            byte = number(item.operands[1], 0) if len(item.operands) == 2 else 0
            return bytes([byte & 0xFF]) * gap
        words = make(item, self.operands, item.size)
        return b"".join(word.to_bytes(4, "little") for word in words)


def _stretched(content: bytes, size: int) -> bytes:
    """A LEB128 number in more bytes than it needs: an earlier layout needed them."""
    if len(content) >= size:
        return content
    last = 0x7F if content[-1] & 0x40 else 0x00
    rest = bytes([0x80 | last]) * (size - len(content) - 1)
    return content[:-1] + bytes([content[-1] | 0x80]) + rest + bytes([last])


def _padding(section: Section, gap: int, address: int) -> bytes:
    """The bytes that fill a gap: zeros; in code, zeros up to the next word, then `nop`."""
    if section.kind != CODE:
        return bytes(gap)
    zeros = min(-address % 4, gap)
    return bytes(zeros) + (_NOP * (gap // 4 + 1))[: gap - zeros]


def _whole(section: Section) -> int:
    """The size of a section is a multiple of this; GNU as fills code to its alignment."""
    return section.alignment if section.kind == CODE else 1


def _aligned(address: int, multiple: int) -> int:
    return -(-address // multiple) * multiple
