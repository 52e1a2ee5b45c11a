"""The ingredients of length generalisation; a recipe may lack some of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["EXTRA", "TRAINED", "Recipe"]

TRAINED = 20
"""The longest input of training."""

EXTRA = 4
"""At most so many loops more than places in training: the answer becomes a fixed point."""

_FIRST = 4
"""The longest input with which a curriculum begins."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a looped block is built and trained.

    - `injection`: every loop adds the embedded input to the state (Bansal et al. 2022, "End-to-end
      Algorithm Synthesis with Recurrent Networks"). Without it, only the first loop does.
    - `tying`: one block for all loops. Without it, each of the 24 loops of training has a block of
      its own, and further loops repeat the last one.
    - `loops`: one loop per place. Without it, as many loops as the longest input has places.
    - `norm`: RMSNorm of the state after each loop, so that it does not grow with the loops.
    - `previous`: heads prefer the previous place. Without it, only causal order tells positions.
    - `curriculum`: short inputs first. Without it, all lengths from the beginning.
    """

    injection: bool = True
    tying: bool = True
    loops: bool = True
    norm: bool = True
    previous: bool = True
    curriculum: bool = True

    def without_each(self) -> Iterator[tuple[str, Recipe]]:
        """Each ingredient by name, and the recipe without it."""
        for field in dataclasses.fields(self):
            yield field.name, dataclasses.replace(self, **{field.name: False})

    def longest(self, done: float) -> int:
        """The longest input after a share `done` of the training; it grows in the first half."""
        if not self.curriculum:
            return TRAINED
        return min(TRAINED, _FIRST + int(2 * done * (TRAINED - _FIRST)))

    def count(self, places: int) -> int:
        """Loops for an input of so many places."""
        return places if self.loops else TRAINED
