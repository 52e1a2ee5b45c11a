"""One function on many items, on a Dask cluster that already runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from looped.errors import ClusterError

__all__ = ["map_on_cluster"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?[^\s/:]+:\d+")
_PATIENCE = 10
"""Seconds to wait for a scheduler."""


def map_on_cluster(
    function: Callable[[Item], Result], items: Iterable[Item], address: str
) -> Iterator[Result]:
    """The function's results in the order of the items, from the workers of a scheduler.

    `address` is the address of a Dask scheduler, as tcp://host:8786; its workers need this package.
    Each item has one result: if a worker is lost, another one repeats its work. Raises ClusterError
    if there is no such cluster, or if it gives up on an item. An error in the function is raised
    here, in the place of its result.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ClusterError(
            "a cluster needs the package `distributed`", hint="pip install 'looped[cluster]'"
        ) from None
    hint = "--cluster tcp://HOST:8786"
    if not _ADDRESS.fullmatch(address):
        raise ClusterError(f"`{address}` is not the address of a scheduler", hint=hint)
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except OSError as error:
        raise ClusterError(f"no cluster at {address}: {error}", hint=hint) from None
    with client:
        if not client.scheduler_info()["workers"]:
            raise ClusterError(f"the cluster at {address} has no workers")
        futures = client.map(function, list(items), pure=False)
        try:
            for future in futures:
                yield future.result()
        except KilledWorker as error:
            raise ClusterError(f"the cluster gave up: {error}") from None
        finally:
            client.cancel(futures)
