"""The report of the study of variants: a row a system, and curves of what ends somewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from looped.study.variants.limits import capacities, lossy_rows, retention, windows
from looped.study.variants.records import run_records
from looped.study.variants.row import Row, Training, table
from looped.study.variants.table import SYSTEMS, measure
from looped.study.variants.traces import TRACES, run_trace

__all__ = ["report"]


def report(
    steps: int,
    training: Training | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> str:
    """Run every system for `steps` instructions of three programs. `training` gives the last cells,
    and `note` gets the name of what is measured."""
    rows = list(_rows(steps, training, note))
    note("capacity, retention, windows")
    return "\n".join([table(rows), capacities(), retention(), windows(steps)]).rstrip()


def _rows(steps: int, training: Training | None, note: Callable[[str], None]) -> Iterator[Row]:
    for system in SYSTEMS:
        note(system.name)
        yield measure(system, steps, training)
    for trace in TRACES:
        note(trace.name)
        yield run_trace(trace, steps, training)
    note("MEGABYTE")
    yield run_records(steps, training)
    yield from lossy_rows(training)
