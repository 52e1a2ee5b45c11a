"""Images from and to files: decimal, hexadecimal, binary.

`.dec` is the common format of SUBLEQ images: signed decimals between white space or commas.
`.hex` is unsigned hexadecimal numbers between white space. `.bin` is little-endian words. A `.sq`
or `.txt` file and one without a suffix are decimals if they hold nothing else. In text, `#` begins
a comment up to the end of the line.
"""

from __future__ import annotations

import re
from pathlib import Path

from looped.errors import Diagnostic, FileError, Source, SourceError, Span
from looped.files import read_bytes
from looped.image.image import Image

__all__ = ["FORMATS", "dump_image", "is_image", "load_image"]

FORMATS = ("dec", "hex", "bin")

_PERHAPS = (".sq", ".txt", "")
"""Suffixes of files that may be decimals or assembly."""

_DECIMALS = re.compile(r"(?:[\s,]|#[^\n]*|[+-]?\d{1,20}(?=[\s,#]|$))*")
_TOKEN = re.compile(r"#[^\n]*|[^\s,#]+")

_LIMIT = 64 << 20
_MOST_ERRORS = 20


def is_image(path: Path) -> bool:
    """Whether a file is an image, by its suffix, or by its content where the suffix leaves it open.

    False for a file that cannot be read.
    """
    if path.suffix.lstrip(".") in FORMATS:
        return True
    if path.suffix not in _PERHAPS:
        return False
    try:
        text = read_bytes(path, _LIMIT).decode("ascii")
    except (FileError, UnicodeDecodeError):
        return False
    found = any(not token.startswith("#") for token in _TOKEN.findall(text))
    return found and _DECIMALS.fullmatch(text) is not None


def load_image(path: Path, machine: str, width: int, addresses_per_word: int = 1) -> Image:
    """Read an image in the format that the file's suffix names.

    A word takes `addresses_per_word` addresses.

    Raises FileError if the file cannot be read, SourceError with every invalid number.
    """
    content = read_bytes(path, _LIMIT)
    if path.suffix == ".bin":
        if addresses_per_word > 1:  # such a machine counts bytes: fill the last word
            content += bytes(-len(content) % addresses_per_word)
        return Image(
            machine, width, _from_bytes(path, content, width), addresses_per_word=addresses_per_word
        )
    try:
        source = Source(str(path), content.decode("ascii"))
    except UnicodeDecodeError:
        raise FileError(f"{path} is not an image: it contains bytes that are not ASCII") from None
    words = _from_text(source, width, 16 if path.suffix == ".hex" else 10)
    if not words:
        raise FileError(f"{path} is empty: it contains no program")
    return Image(machine, width, words, addresses_per_word=addresses_per_word)


def dump_image(image: Image, kind: str) -> bytes:
    """An image as the content of a file of one of FORMATS."""
    if kind == "bin":
        size = image.width // 8
        return b"".join(word.to_bytes(size, "little") for word in image.words)
    if kind == "hex":
        return "".join(f"{word:0{image.width // 4}x}\n" for word in image.words).encode()
    half, full = 1 << (image.width - 1), 1 << image.width
    signed = (word - full if word >= half else word for word in image.words)
    return "".join(f"{word}\n" for word in signed).encode()


def _from_bytes(path: Path, content: bytes, width: int) -> tuple[int, ...]:
    size = width // 8
    if not content or len(content) % size:
        count = f"{len(content)} bytes, not a whole number of {width}-bit words"
        raise FileError(f"{path} has {count}")
    chunks = (content[i : i + size] for i in range(0, len(content), size))
    return tuple(int.from_bytes(chunk, "little") for chunk in chunks)


def _from_text(source: Source, width: int, base: int) -> tuple[int, ...]:
    words: list[int] = []
    errors: list[Diagnostic] = []
    lowest, highest = -(1 << (width - 1)), (1 << width) - 1
    pattern = re.compile(r"[+-]?\d{1,20}" if base == 10 else r"[0-9a-fA-F]{1,20}")
    for token in _TOKEN.finditer(source.text):
        if token.group().startswith("#"):
            continue
        span = Span(source, *token.span())
        if not pattern.fullmatch(token.group()):
            kind = "decimal" if base == 10 else "hexadecimal"
            errors.append(Diagnostic(f"`{token.group()[:40]}` is not a {kind} number", span))
        elif not lowest <= (number := int(token.group(), base)) <= highest:
            hint = f"{lowest} to {highest}; a larger --width allows more"
            errors.append(Diagnostic(f"{number} is not a {width}-bit word", span, hint))
        else:
            words.append(number & highest)
        if len(errors) == _MOST_ERRORS:
            break
    if errors:
        raise SourceError(errors)
    return tuple(words)
