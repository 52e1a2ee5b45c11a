"""--image, --data, --framebuffer: files as regions of memory, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from looped.cli.main import cli
from tests import seeds

pillow = pytest.importorskip("PIL.Image")

LIFE = "programs/rv32i/life.s"


INVERT = """.machine subleq
.width 16
        sub image + 3, framebuffer + 3
        sub image + 4, framebuffer + 4
        halt
image:  .word 16, 2, 1, 0, 0
framebuffer:
        .word 16, 2, 1, -1, -1
"""
"""It subtracts each row of a picture of 16 × 2 pixels from -1. A row is a word."""


@pytest.fixture
def invert(tmp_path: Path) -> Path:
    path = tmp_path / "invert.sasm"
    path.write_text(INVERT)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["run", *map(str, arguments)])


def saved(path: Path, levels: object) -> Path:
    pillow.fromarray(np.array(levels, np.uint8) * 255).save(path)
    return path


def later(board: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> object:
    """The next generation of the game of life on a torus."""
    turns = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
    count = sum(np.roll(board, turn, (0, 1)) for turn in turns)
    return ((count == 3) | ((board == 1) & (count == 2))).astype(int)


@pytest.mark.slow
def test_life_goes_on_from_an_image_to_an_image(tmp_path: Path) -> None:
    board = seeds.generator(2).integers(0, 2, (8, 8))
    out, start = tmp_path / "out.png", saved(tmp_path / "in.png", board)
    assert run(LIFE, "--image", start, "--framebuffer", out).exit_code == 0
    for _ in range(4):
        board = later(board)  # type: ignore[assignment]
    assert (np.asarray(pillow.open(out)) == board * 255).all()


def test_a_program_changes_a_picture(tmp_path: Path, invert: Path) -> None:
    levels = seeds.generator(3).integers(0, 2, (2, 16))
    start, out, text = (tmp_path / name for name in ("in.png", "out.png", "out.txt"))
    saved(start, levels)
    for path in (out, text):
        found = run(
            invert, "--image", start, "--framebuffer", path, "--memory", "32", "--engine", "dense"
        )
        assert found.exit_code == 0, found.output
    assert (np.asarray(pillow.open(out)) == (1 - levels) * 255).all()
    assert text.read_text() == "".join("".join("#."[c] for c in row) + "\n" for row in levels)


def test_bad_files_of_pictures_are_refused(tmp_path: Path, invert: Path) -> None:
    junk = tmp_path / "junk.png"
    junk.write_bytes(b"\x89PNG\r\n\x1a\n no image")
    large = saved(tmp_path / "large.png", np.zeros((16, 16)))
    for arguments, message in (
        (["--image", tmp_path / "none.png"], "No such file"),
        (["--image", tmp_path], "is a directory"),
        (["--image", junk], "is not an image"),
        (["--image", large], "has 16 × 16 pixels, and `image` of the program 16 × 2"),
        (["--framebuffer", tmp_path / "out.doc"], "is no name of a picture"),
        (["--framebuffer", tmp_path / "no" / "out.txt"], "there is no folder"),
        (["--data", invert], "the program has no `data`"),
    ):
        found = run(invert, "--engine", "event", *arguments)
        assert found.exit_code not in (0, 1) or "error: " in found.output
        assert message in found.output and "Traceback" not in found.output
        assert found.exception is None or isinstance(found.exception, SystemExit)


def test_a_program_without_a_picture_says_what_one_is(tmp_path: Path) -> None:
    for option in ("--image", "--framebuffer"):
        path = saved(tmp_path / "a.png", np.zeros((8, 8)))
        found = run("programs/subleq/hello.sasm", option, path, "--engine", "event")
        assert f"the program has no `{option[2:]}`" in found.output and "hint: " in found.output


def test_a_text_is_in_memory_before_the_run(tmp_path: Path) -> None:
    """The program prints as many bytes as the word at `data` says."""
    program, text = tmp_path / "print.s", tmp_path / "text.txt"
    program.write_text(
        "_start: la a1, data\n lw a2, 0(a1)\n addi a1, a1, 4\n li a0, 1\n li a7, 64\n ecall\n"
        " li a0, 0\n li a7, 93\n ecall\n .globl data\n .data\ndata: .word 16\n .space 16\n"
    )
    text.write_text("héllo, memory")
    found = run(program, "--data", text, "--memory", "64", "--engine", "dense")
    assert (found.exit_code, found.output) == (0, "héllo, memory")
    text.write_text("much too long a text")
    assert (
        "room for 16" in run(program, "--data", text, "--memory", "64", "--engine", "dense").output
    )
