"""Directives about symbols and sections, and those that have no effect."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

from looped.errors import LoopedError, Span
from looped.files import read_bytes
from looped.lang.gnu.assembly import Assembly, Writer
from looped.lang.gnu.data import ALIGNING
from looped.lang.gnu.literals import NAME
from looped.lang.gnu.nodes import Missing, Name, Operand, Text
from looped.lang.gnu.operands import expression, operands
from looped.lang.gnu.sections import SECTION_DIRECTIVES
from looped.lang.gnu.text import Line
from looped.lang.sources import LARGEST_SOURCE

__all__ = ["HANDLERS", "WITH_GAPS", "assign", "beside", "check_target"]

Handler = Callable[[str, Line, int, Assembly, Writer], None]
"""Executes a directive whose operands begin at a place of a line. Raises LoopedError."""

WITH_GAPS = frozenset(ALIGNING)
"""Directives in which an operand may be left out between commas."""

_SYMBOL = re.compile(rf"\s*({NAME})\s*(?:,\s*|$)")
_FLOATS = {".float": "<f", ".single": "<f", ".double": "<d"}
_NOTES = (
    ".addrsig", ".addrsig_sym", ".attribute", ".extern", ".file", ".global", ".globl",
    ".gnu_attribute", ".hidden", ".ident", ".internal", ".lflags", ".line", ".linkonce", ".list",
    ".ln", ".loc", ".loc_mark_labels", ".nolist", ".option", ".print", ".protected", ".psize",
    ".eject", ".sbttl", ".size", ".symver", ".title", ".type", ".variant_cc", ".version",
    ".warning",
)  # fmt: skip
_CFI = (
    "adjust_cfa_offset", "b_key_frame", "def_cfa", "def_cfa_offset", "def_cfa_register",
    "endproc", "escape", "fde_data", "inline_lsda", "label", "lsda", "offset", "personality",
    "personality_id", "register", "rel_offset", "remember_state", "restore", "restore_state",
    "return_column", "same_value", "sections", "signal_frame", "startproc", "undefined",
    "val_encoded_addr", "val_offset", "window_save",
)  # fmt: skip


def assign(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    """`name = value`. A value for `.` is the address to continue at. Raises LoopedError."""
    value = expression(line, at, program.names)
    if name == ".":
        program.emit(".org", (value,), writer)
    else:
        program.set(name, value, writer)


def check_target(
    name: str, line: Line, at: int, program: Assembly, writer: Writer, is_fixed: bool
) -> None:
    """Check `.machine` and `.width`, which have already taken effect or must agree. If the target
    `is_fixed`, the caller has chosen it and the source cannot change it. Raises LoopedError.
    """
    target, span = program.target, writer.span
    value = line.text[at:].strip()
    place = line.part(at, len(line.text)).stripped()
    where = place.span(0, len(place.text)) if value else span
    if name == ".machine":
        if not re.fullmatch(r"\w+", value):
            raise LoopedError(".machine needs a name", span, f".machine {target.name}")
        if value != target.name and not is_fixed:
            raise LoopedError(f"this source is already for {target.name}", where)
    elif not value.isdigit():
        raise LoopedError(".width needs a number", span, f".width {target.width}")
    elif int(value[:9]) != target.width:
        message = f"{target.name} has no {value[:9]}-bit words"
        raise LoopedError(message, where, f"widths: {target.width}")


def beside(span: Span, text: Text) -> Path:
    """The path of a file name, relative to the source that contains it."""
    return Path(span.source.name).parent / text.content.decode("utf-8", "surrogateescape")


def _set(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    match = _SYMBOL.match(line.text, at)
    if match is None or match.end() == len(line.text):
        message = f"{name} needs a name and a value"
        raise LoopedError(message, writer.span, f"{name} SIZE, 30")
    span = line.span(*match.span(1))
    symbol = program.names.refer(match[1])
    if name == ".equiv" and symbol.is_defined:
        raise LoopedError(f"`{match[1]}` is defined twice", span, f"first at {symbol.span}")
    place = Writer(span, writer.origin, writer.note)
    assign(match[1], line, match.end(), program, place)


def _section(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    program.sections.directive(name, line, at, writer.span)


def _names(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    """`.weak` and `.local`: directives whose operands are names."""
    found = operands(line, at, program.names)
    if not found:
        raise LoopedError(f"{name} needs a name", writer.span, f"{name} main")
    for operand in found:
        symbol = _symbol(name, operand).symbol
        if name == ".weak":
            symbol.weak = True
        else:
            program.local(symbol.name)


def _weakref(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    found = operands(line, at, program.names)
    if len(found) != 2:
        raise LoopedError(f"{name} needs two names", writer.span, f"{name} own, other")
    own, other = (_symbol(name, operand) for operand in found)
    other.symbol.weak = True
    program.set(own.symbol.name, other, Writer(own.span, writer.origin, writer.note))


def _common(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    example = f"{name} buffer, 64, 4"
    found = operands(line, at, program.names)
    if not 2 <= len(found) <= 3:
        raise LoopedError(f"{name} needs a name and a size", writer.span, example)
    if not isinstance(found[0], Name):
        raise LoopedError(f"{name} needs a name", found[0].span, example)
    size, *alignment = (_known(operand, program) for operand in found[1:])
    if size < 0:
        raise LoopedError(f"{name} cannot have {size} bytes", found[1].span)
    if alignment and (alignment[0] < 0 or alignment[0] & (alignment[0] - 1)):
        message = f"an alignment of {alignment[0]} is not a power of two"
        raise LoopedError(message, found[2].span)
    place = Writer(found[0].span, writer.origin, writer.note)
    wanted = max(1, alignment[0]) if alignment else None
    program.common(found[0], size, wanted, name == ".lcomm", place)


def _floats(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    content = b""
    for part in line.text[at:].split(","):
        digits = re.sub(r"^0[a-zA-Z](?=[-+.\d])", "", part.strip())
        try:
            content += struct.pack(_FLOATS[name], float(digits))
        except (ValueError, OverflowError):
            span = line.span(at, len(line.text))
            raise LoopedError(f"`{part.strip()}` is not a number for {name}", span) from None
    program.emit(".ascii", (Text(content, writer.span),), writer)


def _binary(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    """`.incbin "file", skip, count`."""
    found = operands(line, at, program.names)
    if not 1 <= len(found) <= 3 or not isinstance(found[0], Text):
        raise LoopedError(f"{name} needs a file name", writer.span, f'{name} "file.bin"')
    places = [_known(operand, program) for operand in found[1:]]
    if any(place < 0 for place in places):
        raise LoopedError(f"{name} needs numbers that are not negative", writer.span)
    try:
        content = read_bytes(beside(writer.span, found[0]), LARGEST_SOURCE)
    except LoopedError as error:
        raise LoopedError(str(error), found[0].span) from None
    skip, count = [*places, *(0, len(content))[len(places) :]]
    program.emit(".ascii", (Text(content[skip : skip + count], found[0].span),), writer)


def _complain(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    """`.error "message"`, `.err`, `.abort`, `.fail`."""
    found = operands(line, at, program.names) if name == ".error" else ()
    texts = [
        operand.content.decode("utf-8", "replace") for operand in found if isinstance(operand, Text)
    ]
    raise LoopedError(texts[0] if texts else f"the source has {name} here", writer.span)


def _nothing(name: str, line: Line, at: int, program: Assembly, writer: Writer) -> None:
    """A directive for a linker or a debugger: no effect here."""


def _symbol(name: str, operand: Operand) -> Name:
    if not isinstance(operand, Name):
        raise LoopedError(f"{name} needs a name", operand.span, f"{name} main")
    return operand


def _known(operand: Operand, program: Assembly) -> int:
    if isinstance(operand, Text | Missing):
        raise LoopedError("a number is needed here", operand.span)
    return program.constant(operand, "the number")


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(SECTION_DIRECTIVES, _section),
    **dict.fromkeys((".set", ".equ", ".equiv", ".eqv"), _set),
    **dict.fromkeys((".weak", ".local"), _names),
    **dict.fromkeys((".comm", ".common", ".lcomm"), _common),
    **dict.fromkeys(_FLOATS, _floats),
    **dict.fromkeys((".error", ".err", ".abort", ".fail"), _complain),
    **dict.fromkeys((*_NOTES, *(f".cfi_{name}" for name in _CFI)), _nothing),
    ".weakref": _weakref,
    ".incbin": _binary,
}
"""Directives that lay out nothing themselves → the function that executes each."""
