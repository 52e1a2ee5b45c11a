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

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("readme")
    (path / "programs").symlink_to(ROOT / "programs")
    return path


def test_commands_succeed_and_the_python_text_prints_the_product(folder: Path) -> None:
    commands = [line[2:] for block in blocks("console") for line in block.splitlines()]
    assert len(commands) >= 8
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), "LOOPED_CACHE": str(folder / "cache")}
    for command in commands:
        result = subprocess.run(
            command, shell=True, cwd=folder, capture_output=True, text=True, env=environment
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"
    shown = ["42\n", "Hello, looped transformer!\n\n"]
    for text, expected in zip(blocks("python"), shown, strict=True):
        script = subprocess.run(
            [sys.executable, "-c", text], cwd=folder, capture_output=True, text=True
        )
        assert script.stdout == expected, script.stderr


def test_the_python_text_of_a_page_is_run_by_a_test() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [page.name for page in pages for _ in re.findall("^ *```py", page.read_text(), re.M)]
    elsewhere = ["add-a-machine.md"] * 4  # tests/registry/test_add_a_machine.py
    elsewhere += ["generate.md"]  # tests/decoder/test_page.py
    elsewhere += ["study.md"] * 6  # tests/study/test_page.py
    elsewhere += ["tutorial.md"] * 3  # tests/test_docs.py
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
