"""Source to image: words, symbols, source map, defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from looped.errors import FileError, Source, SourceError
from looped.image import Location
from looped.registry import assemble, assemble_file


def words(text: str, width: int | None = None) -> list[int]:
    image = assemble(Source("t.sasm", text), width=width)
    half, full = 1 << (image.width - 1), 1 << image.width
    return [w - full if w >= half else w for w in image.words]


def test_operands_left_out() -> None:
    assert words("subleq 7") == [7, 7, 3]
    assert words("subleq 7, 8\nsubleq 7, 8, 9") == [7, 8, 3, 7, 8, 9]


def test_data() -> None:
    assert words(".word 1, -1, 'A', 0x1f, 0b101") == [1, -1, 65, 31, 5]
    assert words('.ascii "a\\n\\x41;#"\n.asciz "b"') == [97, 10, 65, 59, 35, 98, 0]
    assert words(".zero 3\n.word 1") == [0, 0, 0, 1]
    assert words(".org 2\n.word 1\n.org 5\n.word 2") == [0, 0, 1, 0, 0, 2]


def test_here_is_the_address_of_the_statement() -> None:
    assert words("subleq $, ., $ + 3\nsubleq $") == [0, 0, 3, 3, 3, 6]


def test_labels_constants_and_forward_references() -> None:
    text = "a: b: subleq end, N\nend: .word b, end\n.equ N, M * 2\n.equ M, end"
    assert words(text) == [3, 6, 3, 0, 3]


def test_comments_blank_lines_and_line_ends() -> None:
    assert words("; nothing\r\n\r\n  .word 1 ; one\r\n# two\n.word ';', '#' # end") == [1, 59, 35]


def test_symbols_are_the_global_names() -> None:
    image = assemble(Source("t", "start: .word 1\n@here: .word @here\n.equ SIZE, 7"))
    assert dict(image.symbols) == {"start": 0, "SIZE": 7}


def test_every_word_knows_its_line(tmp_path: Path) -> None:
    (tmp_path / "lib.sasm").write_text("\n.word 5\n")
    twice = ".macro twice x\n.word x, x\n.endm\n"
    text = f'.word 1, 2\n{twice}.include "lib.sasm"\ntwice 3\n.org 7\n.word 9'
    (tmp_path / "main.sasm").write_text(text)
    image = assemble_file(tmp_path / "main.sasm")
    main, lib = str(tmp_path / "main.sasm"), str(tmp_path / "lib.sasm")
    assert image.words == (1, 2, 5, 3, 3, 0, 0, 9)
    assert image.source_map == (
        Location(main, 1),
        Location(main, 1),
        Location(lib, 2),
        Location(main, 6),
        Location(main, 6),
        None,
        None,
        Location(main, 8),
    )


def test_the_command_line_overrides_the_width() -> None:
    assert assemble(Source("t", ".width 8\n.word 1")).width == 8
    assert assemble(Source("t", ".width 8\n.word 300"), width=16).words == (300,)


def test_a_long_source_is_assembled_in_seconds() -> None:
    lines = [f"l{i}: subleq l{i}, x, l{(i * 7) % 5000}" for i in range(5000)]
    assert len(assemble(Source("t", "\n".join([*lines, "x: .word 0"]))).words) == 15001


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nul.sasm", b"a\0b", "is not a text: it has NUL bytes"),
        ("latin.sasm", b".word 1 ; \xe9", "is not a text: byte 10 is not UTF-8"),
        ("huge.sasm", b";" * ((1 << 20) + 1), "is larger than 1 MB"),
    ],
)
def test_files_that_are_no_sources(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=message):
        assemble_file(tmp_path / name)


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file or directory"):
        assemble_file(tmp_path / "none.sasm")
    with pytest.raises(FileError, match="is a directory"):
        assemble_file(tmp_path)


@pytest.mark.parametrize("text", ["", "\n\n", "; only a comment\n", ".width 16"])
def test_nothing_to_assemble(text: str) -> None:
    with pytest.raises(SourceError, match="there is nothing to assemble"):
        assemble(Source("t", text))
