"""Traces as Parquet: one row per record, in row groups, so that memory stays bounded."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, count, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np

from looped.errors import FileError
from looped.traces.record import Read, Record, RegisterWrite, Write

if TYPE_CHECKING:
    import pyarrow

__all__ = ["check_parquet", "read_parquet", "write_parquet"]

_ROWS = 1 << 14
"""Records of a row group: about 0.2 MB in the file, and 30 MB of memory while it is made."""

_TEXTS = ["text", "source"]
"""The columns with a dictionary in the file; one of words makes it larger and takes longer."""

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
    with parquet.ParquetWriter(
        file, _schema(), compression="zstd", use_dictionary=_TEXTS
    ) as writer:
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
        **dict.fromkeys(_TEXTS, text),
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
        values = list(map(attrgetter(field.name), records))
        if pa.types.is_list(field.type):
            columns.append(_lists(values, field.type))
        elif pa.types.is_dictionary(field.type):
            columns.append(_texts(values))
        else:
            columns.append(_plain(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _texts(values: Sequence[str | None]) -> pyarrow.Array:
    """Texts of which many are equal."""
    import pyarrow as pa

    numbers: dict[str | None, int | None] = dict(zip(dict.fromkeys(values), count(), strict=False))
    if None in numbers:
        numbers[None] = None
    texts = [text for text in numbers if text is not None]
    numbers.update(zip(texts, count(), strict=False))
    indices = pa.array([numbers[text] for text in values], pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))


def _lists(values: Sequence[tuple[Any, ...]], kind: pyarrow.DataType) -> pyarrow.Array:
    """Lists of words or of structs, from flat values: of structs, those of each field."""
    import pyarrow as pa

    starts = pa.array(accumulate(map(len, values), initial=0), pa.int32())
    entries, item = list(chain.from_iterable(values)), kind.value_type
    if not pa.types.is_struct(item):
        return pa.ListArray.from_arrays(starts, _plain(entries, item), type=kind)
    fields = [_plain(list(map(attrgetter(f.name), entries)), f.type) for f in item]
    inner = pa.StructArray.from_arrays(fields, fields=list(item))
    return pa.ListArray.from_arrays(starts, inner, type=kind)


def _plain(values: list[Any], kind: pyarrow.DataType) -> pyarrow.Array:
    """An array; of words by way of the type `array`, which takes a quarter of the time."""
    import pyarrow as pa

    if pa.types.is_uint64(kind) and None not in values:
        return pa.array(np.frombuffer(array("Q", values), np.uint64))
    return pa.array(values, kind)
