"""README.md: its blocks of text, and its commands, as a reader who follows it executes them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from looped.cli.main import cli

__all__ = ["ROOT", "TEXT", "blocks", "commands", "perform"]

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
_LINE = re.compile(r"(?:echo '(?P<input>[^']*)' \| )?looped (?P<arguments>[^|>;&]*)\Z")


def blocks(language: str) -> list[str]:
    """All blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """All command lines, in order."""
    return [line[2:] for block in blocks("console") for line in block.splitlines()]


def perform(command: str) -> None:
    """Execute a command line in this process: a call of `looped`, perhaps with input by `echo`."""
    found = _LINE.match(command)
    assert found is not None, command
    given = None if found["input"] is None else f"{found['input']}\n"
    result = CliRunner().invoke(cli, shlex.split(found["arguments"]), input=given)
    assert result.exit_code == 0, f"{command}\n{result.stderr}"
