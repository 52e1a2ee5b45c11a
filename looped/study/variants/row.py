"""Row: what was measured of a system, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["COLUMNS", "Row", "Training", "table"]

COLUMNS = "none: the columns are the memory"
"""The growth of memory of a looped machine."""

Training = Callable[[str], str]
"""The training check of the modules of that name, as the text of a cell."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured. `steps` were equal to the reference; `fault` says why it does not host.

    `idle` names what the system has and does not use: without it all lanes are the same.
    `margin` is the least margin times β, `growth` how memory grows; blocks, units and pairs as in
    `cost`, per instruction; `rate` is steps a second. None where nothing runs.
    """

    name: str
    options: str
    steps: int
    fault: str | None
    idle: str
    regime: str
    margin: float | None
    blocks: int
    lanes: int
    units: int
    pairs: int
    growth: str
    rate: float | None
    training: str

    @property
    def hosts(self) -> bool:
        """Whether it is the machine."""
        return self.fault is None

    @property
    def cells(self) -> list[str]:
        """The cells of the row."""
        return [
            self.name, f"`{self.options}`" if self.options else "",
            "yes" if self.hosts else f"no: {self.fault}", f"{self.steps:,}", self.idle, self.regime,
            "" if self.margin is None else f"{self.margin:.4g}", str(self.blocks), str(self.lanes),
            f"{self.units:,}", f"{self.pairs:,}", self.growth,
            "" if self.rate is None else f"{self.rate:,.0f}", self.training,
        ]  # fmt: skip


_HEAD = (
    "system", "options", "hosts SUBLEQ?", "steps equal", "idle in it", "regime",
    "least margin · β", "blocks", "lanes", "units", "pairs a step", "memory growth",
    "steps/s", "training check",
)  # fmt: skip


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    lines: list[Sequence[str]] = [_HEAD, ["---"] * len(_HEAD), *(row.cells for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
