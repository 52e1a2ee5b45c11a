"""Data: the bytes of a file in a region of memory, such as a text."""

from __future__ import annotations

from looped.errors import CompileError, FileError
from looped.image import Image

__all__ = ["placed"]

_NAME = "data"


def placed(image: Image, content: bytes, file: str) -> tuple[int, list[int]]:
    """Where the bytes of a file go in the memory of a program, and the words there: their number,
    and then the bytes.

    At the symbol `data` a word says how many bytes fit. A word takes one byte, or as many as it has
    addresses, the first one in its lowest bits. Raises CompileError for a program without that
    symbol, FileError for bytes that do not fit.
    """
    start = image.index(image.symbols[_NAME]) if _NAME in image.symbols else len(image.words)
    if start >= len(image.words):
        raise CompileError(
            f"the program has no `{_NAME}`",
            hint="it is a word that says how many bytes fit, and room for them",
        )
    room = image.words[start]
    if len(content) > room:
        raise FileError(
            f"{file} has {len(content):,} bytes, and `{_NAME}` of the program room for {room:,}"
        )
    unit = image.addresses_per_word
    padded = content + bytes(-len(content) % unit)
    words = [padded[k : k + unit] for k in range(0, len(padded), unit)]
    return start, [len(content), *(int.from_bytes(word, "little") for word in words)]
