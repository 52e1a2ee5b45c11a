"""One line on stderr that says how far a run is, where someone is looking."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["Progress", "progress", "reporter"]

_INTERVAL = 0.1
"""Seconds between two updates of the line."""


class Progress:
    """Called with the number of steps done; prints nothing if stderr is not a terminal."""

    def __init__(self, what: str, shown: bool = True) -> None:
        self.what = what
        self.shown = False
        self.started = time.monotonic()
        self.updated = self.started
        self.active = shown and sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if self.active and now - self.updated >= _INTERVAL:
            rate = done / (now - self.started)
            sys.stderr.write(f"\r\x1b[K{self.what}: {done:,} steps, {rate:,.0f} a second")
            sys.stderr.flush()
            self.updated, self.shown = now, True

    def note(self, text: str) -> None:
        """Say what takes a while, to whoever is looking, until something else is said."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text} …")
            sys.stderr.flush()
            self.shown = True

    def clear(self) -> None:
        """Take the line away, before anything else is printed."""
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.shown = False


@contextmanager
def progress(what: str, shown: bool = True) -> Iterator[Progress]:
    """A progress line that is gone at the end; none at all unless it may be shown."""
    line = Progress(what, shown)
    try:
        yield line
    finally:
        line.clear()


def reporter(verbose: bool, line: Progress) -> Callable[[str], None]:
    """What prints a line on stderr if it is asked for, and else nothing."""

    def report(text: str) -> None:
        if verbose:
            line.clear()
            click.echo(text, err=True)

    return report
