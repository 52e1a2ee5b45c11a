"""What the reader makes of a source: symbols, sections, and the items in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from looped.errors import LoopedError, Span
from looped.lang.gnu.items import Item, span_of
from looped.lang.gnu.names import Names
from looped.lang.gnu.nodes import Name, Node, Number, Operand
from looped.lang.gnu.sections import COMMON, Section, Sections
from looped.lang.gnu.values import constant

__all__ = ["LABEL", "Assembly", "Target", "Writer"]

LABEL = "label"
"""The kind of an item that only marks a place."""

_OWN_ZEROS = 1
"""The subsection of `.bss` for `.lcomm`, as in GNU as."""

_LARGEST_COMMON_ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class Target:
    """The machine that a source is for.

    `mnemonics` and `directives` are those that it lays out. `length(item)` gives the bytes of an
    item, None if they are not known during reading. `expand(mnemonic, operands, span)` gives the
    instructions of a statement. `elsewhere` maps the mnemonics of another machine to its name. A
    word has `width` bits.
    """

    name: str
    width: int
    mnemonics: Collection[str]
    directives: Collection[str]
    length: Callable[[Item], int | None]
    expand: Callable[[str, tuple[Operand, ...], Span], list[tuple[str, tuple[Operand, ...]]]]
    elsewhere: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Writer:
    """The place of a statement, the source text that caused it, and its expansion."""

    span: Span
    origin: Span
    note: str | None


@dataclass(slots=True)
class _Common:
    """Zeros with a name: the most bytes, and the largest alignment, that the source asks for."""

    size: int
    alignment: int
    writer: Writer


@dataclass
class Assembly:
    """The content of a source: its symbols, and its items in the order of the text."""

    target: Target
    names: Names = field(default_factory=Names)
    sections: Sections = field(default_factory=Sections)
    _local: set[str] = field(default_factory=set)
    _common: dict[str, _Common] = field(default_factory=dict)

    def instruct(self, name: str, operands: tuple[Operand, ...], writer: Writer) -> None:
        """Emit an instruction or its expansion. Raises LoopedError as `emit`."""
        for kind, filled in self.target.expand(name, operands, writer.span):
            self.emit(kind, filled, writer, name)

    def emit(
        self, kind: str, operands: tuple[Operand, ...], writer: Writer, written: str = ""
    ) -> None:
        """Append data or an instruction. Raises LoopedError in a section of unknown kind."""
        section = self.sections.section
        if not section.is_known:
            section.is_known = True  # so that there is one error only
            raise _no_kind(section)
        self._append(section, self.sections.number, kind, operands, writer, written)

    def label(self, name: str, writer: Writer) -> None:
        """A label. Raises LoopedError if there is a symbol of that name."""
        place = self._append(self.sections.section, self.sections.number, LABEL, (), writer)
        self.names.label(name, writer.span, place.anchor)

    def set(self, name: str, value: Node, writer: Writer) -> None:
        """A value for a symbol. Raises LoopedError if it is a label."""
        known = constant(value, self.sections.part.here())
        node = value if known is None else Number(known, value.span)
        place = self._append(self.sections.section, self.sections.number, LABEL, (), writer)
        self.names.set(name, writer.span, node, place.anchor)

    def constant(self, node: Node, what: str) -> int:
        """A number that has to be known here. Raises LoopedError."""
        value = constant(node, self.sections.part.here())
        if value is None:
            hint = "it must not depend on what follows, or on the length of a branch or a gap"
            raise LoopedError(f"{what} is not known here", span_of(node), hint)
        return value

    def local(self, name: str) -> None:
        """`.local name`: what `.comm` asks for by that name lies in `.bss`."""
        self._local.add(name)

    def common(
        self, name: Name, size: int, alignment: int | None, own: bool, writer: Writer
    ) -> None:
        """`.comm`, or `.lcomm` if it is the source's `own`: zeros with a name.

        Raises LoopedError if there is a label of that name.
        """
        key = name.symbol.name
        if own or key in self._local:
            bss = self.sections.named(".bss", writer.span)
            self._zeros(
                bss, _OWN_ZEROS, key, _Common(size, alignment or _own_alignment(size), writer)
            )
            return
        wanted = alignment or _common_alignment(size)
        known = self._common.setdefault(key, _Common(size, wanted, writer))
        known.size, known.alignment = max(known.size, size), max(known.alignment, wanted)

    def finish(self) -> list[LoopedError]:
        """Append the symbols of `.comm` after everything else; returns their errors."""
        errors = []
        for name, common in self._common.items():
            symbol = self.names.refer(name)
            if symbol.is_defined:
                hint = f"first at {symbol.span}"
                errors.append(LoopedError(f"`{name}` is defined twice", common.writer.span, hint))
            else:
                section = self.sections.named(COMMON, common.writer.span)
                self._zeros(section, 0, name, common)
        return errors

    def _zeros(self, section: Section, number: int, name: str, zeros: _Common) -> None:
        span = zeros.writer.span
        self._append(section, number, ".balign", (Number(zeros.alignment, span),), zeros.writer)
        place = self._append(section, number, LABEL, (), zeros.writer)
        self.names.label(name, span, place.anchor)
        self._append(section, number, ".space", (Number(zeros.size, span),), zeros.writer)

    def _append(self, section: Section, number: int, kind: str, operands: tuple[Operand, ...],
                writer: Writer, written: str = "") -> Item:  # fmt: skip
        part = section.part(number)
        span, origin, note = writer.span, writer.origin, writer.note
        item = Item(kind, span, operands, part.here(), origin, note, written or kind)
        length = 0 if kind == LABEL else self.target.length(item)
        item.size, item.is_open = length or 0, length is None
        part.append(item, length)
        return item


def _common_alignment(size: int) -> int:
    """The default alignment of `.comm`: its size, rounded up to a power of two."""
    return min(_LARGEST_COMMON_ALIGNMENT, 1 << max(0, size - 1).bit_length())


def _own_alignment(size: int) -> int:
    """The default alignment of `.lcomm`."""
    return next(power for power in (8, 4, 2, 1) if size >= power or power == 1)


def _no_kind(section: Section) -> LoopedError:
    message = f"section `{section.name}` has no flags: it would not be in memory"
    hint = f'.section {section.name}, "aw" for data, "ax" for code, "" for neither'
    return LoopedError(message, section.span, hint)
