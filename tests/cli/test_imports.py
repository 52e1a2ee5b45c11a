"""Which large packages a command imports: those that it needs, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from looped.cli.main import cli

ROOT = Path(__file__).parents[2]
HELLO = str(ROOT / "programs" / "subleq" / "hello.sasm")
HEAVY = {"torch", "numba", "llvmlite", "transformers", "matplotlib", "scipy", "z3", "pyarrow"}


def imported(*arguments: str, cache: Path | None = None) -> set[str]:
    """The top-level modules that a command leaves imported."""
    script = (
        "import atexit, os, sys\n"
        "names = lambda: ' '.join({name.partition('.')[0] for name in sys.modules})\n"
        "atexit.register(lambda: os.write(2, ('\\nMODULES ' + names()).encode()))\n"
        "from looped.cli.main import cli\n"
        "cli(prog_name='looped')\n"
    )
    command = [sys.executable, "-c", script, *arguments]
    environment = {**os.environ, "LOOPED_CACHE": str(cache or "")}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return set(result.stderr.partition("MODULES ")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_list_of_commands_needs_no_command(arguments: list[str]) -> None:
    assert imported(*arguments) & (HEAVY | {"numpy", "rich", "lark"}) == set()


@pytest.mark.parametrize("arguments", [["asm", HELLO], ["run", "--help"], ["info", "--help"]])
def test_assembling_and_help_need_numpy_at_most(arguments: list[str]) -> None:
    found = imported(*arguments)
    assert found & HEAVY == set() and ("lark" in found) is (arguments[0] == "asm")


def test_with_a_cache_a_run_needs_llvm_and_a_view_only_numpy(tmp_path: Path) -> None:
    for arguments, needed in ((["run", HELLO], {"llvmlite"}), (["info", HELLO], set())):
        first = imported(*arguments, cache=tmp_path)
        assert "torch" in first or arguments[0] == "info"
        assert imported(*arguments, cache=tmp_path) & HEAVY == needed


def test_a_summary_is_the_first_sentence_of_the_help() -> None:
    context = click.Context(cli, info_name="looped")
    listed = {name: cli.commands[name].get_short_help_str(300) for name in list(cli.commands)}
    found = {name: cli.get_command(context, name) for name in listed}
    assert {n: c.get_short_help_str(300) for n, c in found.items() if c is not None} == listed
    assert {type(command).__module__ for command in found.values()} == {"click.core"}
