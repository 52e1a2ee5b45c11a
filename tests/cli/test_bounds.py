"""Runs that end early: each in its own way, with its place, and with a checkpoint to go on from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from looped.cli.main import cli
from looped.engines.auto import ENGINES
from tests.cli.lives import append, begin, live
from tests.cli.test_checkpoints import Setting, echo  # noqa: F401

LOOP = ".width 8\nloop: out x\njmp loop\nx: .word 'x'\n"
SILENT = ".width 8\nloop: jmp next\nnext: jmp loop\n"
COPY = """
        .width 8
next:   in x
        jlt x, end
        out x
        jmp next
end:    putc '.'
        halt
x:      .word 0
"""


def looped(*arguments: object, data: bytes = b"") -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments], input=data)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in (("loop", LOOP), ("silent", SILENT), ("copy", COPY)):
        (tmp_path / f"{name}.sasm").write_text(text)
    return tmp_path


@pytest.mark.parametrize("engine", ENGINES)
def test_no_more_than_so_many_bytes(engine: str, sources: Path) -> None:
    result = looped("run", sources / "loop.sasm", "--max-output", 5, "--engine", engine)
    assert (result.exit_code, result.stdout) == (10, "xxxxx")
    assert "loop.sasm wrote more than 5 bytes: it stopped after 11 steps at add" in result.stderr
    assert "loop.sasm:3): subleq 7, 7, 0\n" in result.stderr
    assert "hint: raise --max-output" in result.stderr


def test_as_many_bytes_as_allowed_are_no_error(sources: Path) -> None:
    result = looped("run", sources / "copy.sasm", "--max-output", 4, data=b"abc")
    assert (result.exit_code, result.stdout) == (0, "abc.")


@pytest.mark.parametrize("engine", ENGINES)
def test_no_longer_than_so_many_seconds(engine: str, sources: Path) -> None:
    looped("run", sources / "silent.sasm", "--engine", engine, "--steps", 1)  # have it compiled
    began = time.monotonic()
    result = looped("run", sources / "silent.sasm", "--engine", engine, "--timeout", 0.2)
    assert 0.2 < time.monotonic() - began < 20
    assert result.exit_code == 9
    assert "silent.sasm did not halt within --timeout: it stopped after" in result.stderr
    assert "silent.sasm:2): subleq" in result.stderr or "silent.sasm:3): subleq" in result.stderr


def test_a_bound_leaves_a_checkpoint_from_which_any_engine_goes_on(sources: Path) -> None:
    """The state is that of the whole run in the end, and the outputs together are its output."""
    program, state, whole = sources / "copy.sasm", sources / "a.state", sources / "b.state"
    assert looped("run", program, "--checkpoint", whole, data=b"abcd").stdout == "abcd."
    output = ""
    for number, engine in enumerate(["dense", "event", "lifted", "auto"]):
        options = ["--checkpoint", state, "--engine", engine]
        options += ["--resume", state] if state.exists() else []
        limit = ["--max-output", number + 1] if engine != "auto" else []
        result = looped(
            "run",
            program,
            "--engine",
            engine,
            "--checkpoint",
            state,
            *options,
            *limit,
            data=b"abcd",
        )
        assert result.exit_code == (10 if limit else 0), result.stderr
        assert not limit or f"hint: continue with --resume {state}" in result.stderr
        output += result.stdout
    assert output == "abcd."
    setting = Setting.__new__(Setting)
    setting.program = sources / "copy.safetensors"
    assert looped("compile", program, "-o", setting.program).exit_code == 0
    ends = setting.checkpoint(state), setting.checkpoint(whole)
    assert ends[0].steps == ends[1].steps
    assert np.array_equal(ends[0].snapshot.state, ends[1].snapshot.state)


def test_a_resumed_run_that_had_halted_puts_out_nothing_more(sources: Path) -> None:
    program, state = sources / "copy.sasm", sources / "a.state"
    assert looped("run", program, "--checkpoint", state, data=b"ab").stdout == "ab."
    result = looped("run", program, "--resume", state, data=b"ab")
    assert (result.exit_code, result.stdout) == (0, "")


def test_json_is_that_of_the_whole_run(sources: Path) -> None:
    """Output that was only kept is in the checkpoint."""
    program, state = sources / "copy.sasm", sources / "a.state"
    whole = looped("run", program, "--json", data=b"abc")
    looped("run", program, "--json", "--checkpoint", state, "--steps", 9, data=b"abc")
    rest = looped("run", program, "--json", "--resume", state, data=b"abc")
    assert rest.stdout == whole.stdout


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 20])
def test_a_riscv_run_goes_on_with_its_host(echo: Setting, steps: int, tmp_path: Path) -> None:  # noqa: F811
    data, state = echo.data.read_bytes(), tmp_path / "a.state"
    command = echo.command(state, 1000)
    code, first = echo.call(*command, "--steps", steps, data=data)
    assert code == 6
    code, rest = echo.call(*echo.command(state, 1000), data=data)
    assert code == 0
    echo.check(state, first + rest)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_checkpoint(number: int, code: int, sources: Path) -> None:
    """While the program runs."""
    state, output = sources / "a.state", append(sources / "output")
    command = ["run", str(sources / "loop.sasm"), "--checkpoint", str(state), "--every", "100"]
    (sources / "empty").touch()
    child = begin([*command, "--engine", "event"], sources / "empty", output, lambda: None)
    while not state.exists():
        time.sleep(0.01)
    os.kill(child, number)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
    before = (sources / "output").stat().st_size
    bound = ["--resume", str(state), "--max-output", str(before + 7), "--engine", "event"]
    assert live([*command, *bound], sources / "empty", output) == 10
    os.close(output)
    assert (sources / "output").read_bytes() == b"x" * (before + 7)


def test_ctrl_c_while_a_program_waits_for_input(sources: Path) -> None:
    """What it has put out is seen before, and the checkpoint is one that waits for the input."""
    program, state = sources / "copy.sasm", sources / "a.state"
    command = [sys.executable, "-m", "looped", "run", str(program), "--checkpoint", str(state)]
    with subprocess.Popen(
        [*command, "--every", "1000000"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        running.stdin.write(b"a")
        running.stdin.flush()
        assert running.stdout.read(1) == b"a"
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
        stderr = running.stderr.read()
    assert b"error: interrupted after 5 steps at address 0 (" in stderr
    assert b"copy.sasm:3): subleq -1, " in stderr and b"Traceback" not in stderr
    assert f"hint: continue with --resume {state}".encode() in stderr
    assert looped("run", program, "--resume", state, data=b"ab").stdout == "b."
    for data, message in (
        (b"", "the input ends after 0 bytes, and the run has read 1"),
        (b"xb", "the first 1 bytes of the input are not those that the run has read"),
    ):
        result = looped("run", program, "--resume", state, data=data)
        assert result.exit_code == 4 and message in result.stderr


def test_a_checkpoint_of_something_else_is_refused(sources: Path) -> None:
    state = sources / "a.state"
    looped("run", sources / "copy.sasm", "--memory", 64, "--checkpoint", state)
    other = looped("run", sources / "loop.sasm", "--memory", 64, "--resume", state)
    assert other.exit_code == 4 and "is the checkpoint of another program" in other.stderr
    larger = looped("run", sources / "copy.sasm", "--memory", 128, "--resume", state)
    assert larger.exit_code == 4 and "is the checkpoint of another machine" in larger.stderr
    missing = looped("run", sources / "copy.sasm", "--resume", sources / "none")
    assert missing.exit_code == 4 and "No such file" in missing.stderr
    nowhere = looped("run", sources / "copy.sasm", "--checkpoint", "/no/such/place")
    assert nowhere.exit_code == 4 and nowhere.stdout == ""
    alone = looped("run", sources / "copy.sasm", "--every", 3)
    assert alone.exit_code == 2 and "--every needs --checkpoint FILE." in alone.stderr
