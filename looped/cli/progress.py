"""A progress line on stderr, if stderr is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich import progress as bars

__all__ = ["ProgressLine", "progress", "reporter"]

_INTERVAL = 0.1
"""Seconds between two updates of the line."""


class ProgressLine:
    """A line of `rich` with the number of steps done; nothing unless stderr is a terminal.

    Call `clear` before other output: it removes the line. The next update shows the line again.
    """

    def __init__(self, what: str, shown: bool = True) -> None:
        self.what = what
        self.active = shown and sys.stderr.isatty()
        self._bar: bars.Progress | None = None
        self._started = self._updated = time.monotonic()

    def __call__(self, done: int) -> None:
        """Show that `done` steps are done."""
        now = time.monotonic()
        if self.active and now - self._updated >= _INTERVAL:
            rate = done / (now - self._started)
            self._show(f"{self.what}: {done:,} steps, {rate:,.0f} a second")
            self._updated = now

    def note(self, text: str) -> None:
        """Show what takes a while."""
        if sys.stderr.isatty():
            self._show(f"{text} …")

    def clear(self) -> None:
        """Remove the line, before other output."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self, text: str) -> None:
        from rich import progress as bars
        from rich.console import Console

        if self._bar is None:
            self._bar = bars.Progress(
                bars.TextColumn("{task.description}", markup=False),
                console=Console(stderr=True),
                auto_refresh=False,  # without a thread, because a run forks and handles signals
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._bar.add_task("")
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], description=text, refresh=True)


@contextmanager
def progress(what: str, shown: bool = True) -> Iterator[ProgressLine]:
    """A progress line that is removed at the end."""
    line = ProgressLine(what, shown)
    try:
        yield line
    finally:
        line.clear()


def reporter(verbose: bool, line: ProgressLine) -> Callable[[str], None]:
    """A function that prints a line on stderr if `verbose` is set, else nothing."""

    def report(text: str) -> None:
        if verbose:
            line.clear()
            click.echo(text, err=True)

    return report
