"""Every class of directive: small sources that end with the status that their first line says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import looped
from tests.lang.riscv import binutils
from tests.programs.host import Run

FOLDER = Path(__file__).parent / "sources"
SOURCES = sorted(FOLDER.glob("*.s"))
each = pytest.mark.parametrize("path", SOURCES, ids=[path.stem for path in SOURCES])


@each
def test_the_status_is_what_the_first_line_says(path: Path) -> None:
    match = re.match(r"# exit: (\d+)\n", path.read_text())
    assert match is not None
    run = Run(looped.assemble(path))
    run.until_exit(10_000)
    assert run.code is not None and run.code & 0xFF == int(match[1])


PLACED_BY_LD = ("common", "sections")
"""Sources with something whose place is the linker's choice."""

if binutils.FOUND:

    @pytest.mark.parametrize(
        "path", [p for p in SOURCES if p.stem not in PLACED_BY_LD], ids=lambda p: p.stem
    )
    def test_gnu_as_and_ld_make_the_same_memory(path: Path, tmp_path: Path) -> None:
        words, symbols = binutils.loaded(path.read_text(), tmp_path)
        image = looped.assemble(path)
        assert binutils.without_zeros(list(image.words)) == words
        assert dict(image.symbols).items() >= symbols.items()
