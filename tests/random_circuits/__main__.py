"""`python -m tests.random_circuits COUNT [--seed SEED] [--mutants]`: random circuits, a verdict.

Prints how many circuits were tried, the seed, what was refused and why; for a failure, the smallest
circuit that shows it, as a program.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.random_circuits.campaign import campaign
from tests.random_circuits.trial import FailureError, mutant_trial, trial


def main() -> int:
    """The exit status: 1 if a circuit failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.random_circuits")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lifted-every", type=int, default=1, metavar="N")
    parser.add_argument("--mutants", action="store_true", help="wrong weights of every circuit")
    options = parser.parse_args()
    attempt = mutant_trial if options.mutants else trial
    started = time.monotonic()
    try:
        counts = campaign(options.count, options.seed, options.lifted_every, attempt)
    except FailureError as failure:
        print(f"seed {options.seed}: {failure}")
        return 1
    for what, number in sorted(counts.items()):
        print(f"{number:8,}  {what}")
    print(f"seed {options.seed}: {time.monotonic() - started:.0f} s, no failure")
    return 0


if __name__ == "__main__":
    sys.exit(main())
