"""Locations: the places in a program that people name, and the text that the debugger shows."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from looped.debug.expressions import parse_whole
from looped.debug.words import Words
from looped.errors import CompileError, FileError
from looped.image import Image, Location
from looped.lang.sources import read_source
from looped.registry import disassembled

__all__ = ["address_of", "line_text", "lines_at", "shown_address", "shown_place"]

_LINE = re.compile(r"(?:(?P<file>.+):)?(?P<line>[0-9]+)\Z")


def address_of(text: str, words: Words) -> int:
    """The address that a location means: a label, LINE, FILE:LINE, or *EXPRESSION.

    Raises CompileError for a line without code, SourceError for a label that does not exist.
    """
    text = text.strip()
    if text.startswith("*"):
        return parse_whole(text[1:])(words)
    found = _LINE.match(text)
    if found is None:
        return parse_whole(text)(words)
    addresses = lines_at(words.image, found["file"], int(found["line"]))
    if not addresses:
        raise CompileError(
            f"no code comes from line {found['line']}",
            hint="an address needs a star: *17",
        )
    return addresses[0]


def lines_at(image: Image, file: str | None, line: int) -> list[int]:
    """The addresses of the words that come from a line, ascending."""
    return [
        image.address(index)
        for index, place in enumerate(image.source_map)
        if place is not None
        and place.line == line
        and (file is None or place.file == file or place.file.endswith(f"/{file}"))
    ]


def shown_address(image: Image, address: int) -> str:
    """An address as text: decimal where addresses count words, else hexadecimal."""
    return f"{address:#x}" if image.addresses_per_word > 1 else str(address)


def shown_place(words: Words, pc: int) -> str:
    """A program counter, its label, its source line, and the instruction or the line there."""
    image = words.image
    label, location = words.label(pc), image.location(pc)
    text = line_text(location) if location is not None else None
    shown = text.strip() if text else disassembled(image, words.port, pc) or "outside memory"
    parts = [shown_address(image, pc), f"<{label}>" if label else "", str(location or "")]
    return "  ".join([" ".join(filter(None, parts)), shown])


def line_text(location: Location) -> str | None:
    """The text of a source line, None if the source cannot be read."""
    lines = _lines(location.file)
    return lines[location.line - 1] if location.line <= len(lines) else None


@lru_cache(maxsize=64)
def _lines(file: str) -> tuple[str, ...]:
    try:
        return tuple(read_source(Path(file)).text.splitlines())
    except FileError:
        return ()
