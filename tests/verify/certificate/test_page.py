"""The verdicts in docs/exactness.md are those of the machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import looped
from looped.precision import PRECISIONS
from looped.verify.certificate.columns import column_classes
from looped.verify.certificate.rows import block_rows
from looped.verify.certificate.sum_ranges import block_sum_ranges
from looped.verify.certificate.value_ranges import block_value_ranges
from looped.verify.certificate.verdicts import numeric_verdict

PAGE = (Path(__file__).parents[3] / "docs" / "exactness.md").read_text()
ROWS = re.findall(
    r"^\| (\d+ bits|RV32I), ([\d,]+) words \| (\w+) \| (\d+) \| (\d+) \| ([\w, ]+) \|$",
    PAGE,
    re.MULTILINE,
)


def test_there_are_rows() -> None:
    assert len(ROWS) == 14


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:3]) for row in ROWS])
def test_verdicts_are_true(row: tuple[str, ...]) -> None:
    kind, memory, dtype, blocks, bits, certified = row
    name, width = ("rv32i", 32) if kind == "RV32I" else ("subleq", int(kind.split()[0]))
    machine = looped.compile_machine(name, width, int(memory.replace(",", "")), dtype)
    classes = column_classes(machine.plan)
    count = len(machine.plan.blocks)
    ranges = [block_value_ranges(block_rows(machine, block), classes) for block in range(count)]
    needed = max(e.bits for b in range(count) for e in block_sum_ranges(b, ranges[b]))
    exact = [name for name in PRECISIONS if numeric_verdict(machine, name).exact]
    assert (blocks, bits, certified) == (str(count), str(needed), ", ".join(exact))
