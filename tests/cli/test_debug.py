"""The command `looped debug`: scripts, pipes, exit codes, what gdb cannot debug."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.cli.main import cli

SOURCE = "loop: putc 'a'\ndec left\njgt left, loop\nhalt\nleft: .word 2\n"


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A program that writes `aa`."""
    path = tmp_path / "a.sasm"
    path.write_text(SOURCE)
    return str(path)


def looped(*arguments: str, typed: str = "") -> tuple[int, str]:
    """Exit code and output."""
    line = ["debug", *arguments, "--engine", "event", "--width", "8", "--memory", "64"]
    result = CliRunner().invoke(cli, line, input=typed)
    return result.exit_code, result.output


def test_commands_from_a_file(program: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("# a comment\n\nwatch *left # another\ncontinue\nquit\nnonsense\n")
    code, shown = looped(program, "--command", str(script))
    assert code == 0 and "a\nwatchpoint 1: *left\n  old value 2\n  new value 1\n" in shown
    script.write_text("brake\nprint *left\n")
    code, shown = looped(program, "--command", str(script))
    assert code == 3 and "no command named `brake`" in shown and "*left = " not in shown


def test_commands_from_a_pipe_go_on_after_an_error(program: str) -> None:
    code, shown = looped(program, typed="brake\nprint *left\nstepi\n\n")
    assert code == 0 and "*left = 2" in shown
    assert "step 2" in shown, "an empty line repeats `stepi`"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--gdb", ":0"), 5, "gdb knows no subleq"),
        (("--gdb", "nowhere"), 2, "is not HOST:PORT"),
        (("--gdb", ":0", "--command", "x"), 2, "--command is for the terminal"),
        (("--command", "missing"), 4, "missing"),
        (("--input", "missing"), 4, "missing"),
    ],
)
def test_options_that_have_no_meaning(
    program: str, options: tuple[str, ...], code: int, message: str
) -> None:
    assert message in looped(program, *options)[1]
    assert looped(program, *options)[0] == code
