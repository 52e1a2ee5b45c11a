"""The table of variants: small runs of its rows, and what its curves say."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.artefact.architecture import CHOICES, Architecture
from looped.artefact.plan import CompiledMachine
from looped.cli.main import cli
from looped.nn.stacks import Megabyte
from looped.study.variants import records
from looped.study.variants.curves import (
    cache_entries,
    continuous_errors,
    differential_error,
    lifetime,
    product_errors,
    retained_errors,
)
from looped.study.variants.limits import capacities, lossy_rows
from looped.study.variants.records import run_records
from looped.study.variants.row import table
from looped.study.variants.table import SYSTEMS, System, measure
from looped.study.variants.traces import TRACES, Trace, needed_window, run_trace, windowed
from looped.variants.records import megabyte_of


def test_every_architecture_has_a_row() -> None:
    for part, names in CHOICES.items():
        own = {getattr(system.architecture, part) for system in SYSTEMS}
        assert own == set(names)


@pytest.mark.parametrize("system", [SYSTEMS[1], SYSTEMS[-1]], ids=lambda system: system.name)
def test_a_row_is_measured(system: System) -> None:
    row = measure(system, 5)
    assert (row.fault, row.steps) == (None, 15)
    assert f"| {system.name} | `{system.options}` | yes | 15 |" in table([row])


def test_a_system_that_does_not_host_says_where_it_fails() -> None:
    row = measure(System("soft", Architecture(), 4.0), 5)
    assert row.fault is not None and row.fault.startswith("after step 1")
    assert "| no: after step 1" in table([row])


def test_a_training_check_fills_the_last_cell() -> None:
    for system, name in ((SYSTEMS[0], "core"), (SYSTEMS[3], "rmsnorm-post")):
        assert measure(system, 2, lambda learner: f"done {learner}").cells[-1] == f"done {name}"


def test_snaps_give_a_soft_machine_a_life() -> None:
    assert lifetime(4.0, False, 6) == 0 and lifetime(4.0, True, 6) == 6


def test_capacity_ends_at_the_number_of_features() -> None:
    assert product_errors(16, 16) == 0 < product_errors(16, 24)
    assert continuous_errors(64, 128) == 0 < 0.1 < continuous_errors(256, 128)


def test_the_leak_of_a_differential_read_has_twice_the_exponent() -> None:
    def slope(differential: bool) -> float:
        first, last = (differential_error(x, 10, differential) for x in (10.0, 12.0))
        return math.log(last / first) / 2

    assert slope(False) == pytest.approx(-1, abs=0.02)
    assert slope(True) == pytest.approx(-2, abs=0.05)


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)
def test_a_trace_machine_hosts_too(trace: Trace) -> None:
    row = run_trace(trace, 5)
    assert (row.fault, row.steps) == (None, 15) and row.blocks == 3 and row.pairs > 100


def test_a_patch_an_instruction_hosts_too() -> None:
    row = run_records(5)
    assert (row.fault, row.steps) == (None, 15) and "37 patches after 25 bytes" in row.growth


def test_without_the_number_of_a_column_an_old_word_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The latest cell of an address wins by the lanes of the number alone."""

    def timeless(machine: CompiledMachine, patches: int) -> Megabyte:
        model = megabyte_of(machine, patches)
        rows = model.global_positions.weight
        rows[1:] = rows[1]
        return model

    monkeypatch.setattr(records, "megabyte_of", timeless)
    row = run_records(20)
    assert row.fault is not None and "and should be {" in row.fault


def test_a_window_that_is_too_short_forgets() -> None:
    """After 20 instructions words are out of reach that no record has written again."""
    found = run_trace(Trace("", windowed(needed_window() // 4), "", "lambda"), 20)
    assert found.fault is not None and 0 < found.steps < 60


def test_what_does_not_host_says_what_it_loses() -> None:
    rows = table(lossy_rows())
    assert rows.count("| no: ") == 2 and "of the bits wrong after 4 writes" in rows
    assert capacities().count("\n") == 5
    assert retained_errors(2) < 0.01 and retained_errors(4) > 0.1


def test_selective_attention_bounds_the_cache() -> None:
    found = cache_entries(120)
    assert max(found.selective) < max(found.plain) / 2


def test_the_page_has_every_row() -> None:
    page = Path("docs/study.md").read_text().partition("<!-- variants -->")[2]
    for system in SYSTEMS:
        options = f"`{system.options}`" if system.options else ""
        assert f"| {system.name} | {options} | yes | 900 |" in page
    traces = [*(trace.name for trace in TRACES), run_records(1).name]
    assert all(f"| {name} |  | yes | 900 |" in page for name in traces)
    assert all(f"| {row.name} |  | no: {row.fault} |" in page for row in lossy_rows())
    assert capacities() in page


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_row_hosts_the_machine(system: System) -> None:
    row = measure(system, 300)
    assert (row.fault, row.steps) == (None, 900)


@pytest.mark.slow
def test_the_command_prints_the_table_and_draws(tmp_path: Path) -> None:
    path = tmp_path / "variants.svg"
    result = CliRunner().invoke(cli, ["study", "variants", "--steps", "4", "--plot", str(path)])
    hosts = len([*SYSTEMS, *TRACES]) + 1  # and MEGABYTE
    assert result.exit_code == 0 and result.stdout.count("| yes | 12 |") == hosts
    assert path.read_text().startswith("<?xml")
