"""Taped: a program in stretches, on an engine that records its passes.

The engine runs up to a few thousand passes in machine code and leaves a tape of them
(`looped/engines/tape.py`): all lanes of the CPU column, and every word that a pass has stored. The
reference executes the same instructions. Then the tape is compared with what the reference did,
pass by pass: the words stored must be those that have changed, and the lanes of the CPU must be the
expected ones. The last pass of a stretch, after which the host serves the machine, is compared in
the residual stream, with all columns that the stretch has changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import read_word
from looped.artefact.plan import Plan
from looped.engines.auto import AutoEngine
from looped.engines.engine import NO_LANES, NOTHING, Engine, Watch
from looped.engines.recording import Recording, Taping
from looped.engines.tape import Bits, Tape
from looped.run.computer import Event
from looped.verify.pairs import Pairs, Where
from looped.verify.rows import CpuRows, Words
from looped.verify.stores import Changes

__all__ = ["Taped", "can_tape"]

Wrong = tuple[int, Where]
"""The first row of a tape that is wrong, and where."""

Numbers = npt.NDArray[np.int64]

_NOTHING = Event(True, 0, 0)
"""What a pass without signals to the host looks like."""


def can_tape(engine: Engine, plan: Plan) -> bool:
    """Whether an engine may record its passes."""
    return isinstance(engine, Taping | AutoEngine) and len(plan.cpus) == 1


class Taped(Pairs):
    """One program on an engine that records its passes, and its reference.

    Passes that it cannot record run one by one.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._recording = Recording(self.engine, self.plan)
        self._busy = NO_LANES if self.plan.busy is None else np.array([self.plan.busy])
        self._rows = CpuRows(self.plan, self.free, self.early)
        self._tape: Tape | None = None
        self._alone = self._begins = False
        self.computer.passes = self._passes

    def advance(self, most: int) -> None:
        """At most `most` instructions, in one stretch."""
        (running,), expected = self.running(), self.expected[0]
        if not running:
            super().advance(most)
            return
        self._begins = True
        due = self.rhythm.following(self.equal[0]) - self.counts[0]
        _, event = self.computer.advance(max(1, min(most, due)))
        self._follow_tape(last=True)
        self._ended(0, event)
        self.counts[0] += not event.busy
        expected.changed.clear()

    def _passes(self, loops: int, watch: Watch = NOTHING) -> int:
        """As `advance` of an engine; the passes before the last tape are compared at once."""
        done, stop = 0, False
        while done < loops and not stop:
            self._follow_tape()
            tape = self._record(loops - done, watch)
            if tape is None:
                counted, stop = self._single_pass(watch)
                done += counted
                continue
            self._tape = tape
            stop = bool(tape.any(watch.stops)[-1])
            busy = tape.any(watch.mid_instruction)
            done += len(tape) - int(busy.sum()) + (stop and bool(busy[-1]))
        return done

    def _record(self, loops: int, watch: Watch) -> Tape | None:
        taping = self._recording.taping
        return None if taping is None else taping.record(loops, watch, self._value)

    def _single_pass(self, watch: Watch) -> tuple[int, bool]:
        """One pass without a tape; returns whether it counts, and whether it stops."""
        self.engine.step()
        self._alone = True
        stop, counts = watch.seen(self.engine.read(watch.column, watch.lanes)[0])
        return int(counts), stop

    def _follow_tape(self, last: bool = False) -> None:
        """Compare the passes since the last call, but not the `last` one of a stretch."""
        tape, alone = self._tape, self._alone
        self._tape, self._alone = None, False
        if tape is not None and len(tape) > last:
            self._compare_tape(tape, len(tape) - last)
        self._begins = self._begins and tape is None and not alone
        if alone and not last:
            busy = bool((self.engine.read(self.plan.cpu, self._busy)[0] > 0).any())
            here = self.expected[0].reference.pc
            self._ended(0, Event(not busy, here, here, busy=busy))
            self.counts[0] += not busy

    def _compare_tape(self, tape: Tape, count: int) -> None:
        """Compare the first passes of a tape. Raises Mismatch."""
        busy = np.array([self.loops[0] > 0, *tape.any(self._busy)[:count]])
        before, rest, words = self.counts[0], self.expected[0].rest(), [self.expected[0].cpu]
        after = {0: self.expected[0].begin()} if busy[0] else {}
        columns, values = tape.columns[:count], tape.values[:count]
        if busy.any() or self.expected[0].halted:
            wrong = self._follow(busy, columns, values, words, after)
        else:
            wrong = self._run(columns, values, words)
        first, row = int(self._begins), len(words) - 1  # the host has served what comes before
        own = {number - first: held for number, held in after.items()}
        found = self._rows.first_wrong(tape, first, words[first:], own, busy[first : row + 1], rest)
        if found is not None and (wrong is None or found[0] <= wrong[0]):
            wrong = found
        self._pcs[0] = words[row - 1]["pc"]
        if wrong is not None:
            row, where = wrong
            self._pcs[0] = words[max(row, 1) - 1]["pc"]
            done = int((~busy[1 : row + 1]).sum())
            raise self.differ(0, before + done + bool(busy[row]), *where)
        if row < count:  # the reference has halted
            rest_of_tape = Tape(
                tape.rows[row:], tape.place, tape.known, tape.columns[row:], tape.values[row:]
            )
            self._begins = False
            self._compare_tape(rest_of_tape, count - row)

    def _run(self, columns: Numbers, values: Bits, words: list[Words]) -> Wrong | None:
        """Run the reference beside passes that each finish an instruction."""
        expected, changes = self.expected[0], Changes()
        step = expected.run(len(columns), words, changes)
        done = len(words) - 1
        self.counts[0] += done
        wrong = changes.first_wrong(columns[:done], values[:done], expected.words)
        if wrong is not None:
            row, column, found, wanted = wrong
            return row + 1, self._word(column, found, wanted)
        where = None if step is None else self._wrong_port(_NOTHING, step)
        if where is None and expected.changed:  # by the system
            column, old = next(iter(expected.changed.items()))
            where = self._word(column, old, expected.words[column])
        return where and (done, where)

    def _follow(
        self,
        busy: npt.NDArray[np.bool_],
        columns: Numbers,
        values: Bits,
        words: list[Words],
        after: dict[int, Words],
    ) -> Wrong | None:
        """Follow passes one by one; `after` gets the words of the CPU after the instruction of each
        pass that is not its last one."""
        stores = zip(busy[1:].tolist(), columns.tolist(), values.tolist(), strict=True)
        for within, *own in stores:
            if within:
                where = self._go_on(*own)
                after[len(words)] = self.expected[0].begin()
            else:
                where = self._retire(*own)
                self.loops[0] = 0
                self.counts[0] += 1
            words.append(self.expected[0].cpu)
            if where is not None:
                return len(words) - 1, where
        return None

    def _go_on(self, columns: list[int], values: list[int]) -> Where | None:
        """Follow a pass that is not the last one of its instruction."""
        wrong, expected = self._begin(0), self.expected[0]
        stored = [pair for pair in zip(columns, values, strict=True) if pair[0] >= 0]
        if not stored:
            return wrong
        places = np.array([column for column, _ in stored], np.intp)
        expected.follow(places, [value for _, value in stored])
        expected.changed.clear()
        return wrong or self._wrong_store(columns, values)

    def _retire(self, columns: list[int], values: list[int]) -> Where | None:
        """Follow a pass that has finished an instruction without the host."""
        expected = self.expected[0]
        step, changed = expected.step(), expected.changed
        for column in columns:
            changed.pop(column, None)
        wrong = self._wrong_store(columns, values)
        if changed and wrong is None:
            column, old = next(iter(changed.items()))
            wrong = self._word(column, old, expected.words[column])
        if wrong is None and step is not None and (step.written or step.uses_port):
            wrong = self._wrong_port(_NOTHING, step)
        return wrong

    def _wrong_store(self, columns: list[int], values: list[int]) -> Where | None:
        """The first word stored that is not as it should be."""
        words = self.expected[0].words
        for column, value in zip(columns, values, strict=True):
            if column >= len(words):
                held = int(read_word(self.expected[0].x[column, self._value]))
            else:
                held = words[column] if column >= 0 else value
            if held != value:
                return self._word(column, value, held)
        return None

    def _word(self, column: int, found: int, wanted: int) -> Where:
        return f"{self.plan.column_name(column)}, word `value`,", str(found), str(wanted)
