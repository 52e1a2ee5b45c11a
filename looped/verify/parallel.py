"""One function on many items, in this process or in several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

__all__ = ["parallel_map"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int = 1
) -> Iterator[Result]:
    """The function's results in the order of the items, from up to `jobs` processes.

    Function, items and results must be picklable if `jobs` is more than one. An error in the
    function is raised here, in the place of its result, and work not yet begun is cancelled.
    """
    if jobs == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread)
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)


def _one_thread() -> None:
    """Several processes share the cores; threads of their own would only get in the way."""
    import torch

    torch.set_num_threads(1)
