"""Where the heap of a program begins."""

from __future__ import annotations

import pytest

from looped.devices import riscv_host
from looped.errors import Source
from looped.reference import riscv_system
from looped.registry import assemble


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("nop", 16),
        ("_end: nop\n.space 60", 64),
        ("nop\n.space 61\n_end = 4", 80),
        ("nop\n_end = 100", 16),
    ],
)
def test_the_heap_lies_behind_the_program_whatever_its_labels(text: str, end: int) -> None:
    image = assemble(Source("t.s", text))
    host, system = riscv_host(image, b""), riscv_system(image, b"")
    assert host is not None and system is not None
    assert system.heap == end
    assert host.snapshot()["calls"]["end"] == end
