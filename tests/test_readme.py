"""Every command and every program text in README.md does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import looped
from looped.errors import Source
from looped.reference.subleq import Subleq
from looped.registry import assemble
from tests.readme import ROOT, TEXT, blocks, commands, perform

pytestmark = pytest.mark.usefixtures("kept")

ABOUT_SUBLEQ = 15
"""So many commands come first; the others are in test_readme_machines.py."""


def test_commands_succeed_and_the_python_text_prints_the_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "programs").symlink_to(ROOT / "programs")
    monkeypatch.chdir(tmp_path)
    first = commands()[:ABOUT_SUBLEQ]
    assert first[0].startswith("looped export") and first[-1] == "looped run multiply.safetensors"
    for command in first:
        perform(command)
    capsys.readouterr()
    exec(compile(blocks("python")[0], "README.md", "exec"), {})
    assert capsys.readouterr().out == "42\n"


@pytest.mark.slow
def test_commands_succeed_in_a_shell(tmp_path: Path) -> None:
    """As a reader types them, the first time: with an empty cache."""
    (tmp_path / "programs").symlink_to(ROOT / "programs")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), "LOOPED_CACHE": str(tmp_path / "cache")}
    for command in commands():
        result = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, env=environment
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"


def test_the_python_text_of_a_page_is_run_by_a_test() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [page.name for page in pages for _ in re.findall("^ *```py", page.read_text(), re.M)]
    elsewhere = ["add-a-machine.md"] * 4  # tests/registry/test_add_a_machine.py
    elsewhere += ["generate.md"]  # tests/decoder/test_page.py
    elsewhere += ["study.md"] * 6  # tests/study/test_page.py
    elsewhere += ["tutorial.md"] * 3  # tests/test_docs.py
    elsewhere += ["variants.md"] * 2  # tests/nn/test_page.py
    assert found == ["README.md", "README.md", *elsewhere]


def test_the_assembly_text_counts_its_input() -> None:
    image = assemble(Source("README.md", blocks("asm")[0]))
    machine = Subleq(image.words, 16, 128, b"seven..")
    while not machine.halted:
        machine.step()
    assert bytes(machine.output) == b"7"


SIZES = re.findall(
    r"^\| (\d+) bits, ([\d,]+) words \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| ([\d,]+) \|$",
    TEXT,
    re.MULTILINE,
)


@pytest.mark.parametrize("row", SIZES, ids=range(len(SIZES)))
def test_sizes_are_true(row: tuple[str, ...]) -> None:
    width, memory, *told = (int(cell.replace(",", "")) for cell in row)
    machine = looped.compile_machine("subleq", width, memory)
    plan = machine.plan
    found = [len(plan.blocks), plan.d_model, plan.n_heads, plan.d_head, plan.d_ff]
    assert told == [*found, machine.nonzero_weights]


def test_the_demo_shown_is_the_demo() -> None:
    image = looped.assemble(ROOT / "programs" / "subleq" / "sieve.sasm")
    machine = looped.compile(image)
    plan = machine.plan
    first = f"{plan.memory} words, {len(plan.blocks)} blocks, d_model {plan.d_model}, "
    assert f"{first}{machine.nonzero_weights:,} non-zero weights" in TEXT
    assert f"all {plan.columns * plan.d_model:,} lanes" in TEXT
    assert "1,746 steps until it halted" in TEXT


def test_there_are_size_rows() -> None:
    assert len(SIZES) == 4
