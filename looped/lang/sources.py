"""Source files, read within limits."""

from __future__ import annotations

import codecs
from pathlib import Path

from looped.errors import FileError, Source
from looped.files import read_bytes

__all__ = ["LARGEST_SOURCE", "read_source"]

LARGEST_SOURCE = 1 << 20
"""The most bytes of one source file, and of all files that it includes together."""


def read_source(path: Path) -> Source:
    """A source file as text. Raises FileError if it is not text, or is too long."""
    content = read_bytes(path, LARGEST_SOURCE)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileError(f"{path} is a text in UTF-16", hint="save it in UTF-8")
    if b"\0" in content:
        raise FileError(f"{path} is not a text: it has NUL bytes")
    try:
        return Source(str(path), content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not a text: byte {error.start} is not UTF-8") from None
