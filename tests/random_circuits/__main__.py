"""`python -m tests.random_circuits COUNT [--seed SEED] [--mutants]`: random circuits, a verdict.

Prints how many circuits were tried, the seed, what was refused and why; for a failure, the smallest
circuit that shows it, as a program. With `--mutants` the weights are wrong, with `--workers` there
are several CPU columns. SIGINT and SIGTERM, which `timeout` sends, end it early: it
prints the same of the circuits until then.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import FrameType

from tests.random_circuits.campaign import campaign
from tests.random_circuits.trial import FailureError, mutant_trial, trial, workers_trial


class CutOff(BaseException):
    """A signal asks for an end; neither a trial nor hypothesis takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


class Progress:
    """How many circuits have been tried and what they counted; a terminal sees the number grow."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.tried = 0
        self.counts: Counter[str] = Counter()

    def __call__(self, counts: Counter[str]) -> None:
        self.tried, self.counts = self.tried + 1, counts
        if sys.stderr.isatty():
            print(f"\r{self.tried:,} of {self.count:,} circuits", end="", file=sys.stderr)

    def report(self, ending: str) -> None:
        """Print the counts, and how it ended."""
        if sys.stderr.isatty():
            print(file=sys.stderr)
        for what, number in sorted(self.counts.items()):
            print(f"{number:8,}  {what}")
        print(f"{self.tried:,} of {self.count:,} circuits tried, {ending}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if a circuit failed, 128 and the number of a signal that ended it."""
    parser = argparse.ArgumentParser(prog="python -m tests.random_circuits")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lifted-every", type=int, default=1, metavar="N")
    parser.add_argument("--mutants", action="store_true", help="wrong weights of every circuit")
    parser.add_argument("--workers", action="store_true", help="circuits with several CPU columns")
    options = parser.parse_args(arguments)
    attempt = mutant_trial if options.mutants else workers_trial if options.workers else trial
    progress = Progress(options.count)
    started = time.monotonic()
    status, ending = 0, "no failure"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _cut_off)
    try:
        campaign(options.count, options.seed, options.lifted_every, attempt, progress=progress)
    except FailureError as failure:
        print(f"seed {options.seed}: {failure}")
        status, ending = 1, "a failure"
    except CutOff as cut:
        status, ending = cut.exit_status, f"no failure, {cut}"
    progress.report(f"{ending}, seed {options.seed}, {time.monotonic() - started:.0f} s")
    return status


def _cut_off(number: int, frame: FrameType | None) -> None:
    raise CutOff(number)


if __name__ == "__main__":
    sys.exit(main())
