"""Random expressions and macros, and what compilers write, against GNU as where it is."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from looped.errors import Source, SourceError
from looped.registry import assemble
from tests import seeds
from tests.lang.riscv import binutils
from tests.lang.riscv.compilers import COMPILERS, FOLDER, Compiler

pytestmark = pytest.mark.slow
needs_as = pytest.mark.skipif(not binutils.FOUND, reason=f"{binutils.PREFIX}as is not installed")

_BINARY = "+ - * / % << >> & | ^ ! && || == != <> < <= > >=".split()  # noqa: SIM905
_NUMBERS = [
    *("0", "1", "-1", "7", "0x1f", "010", "0b101", "63", "64", "65", "'a", "'\\n'", "n", "m"),
    *("0x7fffffff", "0x80000000", "0xffffffff", "0x7fffffffffffffff", "0x8000000000000000"),
]
_ARGUMENTS = [
    *("1", "a0", "1+2", "1 + 2", "-4(sp)", "4 (sp)", "(1 2)", "a b", '"q, r"', "\\y", "x"),
    *("[1 2]", "%lo(x)", "", " ", "a.b", "$v", "-1 -2", "!a ~b", "x=3", "y=1", "z"),
]
_BODIES = [
    "<\\x|\\y>",
    "\\x\\()y\\y",
    "\\xy \\y",
    "x \\x y",
    "\\y\\x",
    "\\z",
    "a\\x.b \\x.b",
    "\\x,\\y",
]


def test_there_are_fifty_c_files() -> None:
    assert len(list(FOLDER.glob("*.c"))) == 50


@pytest.mark.parametrize("compiler", COMPILERS, ids=str)
@needs_as
def test_what_compilers_write_becomes_the_same_memory(compiler: Compiler, tmp_path: Path) -> None:
    if not compiler.is_here:
        pytest.skip(f"{compiler} is not installed, or does not know RISC-V")
    for path in sorted(FOLDER.glob("*.c")):
        text = compiler.assembly(path)
        words, symbols = binutils.loaded(text, tmp_path)
        image = assemble(Source(f"{path.stem}.s", text))
        assert binutils.without_zeros(list(image.words)) == words, path
        assert image.symbols == symbols, path


@needs_as
def test_random_expressions_have_the_same_values(tmp_path: Path) -> None:
    rng = seeds.rng(5)
    head = "\t.set n, 12345\n\t.set m, -3\n"
    different, compared = [], 0
    for _ in range(20):
        lines = [f"\t.8byte {_expression(rng, 4)}" for _ in range(200)]
        theirs = _by_line(head, lines, tmp_path)
        for line, content in theirs.items():
            compared += 1
            ours = _bytes(head + line + "\n")
            if ours != content and "division by zero" not in str(ours):  # an error, not a warning
                different.append((line, ours, content))
    assert not different and compared > 2000


@needs_as
def test_random_macros_expand_to_the_same_texts(tmp_path: Path) -> None:
    rng = seeds.rng(6)
    different, compared = [], 0
    for _ in range(40):
        lines = []
        for number in range(50):
            heads = ["x, y", "x y", "x=5, y", "x, y=6", "x, y:vararg", "x:req, y", "y, x"]
            name, body = f"m{number}", rng.choice(_BODIES)
            definition = f'\t.macro {name} {rng.choice(heads)}\n\t.ascii "{body}"\n\t.endm\n'
            blank = rng.choice([", ", ",", " ", " , "])
            arguments = blank.join(rng.choice(_ARGUMENTS) for _ in range(rng.randint(0, 3)))
            lines.append(f"{definition}\t{name} {arguments}")
        for line, content in _by_line("", lines, tmp_path).items():
            compared += 1
            ours = _bytes(f"{line}\n")
            if ours != content and "is not an escape" not in str(ours):  # an error, not a warning
                different.append((line, ours, content))
    assert not different and compared > 500


def _expression(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.25:
        return rng.choice(_NUMBERS)
    if rng.random() < 0.25:
        return rng.choice("-~!+") + f"({_expression(rng, depth - 1)})"
    left, right = _expression(rng, depth - 1), _expression(rng, depth - 1)
    between = f" {rng.choice(_BINARY)} "
    return f"({left}{between}{right})" if rng.random() < 0.4 else f"{left}{between}{right}"


def _by_line(head: str, lines: list[str], folder: Path) -> dict[str, bytes]:
    """What GNU as makes of each text that it takes, with the head before it."""
    marked = [f'{line}\n\t.ascii "@@@@"\n' for line in lines]
    good = (
        [line for line in lines if _is_taken(f"{head}{line}\n", folder)]
        if not _is_taken(head + "".join(marked), folder)
        else lines
    )
    text = head + "".join(f'{line}\n\t.ascii "@@@@"\n' for line in good)
    assert _is_taken(text, folder)
    command = [f"{binutils.PREFIX}objcopy", "-O", "binary", "-j", ".text", "a.o", "a.bin"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    parts = (folder / "a.bin").read_bytes().split(b"@@@@")
    return dict(zip(good, parts, strict=False))


def _is_taken(text: str, folder: Path) -> bool:
    (folder / "a.s").write_text(text)
    command = [f"{binutils.PREFIX}as", "-march=rv32i", "-mabi=ilp32", "a.s", "-o", "a.o"]
    return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


def _bytes(text: str) -> bytes | str:
    """What we make of a text: its bytes, or what is wrong with it."""
    try:
        image = assemble(Source("t.s", f'{text}\t.ascii "@@@@"\n'))
    except SourceError as error:
        return error.render()
    content = b"".join(word.to_bytes(4, "little") for word in image.words)
    return content[: re.search(b"@@@@", content).start()]  # type: ignore[union-attr]
