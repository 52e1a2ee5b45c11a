"""docs/study.md and its tables: the programs print what it shows, the commands make the tables."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from looped.cli.main import cli

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "docs" / "study.md", *sorted((ROOT / "docs").glob("ablation-*.md"))]
PAGES = [path.read_text() for path in FILES]
TEXT = PAGES[0]
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n\n^```text\n(.*?)^```", TEXT, re.M | re.S)
TABLES = {
    name: page
    for page in PAGES
    for name in re.findall(r"^<!-- (\w+) -->$", page, re.M)
    if name not in ("end", "variants")
}
NEEDS = {"lens.bridge": "transformer_lens", "from nnsight": "nnsight"}


def test_the_programs_of_the_page_print_what_it_shows(tmp_path: Path) -> None:
    """One after the other, as a reader runs them; those for packages that are missing are not.

    Each is in a file: nnsight reads the text of the `with` block that it traces.
    """
    assert len(EXAMPLES) == TEXT.count("```python") >= 6
    names: dict[str, Any] = {}
    for number, (program, shown) in enumerate(EXAMPLES):
        needed = [package for text, package in NEEDS.items() if text in program]
        if all(importlib.util.find_spec(package) for package in needed):
            path, printed = tmp_path / f"example{number}.py", io.StringIO()
            path.write_text(program)
            with contextlib.redirect_stdout(printed):
                exec(compile(program, str(path), "exec"), names)
            assert printed.getvalue() == shown, program


def test_every_part_in_a_table_of_the_page_breaks_some_loops() -> None:
    """Except those of which the page says that no case needs them."""
    count = 0
    for page in PAGES:
        rows = re.findall(r"^\| \d \| ((?:head|group) [^|]*?)(?: †)? \|(.*)", page, re.M)
        idle = [part for part, rest in rows if "none of these loops" in rest]
        assert idle == [
            f"group {name}" for name in re.findall("No case needs the group `(.*?)`", page)
        ]
        count += len(rows)
    assert count > 280


@pytest.mark.slow
@pytest.mark.parametrize("machine", TABLES)
def test_a_table_of_the_page_is_what_its_command_makes(
    machine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """With `--update-golden` the page gets the new table."""
    monkeypatch.chdir(ROOT)
    page = TABLES[machine]
    command = re.search(rf"^\$ looped (ablate {machine} .*?)\n```", page, re.M | re.S)
    section = re.search(rf"<!-- {machine} -->\n(.*?)<!-- end -->", page, re.S)
    assert command is not None and section is not None
    arguments = shlex.split(command.group(1).replace("\\\n", " "))
    made = tmp_path / "table.md"
    result = CliRunner().invoke(cli, [*arguments, "-o", str(made)])
    assert (result.exit_code, result.output) == (0, "")
    if request.config.getoption("--update-golden"):
        path = FILES[PAGES.index(page)]
        path.write_text(path.read_text().replace(section.group(1), made.read_text()))
    assert section.group(1) == made.read_text()


def test_make_study_runs_what_the_pages_show() -> None:
    """The command of the Makefile that finds commands: whole ones, with their further lines."""
    (line,) = re.findall(r"^SHOWN = (.*)$", (ROOT / "Makefile").read_text(), re.M)
    found = subprocess.run(
        ["sh", "-c", f"{line.replace('$$', '$')} {FILES[0]}"], capture_output=True, text=True
    ).stdout
    assert found.count("looped ") == 3 and "`" not in found
    assert found.endswith(
        "looped study variants --train 200 --page docs/study.md --plot docs/variants.svg\n"
    )
    assert "echo.sasm \\\n    --programs programs/subleq/greet.sasm" in found
