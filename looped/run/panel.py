"""Panel: the ports of input, output and print that a machine declares, served between two loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from looped.artefact.embedding import embed_words, read_word
from looped.artefact.plan import Plan
from looped.devices.host import ByteSource
from looped.devices.printer import Printer
from looped.engines.engine import NO_LANES, Engine, Floats, Lanes

__all__ = ["Panel", "Signals"]


@dataclass(frozen=True, slots=True)
class Signals:
    """The ports of one program after a loop.

    `emitted` is the byte that the loop wrote, or None; `printed` are the numbers that it printed,
    as text.
    """

    taken: bool
    waiting: bool
    emitted: int | None
    printed: bytes


_SILENCE = Signals(taken=False, waiting=False, emitted=None, printed=b"")


class Panel:
    """The ports of a batch of programs; it offers each program its own input, byte by byte.

    `lanes` are the lanes of the CPU that it reads after a loop; it must serve a loop that leaves
    one of `stops` at +1. `positions` count the bytes that it has read from each input, `words` are
    the words in the input columns, None if a column is empty.
    """

    def __init__(self, plan: Plan, engine: Engine, inputs: Sequence[bytes | ByteSource]) -> None:
        self.plan = plan
        self.engine = engine
        self.inputs = list(inputs)
        self.positions = [0] * len(inputs)
        self.words: list[int | None] = [None] * len(inputs)
        source, sink, prints = plan.ports.input, plan.ports.output, plan.ports.print
        flags = [
            *((source.taken, source.waiting) if source else ("", "")),
            prints.when if prints else "",
            sink.when if sink else "",
        ]
        self._printer = Printer(prints, plan, engine) if prints else None
        parts = [self._lanes(name) for name in (*flags, sink.content if sink else "")]
        self.stops: Lanes = np.concatenate(parts[:-1])
        self.lanes: Lanes = np.concatenate(parts)
        self._ends = np.cumsum([len(part) for part in parts[:-1]]).tolist()
        self._ready = self._lanes(source.ready if source else "")
        self._value = self._lanes("value")

    def begin(self) -> None:
        """Offer the first byte of each input that is `bytes`."""
        for stream in range(len(self.inputs) if self.plan.ports.input else 0):
            self.offer(stream)

    def signals(self, stream: int, values: Floats) -> Signals:
        """What the ports of one program say, by the values of `lanes`."""
        raised = values > 0
        if not raised[: self._ends[-1]].any():
            return _SILENCE
        taken, waiting, prints, writes = (
            bool(raised[begin:end].any()) for begin, end in pairwise([0, *self._ends])
        )
        emitted = int(read_word(raised[self._ends[-1] :])) if writes else None
        text = self._printer.text(stream) if self._printer and prints else b""
        return Signals(taken, waiting, emitted, text)

    def serve(self, stream: int, signals: Signals) -> None:
        """Clear the input column if the machine took its word, and offer the next byte."""
        if signals.taken:
            self.words[stream] = None
            self.engine.write(stream, self.plan.cpu, self._ready, [-1])
            blank = -np.ones(self.plan.width)
            self.engine.write(stream, self.plan.input, self._value, blank)
        if signals.taken or signals.waiting:
            self.offer(stream, wait=signals.waiting)

    def offer(self, stream: int, wait: bool = False) -> None:
        """Put the next byte (all ones at the end) into the input column.

        Reads from a stream only if `wait` is true, and then waits for a byte.
        """
        source = self.inputs[stream]
        if isinstance(source, bytes):
            position = self.positions[stream]
            taken = source[position : position + 1]
        elif wait:
            taken = source.read(1)
        else:
            return
        self.positions[stream] += len(taken)
        word = taken[0] if taken else (1 << self.plan.width) - 1
        self.words[stream] = word
        lanes = embed_words(word, self.plan.width)
        self.engine.write(stream, self.plan.input, self._value, lanes)
        self.engine.write(stream, self.plan.cpu, self._ready, [1])

    def _lanes(self, name: str) -> Lanes:
        return np.array(self.plan.words[name], np.intp) if name else NO_LANES
