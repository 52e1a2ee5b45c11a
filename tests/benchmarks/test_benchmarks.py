"""The benchmarks measure what they say, and put it where they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.hooks import ratio
from benchmarks.measure import ENGINES, Row, dense_is_quick, measure
from benchmarks.report import draw, into_page, peak_table, table, to_json
from benchmarks.workload import STRIDE, riscv_walk, walk
from looped import api
from looped.engines.engine import Engine
from looped.errors import CompileError
from looped.reference import Rv32i, Subleq

ROWS = [
    Row("subleq", 16, 64, 0.25, dict.fromkeys(ENGINES[1:], 0.5), dict.fromkeys(ENGINES, 2e6)),
    Row("subleq", 16, 128, 0.25, {"dense": None, "event": 1.0, "lifted": 1.0},
        {"reference": 1e6, "dense": None, "event": 3.14159e5, "lifted": 4e7}),
]  # fmt: skip


def test_the_workload_walks_through_all_of_memory_and_begins_again() -> None:
    for width, memory in ((8, 256), (16, 64), (16, 1024), (32, 128)):
        machine = Subleq(walk(width), width, memory)
        written = []
        for _ in range(3 * (2 * memory // STRIDE)):
            step = machine.step()
            written += [w.address for w in step.writes if step.pc == 0]
        once = list(range(STRIDE - 2, memory, STRIDE))
        assert written == once * 2


def test_the_risc_v_workload_does_the_same() -> None:
    memory = 2048
    machine = Rv32i(riscv_walk(memory), 32, memory)
    written = []
    for _ in range(2 * 6 * (memory // STRIDE)):
        written += [w.address for w in machine.step().writes]
    once = list(range(STRIDE - 2, memory, STRIDE))
    assert written[: 2 * len(once)] == once * 2
    assert not machine.halted


def test_an_engine_that_refuses_a_machine_has_no_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(machine: object, name: str) -> Engine:
        if name == "lifted":
            raise CompileError("not to be lifted")
        return choose_engine(machine, name)

    choose_engine = api.choose_engine
    monkeypatch.setattr(api, "choose_engine", refuse)
    row = measure("rv32i", 32, 1024, seconds=0.01, rounds=1, dense=False)
    assert row.first["lifted"] is row.rate["lifted"] is row.rate["dense"] is None
    assert row.rate["event"] and row.rate["reference"]
    assert capsys.readouterr().err == "rv32i, 1,024 words, lifted: not to be lifted\n"


def test_every_engine_is_measured_on_the_same_machine() -> None:
    row = measure("subleq", 8, 64, seconds=0.01, rounds=1, dense=True)
    assert set(row.rate) == set(ENGINES) and set(row.first) == set(ENGINES[1:])
    assert all(rate and rate > 0 for rate in row.rate.values())
    assert not dense_is_quick(ROWS[1])


def test_tables_and_files(tmp_path: Path) -> None:
    text = table(ROWS)
    assert "| 16 | 128 | 1,000,000 | — | 314,000 | 40,000,000 | 40 |" in text
    assert "| 16 | 128 | 0.25 s | — | 1.00 s | 1.00 s |" in text
    data = json.loads(to_json(ROWS, {1024: {"dense": 400}}, "here"))
    assert data["rows"][1]["rate"]["dense"] is None and data["peak_mb"] == {"1024": {"dense": 400}}
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- rates -->\nold\n<!-- end -->\nb\n<!-- peaks -->\n<!-- end -->\n")
    into_page(page, "rates", text)
    into_page(page, "peaks", peak_table({64: dict.fromkeys(ENGINES[1:], 7)}))
    assert page.read_text().startswith(f"a\n<!-- rates -->\n{text}\n<!-- end -->\nb\n")
    assert "| 64 | 7 MB | 7 MB | 7 MB |" in page.read_text()
    draw(ROWS, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_the_core_is_compared_with_the_same_sums() -> None:
    milliseconds, found = ratio("subleq", 8, 32, 3)
    assert milliseconds > 0 and found > 0
