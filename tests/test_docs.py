"""The documentation site, the tutorial and the examples: they are complete, and they run."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text()
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
FIRST_LINES = {
    "attention_is_a_read.py": ["head a     attends to column  0 and reads 9"],
    "fleq_newton.py": [" 0  0.981964 #######################################"],
    "knock_out_a_head.py": ["*" * 42],
    "one_program_twice.py": [
        "universal: 3,430 weights, heads a, b, c, mem_a, mem_b, write result, erase for result"
    ],
    "patching.py": ["clean 7 other 9", "head a: result 7, it stays"],
}
SLOW = {"fleq_newton.py", "one_program_twice.py"}


def test_the_navigation_has_every_page_once() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1]
    pages = re.findall(r": ([\w-]+\.md)$", navigation, re.M)
    assert sorted(pages) == sorted(page.name for page in DOCS.glob("*.md"))


def test_every_picture_is_drawn_by_the_makefile_and_shown() -> None:
    drawn = re.findall(r" -o docs/pictures/(\S+)$", (ROOT / "Makefile").read_text(), re.M)
    shown = re.findall(r"\]\(pictures/(\S+?)\)", (DOCS / "pictures.md").read_text())
    files = [path.name for path in (DOCS / "pictures").iterdir()]
    assert sorted(drawn) == sorted(shown) == sorted(files) and len(files) >= 4


def test_the_page_of_pictures_has_the_commands_of_the_makefile() -> None:
    commands = re.findall(r"^\$ looped (plot .*) -o ", (DOCS / "pictures.md").read_text(), re.M)
    makefile = re.findall(r"looped (plot .*) -o ", (ROOT / "Makefile").read_text())
    assert commands == makefile


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={"NO_MKDOCS_2_WARNING": "1"}
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "run_with_cache" in (tmp_path / "api.html").read_text()


@pytest.mark.slow
def test_the_commands_of_the_tutorial_print_what_it_shows(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "programs").symlink_to(ROOT / "programs")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    blocks = re.findall(r"^```console\n\$ (.*?)\n(.*?)```", TUTORIAL, re.M | re.S)
    assert len(blocks) == TUTORIAL.count("```console") >= 5
    for command, shown in blocks:
        result = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, env=environment
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, shown, ""), command
    assert (tmp_path / "step.svg").stat().st_size > 10_000


def test_the_programs_of_the_tutorial_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    pattern = r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```)?"
    programs = re.findall(pattern, TUTORIAL, re.M | re.S)
    assert len(programs) == TUTORIAL.count("```python") >= 3
    names: dict[str, object] = {}
    for program, shown in programs:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(program, names)
        assert printed.getvalue() == shown, program


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in EXAMPLES]
)
def test_an_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "programs", tmp_path / "programs")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "examples" / name).read_text()
    assert text.startswith("# %% [markdown]\n# # ") and "\n# %%\n" in text
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, name, "exec"), {"__name__": "__main__"})
    expected = FIRST_LINES[name]
    assert printed.getvalue().splitlines()[: len(expected)] == expected


def test_an_example_has_short_lines() -> None:
    for name in EXAMPLES:
        assert max(map(len, (ROOT / "examples" / name).read_text().splitlines())) <= 100
