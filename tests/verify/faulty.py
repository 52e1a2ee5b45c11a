"""Engines whose state gets one wrong word after a pass of one's choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from looped.engines.dense import DenseEngine
from looped.engines.engine import NOTHING, Engine, Lanes, Watch
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.stream import Stream
from looped.engines.tape import Tape

__all__ = ["Faulty", "FaultyTape", "Put", "openly", "secretly"]

Put = Callable[[Engine], None]


class Faulty:
    """An engine in whose state `put` makes a change after pass `number` since the last load."""

    def __init__(self, engine: Any, number: int, put: Put) -> None:
        self.engine, self._number, self._put, self._left = engine, number, put, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def load(self, x: Any) -> None:
        self.engine.load(x)
        self._left = self._number

    def step(self, loops: int = 1) -> None:
        self.engine.step(loops)
        self._passed(loops)

    def _passed(self, loops: int) -> None:
        """No call passes `number`."""
        due, self._left = self._left > 0, self._left - loops
        if due and self._left <= 0:
            self._put(self.engine)


class FaultyTape(Faulty):
    """The same of an engine that records."""

    def record(self, loops: int, watch: Watch, value: Lanes) -> Tape | None:
        most = min(loops, self._left) if self._left > 0 else loops
        tape: Tape | None = self.engine.record(most, watch, value)
        self._passed(0 if tape is None else len(tape))
        return tape

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        raise AssertionError("these tests record, or pass one by one")


def openly(column: int, lanes: list[int]) -> Put:
    """A fault that the engine reports: lanes are written with the other sign."""

    def put(engine: Engine) -> None:
        held = engine.read(column, np.array(lanes))[0]
        engine.write(0, column, np.array(lanes), -held)

    return put


def secretly(column: int, lanes: list[int]) -> Put:
    """A fault that the engine does not know of."""

    def put(engine: Engine) -> None:
        if isinstance(engine, DenseEngine):
            with torch.inference_mode():
                engine.x[0, column, lanes] *= -1
            return
        assert isinstance(engine, LiftedEngine)
        (stream,) = engine.streams
        assert isinstance(stream, Stream) and stream.program is not None
        packed = list(stream.program.lifted.packed)
        for lane in lanes:
            stream.cells[column] ^= stream.cells.dtype.type(1 << packed.index(lane))

    return put
