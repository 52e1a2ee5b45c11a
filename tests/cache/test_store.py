"""The cache gives back what was put, or nothing: whatever happens to its files."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.cache import store
from looped.cache.folder import folder
from looped.cache.key import key
from looped.cache.store import Cache, open_cache
from tests.conftest import examples

KEY, OTHER = key("a"), key("b")


def only_file(path: Path) -> Path:
    (found,) = path.iterdir()
    return found


def test_what_is_put_is_found_again_by_kind_and_key(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new" / "folder")
    assert cache.get("code", KEY) is None and cache.entries() == []
    cache.put("code", KEY, b"content")
    assert cache.get("code", KEY) == b"content"
    assert cache.get("code", OTHER) is None and cache.get("plan", KEY) is None
    cache.put("code", KEY, b"")
    assert cache.get("code", KEY) == b""
    assert [(e.kind, e.size) for e in cache.entries()] == [("code", 47)]
    assert (cache.path.stat().st_mode & 0o777, cache.clear(), cache.entries()) == (0o700, 1, [])


def test_keys_depend_on_each_part() -> None:
    assert key("a", 1) == key("a", 1)
    assert len({key("a", 1), key("a", "1"), key("a1"), key(), key(["a", 1])}) == 5


@given(st.data())
@examples(1)
def test_a_damaged_entry_is_none(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    cache, content = Cache(path), data.draw(st.binary(max_size=80))
    cache.put("code", KEY, content)
    file = only_file(path)
    whole = file.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    new = data.draw(
        st.sampled_from([whole[:cut], whole[:cut] + whole[cut + 1 :], whole + b"x"])
        | st.builds(
            lambda place, bit: bytes(b ^ (bit if n == place else 0) for n, b in enumerate(whole)),
            st.integers(0, len(whole) - 1),
            st.sampled_from([1 << n for n in range(8)]),
        )
        | st.binary(max_size=100)
    )
    file.write_bytes(new)
    assert cache.get("code", KEY) == (content if new == whole else None)
    cache.put("code", KEY, content)
    assert cache.get("code", KEY) == content


def test_an_entry_under_another_name_is_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("code", KEY, b"content")
    only_file(tmp_path).rename(tmp_path / f"code-{OTHER}")
    assert cache.get("code", OTHER) is None


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda p: os.symlink("/dev/zero", p)])
def test_what_is_no_file_is_none_and_harmless(tmp_path: Path, make) -> None:
    cache = Cache(tmp_path)
    make(tmp_path / f"code-{KEY}")
    assert cache.get("code", KEY) is None
    cache.put("code", KEY, b"content")
    assert cache.get("code", KEY) in (None, b"content")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    cache = Cache(tmp_path)
    cache.put("code", KEY, b"content")
    tmp_path.chmod(mode)
    assert cache.get("code", KEY) is None and cache.entries() == [] and cache.clear() == 0
    cache.put("code", OTHER, b"content")
    tmp_path.chmod(0o700)
    assert [entry.name for entry in cache.entries()] == [f"code-{KEY}"]


def test_a_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch) -> None:
    cache = Cache(tmp_path)
    cache.put("code", KEY, b"content")
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    assert cache.get("code", KEY) is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("function", ["_write", "_shrink"])
def test_a_full_or_read_only_disk_keeps_nothing_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, function: str
) -> None:
    cache, right = Cache(tmp_path), store._write

    def fails(handle, name, parts=()):
        if function == "_write":
            right(handle, name, (parts[0], parts[1][:7]))
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(store, function, fails)
    cache.put("code", KEY, b"content")
    assert cache.get("code", KEY) == (None if function == "_write" else b"content")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_place_that_cannot_be_a_folder_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/none"), None):
        cache = Cache(path)
        cache.put("code", KEY, b"content")
        assert (cache.get("code", KEY), cache.entries(), cache.clear()) == (None, [], 0)


def test_the_oldest_entries_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, names = Cache(tmp_path), [key(n) for n in range(4)]
    monkeypatch.setattr(store, "_MOST", 3 * 147)
    for age, name in enumerate(names[:3]):
        cache.put("code", name, bytes(100))
        os.utime(tmp_path / f"code-{name}", (age, age))
    assert cache.get("code", names[0]) is not None  # used again
    cache.put("code", names[3], bytes(100))
    kept = {name for name in names if cache.get("code", name) is not None}
    assert kept == {names[0], names[2], names[3]}
    (tmp_path / "mine.txt").write_text("not ours")
    assert cache.clear() == 3 and only_file(tmp_path).name == "mine.txt"


def put_and_get(path: Path, number: int) -> bool:
    cache, right = Cache(path), True
    for turn in range(60):
        name = key(turn % 5)
        cache.put("code", name, name.encode() * 500)
        right &= cache.get("code", name) in (None, name.encode() * 500)
        right &= number != 0 or turn % 20 != 19 or cache.clear() >= 0
    return right


def test_two_processes_use_it_at_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.starmap(put_and_get, [(tmp_path, 0), (tmp_path, 1)]) == [True, True]


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPED_CACHE", str(tmp_path / "mine"))
    assert folder() == tmp_path / "mine" == open_cache().path
    monkeypatch.setenv("LOOPED_CACHE", "")
    assert folder() is None
    monkeypatch.delenv("LOOPED_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "looped"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder() == tmp_path / ".cache" / "looped"
    monkeypatch.setenv("HOME", "")
    assert folder() is None
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # a user without an entry
    assert folder() is None
