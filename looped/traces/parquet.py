"""Traces as Parquet: one row per record, in row groups, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from looped.errors import FileError
from looped.traces.record import Read, Record, RegisterWrite, Write

if TYPE_CHECKING:
    import pyarrow

__all__ = ["check_parquet", "read_parquet", "write_parquet"]

_ROWS = 1 << 16
"""Records of a row group: about 4 MB in the file, and 40 MB of memory while it is made."""

_LISTS = {"reads": Read, "writes": Write, "registers": RegisterWrite}


def check_parquet() -> None:
    """Raise FileError unless pyarrow is installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        hint = "pip install 'looped[parquet]', or give the file a name that ends in .jsonl"
        raise FileError("Parquet files need pyarrow, which is not installed", hint=hint) from None


def write_parquet(records: Iterable[Record], file: BinaryIO) -> None:
    """Write records as one Parquet file."""
    from pyarrow import parquet

    records = iter(records)
    with parquet.ParquetWriter(file, _schema(), compression="zstd") as writer:
        while batch := list(islice(records, _ROWS)):
            writer.write_table(_table(batch))


def read_parquet(file: BinaryIO, name: str) -> Iterator[Record]:
    """The records in a Parquet file. Raises FileError."""
    import pyarrow
    from pyarrow import parquet

    try:
        source = parquet.ParquetFile(file)
        for batch in source.iter_batches(batch_size=4096):
            yield from msgspec.convert(batch.to_pylist(), list[Record])
    except (pyarrow.ArrowException, msgspec.ValidationError, OSError) as error:
        raise FileError(f"{name} is no trace in Parquet: {error}") from None


def _schema() -> pyarrow.Schema:
    import pyarrow as pa

    word, text = pa.uint64(), pa.dictionary(pa.int32(), pa.string())
    kinds: dict[str, Any] = {
        **dict.fromkeys(("step", "loop"), pa.int64()),
        **dict.fromkeys(("pc", "next_pc", "input", "trap"), word),
        **dict.fromkeys(("text", "source"), text),
        "code": pa.list_(word),
        "branch": pa.bool_(),
        "output": pa.string(),
    }
    for name, entry in _LISTS.items():
        fields = entry.__struct_fields__
        kinds[name] = pa.list_(pa.struct([pa.field(field, word) for field in fields]))
    return pa.schema([pa.field(name, kinds[name]) for name in Record.__struct_fields__])


def _table(records: list[Record]) -> pyarrow.Table:
    """Records as a table; a column at a time, because that takes a tenth of the time of rows."""
    import pyarrow as pa

    schema = _schema()
    columns = []
    for field in schema:
        values = [getattr(record, field.name) for record in records]
        if field.name in _LISTS:
            columns.append(_structs(values, field.type))
        elif pa.types.is_dictionary(field.type):
            columns.append(_texts(values))
        else:
            columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _texts(values: list[str | None]) -> pyarrow.Array:
    """Texts of which many are equal."""
    import pyarrow as pa

    found: dict[str | None, int | None] = {None: None}
    numbers = [found.setdefault(text, len(found) - 1) for text in values]
    del found[None]
    indices = pa.array(numbers, pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(found), pa.string()))


def _structs(values: list[tuple[Any, ...]], kind: pyarrow.DataType) -> pyarrow.Array:
    """Lists of structs, from the flat values of each field."""
    import pyarrow as pa

    entries = [entry for value in values for entry in value]
    fields = [
        pa.array([getattr(entry, field.name) for entry in entries], field.type)
        for field in kind.value_type
    ]
    starts = pa.array(list(accumulate(map(len, values), initial=0)), pa.int32())
    inner = pa.StructArray.from_arrays(fields, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(starts, inner, type=kind)
