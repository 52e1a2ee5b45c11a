"""Timeline: the run of one program, forwards and backwards.

A timeline keeps snapshots. To go back it restores the nearest one before the place and runs forward
from there: a deterministic machine with the same input repeats itself exactly.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine
from looped.debug.replayed import Replayed
from looped.debug.stretch import Stretch, Unseen
from looped.devices.host import ByteSource, ColumnPort
from looped.engines.engine import Engine
from looped.engines.recording import Recording
from looped.image import Image
from looped.registry import host_for
from looped.run.computer import Computer, Event, Snapshot

__all__ = ["Timeline"]

_SPACING = 1_000
"""Instructions between the first snapshots. To step back costs one restored snapshot and the
instructions since: on the slowest engine, `dense`, that is less than a second."""

_PERIOD = 0.1
"""Seconds of a run between snapshots, at least: their distance doubles until a run takes so long.
A snapshot of a machine with 8,192 words takes 0.02 s."""

_NEAR = 1_000
"""To go back further than this from a snapshot makes a new one as near: it is likely that people go
back from there again."""

_MOST_SNAPSHOTS = 64
"""Beyond this every second one is dropped, and their distance doubles."""


@dataclass(frozen=True, slots=True)
class _Saved:
    """A snapshot, and where input and output were."""

    snapshot: Snapshot
    input_position: int
    output_length: int


class Timeline:
    """One program on an engine, which the caller may move to any instruction of its run.

    `steps` counts the instructions since the program began; the place before instruction number n
    is place n. `show` gets each byte of output once,
    when the run reaches it for the first time; `output` is the output up to the present.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        image: Image,
        engine: Engine,
        source: ByteSource,
        show: Callable[[bytes], None] = lambda content: None,
    ) -> None:
        self.machine = machine
        self.image = image
        self.engine = engine
        self.input = Replayed(source)
        self.host = host_for(image, self.input)
        words, entries = [image.words], [image.entry]
        self.computer = Computer(machine.plan, engine, words, [self.input], entries, [self.host])
        self.port = ColumnPort(machine.plan, engine, 0)
        self._recording = Recording(engine, machine.plan)
        self.steps = 0
        self.output = bytearray()
        self._show = show
        self._shown = 0
        self._spacing = _SPACING
        self._begun = monotonic()
        self._saved: dict[int, _Saved] = {}
        self._edits: dict[int, list[Callable[[ColumnPort], None]]] = {}
        self._save()

    @property
    def halted(self) -> bool:
        """Whether the program has halted."""
        return self.computer.halted()

    @property
    def pc(self) -> int:
        """The program counter, unsigned."""
        return self.computer.pcs[0]

    def step(self) -> Event:
        """Execute one instruction of a program that has not halted.

        The event says which one it was. If the input ends the wait by an exception, nothing has
        happened.
        """
        self._save_if_due()
        while True:
            _, event = self.computer.advance(1)
            self._arrive(event, int(event.retired))
            if event.retired or self.halted:
                return event

    def forward(self, count: int, pcs: Collection[int] = ()) -> None:
        """Execute `count` instructions; fewer if the program halts before, or comes to one of the
        program counters `pcs`."""
        end = self.steps + count
        self.computer.stop_at(pcs)
        try:
            while self.steps < end and not self.halted:
                self._save_if_due()
                before, event = self.computer.advance(self._until(end) - self.steps)
                self._arrive(event, before + event.retired)
                if before + event.retired and self.pc in pcs:
                    break
        finally:
            self.computer.stop_at(())

    @property
    def scans(self) -> bool:
        """Whether `scan` is about as fast as `forward`."""
        return self._recording.taping is not None

    def scan(self, count: int, look: Callable[[Stretch], int]) -> None:
        """Execute a stretch of at most `count` instructions of a program that has not halted.

        `look` sees what they did before the run arrives behind them, and says after how many of
        them the run must stand. If it raises Unseen, nothing has happened.
        """
        self._save_if_due()
        begin = self.steps
        self.computer.passes = self._recording.advance
        try:
            before, event = self.computer.advance(self._until(begin + count) - begin)
        finally:
            self.computer.passes = self.engine.advance
            tapes = self._recording.take()
        wanted = done = before + event.retired
        if tapes and done:
            try:
                wanted = look(Stretch(self.machine.plan, tapes, done, event.served))
            except Unseen:
                self._undo(begin)
                raise
        if wanted < done:
            self._undo(begin)
            self.forward(wanted)
        else:
            self._arrive(event, done)

    def _undo(self, place: int) -> None:
        """Move the engine back to a place that the run has not yet left."""
        self._restore_near(place, max(saved for saved in self._saved if saved <= place))
        self.forward(place - self.steps)

    def go_to(self, step: int) -> None:
        """Move to the place before instruction number `step`, counted from zero.

        The place may be in the past or in the future; a program that halts before is at its end.
        """
        if step < self.steps:
            self._restore_near(step, max(saved for saved in self._saved if saved <= step))
        self.forward(step - self.steps)

    def saved_before(self, step: int) -> int:
        """The place of the last snapshot before a place; 0 if there is none."""
        places = sorted(self._saved)
        return places[max(0, bisect.bisect_left(places, step) - 1)]

    def save_within(self, first: int, end: int) -> int:
        """Move to a place from `first` on and before `end`, the first one that has a snapshot; if
        there is none, make one at `first`."""
        places = [place for place in sorted(self._saved) if first <= place < end]
        if places:
            self.restore(places[0])
        else:
            self.go_to(first)
            self._save()
        return self.steps

    def words_at(self, place: int) -> npt.NDArray[np.int64]:
        """The words of memory and registers at the place of a snapshot, by column."""
        plan = self.machine.plan
        words = self._saved[place].snapshot.state.words(plan.words["value"])
        return words[: plan.cpu].astype(np.int64)

    def edited(self, begin: int, end: int) -> bool:
        """Whether words were changed by hand after the place `begin`, up to `end`."""
        return any(begin < place <= end for place in self._edits)

    def _restore_near(self, step: int, place: int) -> None:
        """Restore a snapshot; if it is far from `step`, move on and make a new one."""
        self.restore(place)
        if step - place > _NEAR:
            self.forward(step - _NEAR - place)
            self._save()

    def restore(self, place: int) -> None:
        """Move to the place of a snapshot."""
        saved = self._saved[place]
        self.computer.restore(saved.snapshot)
        self.input.position = saved.input_position
        del self.output[saved.output_length :]
        self.steps = place
        self._begun = monotonic()

    def edit(self, change: Callable[[ColumnPort], None]) -> None:
        """Change words by hand, here and whenever the run comes here again.

        What came after this place is forgotten. The program must not have halted.
        """
        self._edits = {place: made for place, made in self._edits.items() if place <= self.steps}
        self._edits.setdefault(self.steps, []).append(change)
        self._saved = {p: saved for p, saved in self._saved.items() if p < self.steps}
        self._shown = len(self.output)
        self._apply(change)
        self._save()

    def _arrive(self, event: Event, steps: int) -> None:
        """Note what the last instructions did; `steps` is how many there were."""
        emitted = b"" if event.emitted is None else bytes([event.emitted])
        self.output += emitted + event.written
        if len(self.output) > self._shown:
            self._show(bytes(self.output[self._shown :]))
            self._shown = len(self.output)
        self.steps += steps
        if steps:
            for change in self._edits.get(self.steps, ()):
                self._apply(change)

    def _apply(self, change: Callable[[ColumnPort], None]) -> None:
        change(self.port)
        self.computer.pcs[0] = self.computer.pc()

    def _until(self, end: int) -> int:
        """Where a stretch ends: at `end`, or before it at a snapshot or a change by hand."""
        edits = (place for place in self._edits if place > self.steps)
        return min(end, self._next_save(), *edits)

    def _next_save(self) -> int:
        return (self.steps // self._spacing + 1) * self._spacing

    def _save_if_due(self) -> None:
        if self.steps % self._spacing or self.steps in self._saved:
            return
        if monotonic() - self._begun >= _PERIOD:
            self._save()
        else:
            self._spacing *= 2

    def _save(self) -> None:
        snapshot = self.computer.snapshot()
        self._saved[self.steps] = _Saved(snapshot, self.input.position, len(self.output))
        if len(self._saved) > _MOST_SNAPSHOTS:
            self._spacing *= 2
            first = min(self._saved)
            kept = {p: s for p, s in self._saved.items() if p == first or p % self._spacing == 0}
            self._saved = kept
        self._begun = monotonic()
