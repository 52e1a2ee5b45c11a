"""Items to sections, sections to bytes, bytes to words: RV32I laid out in memory.

Sections stand in the order code, constants, data, zeros, from address 0. The number that `li`
loads may depend on where labels come to lie, and they on how many instructions it takes. So each
`li` begins as one instruction and becomes two where that proves necessary, until nothing changes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from looped.errors import Diagnostic, LoopedError
from looped.image import Location
from looped.lang.ast import Symbol, Text
from looped.lang.expressions import Bound
from looped.lang.gnu import GNU
from looped.lang.items import Item, Noting
from looped.lang.language import MOST_WORDS, Language, Placed
from looped.lang.riscv.data import (
    ALIGNING,
    FILLING,
    NUMBERS,
    TEXTS,
    alignment,
    fill,
    numbers,
    texts,
)
from looped.lang.riscv.instructions import EXTENDED_MNEMONICS, MNEMONICS, is_short, make, size
from looped.lang.riscv.operands import Operands, is_modified, span_of
from looped.lang.symbols import SymbolTable

__all__ = ["RV32I", "RV32IM"]

_NAMED_SECTIONS = (".text", ".data", ".bss", ".rodata")
_ORDER = {".text": 0, ".rodata": 1, ".srodata": 1, ".data": 2, ".sdata": 2, ".sbss": 3, ".bss": 3}
_CODE, _DATA, _ZEROS, _NOT_LOADED = 0, 2, 3, 9
_ENDS = (("_etext", _CODE), ("_edata", _DATA), ("_end", _ZEROS))
_ABOUT_FILES = frozenset(
    {".attribute", ".file", ".global", ".globl", ".ident", ".local", ".option", ".size", ".type"}
    | {".weak", ".machine", ".width"}
)
"""Directives that tell a linker or a debugger something, and lay out nothing."""

_LABELS = frozenset({"label", ".equ", ".set"})
_START = "_start"
_NOP = (0x13).to_bytes(4, "little")
_MOST_BYTES = 4 * MOST_WORDS


def _lay_out(items: list[Item], width: int, errors: list[Diagnostic]) -> Placed:
    return _Layout(errors).placed(items)


RV32I = Language(
    name="rv32i",
    widths=(32,),
    width=32,
    syntax=GNU,
    directives=frozenset({*NUMBERS, *TEXTS, *FILLING, *ALIGNING, *_NAMED_SECTIONS, *_ABOUT_FILES})
    | {".section", ".org", ".comm"},
    mnemonics=MNEMONICS,
    prelude="rv32i.s",
    lay_out=_lay_out,
    unit=4,
    elsewhere=dict.fromkeys(EXTENDED_MNEMONICS - MNEMONICS, "rv32im"),
)
"""RISC-V assembly, as GNU as has it."""

RV32IM = replace(RV32I, name="rv32im", mnemonics=EXTENDED_MNEMONICS, elsewhere={})
"""The same with the M extension."""


@dataclass
class _Section:
    """A part of the program, in the order of the text; `place` is where it begins and ends."""

    order: int
    items: list[Item] = field(default_factory=list)
    alignment: int = 4
    place: tuple[int, int] = 0, 0

    @property
    def padding(self) -> bytes:
        """What fills gaps that alignment makes."""
        return _NOP if self.order == _CODE else bytes(4)

    @property
    def whole(self) -> int:
        """What the size of the section is a multiple of; GNU as fills code to its alignment."""
        return self.alignment if self.order == _CODE else 1


@dataclass
class _Layout:
    """Sections, the symbols in them, and what is wrong with them."""

    errors: list[Diagnostic]
    sections: dict[str, _Section] = field(default_factory=dict)
    symbols: SymbolTable = field(default_factory=SymbolTable)
    _long: set[int] = field(default_factory=set)
    _far: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.operands = Operands(self.symbols)
        for name in (".text", ".data", ".bss"):
            self.sections[name] = _Section(_ORDER[name])

    def placed(self, items: list[Item]) -> Placed:
        """The words of the program."""
        for item in items:
            if item.key:
                with Noting(self.errors, item):
                    self.symbols.define(item)
        self._sort(items)
        self._place()
        while self._lengthen():
            self._place()
        for key in self.symbols.constants():
            with Noting(self.errors, None):
                self.symbols.look_up(key)
        self.operands.pcrel = {item.anchor.address: item.arguments[1] for item in self._far}
        content, places = self._bytes()
        words = tuple(
            int.from_bytes(content[i : i + 4], "little") for i in range(0, len(content), 4)
        )
        symbols = self.symbols.public()
        return Placed(words, tuple(places), symbols, symbols.get(_START, 0))

    def _sort(self, items: list[Item]) -> None:
        """Items to sections."""
        current = self.sections[".text"]
        for item in items:
            with Noting(self.errors, item):
                if item.kind == ".section" or item.kind in _NAMED_SECTIONS:
                    current = self._section(item)
                elif item.kind == ".comm":
                    self._common(item)
                else:
                    self._append(item, current)

    def _append(self, item: Item, section: _Section) -> None:
        section.items.append(item)
        if item.kind in ALIGNING:
            section.alignment = max(section.alignment, alignment(item, self.operands))
        elif item.kind == "auipc" and len(item.arguments) == 2:
            argument = item.arguments[1]
            if is_modified(argument, "%pcrel_hi"):
                self._far.append(item)

    def _section(self, item: Item) -> _Section:
        """The section that a directive goes on in."""
        name, flags = item.kind, None
        if item.kind == ".section":
            first = item.arguments[0] if item.arguments else None
            if isinstance(first, Bound):  # any text will do: `.note.GNU-stack` is a difference
                span = first.expression.span
                name = span.source.text[span.start : span.end]
            elif isinstance(first, Text):
                name = first.content.decode("latin-1")
            else:
                raise LoopedError(".section needs a name", item.span, ".section .rodata")
            second = item.arguments[1] if len(item.arguments) > 1 else None
            flags = second.content.decode("latin-1") if isinstance(second, Text) else None
        return self.sections.setdefault(name, _Section(_order(name, flags)))

    def _common(self, item: Item) -> None:
        """`.comm name, size, alignment`: zeros with a name."""
        name = item.arguments[0] if item.arguments else None
        if not 2 <= len(item.arguments) <= 3 or not isinstance(name, Bound):
            raise LoopedError(".comm needs a name and a size", item.span, ".comm buffer, 64, 4")
        if not isinstance(name.expression, Symbol):
            raise LoopedError(".comm needs a name", span_of(name), ".comm buffer, 64, 4")
        bss = self.sections[".bss"]
        if len(item.arguments) == 3:
            self._append(replace(item, kind=".balign", arguments=item.arguments[2:]), bss)
        label = replace(item, kind="label", arguments=(), key=name.expression.name)
        self.symbols.define(label)
        self._append(label, bss)
        self._append(replace(item, kind=".space", arguments=item.arguments[1:2]), bss)

    def _place(self) -> None:
        """Say of every item and label where it is. Raises LoopedError for a program too long."""
        address = 0
        for section in self._loaded():
            address = _aligned(address, section.alignment)
            base = address
            for item in section.items:
                item.anchor.address = address
                with Noting(self.errors, item):
                    if item.kind == "label" and item.key:
                        self.symbols.move(item.key, address)
                    address += self._size(item, base)
                if address > _MOST_BYTES:
                    message = f"the program is longer than {_MOST_BYTES:,} bytes"
                    raise LoopedError(message, item.origin)
            address = _aligned(address, section.whole)
            section.place = base, address
        self._provide()

    def _provide(self) -> None:
        """Say where the names are that linkers define."""
        loaded = self._loaded()
        ends = {name: [s.place[1] for s in loaded if s.order <= last] for name, last in _ENDS}
        self.symbols.provided = {name: max(places) for name, places in ends.items()}
        zeros = [section.place[0] for section in loaded if section.order == _ZEROS]
        self.symbols.provided["__bss_start"] = min(zeros)
        data = self.sections[".data"].place[0]
        self.symbols.provided["__global_pointer$"] = data + 0x800

    def _loaded(self) -> list[_Section]:
        """The sections in the order of their addresses."""
        loaded = [s for s in self.sections.values() if s.order != _NOT_LOADED]
        return sorted(loaded, key=lambda section: section.order)

    def _lengthen(self) -> bool:
        """Give `li` two instructions where its number needs them; whether there was such a case."""
        before = len(self._long)
        for section in self._loaded():
            for item in section.items:
                if item.kind == "li" and len(item.arguments) == 2:
                    with suppress(LoopedError):  # it is told when the words are made
                        if not is_short(self.operands.number(item.arguments[1])):
                            self._long.add(id(item))
        return len(self._long) > before

    def _size(self, item: Item, base: int) -> int:
        """The bytes of an item in a section that begins at `base`."""
        address = item.anchor.address
        if item.kind in _LABELS or item.kind in _ABOUT_FILES:
            return 0
        if item.kind in NUMBERS:
            return NUMBERS[item.kind] * len(item.arguments)
        if item.kind in TEXTS:
            return len(texts(item))
        if item.kind in FILLING:
            return fill(item, self.operands)[0]
        if item.kind in ALIGNING:
            return _aligned(address, alignment(item, self.operands)) - address
        if item.kind == ".org":
            return self._origin(item, base) - address
        return 8 if id(item) in self._long else size(item)

    def _origin(self, item: Item, base: int) -> int:
        if len(item.arguments) != 1:
            raise LoopedError(".org needs one number", item.span, ".org 0x100")
        offset = self.operands.number(item.arguments[0])
        least = item.anchor.address - base
        if offset < least:
            message = f".org {offset} is less than the offset so far, {least}"
            raise LoopedError(message, span_of(item.arguments[0]))
        return base + offset

    def _bytes(self) -> tuple[bytes, list[Location | None]]:
        """The memory, and where each of its words comes from."""
        content = bytearray()
        places: list[Location | None] = []
        for section in self._loaded():
            content += bytes(_aligned(len(content), section.alignment) - len(content))
            padding = bytes(4)
            for item in section.items:
                _pad(content, item.anchor.address, padding)
                padding = section.padding if item.kind in ALIGNING else bytes(4)
                with Noting(self.errors, item):
                    content += self._made(item)
                    places += [None] * (item.anchor.address // 4 - len(places))
                    places += [item.location] * (-(-len(content) // 4) - len(places))
            _pad(content, _aligned(len(content), section.whole), section.padding)
        content += bytes(-len(content) % 4)
        places += [None] * (len(content) // 4 - len(places))
        return bytes(content), places

    def _made(self, item: Item) -> bytes:
        """The bytes of an item; gaps are left to padding."""
        if item.kind in NUMBERS:
            return numbers(item, self.operands)
        if item.kind in TEXTS:
            return texts(item)
        if item.kind in FILLING:
            count, byte = fill(item, self.operands)
            return byte * count
        if item.kind not in EXTENDED_MNEMONICS:
            return b""
        words = make(item, self.operands, 8 if id(item) in self._long else size(item))
        return b"".join(word.to_bytes(4, "little") for word in words)


def _order(name: str, flags: str | None) -> int:
    """Where a section stands among the others, by its name or else by its flags."""
    for known, order in _ORDER.items():
        if name == known or name.startswith(known + "."):
            return order
    if flags is None or "a" not in flags:
        return _NOT_LOADED
    return _CODE if "x" in flags else _DATA if "w" in flags else 1


def _pad(content: bytearray, address: int, padding: bytes) -> None:
    """Fill the gap up to an address: with zeros to the next word, then with words of padding."""
    content += bytes(max(0, min(-len(content) % 4, address - len(content))))
    gap = max(0, address - len(content))
    content += (padding * (gap // 4 + 1))[:gap]


def _aligned(address: int, multiple: int) -> int:
    return -(-address // multiple) * multiple
