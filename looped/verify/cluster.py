"""The same work on many things, on the workers of a Dask cluster that is already there.

A worker that dies loses nothing: the scheduler has what it did, and what it was doing, done anew by
another one. Results are told apart by their place in the order, so that each counts once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from looped.errors import ClusterError

__all__ = ["each_on"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_SECONDS = 10
"""How long a cluster has to answer."""

_ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ws|wss|ucx)://)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})"
)
_HINT = "the address that dask scheduler prints, as in tcp://127.0.0.1:8786"


def each_on(
    address: str, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """The function's results in the order of the items, from the workers of a cluster.

    Function, items and results travel; the workers have this package installed. An error in one of
    the items is raised here, in its place, and work not yet begun is left undone. Raises
    ClusterError if `distributed` is not installed, or the cluster cannot be reached or used.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match.group(1)) > 65535:
        raise ClusterError(f"`{address}` is not the address of a cluster", hint=_HINT)
    client = _connect(address)
    try:
        if not client.scheduler_info()["workers"]:
            raise ClusterError(f"the cluster at {address} has no workers", hint="start some")
        futures = client.map(function, list(items), pure=False)
        try:
            for future in futures:
                yield _result(future, address)
        finally:
            client.cancel(futures)
    finally:
        client.close()


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        hint = "pip install 'looped[cluster]'"
        raise ClusterError("--cluster needs the package distributed", hint=hint) from None
    try:
        return Client(address, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ClusterError(f"cannot reach a cluster at {address}: {reason}", hint=_HINT) from None


def _result(future: Any, address: str) -> Any:
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise ClusterError(f"the cluster at {address} gave up: {error}") from None
    except (CancelledError, OSError) as error:
        raise ClusterError(f"the cluster at {address} was lost: {error}") from None
    except ModuleNotFoundError as error:
        hint = "the workers need looped installed, in the same version"
        raise ClusterError(f"a worker of {address} cannot begin: {error}", hint=hint) from None
