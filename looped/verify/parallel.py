"""The same work on many things, in this process or in several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import torch

__all__ = ["parallel_map"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int = 1
) -> Iterator[Result]:
    """The function's results in the order of the items, from up to `jobs` processes.

    Function, items and results go to and from other processes if `jobs` is more than one. An error
    in one of them is raised here, in its place, and work not yet begun is left undone.
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
    torch.set_num_threads(1)
