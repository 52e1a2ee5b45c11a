"""How much memory a program gets that does not ask for any."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from looped import api
from looped.cli.main import cli
from looped.image import Image
from looped.isa.rv32i import encode
from looped.registry.definition import MAXIMUM_MEMORY, largest_memory
from tests.image.test_elf import elf

HIGH = 0x80000000
CODE = encode("jal", 0, imm=0).to_bytes(4, "little")


def loaded(folder: Path, content: bytes) -> Image:
    (folder / "t").write_bytes(content)
    return api.assemble(folder / "t")


@pytest.mark.parametrize("base", [0, HIGH, 0x12340000])
@pytest.mark.parametrize("size", [4, 1 << 20, 4 << 20])
def test_an_elf_file_has_a_megabyte_beyond_it(base: int, size: int, tmp_path: Path) -> None:
    image = loaded(tmp_path, elf((base, CODE, size), entry=base))
    memory = api.usual_memory(image)
    assert len(image.words) + (1 << 18) <= memory < 2 * (len(image.words) + (1 << 18))
    assert image.index(base + size + (1 << 20) - 4) < memory


def test_a_source_has_a_stack_of_64_kib(tmp_path: Path) -> None:
    (tmp_path / "t.s").write_text("nop\n" * 100)
    assert api.usual_memory(api.assemble(tmp_path / "t.s")) == 1 << 15
    (tmp_path / "t.sasm").write_text("halt\n")
    assert api.usual_memory(api.assemble(tmp_path / "t.sasm")) == 32


def test_machines_of_32_bits_have_up_to_16_mib(tmp_path: Path) -> None:
    assert largest_memory(32) == MAXIMUM_MEMORY == 1 << 22
    image = loaded(tmp_path, elf((0, CODE, 16 << 20)))
    assert api.usual_memory(image) == MAXIMUM_MEMORY


def test_a_trap_names_the_option(tmp_path: Path) -> None:
    """A store right behind the megabyte, and one below memory."""
    for page, told in ((0x200, "0x0 to 0x1fffff"), (0xFFFFF, "--memory 1048576 doubles it")):
        code = [encode("lui", 2, imm=page), encode("sw", rs1=2, rs2=2, imm=16)]
        content = b"".join(word.to_bytes(4, "little") for word in code)
        (tmp_path / "t").write_bytes(elf((0, content, 8)))
        result = CliRunner().invoke(cli, ["run", str(tmp_path / "t")])
        assert result.exit_code == 7 and told in result.stderr, result.stderr


@pytest.mark.slow
def test_verify_gives_a_program_the_memory_of_a_run(tmp_path: Path) -> None:
    """The program stores at the end of 128 KiB, then exits."""
    (tmp_path / "t.s").write_text("lui t0, 32\nsw t0, -4(t0)\nli a0, 5\nli a7, 93\necall\n")
    result = CliRunner().invoke(cli, ["verify", str(tmp_path / "t.s")])
    assert result.exit_code == 0 and "equal. 5 steps until it halted" in result.stdout
