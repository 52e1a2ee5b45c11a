"""Open files of a program: they survive a checkpoint, and are limited in number."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from looped.devices import Calls
from looped.devices.descriptors import Descriptors, OpenFile
from looped.devices.folder import Folder
from looped.devices.opening import Opening
from looped.devices.refusal import Refusal
from looped.environment import Environment

WRITES = Opening(reads=True, writes=True, creates=True, truncates=True)


def test_a_checkpoint_opens_files_again_where_they_were(tmp_path: Path) -> None:
    first, second = (Calls(b"input", 64, Environment(files=tmp_path)) for _ in range(2))
    opened = first.process.descriptors
    number = opened.open(b"new", WRITES)
    opened.write(number, b"before")
    opened.seek(number, 3)
    opened.close(0)
    saved = json.loads(json.dumps(first.snapshot()))
    opened.seek(number, 6)
    opened.write(number, b" after")
    second.restore(saved)
    assert second.snapshot() == saved
    assert (tmp_path / "new").read_bytes() == b"before"
    assert second.process.descriptors.read(number, 9) == b"ore"
    with pytest.raises(Refusal, match="EBADF"):
        second.process.descriptors.read(0, 1)


def test_a_checkpoint_whose_file_is_gone_is_damaged(tmp_path: Path) -> None:
    calls = Calls(b"", 64, Environment(files=tmp_path))
    calls.process.descriptors.open(b"new", WRITES)
    saved = calls.snapshot()
    (tmp_path / "new").unlink()
    with pytest.raises(ValueError, match="cannot be opened"):
        calls.restore(saved)


def test_there_are_so_many_descriptors(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    descriptors = Descriptors(b"", Folder(tmp_path))
    numbers = [descriptors.open(b"new", WRITES) for _ in range(62)]
    assert numbers == list(range(3, 65))
    with pytest.raises(Refusal, match="EMFILE"):
        descriptors.open(b"new", WRITES)
    descriptors.close(7)
    assert descriptors.open(b"new", WRITES) == 7
    del descriptors
    assert len(os.listdir("/proc/self/fd")) == before


def test_pipes_and_folders_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refusal, match="EACCES"):
        Folder(tmp_path).open(b"pipe", WRITES)
    with pytest.raises(Refusal, match="EISDIR"):
        Folder(tmp_path).open(b".", WRITES)


def test_what_becomes_a_pipe_after_the_first_look_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(Folder, "_check", staticmethod(lambda *given: None))
    with pytest.raises(Refusal, match="EACCES"):
        Folder(tmp_path).open(b"pipe", Opening(reads=True, writes=False))


def test_a_file_that_is_only_read_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    descriptors = Descriptors(b"", Folder(tmp_path))
    number = descriptors.open(b"a", Opening(reads=True, writes=False))
    with pytest.raises(Refusal, match="EBADF"):
        descriptors.write(number, b"x")
    entry = descriptors.entry(number)
    assert isinstance(entry, OpenFile) and entry.size() == 4
