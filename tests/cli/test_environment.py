"""The options for the world around a program: its files and its arguments."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from looped.cli.main import cli

COMMAND_LINE = """
        la a1, block
        li a0, 0x15
        slli x0, x0, 31
        ebreak
        srai x0, x0, 7
        la a1, text
        li a0, 4
        slli x0, x0, 31
        ebreak
        srai x0, x0, 7
        li a1, 0x20026
        li a0, 0x18
        slli x0, x0, 31
        ebreak
        srai x0, x0, 7
block:  .word text, 40
text:   .space 40
"""


def looped(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def test_a_program_gets_what_stands_after_the_dashes(tmp_path: Path) -> None:
    program = tmp_path / "arguments.s"
    program.write_text(COMMAND_LINE)
    small = ("--memory", 64, "--engine", "event")
    result = looped("run", program, *small, "--", "-n", "10", "--help")
    assert (result.exit_code, result.stdout) == (0, "-n 10 --help")
    assert looped("verify", program, "--memory", 64, "--engine", "event").exit_code == 0


def test_a_machine_without_a_host_takes_no_arguments() -> None:
    result = looped("run", "programs/subleq/hello.sasm", "--engine", "dense", "--", "x")
    assert result.exit_code == 2
    assert "a program of subleq takes no arguments" in result.stderr


def test_files_must_be_a_folder(tmp_path: Path) -> None:
    for command in ("run", "verify"):
        result = looped(command, "programs/rv32i/hello.s", "--files", tmp_path / "none")
        assert result.exit_code == 4
        assert result.stderr.splitlines() == [
            f"error: {tmp_path / 'none'} is not a folder",
            "hint: --files takes an existing folder",
        ]
