"""Whether numba compiles the passes, which takes seconds, or loads them from its cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core import event

__all__ = ["COMPILE_SECONDS", "on_compile"]

COMPILE_SECONDS = 10
"""About how long numba takes to compile the passes, when its cache does not have them."""


@contextmanager
def on_compile(note: Callable[[], None]) -> Iterator[None]:
    """Call `note`, at most once, before numba compiles something that its cache does not hold.

    (numba broadcasts `numba:compile` when it begins to compile, and not when it loads.)
    """
    with event.install_listener("numba:compile", _First(note)):
        yield


class _First(event.Listener):
    def __init__(self, note: Callable[[], None]) -> None:
        self._note = note
        self._noted = False

    def on_start(self, event: event.Event) -> None:
        if not self._noted:
            self._noted = True
            self._note()

    def on_end(self, event: event.Event) -> None:
        """Do nothing: only the first start counts."""
