"""The table of exit codes: the one of --help, the one of the documentation, and those of errors."""

from __future__ import annotations

import re
from pathlib import Path

from looped import errors
from looped.cli.exits import EXIT_CODES

DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"


def helped() -> dict[int, str]:
    return {int(code): text for code, text in re.findall(r"^  (\d+) +(.+)$", EXIT_CODES, re.M)}


def test_the_documentation_has_the_exit_codes_of_the_help() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", DOCUMENT.read_text(), re.M)
    assert {int(code): text for code, text in rows} == helped()


def test_every_error_ends_with_a_code_of_the_table() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]
    assert len(kinds) > 8
    assert {kind.exit_code for kind in kinds} <= helped().keys()
