"""The memory of a long run is bounded: the program of `benchmarks.footprint` in processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.footprint import Footprint, scatter
from looped.reference import Rv32i


def test_the_program_adds_to_words_after_itself() -> None:
    memory = 2048
    words = scatter(memory, loops=3, rounds=50)
    machine = Rv32i(words, 32, memory)
    written, tops = set[int](), 0
    for _ in range(6000):
        step = machine.step()
        written |= {write.address for write in step.writes if write.address < memory}
        tops += step.pc == 16
    assert not machine.halted
    assert tops > 2
    assert min(written) >= 1024  # the first page has the program
    assert max(written) > 2000
    assert len(written) > 200


@pytest.mark.slow
def test_the_peak_of_a_billion_instructions_is_that_of_a_hundred_million(tmp_path: Path) -> None:
    """The loops do not fit into all units, so these are dropped and made again. The first run fills
    the cache, so that the others do not lift. A unit takes 0.2 MB: 2 % are less than those that
    are dropped."""
    _, short, long = (_measured(steps, tmp_path) for steps in (1000, 10**8, 10**9))
    assert long.made > 2 * long.left > 0
    assert short.touched > 0.98 * (1 << 20)
    assert long.peak <= 1.02 * short.peak
    assert max(long.peak, long.peak_beside) < 256


def _measured(steps: int, cache: Path) -> Footprint:
    command = [sys.executable, "-m", "benchmarks.footprint", str(steps)]
    environment = {**os.environ, "LOOPED_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return Footprint(**json.loads(done.stdout))
