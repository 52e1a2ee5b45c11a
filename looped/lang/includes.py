"""Files that include each other, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from looped.errors import LoopedError, Source, Span
from looped.lang.sources import LARGEST_SOURCE, read_source

__all__ = ["Includes"]

_DEEPEST = 60
_LEAST = 1000
"""The least characters that an included file counts: many small files reach the limit too."""


class Includes:
    """The files that are open, from the program in the file `name` down.

    `full` says that too much is included, so that no further file needs a message.
    """

    def __init__(self, name: str) -> None:
        self.full = False
        self._open = [Path(name).resolve()]
        self._characters = 0

    @contextmanager
    def reading(self, path: Path, span: Span) -> Iterator[Source]:
        """The source in a file, which is open until the end of the `with` block.

        `span` is where a source names it. Raises LoopedError if it cannot be read, if it is open
        already, if too many are, or if all files together are too large.
        """
        if len(self._open) > _DEEPEST:
            raise LoopedError(f"files include each other more than {_DEEPEST} deep", span)
        try:
            source = read_source(path)
        except LoopedError as error:
            raise LoopedError(str(error), span) from None
        identity = path.resolve()
        if identity in self._open:
            raise LoopedError(f"{path} includes itself", span)
        self._characters += max(len(source.text), _LEAST)
        if self._characters > LARGEST_SOURCE:
            self.full = True
            raise LoopedError("too many files are included, or too large ones", span)
        self._open.append(identity)
        try:
            yield source
        finally:
            self._open.pop()
