"""Tables in Markdown, and the sections of a page that they fill."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from looped.errors import FileError
from looped.files import read_bytes, write_atomically

__all__ = ["replaced", "table"]

_LARGEST_PAGE = 4 << 20


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def replaced(page: Path, section: str, text: str) -> None:
    """Replace what a page has between `<!-- section -->` and `<!-- end -->`. Raises FileError."""
    old = read_bytes(page, _LARGEST_PAGE).decode()
    pattern = re.compile(rf"(<!-- {re.escape(section)} -->\n).*?(<!-- end -->)", re.S)
    if not pattern.search(old):
        raise FileError(f"{page} has no section `<!-- {section} -->`")
    new = pattern.sub(lambda found: found[1] + text + "\n" + found[2], old, count=1)
    write_atomically(page, new.encode())
