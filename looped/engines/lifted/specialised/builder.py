"""Builder: learns from passes that were taken one by one, and makes units of those that recur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import thread_time

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code
from looped.engines.lifted.specialised.effort import Effort
from looped.engines.lifted.specialised.machine_code import Unit, compile_unit
from looped.engines.lifted.specialised.memory import Memory
from looped.engines.lifted.specialised.observe import Passes, fetches_of, sights
from looped.engines.lifted.specialised.writer import Shape

__all__ = ["Answer", "Builder", "Look"]

_Masks = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]


@dataclass(frozen=True)
class Look:
    """Some passes of a stream, and the seconds that plain code has taken for all passes so far."""

    passes: Passes
    seconds: float


@dataclass(frozen=True)
class Answer:
    """What follows from a look: a unit, if there is one, and the units that it makes needless.

    `short` are the seconds of plain code that the next unit still lacks; 0 if none waits.
    """

    unit: Unit | None
    needless: tuple[int, ...]
    short: float


class Builder:
    """Makes the units of one stream, whose plain code `source` returns.

    `widths` are the bits of the words of its state, `masks` those of the lanes that stop, and of
    the lanes during an instruction.
    """

    def __init__(
        self,
        source: Callable[[], Code],
        widths: tuple[int, ...],
        cell_bits: int,
        masks: _Masks,
        effort: Effort,
    ) -> None:
        self._source = source
        self._given = widths, cell_bits, masks
        self._effort = effort
        self._spent = 0.0
        self.memory: Memory | None = None
        self._usable = True

    def answer(self, look: Look) -> Answer:
        """Learn from a look, and make a unit if plain code has taken long enough."""
        start = thread_time()
        memory = self.memory = self.memory or self._begin()
        if not self._usable:
            return Answer(None, (), 0.0)
        memory.learn(sights(look.passes, memory.fetches))
        price = memory.price()
        spent = self._spent + thread_time() - start
        short = self._effort.share * (spent + price) - look.seconds
        unit, needless = self._unit(memory) if price and short <= 0 else (None, [])
        self._spent += thread_time() - start
        return Answer(unit, tuple(needless), short if price else 0.0)

    def _begin(self) -> Memory:
        """Nothing is known yet. Nothing can be done if no key says which passes stop and count."""
        code, (widths, cell_bits, masks) = self._source(), self._given
        fetches = fetches_of(code, widths)
        stops, quiet = (tuple(mask.tolist()) for mask in masks)
        watched = {n for n, (a, b) in enumerate(zip(stops, quiet, strict=True)) if a | b}
        self._usable = bool(fetches.columns) and watched <= set(fetches.key)
        shape = Shape(widths, fetches.key, stops, quiet, cell_bits, code.tables)
        return Memory(fetches, shape, self._effort)

    @staticmethod
    def _unit(memory: Memory) -> tuple[Unit | None, list[int]]:
        number, nodes, needless = memory.next_unit()
        if not nodes:
            return None, needless
        start = thread_time()
        unit = compile_unit(memory.shape, number, nodes)
        memory.compiling = (thread_time() - start) / memory.sizes[number]
        return unit, needless
