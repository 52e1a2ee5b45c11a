"""The formats of trace files: which one a file has, how it is written and read."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from looped.errors import FileError
from looped.files import Replacement, open_regular
from looped.image import Image
from looped.traces.jsonl import read_lines, write_lines
from looped.traces.parquet import check_parquet, read_parquet, write_parquet
from looped.traces.record import Record
from looped.traces.spike import check_spike, write_spike

__all__ = ["Format", "TraceFile", "is_trace", "read_trace"]

_LARGEST = 1 << 40
"""Bytes of a trace file, which is read piece by piece."""


class Format(Enum):
    """The formats that `looped` writes."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    SPIKE = "spike"


_SUFFIXES = {".jsonl": Format.JSONL, ".parquet": Format.PARQUET}


def is_trace(path: Path) -> bool:
    """Whether the name of a file is that of a trace, and not of a program."""
    return path.suffix in _SUFFIXES


class TraceFile:
    """A new trace on its way to a file, which is replaced when `save` has written all records.

    Without `form` the name of the file says its format. Raises FileError if that is impossible, if
    the machine of the image has no traces in this format, if a library is missing, and if the file
    cannot be written.
    """

    def __init__(self, path: Path, form: Format | None, image: Image) -> None:
        self.image = image
        self.form = _format(path) if form is None else form
        if self.form is Format.PARQUET:
            check_parquet()
        if self.form is Format.SPIKE:
            check_spike(image.machine)
        self.replacement = Replacement(path, b"")

    def save(self, records: Iterable[Record], registers: Sequence[int]) -> None:
        """Write records as they come; `registers` are those before the first one.

        If an exception leaves `records` or a write fails (FileError), the old file stays.
        """
        try:
            with self.replacement.file() as file:
                self._write(records, file, registers)
        except BaseException:
            self.replacement.discard()
            raise
        self.replacement.commit()

    def _write(self, records: Iterable[Record], file: BinaryIO, registers: Sequence[int]) -> None:
        if self.form is Format.PARQUET:
            write_parquet(records, file)
        elif self.form is Format.SPIKE:
            write_spike(records, file, self.image.machine, registers)
        else:
            write_lines(records, file)


def _format(path: Path) -> Format:
    try:
        return _SUFFIXES[path.suffix]
    except KeyError:
        raise FileError(
            f"cannot tell the format of {path} from its name",
            hint=f"end it in {' or '.join(_SUFFIXES)}, or give --trace-format",
        ) from None


def read_trace(path: Path) -> Iterator[Record]:
    """The records of a trace file, JSON Lines or Parquet. Raises FileError."""
    with open_regular(path, _LARGEST) as file:
        start = file.read(5)
        file.seek(0, io.SEEK_SET)
        if start.startswith(b"PAR1"):
            check_parquet()
            yield from read_parquet(file, str(path))
        elif start == b"core ":
            raise FileError(
                f"{path} is a commit log of Spike, which lacks old values and the next address",
                hint="write the trace as .jsonl or .parquet to compare it",
            )
        else:
            yield from read_lines(file, str(path))
