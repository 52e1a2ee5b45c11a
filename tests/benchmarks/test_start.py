"""What a command takes from its start to its end is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import start


def test_a_row_has_times_of_both_caches_and_packages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "c_program", lambda folder: None)
    start.main(["--rounds", "1", "--only", "asm programs"])
    header, _, row = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
    )
    assert len(header) == len(row) and row[0] == "`looped asm programs/subleq/hello.sasm`"
    empty, filled = ([float(cell.removesuffix(" s")) for cell in row[n : n + 3]] for n in (1, 4))
    assert all(cpu > 0 and 0 < first <= end for cpu, first, end in (empty, filled))
    assert row[7] == "numpy"


@pytest.mark.slow
def test_the_end_is_that_of_every_process(tmp_path: Path) -> None:
    """A process that the command leaves behind must not disturb the next one."""
    found = start.times(["run", "programs/subleq/hello.sasm"], tmp_path)
    kept = sorted(path.name for path in tmp_path.rglob("*"))
    again = start.times(["run", "programs/subleq/hello.sasm"], tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == kept
    assert 0 < again.first <= again.wall and 0 < found.first <= found.wall
    with pytest.raises(RuntimeError, match="looped run nothing: exit status 4"):
        start.times(["run", "nothing"], tmp_path)
