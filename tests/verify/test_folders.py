"""Both sides of a comparison write files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from looped.environment import Environment
from looped.errors import FileError
from looped.verify import folders
from looped.verify.folders import Copies


def test_each_side_has_a_copy_and_a_difference_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"same")
    copies = Copies(Environment(files=tmp_path))
    first, second = copies.first.files, copies.second.files
    assert first is not None and second is not None and first != second
    assert copies.difference() is None
    (first / "b").write_bytes(b"new")
    assert copies.difference() == ("the file b", "3 bytes, b'new'", "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_without_a_folder_nothing_is_copied() -> None:
    environment = Environment()
    copies = Copies(environment)
    assert copies.first is copies.second is environment
    assert copies.difference() is None


def test_a_folder_must_exist_and_be_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match="is not a folder"):
        Copies(Environment(files=tmp_path / "none"))
    monkeypatch.setattr(folders, "_MOST_BYTES", 3)
    (tmp_path / "a").write_bytes(b"four")
    with pytest.raises(FileError, match="too large to copy"):
        Copies(Environment(files=tmp_path))
