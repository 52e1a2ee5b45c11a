"""run --input: the input of a program from a file, and one program with many inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from looped.cli.main import cli

REVERSE = str(Path(__file__).parents[2] / "programs" / "subleq" / "reverse.sasm")


def run(*arguments: object, data: bytes = b"") -> Result:
    return CliRunner().invoke(cli, ["run", REVERSE, *map(str, arguments)], input=data)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = []
    for number, content in enumerate(["abc\n", "xy\n"]):
        made.append(tmp_path / f"{number}.txt")
        made[-1].write_text(content)
    return made


def options(files: list[Path]) -> list[object]:
    return [part for path in files for part in ("--input", path)]


def test_outcomes_follow_in_the_order_of_the_inputs(files: list[Path]) -> None:
    """One input is read instead of stdin; of several, each is as if it were the only one."""
    single = [json.loads(run("--input", path, "--json", data=b"no").stdout) for path in files]
    assert [each["output"] for each in single] == ["\ncba\n", "\nyx\n"]
    result = run(*options(files))
    assert (result.exit_code, result.stdout) == (0, "\ncba\n\nyx\n")
    told = json.loads(run(*options(files), "--json").stdout)
    assert [each.pop("input") for each in told] == [str(path) for path in files]
    assert told == single


def test_a_program_that_is_stopped_is_an_error_after_all_outputs(files: list[Path]) -> None:
    result = run(*options(files), "--steps", 60)
    assert result.exit_code == 6
    assert f"with {files[0]} it did not halt within 60 steps: it is at address" in result.stderr
    result = run(*options(files), "--max-output", 2)
    assert result.exit_code != 0 and f"with {files[0]} it wrote more than 2 bytes" in result.stderr
    assert result.stdout == "\nc\ny"


def test_a_missing_input_is_reported(files: list[Path], tmp_path: Path) -> None:
    result = run(*options([files[0], tmp_path / "none"]))
    assert result.exit_code != 0 and "none" in result.stderr


@pytest.mark.parametrize("more", [["--trace"], ["--checkpoint", "c"], ["--trace-file", "t.jsonl"]])
def test_what_follows_one_run_is_for_one_input(files: list[Path], more: list[str]) -> None:
    result = run(*options(files), *more)
    assert result.exit_code == 2
    assert "checkpoints, traces and pictures are for one --input" in result.stderr
