"""Bad input over every command: the exact exit code, the exact message, and nothing lost."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.cli.main import cli
from tests.cli.bad.case import Case
from tests.cli.bad.checkpoints import CHECKPOINTS
from tests.cli.bad.compiled import COMPILED
from tests.cli.bad.elf import ELF
from tests.cli.bad.images import IMAGES
from tests.cli.bad.options import OPTIONS
from tests.cli.bad.places import PLACES
from tests.cli.bad.riscv import RISCV
from tests.cli.bad.sources import SOURCES

TABLE = {
    "sources": SOURCES,
    "riscv": RISCV,
    "images": IMAGES,
    "elf": ELF,
    "compiled": COMPILED,
    "checkpoints": CHECKPOINTS,
    "options": OPTIONS,
    "places": PLACES,
}
CASES = [
    pytest.param(case, id=f"{area}-{number}")
    for area, cases in TABLE.items()
    for number, case in enumerate(cases)
]
COMMANDS = ("asm", "compile", "run", "verify", "certify", "info", "export")


def message(stderr: str) -> str:
    """The first line of a message; before it, click says how a command is used."""
    lines = stderr.splitlines() or [""]
    return lines[3] if lines[0].startswith("Usage: ") else lines[0]


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All that is in a folder: kind and size of each file, and the bytes of those that have few."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        small = stat.S_ISREG(status.st_mode) and status.st_size < 1 << 24
        found[str(path)] = (status.st_mode, path.read_bytes() if small else b"")
    return found


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told_and_does_no_harm(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = content(tmp_path)
    result = CliRunner().invoke(cli, shlex.split(case.line), input=case.stdin)
    assert isinstance(result.exception, SystemExit), result.exception
    assert (message(result.stderr), result.exit_code) == (case.message, case.code)
    assert result.stdout == case.stdout
    assert content(tmp_path) == before


def test_the_table_is_long_and_has_every_command_and_exit_code() -> None:
    lines = [case.line for cases in TABLE.values() for case in cases]
    assert len(lines) >= 200
    for command in COMMANDS:
        assert sum(line.split()[:1] == [command] for line in lines) >= 5, command
    codes = {case.code for cases in TABLE.values() for case in cases}
    assert codes == {2, 3, 4, 5, 6, 7, 8, 9, 10}
