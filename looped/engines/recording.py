"""Recording: advances an engine as its own `advance` does, and keeps a tape of every pass."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from looped.artefact.embedding import read_word
from looped.artefact.plan import Plan
from looped.engines.auto import AutoEngine
from looped.engines.engine import NOTHING, Engine, Lanes, Watch
from looped.engines.tape import Tape

__all__ = ["Recording", "Taping"]


@runtime_checkable
class Taping(Protocol):
    """An engine that records its passes about as fast as it runs them."""

    def record(self, loops: int, watch: Watch, value: Lanes) -> Tape | None:
        """Pass the only stream until `loops` passes count, `watch` stops it, or the tape is full.

        The tape has the words in the lanes `value` of columns. None if the engine cannot record the
        next pass.
        """


class Recording:
    """Advances the only stream of an engine, and keeps `tapes` of all passes since the last `take`.

    The tapes have the words `value` of memory and registers. An engine that cannot record runs
    pass by pass, and so does every engine if there are several CPU columns.
    """

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self.engine = engine
        self.plan = plan
        self.tapes: list[Tape] = []
        self._value = np.array(plan.words["value"], np.intp)

    @property
    def taping(self) -> Taping | None:
        """The engine if it records about as fast as it runs, else None."""
        engine = self.engine
        if isinstance(engine, AutoEngine):
            engine.prepare()
            engine = engine.engine
        return engine if isinstance(engine, Taping) and len(self.plan.cpus) == 1 else None

    def take(self) -> list[Tape]:
        """The tapes, in order; there are none afterwards."""
        tapes, self.tapes = self.tapes, []
        return tapes

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """As `advance` of an engine; `watch` is on the first CPU column, and has no patterns."""
        assert not len(watch.patterns)
        done, stop = 0, False
        while done < loops and not stop:
            tape = self._passes(loops - done, watch)
            self.tapes.append(tape)
            stop = bool(tape.any(watch.stops)[-1])
            busy = tape.any(watch.mid_instruction)
            done += len(tape) - int(busy.sum()) + (stop and bool(busy[-1]))
        return done

    def _passes(self, loops: int, watch: Watch) -> Tape:
        """The next passes, at least one."""
        taping = self.taping
        tape = None if taping is None else taping.record(loops, watch, self._value)
        return self._single_pass() if tape is None else tape

    def _single_pass(self) -> Tape:
        engine, cpu = self.engine, self.plan.cpu
        lanes = np.arange(self.plan.d_model)
        engine.changes()
        before = engine.read(cpu, lanes)[0]
        engine.step()
        columns = engine.changes()
        columns = columns[columns < cpu]
        values = [int(read_word(engine.read(c, self._value)[0])) for c in columns.tolist()]
        rows = np.stack([before, engine.read(cpu, lanes)[0]]) > 0
        return Tape(
            np.packbits(rows, axis=1, bitorder="little"),
            lanes,
            np.zeros(len(lanes), np.bool_),
            columns[None].astype(np.int64),
            np.array([values], np.uint64),
        )
