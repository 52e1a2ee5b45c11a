"""Files of pictures: any image that Pillow reads, a PNG or characters out."""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from looped.devices.picture import Levels, Picture
from looped.errors import CompileError, FileError
from looped.files import read_bytes, write_atomically

__all__ = ["check_format", "read_levels", "write_levels"]

_MOST_BYTES = 64 << 20
_GREYS = " .:-=+*#%@"


def read_levels(path: Path, picture: Picture) -> Levels:
    """The pixels of an image file, as grey levels of a picture. Raises FileError for a file that
    is not an image or not of that size, CompileError without Pillow."""
    pillow, content = _pillow(), io.BytesIO(read_bytes(path, _MOST_BYTES))
    try:
        file = pillow.open(content)
        if file.size == (picture.width, picture.height):  # nothing larger is decoded
            grey = np.asarray(file.convert("L"), np.int64)
            return grey >> (8 - picture.depth)
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError):
        raise FileError(f"{path} is not an image", hint="a .png, .jpg, .gif or .pgm file") from None
    wanted, found = f"{picture.width} × {picture.height}", " × ".join(map(str, file.size))
    raise FileError(
        f"{path} has {found} pixels, and `{picture.name}` of the program {wanted}",
        hint=f"scale it to {wanted}",
    )


def check_format(path: Path) -> None:
    """Raise FileError unless `write_levels` knows the format and there is such a folder,
    CompileError without Pillow."""
    if path.suffix not in (".png", ".txt"):
        raise FileError(f"{path} is no name of a picture", hint="a picture is a .png or .txt file")
    if not path.parent.is_dir():
        raise FileError(f"cannot write {path}: there is no folder {path.parent}")
    if path.suffix == ".png":
        _pillow()


def write_levels(path: Path, levels: Levels, depth: int) -> None:
    """Write a picture as a PNG of grey levels, or as characters, a line a row. Raises FileError."""
    most = (1 << depth) - 1
    if path.suffix == ".txt":
        greys = ".#" if depth == 1 else _GREYS
        shown = levels * (len(greys) - 1) // most
        write_atomically(path, "".join(f"{_line(greys, row)}\n" for row in shown).encode())
        return
    file = io.BytesIO()
    _pillow().fromarray((levels * 255 // most).astype(np.uint8)).save(file, "PNG")
    write_atomically(path, file.getvalue())


def _line(greys: str, row: Levels) -> str:
    return "".join(greys[level] for level in row)


def _pillow() -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise CompileError("pictures need Pillow", hint="pip install 'looped[plot]'") from None
