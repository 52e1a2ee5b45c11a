"""LateDense: a dense engine that is made when a pass needs it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from looped.engines.engine import Engine, Floats

__all__ = ["LateDense"]


class LateDense:
    """The definition for passes that a fast engine abandons; most runs have none.

    Raises CertificateError as the dense engine does, when it is made.
    """

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._made: Engine | None = None

    def make(self) -> None:
        """Make it now."""
        self._engine()

    def load(self, x: npt.NDArray[np.generic]) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""
        self._engine().load(x)

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        self._engine().step(loops)

    def state(self) -> Floats:
        """A copy of the residual streams, (batch, columns, d_model)."""
        return self._engine().state()

    def _engine(self) -> Engine:
        if self._made is None:
            self._made = self._make()
        return self._made
