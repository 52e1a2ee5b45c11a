"""Language: how one assembly language differs from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from looped.errors import Diagnostic, LoopedError, Source, Span
from looped.image import Location

__all__ = ["MOST_WORDS", "Language", "Placed"]

MOST_WORDS = 1 << 20
"""The most words that a program may have."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A program after layout: the parts of an Image. A word has `width` bits.

    `constants` are the symbols that name no address.
    """

    words: tuple[int, ...]
    source_map: tuple[Location | None, ...]
    symbols: dict[str, int]
    width: int
    entry: int = 0
    constants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Language:
    """The assembly language of a machine.

    `name` is the name of the machine. `widths` are the possible widths of a word, `width` is the
    usual one; a word takes `addresses_per_word` addresses. Source files end in `suffix`. `comment`
    begins a comment, which ends with the line. `recognises(source)` says whether a source that
    names no machine is in this language.

    `assemble(source, width, chosen, errors, parameters)` lays out a source and appends its errors
    to `errors`; it raises LoopedError for an error after which it cannot continue. A `width` that
    is not None and `parameters` of the machine override those of the source. If the caller has
    `chosen` the machine, the source may name another one.
    """

    name: str
    widths: tuple[int, ...]
    width: int
    assemble: Callable[[Source, int | None, bool, list[Diagnostic], Mapping[str, int]], Placed]
    suffix: str
    comment: str
    recognises: Callable[[Source], bool]
    addresses_per_word: int = 1

    def checked(self, width: int | None, span: Span | None = None) -> int:
        """A possible width of words, the usual one for None. Raises LoopedError for others."""
        wanted = self.width if width is None else width
        if wanted not in self.widths:
            known = ", ".join(map(str, self.widths))
            raise LoopedError(f"{self.name} has no {wanted}-bit words", span, f"widths: {known}")
        return wanted
