"""`looped run --trace-file` and `looped diff` as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from looped.cli.main import cli
from looped.traces.formats import read_trace

ROOT = Path(__file__).parents[2]
GREET, ECHO = (str(ROOT / "programs" / "subleq" / f"{name}.sasm") for name in ("greet", "echo"))
LOOP = "loop: inc x\njmp loop\nx: .word 0\n"


def looped(*arguments: object, data: bytes = b"") -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments], input=data)


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_a_trace_has_the_output_of_the_run(name: str, tmp_path: Path) -> None:
    result = looped("run", ECHO, "--trace-file", tmp_path / name, data=b"abc")
    assert (result.exit_code, result.stdout) == (0, "abc")
    records = list(read_trace(tmp_path / name))
    assert "".join(record.output for record in records) == "abc"
    assert [record.step for record in records] == list(range(1, len(records) + 1))


def test_a_trace_of_a_run_that_ends_early(tmp_path: Path) -> None:
    result = looped("run", GREET, "--trace-file", tmp_path / "t.jsonl", "--steps", 5, "--json")
    assert result.exit_code == 6 and json.loads(result.stdout)["steps"] == 5
    assert len(list(read_trace(tmp_path / "t.jsonl"))) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_an_interrupt_leaves_what_ran_and_a_kill_leaves_the_old_file(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "a.sasm").write_text(LOOP)
    (tmp_path / name).write_text("old")
    for number, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        command = [
            sys.executable,
            "-m",
            "looped",
            "run",
            "a.sasm",
            "--trace-file",
            name,
            "--memory",
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        run = subprocess.Popen([*command, "32"], cwd=tmp_path, env=environment)
        time.sleep(8 if number == signal.SIGINT else 2)
        run.send_signal(number)
        assert run.wait(60) == code
        assert sorted(os.listdir(tmp_path)) == ["a.sasm", name]
        if number == signal.SIGKILL:
            assert (tmp_path / name).read_text() == "old"
    steps = [record.step for record in read_trace(tmp_path / name)]
    assert len(steps) > 10 and steps == list(range(1, len(steps) + 1))


def test_diff_of_equal_traces_and_runs(tmp_path: Path) -> None:
    trace = tmp_path / "t.parquet"
    assert looped("run", GREET, "--trace-file", trace).exit_code == 0
    steps = len(list(read_trace(trace)))
    for arguments in (
        (trace, trace),
        (trace, GREET),
        (GREET, "--reference"),
        (trace, GREET, "--reference"),
    ):
        result = looped("diff", *arguments)
        assert (result.exit_code, result.stdout) == (0, f"equal: {steps} steps\n"), arguments


def test_diff_of_two_inputs_and_two_programs(tmp_path: Path) -> None:
    (tmp_path / "a.sasm").write_text(".width 8\n" + LOOP)
    (tmp_path / "b.sasm").write_text(".width 8\n" + LOOP.replace(".word 0", ".word 4"))
    result = looped("diff", tmp_path / "a.sasm", tmp_path / "b.sasm", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["equal"], found["step"], found["a"], found["b"]) == (False, 1, "read 0", "read 4")
    assert looped("run", ECHO, "--trace-file", tmp_path / "t.jsonl", data=b"ab").exit_code == 0
    (tmp_path / "input").write_bytes(b"ac")
    result = looped("diff", tmp_path / "t.jsonl", ECHO, "--input", tmp_path / "input")
    assert result.exit_code == 1 and "bit 0: A wrote 98, B wrote 99 (" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "t.jsonl"], "t.jsonl is a trace: give another one, or a program, as B."),
        (["diff", "a.sasm"], "Missing argument 'B', or --reference, or a second --engine."),
        (
            ["diff", "a.sasm", "t.jsonl", "--reference"],
            "--reference runs B, which is a trace and not a program.",
        ),
        (["diff", "a.sasm", *["--engine", "dense"] * 3], "--engine is given at most twice."),
        (
            ["run", "a.sasm", "--trace-format", "spike"],
            "--trace-format needs --trace-file FILE.",
        ),
        (
            ["run", "a.sasm", "--trace", "--trace-file", "t.jsonl"],
            "--trace and --trace-file exclude each other.",
        ),
    ],
)
def test_options_that_contradict_each_other(arguments: list[str], message: str) -> None:
    result = looped(*arguments)
    assert result.exit_code == 2 and message in result.stderr
