"""Language: what tells one assembly language from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from looped.errors import Diagnostic
from looped.image import Location
from looped.lang.items import Item
from looped.lang.parser import Syntax

__all__ = ["MOST_WORDS", "Language", "Placed"]

MOST_WORDS = 1 << 20
"""Words of a program at most."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A program laid out: what an Image is made of."""

    words: tuple[int, ...]
    source_map: tuple[Location | None, ...]
    symbols: dict[str, int]
    entry: int = 0


@dataclass(frozen=True, slots=True)
class Language:
    """The assembly language of a machine.

    `widths` are those its words may have, `width` the usual one. `directives` and `mnemonics` are
    what `lay_out(items, width, errors)` understands. `prelude` names the macro library in
    `looped/lang/library` that every source may use. A word takes `unit` addresses.
    `elsewhere` are mnemonics that another machine has, and which.
    """

    name: str
    widths: tuple[int, ...]
    width: int
    syntax: Syntax
    directives: frozenset[str]
    mnemonics: frozenset[str]
    prelude: str
    lay_out: Callable[[list[Item], int, list[Diagnostic]], Placed]
    unit: int = 1
    elsewhere: Mapping[str, str] = field(default_factory=dict, hash=False)
