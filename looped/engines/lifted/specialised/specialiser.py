"""Specialiser: advances one stream, by plain code at first, and then by a graph of its hot passes.

What a graph does is exact, whatever it is made from: each of its passes is the plain code with
constants that the machine code compares before the pass has an effect. So the choice of passes and
constants is a matter of speed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code
from looped.engines.lifted.native import Native
from looped.engines.lifted.passes import take
from looped.engines.lifted.specialised.effort import Effort
from looped.engines.lifted.specialised.machine_code import Graph, compile_graph
from looped.engines.lifted.specialised.memory import Memory
from looped.engines.lifted.specialised.observe import Passes, fetches_of, sights
from looped.engines.lifted.specialised.writer import Shape

__all__ = ["Specialiser"]

_PACE = 1e-7
"""Seconds of a plain pass, as long as none has been measured."""

_SURE = 10_000
"""So many passes are enough to measure how long one takes."""

_MOST_PASSES, _MORE_PASSES = 256, 4096
"""The most plain passes for each loop of a call, and the most beyond them, as in `native`."""

_LONGEST = 1 << 26
"""The most plain passes from a look to the next: their number doubles when a look shows nothing
new."""

_IDLE = 16
"""After so many calls of machine code in which no pass counts, signals are served."""

_Words = npt.NDArray[np.uint64]
_Cells = npt.NDArray[np.unsignedinteger]
_Masks = tuple[_Words, _Words]


class Specialiser:
    """Passes of one stream with one driver: `native` is the plain code that `source` returns, and
    `widths` are the bits of the words of its state."""

    def __init__(
        self,
        native: Native,
        widths: tuple[int, ...],
        source: Callable[[], Code],
        effort: Effort,
    ) -> None:
        self.native = native
        self.widths = widths
        self.source = source
        self.effort = effort
        self.patience = self._wait = effort.patience
        self._plain = 0
        self._pace = _PACE
        self._news = False
        self.memory: Memory | None = None
        self.graph: Graph | None = None
        self._masks: tuple[bytes, ...] = ()

    def run(self, state: _Words, cells: _Cells, masks: _Masks, loops: int) -> tuple[int, bool]:
        """Advance as `Native.run` does, to whose arguments `masks` belong: those of the lanes that
        stop, and of the lanes during an instruction."""
        native, done = self.native, 0
        if self._masks != (now := tuple(mask.tobytes() for mask in masks)):
            self._masks, self.graph, self.memory = now, None, None
        idle = 0
        while idle < _IDLE:
            rest = loops - done
            if self.patience <= 0:
                counted, abandoned = self._look(state, cells, masks, rest), False
            elif self.graph is None:
                some = min(rest, self.patience)
                start = perf_counter()
                counted, abandoned = native.run(state, cells, masks[0], some, masks[1])
                if some > _SURE:
                    self._pace = (perf_counter() - start) / some
                self._spend(max(counted, 1))
            else:
                given = (
                    state,
                    cells,
                    masks,
                    rest,
                    min(self.patience, _MOST_PASSES * rest + _MORE_PASSES),
                )
                counted, abandoned, plain = self.graph.run(native, *given)
                self._spend(plain)
            done += counted
            idle = 0 if counted else idle + 1
            stopped = counted and (state[:, 0] & masks[0]).any()
            if abandoned or stopped or done == loops:
                return done, abandoned
        return done, False

    def _look(self, state: _Words, cells: _Cells, masks: _Masks, loops: int) -> int:
        """Take some passes one by one, and compile a graph of those that recur; returns how many
        count."""
        self._wait = self.patience = min(2 * self._wait, _LONGEST)
        memory = self._remember(masks)
        before = cells.copy()
        taken = take(self.native, state, cells, *masks, loops)
        if memory is not None and len(taken.columns):
            found = sights(Passes(*taken, before, cells), memory.fetches)
            self._news |= memory.learn(found)
            if self._news:
                self._compile(memory)
        stops, quiet = ((taken.rows[1:] & mask).any(axis=1) for mask in masks)
        return int((stops | ~quiet).sum())

    def _compile(self, memory: Memory) -> None:
        """Compile a graph of all that recurs, if plain code has taken long enough."""
        price = int(self.effort.share * memory.price() / self._pace)
        self._wait = self.patience = max(self.effort.patience, price - self._plain)
        if self._plain < price:
            return
        self._plain, self._news = 0, False
        nodes = memory.nodes()
        start = perf_counter()
        self.graph = compile_graph(memory.shape, nodes) if nodes else None
        if nodes:
            memory.seconds = (perf_counter() - start) / memory.built

    def _spend(self, passes: int) -> None:
        """Note passes of plain code."""
        self._plain += passes
        self.patience -= passes

    def _remember(self, masks: _Masks) -> Memory | None:
        """What is known of the stream; None if no key says which passes stop and which count."""
        stops, quiet = (tuple(mask.tolist()) for mask in masks)
        watched = {n for n, (a, b) in enumerate(zip(stops, quiet, strict=True)) if a | b}
        if self.memory is None:
            code, cell_bits = self.source(), self.native.sizes.cell_bits
            fetches = fetches_of(code, self.widths)
            shape = Shape(self.widths, fetches.key, stops, quiet, cell_bits, code.tables)
            self.memory = Memory(fetches, shape, self.effort)
        usable = self.memory.fetches.columns and watched <= set(self.memory.fetches.key)
        return self.memory if usable else None
