"""The commands of README.md for RISC-V, for FLEQ, and for long runs, and its model of language."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme import ROOT, blocks, commands, perform
from tests.test_readme import ABOUT_SUBLEQ

pytestmark = pytest.mark.usefixtures("kept")


def test_commands_succeed_and_the_model_prints_what_the_program_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "programs").symlink_to(ROOT / "programs")
    monkeypatch.chdir(tmp_path)
    rest = commands()[ABOUT_SUBLEQ:]
    assert len(rest) >= 8
    for command in rest:
        perform(command)
    script = subprocess.run([sys.executable, "-c", blocks("python")[1]], capture_output=True)
    assert script.stdout == b"Hello, looped transformer!\n\n", script.stderr
