"""The image of a source file: from the cache if an earlier run has assembled it.

The cache is for sources that read no other files, in the languages of this package: all that such
an image follows from is in its key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from looped.cache.key import key
from looped.cache.store import open_cache
from looped.image import Image, Location
from looped.lang.sources import read_source
from looped.registry import registry
from looped.registry.sources import assemble
from looped.untrusted import encode, restore

__all__ = ["assemble_file"]

_KIND = "image"

_NONE: Mapping[str, int] = {}

_MAY_READ = re.compile(r"\.inc|\.(?:macro|irp)[\s\S]*\\", re.IGNORECASE)
"""What a source contains that names another file: `.include` or `.incbin`, or a macro with an
argument, from which the name of a directive can be put together."""


_HERE = str(Path(__file__).parent)
"""Words that come from the library name its file."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An image; `places` are an index of `files` and a line for each word, -1 and 0 for none."""

    machine: str
    width: int
    words: tuple[int, ...]
    symbols: Mapping[str, int]
    files: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    entry: int
    addresses_per_word: int
    constants: tuple[str, ...]


def assemble_file(
    path: Path,
    *,
    width: int | None = None,
    machine: str | None = None,
    parameters: Mapping[str, int] = _NONE,
) -> Image:
    """Assemble a source file. Raises FileError if it cannot be read, and what `assemble` raises."""
    source, cache = read_source(path), open_cache()
    if cache.path is None or _MAY_READ.search(source.text) or registry.has_others():
        return assemble(source, width=width, machine=machine, parameters=parameters)
    given = _HERE, source.name, source.text, width, machine, dict(parameters)
    name = key(*given)
    content = cache.get(_KIND, name)
    kept = None if content is None else restore(content, _Kept)
    if kept is not None:
        return _image(kept)
    image = assemble(source, width=width, machine=machine, parameters=parameters)
    cache.put(_KIND, name, encode(_kept(image)).encode())
    return image


def _kept(image: Image) -> _Kept:
    files: dict[str, int] = {}
    places = tuple(
        (-1, 0) if at is None else (files.setdefault(at.file, len(files)), at.line)
        for at in image.source_map
    )
    return _Kept(image.machine, image.width, image.words, dict(image.symbols), tuple(files),
                 places, image.entry, image.addresses_per_word,
                 tuple(sorted(image.constants)))  # fmt: skip


def _image(kept: _Kept) -> Image:
    files = kept.files
    places = tuple(Location(files[at], line) if at >= 0 else None for at, line in kept.places)
    return Image(kept.machine, kept.width, kept.words, kept.symbols, places, kept.entry,
                 kept.addresses_per_word, constants=frozenset(kept.constants))  # fmt: skip
