"""--image, --data and --framebuffer of `looped run`: files as regions of memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from looped.errors import CompileError
from looped.files import read_bytes
from looped.image import Image
from looped.run.session import Session

__all__ = ["MemoryFiles", "memory_file_options"]

F = TypeVar("F", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path, readable=False)
_MOST_BYTES = 64 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryFiles:
    """The files that are in memory before a run, and the one that memory is after it."""

    picture: Path | None
    data: Path | None
    framebuffer: Path | None

    @property
    def used(self) -> bool:
        """Whether there is any."""
        return any((self.picture, self.data, self.framebuffer))

    def check(self) -> None:
        """Raise FileError for a name that no picture can have."""
        from looped.devices.picture_file import check_format

        if self.framebuffer is not None:
            check_format(self.framebuffer)

    def loaded(self, image: Image) -> Image:
        """The program with the files in its memory. Raises FileError and CompileError."""
        if self.picture is not None:
            from looped.devices.picture import Picture
            from looped.devices.picture_file import read_levels

            frame = Picture.of(image, "image", _roomy(image, "image"))
            image = _with(image, frame.first, frame.words(read_levels(self.picture, frame)))
        if self.data is not None:
            from looped.devices.data import placed

            content = read_bytes(self.data, _MOST_BYTES)
            start, words = placed(image, content, str(self.data))
            image = _with(image, start, words)
        return image

    def save(self, session: Session) -> None:
        """Write the picture that memory has at the end of a run. Raises FileError, CompileError."""
        if self.framebuffer is None:
            return
        from looped.devices.picture import Picture
        from looped.devices.picture_file import write_levels

        memory = session.computer.values()[: session.machine.plan.memory].tolist()
        frame = Picture.of(session.image, "framebuffer", memory)
        write_levels(self.framebuffer, frame.levels(memory), frame.depth)


def memory_file_options(command: F) -> F:
    """--image, --data and --framebuffer, which the command gets as `files_in_memory`."""

    @wraps(command)
    def gathered(
        picture: Path | None, data: Path | None, framebuffer: Path | None, **rest: Any
    ) -> Any:
        return command(files_in_memory=MemoryFiles(picture, data, framebuffer), **rest)

    picture = click.option(
        "--image",
        "picture",
        type=_PATH,
        metavar="FILE",
        help="Put the pixels of an image file into memory, where the program has the symbol "
        "`image`: the words width, height and bits of a pixel, and then room for the pixels.",
    )
    data = click.option(
        "--data",
        type=_PATH,
        metavar="FILE",
        help="Put the bytes of a file into memory, where the program has the symbol `data`: a word "
        "that says how many fit, and then room for them. The word becomes their number.",
    )
    framebuffer = click.option(
        "--framebuffer",
        type=_PATH,
        metavar="FILE",
        help="Write the picture at the symbol `framebuffer` when the run ends: a .png file, or a "
        ".txt file with a character a pixel.",
    )
    return cast(F, picture(data(framebuffer(gathered))))


def _roomy(image: Image, name: str) -> list[int]:
    """The words of a program, with zeros behind them for what it does not initialise."""
    from looped.devices.picture import HEADER

    room = 0
    if name in image.symbols:
        start = image.index(image.symbols[name])
        if start + HEADER > len(image.words):
            raise CompileError(f"`{name}` is behind the words of the program")
        width, height, depth = image.words[start : start + HEADER]
        room = min(width * height * max(depth, 1) // image.width, _MOST_BYTES)
    return [*image.words, *[0] * room]


def _with(image: Image, start: int, words: list[int]) -> Image:
    """The program with other words from an index on."""
    own = list(image.words) + [0] * max(0, start + len(words) - len(image.words))
    own[start : start + len(words)] = words
    lines = image.source_map and (*image.source_map, *[None] * (len(own) - len(image.words)))
    return dataclasses.replace(image, words=tuple(own), source_map=lines)
