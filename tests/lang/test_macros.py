"""Macros, local labels, blocks emitted once, includes."""

from __future__ import annotations

from pathlib import Path

from looped.errors import Source
from looped.registry import assemble, assemble_file


def words(text: str) -> tuple[int, ...]:
    return assemble(Source("t.sasm", text)).words


def test_parameters_are_expressions_of_the_caller() -> None:
    assert words(".macro m x, y\n.word x * 2, y\n.endm\nm 1 + 2, 'A'") == (6, 65)


def test_local_labels_are_new_in_every_expansion() -> None:
    text = ".macro m\n@l: .word @l\n.endm\nm\nm\nm"
    assert words(text) == (0, 1, 2)


def test_a_local_label_may_be_passed_to_a_macro_that_has_one_of_that_name() -> None:
    inner = ".macro inner target\n@l: .word target, @l\n.endm\n"
    outer = ".macro outer\ninner @l\n@l:\n.endm\n"
    assert words(f"{inner}{outer}outer") == (2, 0)


def test_local_labels_outside_macros_belong_to_the_label_before() -> None:
    assert words("a:\n@l: .word @l\nb:\n@l: .word @l") == (0, 1)


def test_here_in_an_argument_is_where_the_macro_was_invoked() -> None:
    assert words(".macro m x\n.word 9, x\n.endm\n.word 0\nm $\n.word $") == (0, 9, 1, 3)


def test_macros_nest_and_define_macros() -> None:
    text = ".macro a x\nb x\nb x + 1\n.endm\n.macro b x\n.word x\n.endm\na 5"
    assert words(text) == (5, 6)
    assert words(".macro make\n.macro made x\n.word x\n.endm\n.endm\nmake\nmade 3") == (3,)


def test_a_macro_of_the_user_replaces_that_of_the_library() -> None:
    assert words(".macro mov x\n.word x\n.endm\nmov 4") == (4,)


def test_once_is_emitted_a_single_time_at_the_end() -> None:
    text = """
        .macro use
        .word shared
        .once block
shared: .word 7
        .endonce
        .endm
        use
        use
        .word 1
        """
    assert words(text) == (3, 3, 1, 7)


def test_a_once_block_may_ask_for_another() -> None:
    text = """
        .macro first
        .once one
        second
        .word 1
        .endonce
        .endm
        .macro second
        .once two
        .word 2
        .endonce
        .endm
        first
        .word 0
        """
    assert words(text) == (0, 1, 2)


def test_includes_are_relative_to_the_file_that_asks(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.sasm").write_text('.word 1\n.include "b.sasm"\n')
    (tmp_path / "lib" / "b.sasm").write_text(".word 2\n")
    (tmp_path / "main.sasm").write_text('.include "lib/a.sasm"\n.word 3\n')
    assert assemble_file(tmp_path / "main.sasm").words == (1, 2, 3)
