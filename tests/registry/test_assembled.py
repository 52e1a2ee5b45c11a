"""An image from the cache is the image that the assembler makes, whatever the source reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from looped import registry
from looped.cache.store import Cache
from looped.errors import LoopedError
from looped.lang.sources import read_source
from looped.registry import assembled
from tests.programs.headers import Program, programs

ALL = programs()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("LOOPED_CACHE", str(tmp_path / "cache"))
    return Cache(tmp_path / "cache")


@pytest.mark.parametrize("program", ALL[::4], ids=[str(p.path.name) for p in ALL[::4]])
def test_the_second_image_is_the_first(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    first = registry.assemble_file(program.path)
    assert first == registry.assemble(read_source(program.path))
    if not assembled._MAY_READ.search(program.path.read_text()):
        monkeypatch.setattr(assembled, "assemble", None)
    assert registry.assemble_file(program.path) == first


def source(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_another_text_width_or_machine_is_another_image(tmp_path: Path) -> None:
    path = source(tmp_path, "a.sasm", "start: .word 1, 2\n")
    first = registry.assemble_file(path)
    assert registry.assemble_file(path, width=8).width == 8
    assert registry.assemble_file(path) == first
    path.write_text("start: .word 1, 3\n")
    assert registry.assemble_file(path).words == (1, 3)


@pytest.mark.parametrize(
    ("name", "text", "other"),
    [
        ("a.sasm", '.include "b"\n', ".word {}\n"),
        ("a.s", '.text\nli a0, 1\n.include "b"\n', ".word {}\n"),
        ("a.s", '.macro any name\n.in\\name "b"\n.endm\n.text\nany clude\n', ".word {}\n"),
        ("a.s", '.macro any name\n.\\name "b"\n.endm\n.text\nany incbin\n', "{}abc"),
    ],
)
def test_what_a_source_reads_is_always_read(
    tmp_path: Path, cache: Cache, name: str, text: str, other: str
) -> None:
    path = source(tmp_path, name, text)
    images: list[object] = []
    for number in (1, 2):
        source(tmp_path, "b", other.format(number))
        try:
            images.append(registry.assemble_file(path, machine="rv32i" if name == "a.s" else None))
        except LoopedError as error:
            images.append(str(error))
    assert images[0] != images[1] and cache.entries() == []


def test_errors_are_never_kept(tmp_path: Path, cache: Cache) -> None:
    path = source(tmp_path, "a.sasm", "sub nowhere, here\n")
    for _ in range(2):
        with pytest.raises(LoopedError, match="no label named"):
            registry.assemble_file(path)
    assert cache.entries() == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff"])
def test_a_foreign_entry_is_replaced(tmp_path: Path, cache: Cache, content: bytes) -> None:
    path = source(tmp_path, "a.sasm", ".word 1, 2\n")
    first = registry.assemble_file(path)
    (entry,) = cache.entries()
    kept = cache.get("image", entry.name.partition("-")[2])
    cache.put("image", entry.name.partition("-")[2], content)
    assert registry.assemble_file(path) == first
    assert cache.get("image", entry.name.partition("-")[2]) == kept
