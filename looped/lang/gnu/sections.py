"""Sections: the kind of memory of each, and the one that statements enter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count

from looped.errors import LoopedError, Span
from looped.lang.gnu.items import Item
from looped.lang.gnu.nodes import Anchor
from looped.lang.gnu.text import Line

__all__ = [
    "CODE",
    "COMMON",
    "CONSTANTS",
    "DATA",
    "SECTION_DIRECTIVES",
    "ZEROS",
    "Section",
    "Sections",
]

CODE, CONSTANTS, DATA, ZEROS = range(4)
"""The kinds of memory, in the order in which they are laid out."""

COMMON = "COMMON"
"""The section for the zeros of `.comm`, after all others."""

_KINDS = {
    ".text": CODE, ".init": CODE, ".fini": CODE,
    ".rodata": CONSTANTS, ".rodata1": CONSTANTS, ".srodata": CONSTANTS,
    ".data": DATA, ".data1": DATA, ".sdata": DATA, ".tdata": DATA, ".init_array": DATA,
    ".fini_array": DATA, ".preinit_array": DATA, ".ctors": DATA, ".dtors": DATA,
    ".bss": ZEROS, ".sbss": ZEROS, ".tbss": ZEROS, COMMON: ZEROS,
}  # fmt: skip
"""The kind of a section by its name, or by its name up to a dot; its flags do not matter."""

_WHOLE_NAMES = (".init", ".fini", ".rodata1", ".data1", COMMON)
_ABOUT_PROGRAMS = (
    ".comment", ".debug", ".eh_frame", ".gnu", ".line", ".llvm", ".note", ".riscv.attributes",
    ".stab", ".zdebug",
)  # fmt: skip
"""The first parts of the names of sections for a linker or a debugger."""

SHORT = (".text", ".data", ".bss", ".rodata")
SECTION_DIRECTIVES = frozenset(
    {*SHORT, ".section", ".pushsection", ".popsection", ".previous", ".subsection"}
)

_HEAD = re.compile(
    r"""[ \t]*(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<plain>[^\s,;"]+))
        (?:[ \t]*,[ \t]*(?P<number>[0-9]{1,4})(?=[ \t]*(?:,|$)))?
        (?:[ \t]*,[ \t]*"(?P<flags>[^"]*)")?
        (?:[ \t]*,[ \t]*[@%"]?(?P<type>\w+)"?)?""",
    re.VERBOSE,
)
_stretches = count(1)


@dataclass(slots=True)
class Subsection:
    """Consecutive items; the last `offset` bytes are a stretch in which every item has a known
    length."""

    section: str
    items: list[Item] = field(default_factory=list)
    stretch: int = field(default_factory=lambda: next(_stretches))
    offset: int = 0

    def here(self) -> Anchor:
        """The place after the last item."""
        return Anchor(0, self.stretch, self.offset, self.section)

    def append(self, item: Item, length: int | None) -> None:
        """Append an item, of known or open length."""
        self.items.append(item)
        if length is None:
            self.stretch, self.offset = next(_stretches), 0
        else:
            self.offset += length


@dataclass(slots=True)
class Section:
    """A part of the program. `kind` is None for a part that is not loaded. `span` is its first
    use. `is_known` says whether its name or its flags define its kind."""

    name: str
    kind: int | None
    span: Span | None
    is_known: bool = True
    alignment: int = 1
    place: tuple[int, int] = 0, 0
    subsections: dict[int, Subsection] = field(default_factory=dict)

    def items(self) -> list[Item]:
        """Its items in the order of their addresses."""
        return [item for _, part in sorted(self.subsections.items()) for item in part.items]

    def part(self, number: int) -> Subsection:
        """The subsection of a number."""
        return self.subsections.setdefault(number, Subsection(self.name))


@dataclass
class Sections:
    """All sections of a source, and the current one."""

    all: dict[str, Section] = field(default_factory=dict)
    _current: tuple[str, int] = ".text", 0
    _previous: tuple[str, int] | None = None
    _stack: list[tuple[tuple[str, int], tuple[str, int] | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in (".text", ".data", ".bss"):
            self.all[name] = Section(name, _KINDS[name], None)

    @property
    def section(self) -> Section:
        """The section that statements go to."""
        return self.all[self._current[0]]

    @property
    def number(self) -> int:
        """The number of the subsection that they go to."""
        return self._current[1]

    @property
    def part(self) -> Subsection:
        """The subsection that they go to."""
        return self.section.part(self.number)

    def named(self, name: str, span: Span) -> Section:
        """The section of a name, which may be new."""
        return self.all.setdefault(name, _new(name, None, None, span))

    def directive(self, name: str, line: Line, at: int, span: Span) -> None:
        """Select another section. Raises LoopedError for invalid operands."""
        if name in SHORT:
            self._enter(self.named(name, span).name, _number(line, at, 0))
        elif name == ".subsection":
            self._enter(self._current[0], _number(line, at, None))
        elif name == ".previous":
            if self._previous is None:
                raise LoopedError("there is no section before this one", span)
            self._enter(*self._previous)
        elif name == ".popsection":
            if not self._stack:
                raise LoopedError("this .popsection has no .pushsection", span)
            self._current, self._previous = self._stack.pop()
        else:
            before = self._current, self._previous
            self._section(name, line, at, span)
            if name == ".pushsection":
                self._stack.append(before)

    def _enter(self, name: str, number: int) -> None:
        self._previous, self._current = self._current, (name, number)

    def _section(self, directive: str, line: Line, at: int, span: Span) -> None:
        """`.section name, "flags", @type`, and `.pushsection name, number, …`."""
        match = _HEAD.match(line.text, at)
        if match is None:
            raise LoopedError(f"{directive} needs a name", span, f"{directive} .rodata")
        name = match["plain"] if match["quoted"] is None else match["quoted"]
        flags, kind = match["flags"], match["type"]
        section = self.all.setdefault(name, _new(name, flags, kind, span))
        if not section.is_known and flags is not None:
            section.kind, section.is_known = _kind(name, flags, kind), True
        self._enter(name, int(match["number"] or 0))


def _new(name: str, flags: str | None, kind: str | None, span: Span) -> Section:
    known = flags is not None or _named(name) is not None or name.startswith(_ABOUT_PROGRAMS)
    return Section(name, _kind(name, flags, kind), span, known)


def _kind(name: str, flags: str | None, kind: str | None) -> int | None:
    """What a section is, by its name or else by its flags; None if it is not loaded."""
    named = _named(name)
    if named is not None or flags is None or "a" not in flags:
        return named
    if "x" in flags:
        return CODE
    return (ZEROS if kind == "nobits" else DATA) if "w" in flags else CONSTANTS


def _named(name: str) -> int | None:
    if name in _KINDS:
        return _KINDS[name]
    beginning = re.match(r"\.?[^.]*", name)
    first = beginning.group() if beginning else name
    return None if first in _WHOLE_NAMES else _KINDS.get(first)


def _number(line: Line, at: int, default: int | None) -> int:
    """The number of a subsection."""
    text = line.text[at:].strip()
    if text.isdigit() and len(text) <= 4:
        return int(text)
    if text or default is None:
        span = line.span(at, len(line.text))
        raise LoopedError("a subsection is a number, 0 to 8192", span, ".subsection 1")
    return default
