"""Files are read if they are files, and replaced whole, where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from looped.errors import FileError
from looped.files import open_regular, read_bytes, write_atomically


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(FileError, match="a is larger than 0 MB"):
        read_bytes(path, 4)


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(FileError, match="a is not a regular file"):
        read_bytes(tmp_path / "a", 5)


def test_what_goes_wrong_while_reading_is_told_as_well(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    with pytest.raises(FileError, match="cannot read .*a: it is gone"), open_regular(path, 5):
        raise OSError("it is gone")


def test_the_file_that_a_link_names_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"new", b"newer"):
        write_atomically(link, content)
        assert link.is_symlink() and target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_replaced(make, tmp_path: Path) -> None:
    make(tmp_path / "a")
    before = (tmp_path / "a").lstat()
    with pytest.raises(FileError, match="cannot write .*a: it is "):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").lstat() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_devices_stay_devices() -> None:
    with pytest.raises(FileError, match="cannot write /dev/null: it is not a regular file"):
        write_atomically(Path("/dev/null"), b"new")
    assert Path("/dev/null").is_char_device()
