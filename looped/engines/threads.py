"""Work for several threads: machine code that ctypes calls does not hold the lock of Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["cores", "in_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> list[Result]:
    """The function's results in the order of the items, from up to `threads` threads, by default
    one for each core. An error in the function is raised here, and work not yet begun is cancelled.
    """
    most = cores() if threads is None else threads
    if most == 1:
        return [*map(function, items)]
    from concurrent.futures import ThreadPoolExecutor  # it takes a while to load

    pool = ThreadPoolExecutor(most)
    try:
        return [*pool.map(function, items)]
    finally:
        pool.shutdown(cancel_futures=True)
