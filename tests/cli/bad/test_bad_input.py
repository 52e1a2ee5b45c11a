"""Bad input over every command: the exact exit code, the exact message, and nothing lost."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.cli.main import cli
from tests.cli.bad.case import Case
from tests.cli.bad.sources import SOURCES

TABLE = [*SOURCES]


def message(stderr: str) -> str:
    """The first line of a message; before it, click says how a command is used."""
    lines = stderr.splitlines() or [""]
    return lines[3] if lines[0].startswith("Usage: ") else lines[0]
