"""Every command of docs/tracing.md prints what the page says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from looped.traces.record import NAMES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tracing.md").read_text()


def examples() -> Iterator[tuple[str, str]]:
    """The commands of the page in order, with the output that it shows."""
    for block in re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for part in block.removeprefix("$ ").split("\n$ "):
            command, _, output = part.partition("\n")
            yield command, output


def can_run(command: str) -> bool:
    """Whether the libraries that a command imports are installed."""
    return all(importlib.util.find_spec(name) for name in re.findall(r'"import (\w+)', command))


@pytest.mark.slow
def test_the_commands_print_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "programs").symlink_to(ROOT / "programs")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT)}
    run = 0
    for command, output in filter(lambda example: can_run(example[0]), examples()):
        result = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, env=environment
        )
        assert (result.returncode, result.stderr) == (0, ""), command
        if "import " not in command:
            assert result.stdout.rstrip("\n") == output.rstrip("\n"), command
        run += 1
    assert run >= 9


def test_the_page_has_every_field_of_a_record() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(NAMES)
