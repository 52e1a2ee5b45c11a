"""Trace files: what is written is read; half a trace never replaces a whole one."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from looped.errors import FileError
from looped.image import Image
from looped.traces import parquet
from looped.traces.formats import Format, TraceFile, read_trace
from looped.traces.record import Record
from tests.traces.records import record, records

SUBLEQ = Image("subleq", 8, (0,))
RISCV = Image("rv32i", 32, (0,), addresses_per_word=4)
NAMES = ("t.jsonl", "t.parquet")


def save(path: Path, saved: Any, form: Format | None = None, image: Image = SUBLEQ) -> None:
    TraceFile(path, form, image).save(saved, [0] * 32)


@pytest.mark.parametrize("name", NAMES)
@given(saved=records)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(name: str, saved: list[Record], tmp_path: Path) -> None:
    save(tmp_path / name, saved)
    assert list(read_trace(tmp_path / name)) == saved


def test_a_parquet_file_has_several_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_ROWS", 4)
    saved = [record(step) for step in range(1, 11)]
    save(tmp_path / "t.parquet", saved)
    assert list(read_trace(tmp_path / "t.parquet")) == saved
    from pyarrow.parquet import ParquetFile

    assert ParquetFile(tmp_path / "t.parquet").num_row_groups == 3


@pytest.mark.parametrize("name", NAMES)
def test_an_exception_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    def breaks() -> Iterator[Record]:
        yield record(1)
        raise ZeroDivisionError

    save(tmp_path / name, [record(1)])
    with pytest.raises(ZeroDivisionError):
        save(tmp_path / name, breaks())
    assert list(read_trace(tmp_path / name)) == [record(1)]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "form", "image", "message"),
    [
        ("t.csv", None, SUBLEQ, "cannot tell the format of {} from its name"),
        ("no/t.jsonl", None, SUBLEQ, "cannot write {}: No such file or directory"),
        (
            "t.log",
            Format.SPIKE,
            SUBLEQ,
            "a trace of subleq cannot be a commit log of Spike, which simulates RISC-V",
        ),
    ],
)
def test_what_cannot_be_written(
    name: str, form: Format | None, image: Image, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FileError) as error:
        TraceFile(tmp_path / name, form, image)
    assert str(error.value) == message.format(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FileError, match="Parquet files need pyarrow") as error:
        TraceFile(tmp_path / "t.parquet", None, SUBLEQ)
    assert "looped[parquet]" in error.value.render()
    save(tmp_path / "t.jsonl", [record(1)])
    assert list(read_trace(tmp_path / "t.jsonl")) == [record(1)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}\n", "line 1 of {} is no record of a trace: Object missing required field `step`"),
        (b"\xff\n", "line 1 of {} is no record of a trace: "),
        (b"PAR1, but no more", "{} is no trace in Parquet: "),
        (b"core   0: 3 0x0\n", "{} is a commit log of Spike, which lacks old values"),
    ],
)
def test_what_cannot_be_read(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    with pytest.raises(FileError) as error:
        list(read_trace(path))
    assert str(error.value).startswith(message.format(path))


def test_a_parquet_file_of_something_else(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"a": [1]}), tmp_path / "t.parquet")
    with pytest.raises(FileError, match="is no trace in Parquet"):
        list(read_trace(tmp_path / "t.parquet"))
