"""Image: words, symbols, source map; immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from looped.errors import CompileError
from looped.image.regions import Regions

__all__ = ["Image", "Location"]


@dataclass(frozen=True, slots=True)
class Location:
    """The file and the line (counted from one) that an image word comes from."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


_FROM_ZERO = Regions()


@dataclass(frozen=True)
class Image:
    """A program ready to load into a machine's memory, from word 0 on.

    `words` are unsigned integers of `width` bits. `symbols` maps names to addresses, and those in
    `constants` to other numbers.
    `source_map[index]` is the source line of a word, or None; the map is as long as `words`,
    or empty if nothing is known. Execution begins at the address `entry`. A word takes
    `addresses_per_word` addresses, its number of bytes if addresses count bytes; then `regions` are
    the addresses of memory. A `linked` program is one that a linker
    has made. Raises CompileError for a word that does not fit `width`.
    """

    machine: str
    width: int
    words: tuple[int, ...]
    symbols: Mapping[str, int] = field(default_factory=dict)
    source_map: tuple[Location | None, ...] = ()
    entry: int = 0
    addresses_per_word: int = 1
    regions: Regions = _FROM_ZERO
    linked: bool = False
    constants: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        limit = 1 << self.width
        if self.words and not (min(self.words) >= 0 and max(self.words) < limit):
            wrong = (i for i, word in enumerate(self.words) if not 0 <= word < limit)
            address = next(wrong)
            raise CompileError(
                f"word {self.words[address]} at address {address} is not a {self.width}-bit word"
            )
        if self.source_map and len(self.source_map) != len(self.words):
            raise CompileError("the source map and the words differ in length")
        object.__setattr__(self, "symbols", MappingProxyType(dict(self.symbols)))

    def parameter(self, name: str) -> int | None:
        """What the program needs a parameter of its machine to be, None if it does not say.

        It says so by the symbol `MACHINE.NAME`, and by its regions if addresses count bytes.
        """
        if self.addresses_per_word > 1 and name in self.regions.parameters:
            return self.regions.parameters[name]
        return self.symbols.get(f"{self.machine}.{name}")

    @property
    def labels(self) -> dict[str, int]:
        """The symbols that name addresses."""
        return {name: at for name, at in self.symbols.items() if name not in self.constants}

    def location(self, address: int) -> Location | None:
        """The source line of the word at an address, or None."""
        index = self.index(address)
        return self.source_map[index] if 0 <= index < len(self.source_map) else None

    def index(self, address: int) -> int:
        """The index of the word at an address; outside memory, it is too high for any memory."""
        if self.addresses_per_word == 1:
            return address
        return self.regions.index(address, self.addresses_per_word)

    def address(self, index: int) -> int:
        """The address of a word."""
        if self.addresses_per_word == 1:
            return index
        return self.regions.address(index, self.addresses_per_word)

    def padded(self, memory: int) -> tuple[int, ...]:
        """The words, followed by zeros up to `memory` words. Raises CompileError if too long."""
        if len(self.words) > memory:
            raise CompileError(
                f"the program has {len(self.words)} words, but memory has only {memory}",
                hint=f"use --memory {1 << (len(self.words) - 1).bit_length()}",
            )
        return self.words + (0,) * (memory - len(self.words))
