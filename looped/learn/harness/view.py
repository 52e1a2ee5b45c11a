"""The live view of a run: its step, its time, and its last measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

__all__ = ["Shown", "live"]

Shown = Callable[[int, Mapping[str, float]], None]
"""Is called with the steps done and the last measurement."""


@contextmanager
def live(title: str, steps: int) -> Iterator[Shown]:
    """A table on stderr that follows a run; on a file or a pipe, one line per measurement."""
    console = Console(stderr=True)
    if not console.is_terminal:

        def write(done: int, values: Mapping[str, float]) -> None:
            console.print(_line(title, done, values), highlight=False, soft_wrap=True)

        yield write
        return
    with Live(console=console, auto_refresh=False, transient=True) as view:

        def show(done: int, values: Mapping[str, float]) -> None:
            view.update(_table(title, steps, done, values), refresh=True)

        yield show


def _line(title: str, done: int, values: Mapping[str, float]) -> str:
    return f"{title} {done:,}: " + ", ".join(f"{k} {v:.4g}" for k, v in values.items())


def _table(title: str, steps: int, done: int, values: Mapping[str, float]) -> Group:
    table = Table(title=f"{title}: step {done:,} of {steps:,}", title_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    for name, value in values.items():
        table.add_row(name, f"{value:.5g}")
    return Group(table, ProgressBar(total=steps, completed=done, width=60))
