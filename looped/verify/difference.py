"""Difference: where a transformer and the reference differ first, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import read_word
from looped.artefact.plan import Plan
from looped.errors import MismatchError

__all__ = ["Difference", "Mismatch", "first_difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the transformer and the reference differ.

    `found` is what the lane or word holds, `expected` what it should hold; `place` names both
    column and lane or word.
    """

    program: int
    step: int
    pc: int
    location: str | None
    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        source = f" ({self.location})" if self.location else ""
        return (
            f"after step {self.step}, the instruction at {self.pc}{source}: "
            f"{self.place} is {self.found} and should be {self.expected}"
        )


class Mismatch(MismatchError):
    """The transformer and the reference differ; `difference` says where first."""

    def __init__(self, difference: Difference, hint: str | None = None) -> None:
        super().__init__(str(difference), hint=hint)
        self.difference = difference


def first_difference(
    plan: Plan,
    x: npt.NDArray[Any],
    should: npt.NDArray[np.int8],
    columns: npt.NDArray[np.intp],
) -> tuple[str, str, str] | None:
    """Place, found and expected: as words where all lanes are ±1, else as the lane; None if equal.

    Row i of `x` and of `should` is column `columns[i]`.
    """
    if np.array_equal(x, should):
        return None
    row, lane = (int(i) for i in np.argwhere(x != should)[0])
    name = plan.column_name(int(columns[row]))
    exact = abs(x[row, lane]) == 1
    for word, lanes in plan.words.items():
        if exact and lane in lanes:
            found, wanted = (int(read_word(s[row, list(lanes)])) for s in (x, should))
            return f"{name}, word `{word}`,", str(found), str(wanted)
    place = f"{name}, {plan.lane_name(lane)},"
    return place, f"{x[row, lane]:.9g}", f"{should[row, lane]:+d}"
