"""Options and their defaults fit each other, and help is there without docstrings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.cli.main import cli

pytestmark = pytest.mark.usefixtures("kept")

ROOT = Path(__file__).parents[2]
HELLO = str(ROOT / "programs" / "subleq" / "hello.sasm")
WIDTHS = {"subleq": (8, 16, 32), "rv32i": (32,), "rv32im": (32,), "rv32ima": (32,), "fleq": (32,)}


@pytest.mark.parametrize("command", ["info", "compile", "export"])
@pytest.mark.parametrize(
    ("machine", "width"), [(name, width) for name, widths in WIDTHS.items() for width in widths]
)
def test_a_machine_of_any_width_needs_no_memory_told(
    command: str, machine: str, width: int, tmp_path: Path
) -> None:
    rest = {
        "info": ["--json"],
        "compile": ["-o", str(tmp_path / "m.safetensors")],
        "export": [str(tmp_path / "llama"), "--format", "hf"],
    }[command]
    result = CliRunner().invoke(cli, [command, machine, "--width", str(width), *rest])
    assert result.exit_code == 0, result.stderr


def test_certify_needs_no_memory_told() -> None:
    assert CliRunner().invoke(cli, ["certify", "subleq", "--width", "8"]).exit_code == 0


@pytest.mark.parametrize("engine", ["event", "lifted"])
@pytest.mark.parametrize("command", ["run", "verify"])
def test_uncertified_with_an_exact_engine_is_a_usage_error(command: str, engine: str) -> None:
    arguments = [command, HELLO, "--uncertified", "--engine", engine]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert (
        f"--uncertified is for --engine dense: {engine} runs only what is exact in the dtype."
        in result.stderr
    )


def test_a_misspelt_machine_gets_a_suggestion_and_the_list() -> None:
    result = CliRunner().invoke(cli, ["info", "sublq"])
    assert result.exit_code == 4
    assert (
        "hint: did you mean `subleq`? machines: fleq, rv32i, rv32im, rv32ima, subleq"
        in result.stderr
    )


def test_a_program_runs_without_docstrings_and_assertions() -> None:
    result = subprocess.run(
        [sys.executable, "-OO", "-m", "looped", "run", HELLO],
        capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, "Hello, looped transformer!\n"), result.stderr


def test_help_does_not_depend_on_docstrings() -> None:
    """What a process without docstrings prints is what this one does."""
    names = [[], *([name] for name in cli.commands)]
    script = (
        "from click.testing import CliRunner\n"
        "from looped.cli.main import cli\n"
        f"for name in {names}:\n"
        "    print(CliRunner().invoke(cli, [*name, '--help']).stdout)\n"
    )
    bare = subprocess.run(
        [sys.executable, "-OO", "-c", script],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    texts = [CliRunner().invoke(cli, [*name, "--help"]).stdout for name in names]
    shown = ["".join(f"{text}\n" for text in texts), bare.stdout]
    assert shown[0] == shown[1]
    assert shown[0].count("Examples:") == len(cli.commands)
