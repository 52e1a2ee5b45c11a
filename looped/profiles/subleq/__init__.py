"""Random SUBLEQ programs."""

from __future__ import annotations

from collections.abc import Iterator

from looped.profiles.profile import FuzzProfile
from looped.profiles.subleq.coverage import classes, observe
from looped.profiles.subleq.generate import generate
from looped.profiles.subleq.shortened import shortened_reproducers

__all__ = ["SUBLEQ_PROFILE"]

_A_LINE = 3
"""Words in a line: an instruction, if they are one."""


def _listing(words: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    for first in range(0, len(words), _A_LINE):
        yield ".word " + ", ".join(map(str, words[first : first + _A_LINE])), str(first)


SUBLEQ_PROFILE = FuzzProfile(generate, observe, classes, shortened_reproducers, _listing)
