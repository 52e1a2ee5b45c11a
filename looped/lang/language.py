"""Language: how one assembly language differs from another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from looped.errors import Diagnostic, LoopedError, Source, Span
from looped.image import Location

__all__ = ["MOST_WORDS", "Language", "Placed"]

MOST_WORDS = 1 << 20
"""The most words that a program may have."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A program laid out: what an Image is made of. `width` is that of its words."""

    words: tuple[int, ...]
    source_map: tuple[Location | None, ...]
    symbols: dict[str, int]
    width: int
    entry: int = 0


@dataclass(frozen=True, slots=True)
class Language:
    """The assembly language of a machine.

    `name` is the machine's. `widths` are the widths that its words may have, `width` the usual one;
    a word takes `addresses_per_word` addresses. `suffix` is that of its files, `comment` begins a
    comment that ends with the line. `recognises(source)` says whether a source that names no
    machine is in this language.

    `assemble(source, width, chosen, errors)` lays out a source and appends its errors to `errors`;
    it raises LoopedError for an error after which it cannot continue. A `width` that is not None
    overrides the source's. If the machine has been `chosen` by the caller, the source may name
    another.
    """

    name: str
    widths: tuple[int, ...]
    width: int
    assemble: Callable[[Source, int | None, bool, list[Diagnostic]], Placed]
    suffix: str
    comment: str
    recognises: Callable[[Source], bool]
    addresses_per_word: int = 1

    def checked(self, width: int | None, span: Span | None = None) -> int:
        """A width that words may have, the usual one for None. Raises LoopedError for any other."""
        wanted = self.width if width is None else width
        if wanted not in self.widths:
            known = ", ".join(map(str, self.widths))
            raise LoopedError(f"{self.name} has no {wanted}-bit words", span, f"widths: {known}")
        return wanted
