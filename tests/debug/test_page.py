"""docs/debugging.md: its sessions print what the page says, and it lists all commands."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from looped.cli.options import Wanted, open_program
from looped.debug.terminal.console import COMMANDS
from tests.debug.remote import COMPILER, GDB, gdb_session
from tests.debug.transcript import PROMPT, transcript

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "debugging.md"
TABLE = re.compile(r"<!-- commands -->\n.*?<!-- end -->", re.DOTALL)


def sessions(page: str) -> Iterator[tuple[str, str]]:
    """The command line of each session, and its text."""
    for block in re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        line, _, text = block.removeprefix("$ ").partition("\n")
        yield line, text


def session(path: Path, text: str) -> str:
    """The session with a program in which the commands of a text are typed."""
    machine, image = open_program(path, Wanted())
    commands = [line.removeprefix(PROMPT) for line in text.splitlines() if line.startswith(PROMPT)]
    return transcript(machine, image, commands)


def table() -> str:
    """All commands with their help."""
    rows = ["| command | short | what it does |", "|---|---|---|"]
    for each in COMMANDS:
        usage = each.usage.replace("|", "\\|")
        short = ", ".join(f"`{name}`" for name in each.short)
        rows.append(f"| `{usage}` | {short} | {each.help} |")
    return "\n".join(rows)


@pytest.mark.slow
def test_the_sessions_print_what_the_page_says(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    page = PAGE.read_text()
    found = TABLE.sub(lambda _: f"<!-- commands -->\n{table()}\n<!-- end -->", page)
    for line, text in sessions(page):
        name = shlex.split(line)[-1]
        if name.endswith(".sasm"):
            shown = session(Path(name), text)
            found = found.replace(f"$ {line}\n{text}", f"$ {line}\n{shown}", 1)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(found)
    assert found == page


@pytest.fixture(scope="module")
def quicksort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """programs/c/quicksort.c as an ELF file."""
    if COMPILER is None:
        pytest.skip("needs a compiler for RISC-V")
    folder = tmp_path_factory.mktemp("c")
    made = folder / "quicksort.elf"
    subprocess.run(["make", "-s", f"C_BUILD={folder}", made], cwd=ROOT, check=True)
    return made


@pytest.mark.slow
def test_quicksort_in_the_debugger(quicksort: Path) -> None:
    """The page shows the commands; where the compiler puts things is its own affair."""
    ((_, text),) = [each for each in sessions(PAGE.read_text()) if "debug build/c" in each[0]]
    shown = session(quicksort, text)
    old, new = re.findall(r"(?:old|new) value (-?\d+)", shown)
    after, before = re.findall(r"^\*words = (-?\d+)", shown, re.MULTILINE)
    assert "<sort>" in shown and (before, after) == (old, new) and old != new


@pytest.mark.slow
@pytest.mark.skipif(GDB is None, reason="needs gdb")
def test_quicksort_in_gdb(quicksort: Path, tmp_path: Path) -> None:
    ((_, text),) = [each for each in sessions(PAGE.read_text()) if each[0].startswith("gdb")]
    commands = text.splitlines()
    assert commands[0].startswith("target remote ")
    shown = gdb_session(quicksort, commands[1:], tmp_path, "--engine", "lifted")
    old, new = re.findall(r"(?:Old|New) value = (-?\d+)", shown)[:2]
    after, before = re.findall(r"^\$\d = (-?\d+)", shown, re.MULTILINE)
    assert "in sort ()" in shown and (before, after) == (old, new) and old != new
