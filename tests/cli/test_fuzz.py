"""verify --fuzz: what it reports, and the file that it leaves of a program that goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from looped.artefact.plan import CompiledMachine
from looped.cli import fuzz
from looped.passes import emit
from tests.cli.test_cli import looped as command
from tests.engines.faults import faults

SMALL = ("--machine", "subleq", "--width", 8, "--memory", 32)


def test_right_machines_pass_and_what_was_covered_is_told() -> None:
    result = command("verify", "--fuzz", 40, "--engine", "event", *SMALL)
    assert result.exit_code == 0
    assert "40 programs equal" in result.stdout
    assert "branch taken" in result.stdout


def test_json_says_the_same_whoever_does_the_work() -> None:
    arguments = ("verify", "--fuzz", 70, "--seed", 2, "--engine", "lifted", "--json", *SMALL)
    alone = json.loads(command(*arguments).stdout)
    assert (alone["programs"], alone["seed"], alone["equal"]) == (70, 2, True)
    assert json.loads(command(*arguments, "--jobs", 2).stdout) == alone


def test_the_program_that_goes_wrong_is_left_small_and_goes_wrong_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = emit.compile_circuit

    def wrong(*arguments: Any, **named: Any) -> CompiledMachine:
        return list(faults(right(*arguments, **named), 4))[3]

    monkeypatch.setattr(emit, "compile_circuit", wrong)
    monkeypatch.chdir(tmp_path)
    fuzz._opened.cache_clear()
    result = command("verify", "--fuzz", 40, "--seed", 1, "--engine", "event", *SMALL)
    fuzz._opened.cache_clear()
    assert result.exit_code == 1
    [path] = tmp_path.iterdir()
    assert path.name in result.stderr
    again = next(line for line in path.read_text().splitlines() if "looped verify" in line)
    words = again.removeprefix("; looped ").split()
    repeated = command(*words)
    assert repeated.exit_code == 1
    place = repeated.stderr.split(":", 3)[-1].splitlines()[0]
    assert place in result.stderr
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert command(*words).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fuzz", 0), "Invalid value for '--fuzz'"),
        (("--fuzz", 3, "x.sasm"), "--fuzz makes its own programs and input."),
        (("--fuzz", 3, "--input", "-"), "--fuzz makes its own programs and input."),
        (("--seed", 3, "x.sasm"), "--seed needs --fuzz N."),
        ((), "Missing argument 'PROGRAM...', or --fuzz N."),
        (
            ("--fuzz", 3, "--jobs", 2, "--cluster", "a:1"),
            "--jobs and --cluster exclude each other.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[object, ...], message: str) -> None:
    result = command("verify", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_address_that_is_none_is_refused() -> None:
    result = command("verify", "--fuzz", 3, "--cluster", "nonsense", *SMALL)
    assert (result.exit_code, result.stdout) == (11, "")
    assert result.stderr.startswith("error: `nonsense` is not the address of a scheduler\n")
