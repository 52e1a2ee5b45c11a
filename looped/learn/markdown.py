"""Tables in Markdown, and the sections of a page that they fill."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from looped.errors import FileError
from looped.files import read_bytes, write_atomically

__all__ = ["Page", "table"]

_LARGEST_PAGE = 4 << 20


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


class Page:
    """A page with sections that tables fill: from `<!-- NAME -->` to `<!-- end -->`.

    Raises FileError at once if it lacks one of the sections, so nobody measures for nothing.
    """

    def __init__(self, path: Path, *sections: str) -> None:
        self.path = path
        for section in sections:
            self._read(section)

    def put(self, section: str, text: str) -> None:
        """Replace what a section has. Raises FileError."""
        page, found = self._read(section)
        new = page[: found.start(1)] + text + "\n" + page[found.end(1) :]
        write_atomically(self.path, new.encode())

    def _read(self, section: str) -> tuple[str, re.Match[str]]:
        page = read_bytes(self.path, _LARGEST_PAGE).decode()
        found = re.search(rf"<!-- {re.escape(section)} -->\n(.*?)<!-- end -->", page, re.S)
        if not found:
            raise FileError(f"{self.path} has no section `<!-- {section} -->`")
        return page, found
