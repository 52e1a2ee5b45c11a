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
RISCV = str(ROOT / "programs" / "rv32i" / "hello.s")
HEAVY = {"torch", "numba", "llvmlite", "transformers", "matplotlib", "scipy", "z3", "pyarrow"}


def imported(*arguments: str, cache: Path | None = None) -> set[str]:
    """The top-level modules that a command leaves imported; `llvmlite` if it has loaded LLVM."""
    script = (
        "import atexit, os, sys\n"
        "names = lambda: ' '.join(sys.modules)\n"
        "atexit.register(lambda: os.write(2, ('\\nMODULES ' + names()).encode()))\n"
        "from looped.cli.main import cli\n"
        "cli(prog_name='looped')\n"
    )
    command = [sys.executable, "-c", script, *arguments]
    environment = {**os.environ, "LOOPED_CACHE": str(cache or "")}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    found = set(result.stderr.partition("MODULES ")[2].split())
    return {n.partition(".")[0] for n in found if n != "llvmlite" and n != "llvmlite._version"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_list_of_commands_needs_no_command(arguments: list[str]) -> None:
    assert imported(*arguments) & (HEAVY | {"numpy", "rich", "lark"}) == set()


@pytest.mark.parametrize("arguments", [["asm", HELLO], ["run", "--help"], ["info", "--help"]])
def test_assembling_and_help_need_numpy_at_most(arguments: list[str]) -> None:
    found = imported(*arguments)
    assert found & HEAVY == set() and ("lark" in found) is (arguments[0] == "asm")


def test_a_run_needs_numpy_and_at_most_llvm(tmp_path: Path) -> None:
    """A long run has machine code made, a short one does not; later runs need no parser."""
    for line, needed in (([RISCV, "--memory", "256"], set()), ([HELLO], {"llvmlite"})):
        assert imported("run", *line) & HEAVY <= needed
        assert imported("run", *line, cache=tmp_path) & HEAVY <= needed
        again = imported("run", *line, cache=tmp_path)
        assert again & HEAVY <= needed and "lark" not in again
    imported("info", HELLO, cache=tmp_path)
    assert imported("info", HELLO, cache=tmp_path) & HEAVY == set()


def test_a_summary_is_the_first_sentence_of_the_help() -> None:
    context = click.Context(cli, info_name="looped")
    listed = {name: cli.commands[name].get_short_help_str(300) for name in list(cli.commands)}
    found = {name: cli.get_command(context, name) for name in listed}
    assert {n: c.get_short_help_str(300) for n, c in found.items() if c is not None} == listed
    assert {type(command).__module__ for command in found.values()} <= {
        "click.core",
        "looped.cli.cc",
    }
