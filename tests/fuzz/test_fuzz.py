"""Under random damage readers raise errors of our own and nothing else, soon, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.campaign import campaign
from tests.fuzz.targets import TARGETS, Target

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_damage_is_refused_or_does_not_matter(target: Target, tmp_path: Path) -> None:
    counts = campaign(target, range(300), tmp_path)
    assert counts["refused"] > 100
    assert sum(counts.values()) == 300


@pytest.mark.slow
def test_fuzzing_for_minutes_finds_nothing() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "180"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
