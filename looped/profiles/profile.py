"""FuzzProfile: what a campaign needs to know about a machine to try random programs on it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from looped.profiles.case import Case, Coverage

__all__ = ["FuzzProfile"]


def _no_reproducers(case: Case, memory: int, steps: int) -> Iterator[Case]:
    return iter(())


def _one_word_a_line(words: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    return ((f".word {word}", str(place)) for place, word in enumerate(words))


@dataclass(frozen=True, slots=True)
class FuzzProfile:
    """How to generate random programs of a machine, count what they do, and list them.

    - `generate(rng, width, memory, number)` makes a program.
    - `observe(case, memory, steps)` runs it on the reference and counts what its first steps do.
    - `classes(width, memory)` names all classes of instructions that can be counted.
    - `shortened_reproducers(case, memory, steps)` are programs that soon execute what the case
      executes after `steps` steps, the shortest first.
    - `listing(words)` are lines of source, each with a remark.
    """

    generate: Callable[[random.Random, int, int, int], Case]
    observe: Callable[[Case, int, int], Coverage]
    classes: Callable[[int, int], tuple[str, ...]]
    shortened_reproducers: Callable[[Case, int, int], Iterator[Case]] = _no_reproducers
    listing: Callable[[tuple[int, ...]], Iterator[tuple[str, str]]] = _one_word_a_line
