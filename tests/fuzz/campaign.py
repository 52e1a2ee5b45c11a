"""A campaign: many cases for one reader, each within bounds of time and memory."""

from __future__ import annotations

import random
import resource
import signal
import traceback
from pathlib import Path
from types import FrameType

from looped.errors import LoopedError
from tests.fuzz.targets import Target

__all__ = ["bound_memory", "campaign"]

_SECONDS = 5.0
"""What a case may take of a processor; most take milliseconds."""


class _TooLong(BaseException):
    """A case takes too long."""


def bound_memory(room: int) -> None:
    """Let this process take so many bytes more than it has now, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + room
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def campaign(target: Target, seeds: range, folder: Path) -> dict[str, int]:
    """Read a case for each seed: how many were accepted and how many refused.

    Raises AssertionError, which has the case's seed, for any other exception than an error of our
    own with a message, and for a case that takes too long.
    """
    path = folder / target.file
    counts = {"accepted": 0, "refused": 0}
    before = signal.signal(signal.SIGVTALRM, _stop)
    try:
        for seed in seeds:
            content = target.make(random.Random(f"{target.name} {seed}"))
            path.write_bytes(content)
            counts[_outcome(target, path, seed)] += 1
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return counts


def _outcome(target: Target, path: Path, seed: int) -> str:
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        target.read(path)
        return "accepted"
    except LoopedError as error:
        assert error.render().strip(), f"{target.name}, seed {seed}: no message"
        return "refused"
    except (Exception, _TooLong):
        case = path.read_bytes()[:2000]
        why = traceback.format_exc(limit=-6)
        raise AssertionError(f"{target.name}, seed {seed}: {case!r}\n{why}") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _TooLong
