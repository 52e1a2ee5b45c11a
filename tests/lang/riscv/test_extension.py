"""The M extension in sources and ELF files: who has it, who asks for it, and what GNU as says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import looped
from looped.errors import Source, SourceError
from looped.image import Image
from looped.isa.rv32im import EXTENSION
from looped.registry import assemble
from tests import seeds
from tests.lang.riscv import binutils

ASKED = '.attribute arch, "rv32i2p1_m2p0"'
"""What GCC puts into a source with -march=rv32im."""


def image(text: str, **options: str) -> Image:
    return assemble(Source("p.s", text), **options)


@pytest.mark.parametrize("first", [ASKED, ".machine rv32im", '  .attribute arch , "rv32im"'])
def test_a_source_asks_for_it(first: str) -> None:
    found = image(f"{first}\nmul a0, a1, a2\nnop")
    assert (found.machine, found.words) == ("rv32im", (0x02C58533, 0x13))


def test_the_command_line_asks_for_it() -> None:
    assert image("remu a0, a1, a2", machine="rv32im").words == (0x02C5F533,)
    assert image(f"{ASKED}\nnop", machine="rv32i").machine == "rv32i"
    assert image('.attribute arch, "rv32i2p1"\nnop').machine == "rv32i"


def test_rv32i_says_who_has_it() -> None:
    with pytest.raises(SourceError) as caught:
        image("nop\n  mulhu a0, a1, a2")
    assert caught.value.render() == "\n".join(
        [
            "p.s:2:3: error: no instruction or macro named `mulhu`",
            "    2 |   mulhu a0, a1, a2",
            "      |   ^^^^^",
            "hint: rv32im has it: --machine rv32im, or .machine rv32im in the source",
        ]
    )


if binutils.FOUND:

    def test_gnu_as_encodes_the_same(tmp_path: Path) -> None:
        rng = seeds.rng(1)
        lines = [ASKED]
        for mnemonic in EXTENSION:
            for _ in range(100):
                rd, rs1, rs2 = (rng.randrange(32) for _ in range(3))
                lines.append(f"{mnemonic} x{rd}, x{rs1}, x{rs2}")
        text = "\n".join(lines) + "\n"
        assert list(image(text).words) == binutils.loaded_words(text, tmp_path)

    @pytest.mark.parametrize(("march", "machine"), [("rv32i", "rv32i"), ("rv32im", "rv32im")])
    def test_an_elf_file_tells_its_machine(march: str, machine: str, tmp_path: Path) -> None:
        (tmp_path / "a.s").write_text(".globl _start\n_start: nop\n")
        tools = (
            ["as", f"-march={march}", "-mabi=ilp32", "a.s", "-o", "a.o"],
            ["ld", "-melf32lriscv", "-Ttext=0", "a.o", "-o", "a.elf"],
        )
        for tool, *options in tools:
            subprocess.run([binutils.PREFIX + tool, *options], cwd=tmp_path, check=True)
        assert looped.assemble(tmp_path / "a.elf").machine == machine
        for other in ("rv32i", "rv32im"):
            assert looped.assemble(tmp_path / "a.elf", machine=other).machine == other
