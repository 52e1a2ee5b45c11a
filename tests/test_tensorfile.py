"""A tensor file is read as it was written, or refused: no bit of it can change unseen."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from looped.errors import FileError
from looped.tensorfile import Tensors, read_tensors, with_checksum, write_tensors

TENSORS: Tensors = {"a": np.arange(6).reshape(2, 3), "b": np.array([0.5, -2.0], np.float32)}
METADATA = {"format": "looped-test-1", "note": "ein Zeichen: ±"}
CONTENT = with_checksum(TENSORS, METADATA)

in_a_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(folder: Path, content: bytes) -> tuple[Tensors, dict[str, str]]:
    path = folder / "x"
    path.write_bytes(content)
    return read_tensors(path, "looped-test-1", "test file", "make it again")


def test_what_is_written_is_read_also_by_others(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_tensors(path, TENSORS, METADATA)
    found, metadata = read_tensors(path, "looped-test-1", "test file", "make it again")
    others = {name: t.numpy() for name, t in safetensors.torch.load_file(path).items()}
    for tensors in (found, others):
        assert tensors.keys() == TENSORS.keys()
        assert all(np.array_equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert {k: v for k, v in metadata.items() if k != "sha256"} == METADATA


@in_a_folder
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(tmp_path: Path, place: int, change: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[place] ^= change
    with pytest.raises(FileError):
        read(tmp_path, bytes(damaged))


def test_every_bit_of_the_checksum_counts(tmp_path: Path) -> None:
    start = CONTENT.index(b'"sha256":"') + 10
    for place in range(start, start + 64):
        for bit in range(8):
            damaged = bytearray(CONTENT)
            damaged[place] ^= 1 << bit
            with pytest.raises(FileError, match="damaged"):
                read(tmp_path, bytes(damaged))


@in_a_folder
@given(st.integers(0, len(CONTENT) - 1), st.binary(max_size=20))
def test_any_other_length_is_noticed(tmp_path: Path, size: int, more: bytes) -> None:
    with pytest.raises(FileError):
        read(tmp_path, CONTENT[:size])
    with pytest.raises(FileError):
        read(tmp_path, CONTENT + more + b"\0")


@in_a_folder
@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileError):
        read(tmp_path, content)
    with pytest.raises(FileError):
        read(tmp_path, len(content).to_bytes(8, "little") + content)


HEADERS = {
    "deep": b"[" * 100_000,
    "list": b"[]",
    "number": b"1" * 5000,
    "no metadata": b"{}",
    "wrong metadata": b'{"__metadata__": 3}',
    "wrong names": b'{"__metadata__": {"format": ["looped-test-1"]}}',
    "no checksum": b'{"__metadata__": {"format": "looped-test-1"}}',
    "another version": b'{"__metadata__": {"format": "looped-test-0"}}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_of_the_wrong_form_are_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(FileError):
        read(tmp_path, len(header).to_bytes(8, "little") + header)


def test_tensors_that_lie_outside_are_refused_though_the_checksum_is_right(tmp_path: Path) -> None:
    header = {
        "__metadata__": {"format": "looped-test-1", "sha256": "0" * 64},
        "a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]},
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    content = len(text).to_bytes(8, "little") + text
    digest = hashlib.sha256(content).hexdigest().encode()
    with pytest.raises(FileError, match="is not a test file, or is damaged"):
        read(tmp_path, content.replace(b"0" * 64, digest))


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    for path, message in (
        (tmp_path / "pipe", "is not a regular file"),
        (tmp_path, "is a directory"),
        (sparse, "is larger than 4096 MB"),
        (tmp_path / "none", "No such file or directory"),
    ):
        with pytest.raises(FileError, match=message):
            read_tensors(path, "looped-test-1", "test file", "make it again")
