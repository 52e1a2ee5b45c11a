"""What is known of the columns before the attention of a block, and their numbers in binary."""

from __future__ import annotations

import numpy as np

from looped.analysis.grid import Ints
from looped.engines.lifted.conditions import Bit
from looped.verify.translation.scene import Scene
from looped.verify.translation.story import Story

__all__ = ["Columns", "equal_bits", "number_bits"]


class Columns:
    """All columns at the cut before an attention: `known` lanes (columns, d_model), 0 where a lane
    may be either; which are `passive`; how many `bits` their numbers take, that of nobody too."""

    def __init__(self, story: Story, cut: int) -> None:
        self.story = story
        self.cut = cut
        self.before, self.after = story.cuts[cut], story.cuts[cut + 1]
        self.passive = np.delete(np.arange(story.columns), story.driver)
        self.bits = story.columns.bit_length()
        self.known: Ints = story.known.astype(np.int64)
        states = self.before.lanes
        self.known[story.driver] = [0 if isinstance(s, Bit) else 1 if s else -1 for s in states]

    def what(self, rest: str) -> str:
        """A claim about this attention, in words."""
        return f"block {self.cut // 2}, attention: {rest}"


def number_bits(scene: Scene, number: int, count: int) -> list[int]:
    """A number in binary."""
    return scene.reader.number(number)[:count]


def equal_bits(scene: Scene, first: list[int], second: list[int]) -> int:
    """The condition that two numbers are equal."""
    space, result = scene.space, scene.space.one
    for a, b in zip(first, second, strict=True):
        result = space.times(result, space.equals(a, b))
    return result
