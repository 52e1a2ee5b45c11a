"""Folders: copies of a program's files, one for the transformer and one for the reference."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from looped.environment import Environment
from looped.errors import FileError

__all__ = ["Copies"]

_MOST_FILES, _MOST_BYTES = 10_000, 256 << 20
"""The largest folder that is copied: a copy of it takes about a second."""


class Copies:
    """Two copies of the folder of an environment: both sides of a comparison may write files.

    `first` and `second` are the environments with a copy each; without a folder they are the given
    one. Raises FileError if the folder cannot be copied.
    """

    def __init__(self, environment: Environment) -> None:
        self.first = self.second = environment
        self._places: list[TemporaryDirectory[str]] = []
        if environment.files is None:
            return
        _check(environment.files)
        self._places = [TemporaryDirectory(prefix="looped-") for _ in range(2)]
        copies = [Path(place.name) / "files" for place in self._places]
        try:
            for copy in copies:
                shutil.copytree(environment.files, copy, symlinks=True)
        except (OSError, shutil.Error) as error:
            raise FileError(f"cannot copy {environment.files}: {error}") from None
        self.first, self.second = (replace(environment, files=copy) for copy in copies)

    def difference(self) -> tuple[str, str, str] | None:
        """The first file that differs, by name, with its content on both sides; None if equal."""
        if self.first.files is None or self.second.files is None:
            return None
        found, wanted = _contents(self.first.files), _contents(self.second.files)
        for name in sorted(found.keys() | wanted.keys()):
            if found.get(name) != wanted.get(name):
                return f"the file {name}", _shown(found.get(name)), _shown(wanted.get(name))
        return None


def _check(folder: Path) -> None:
    """Refuse a folder that is none, or is too large to copy."""
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder")
    files = size = 0
    for path in _files(folder):
        files, size = files + 1, size + path.stat().st_size
        if files > _MOST_FILES or size > _MOST_BYTES:
            raise FileError(
                f"{folder} is too large to copy for a comparison",
                hint=f"give a folder of at most {_MOST_FILES:,} files, {_MOST_BYTES >> 20} MB",
            )


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in _files(folder)}


def _shown(content: bytes | None) -> str:
    return "missing" if content is None else f"{len(content)} bytes, {content[:40]!r}"
