"""Many random circuits from one seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count as numbers

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.random_circuits.strategy import Case, cases, cases_with_workers
from tests.random_circuits.trial import trial, workers_trial

__all__ = ["campaign"]

_BATCH = 250
"""Circuits from one seed of hypothesis, which remembers all of them."""


def campaign(
    count: int,
    first: int,
    lifted_every: int = 1,
    attempt: Callable[..., None] = trial,
    shrink: bool = True,
    progress: Callable[[Counter[str]], None] = lambda counts: None,
) -> Counter[str]:
    """Try so many circuits, with the lifted engine one in `lifted_every`; returns what was counted.

    It calls `progress` with the counts after every circuit. Raises FailureError for the smallest
    one that fails, or for the first without `shrink`.
    """
    circuits = cases_with_workers() if attempt is workers_trial else cases()
    counts: Counter[str] = Counter()
    serial = numbers()
    for batch in range(-(-count // _BATCH)):
        most = min(_BATCH, count - batch * _BATCH)

        @seed(first * 1_000_003 + batch)
        @settings(
            max_examples=most,
            database=None,
            derandomize=False,
            deadline=None,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(circuits)
        def check(case: Case) -> None:
            attempt(case, counts, lifted=next(serial) % lifted_every == 0)
            progress(counts)

        check()
    return counts
