"""`python -m tests.fuzz SECONDS [TARGET…]`: fuzz for a while, in turns, with other cases each time.

Goes on after a failure; the exit code is the number of different ones, of which the first line
and the place are printed once.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.campaign import bound_memory, campaign
from tests.fuzz.targets import TARGETS

_ROOM = 1 << 30


def main(seconds: float, names: list[str]) -> int:
    """Fuzz; returns the number of different failures."""
    targets = [target for target in TARGETS if not names or target.name in names]
    failures: dict[str, str] = {}
    total: Counter[str] = Counter()
    started, first = time.monotonic(), time.time_ns()
    with TemporaryDirectory() as folder:
        for target in targets:
            campaign(target, range(1), Path(folder))
        bound_memory(_ROOM)
        turn = 0
        while time.monotonic() - started < seconds:
            target = targets[turn % len(targets)]
            for seed in range(first + turn * 1000, first + turn * 1000 + 100):
                total[target.name] += 1
                try:
                    campaign(target, range(seed, seed + 1), Path(folder))
                except AssertionError as error:
                    *_, place, last = [line for line in str(error).splitlines() if line.strip()]
                    if failures.setdefault(f"{target.name}: {place} {last}", str(error)) == str(
                        error
                    ):
                        print(error, flush=True)
            turn += 1
    print(f"{sum(total.values()):,} cases in {time.monotonic() - started:.0f} s:", dict(total))
    print(f"{len(failures)} different failures")
    return len(failures)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
