"""Traces as JSON Lines: one object per line and per record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from looped.errors import FileError
from looped.traces.record import Record

__all__ = ["read_lines", "write_lines"]

_LONGEST = 1 << 24
"""Bytes of a line; a record has one access or a few, and what a host wrote at once."""


def write_lines(records: Iterable[Record], file: BinaryIO) -> None:
    """Write records, each on a line."""
    encoder = msgspec.json.Encoder()
    line = bytearray()
    for record in records:
        encoder.encode_into(record, line)
        line += b"\n"
        file.write(line)
        line.clear()


def read_lines(file: BinaryIO, name: str) -> Iterator[Record]:
    """The records in a file. Raises FileError, with the number of the line."""
    decoder = msgspec.json.Decoder(Record)
    number = 0
    while line := file.readline(_LONGEST):
        number += 1
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FileError(f"line {number} of {name} is no record of a trace: {error}") from None
