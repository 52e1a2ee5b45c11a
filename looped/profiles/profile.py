"""FuzzProfile: what a campaign needs to know about a machine to try random programs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from looped.profiles.case import Case, Coverage

__all__ = ["FuzzProfile"]


def _no_reproducers(case: Case, memory: int, steps: int, **parameters: int) -> Iterator[Case]:
    return iter(())


def _one_word_a_line(words: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    return ((f".word {word}", str(place)) for place, word in enumerate(words))


@dataclass(frozen=True, slots=True)
class FuzzProfile:
    """How to generate random programs of a machine, count what they do, and list them.

    - `generate(rng, width, memory, number)` makes a program. Like the next three functions it also
      gets the parameters of the machine by their names.
    - `observe(case, memory, steps)` runs it on the reference and counts what its first steps do.
    - `classes(width, memory)` names all classes of instructions that can be counted.
    - `shortened_reproducers(case, memory, steps)` are programs that soon execute what the case
      executes after `steps` steps, the shortest first.
    - `listing(words)` are lines of source, each with a remark; None for a machine in whose language
      not all words can be written.
    """

    generate: Callable[..., Case]
    observe: Callable[..., Coverage]
    classes: Callable[..., tuple[str, ...]]
    shortened_reproducers: Callable[..., Iterator[Case]] = _no_reproducers
    listing: Callable[[tuple[int, ...]], Iterator[tuple[str, str]]] | None = _one_word_a_line
