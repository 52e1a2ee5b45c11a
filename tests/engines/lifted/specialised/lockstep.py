"""A stream on plain lifted code and the same one with specialised passes, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.engine import Watch
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.program import Program
from looped.engines.lifted.specialised import Effort, Masks, SharedUnits, Specialiser
from looped.engines.lifted.stream import Stream

__all__ = ["EAGER", "Pair"]

EAGER = Effort(patience=2, recurrences=2, share=0, beside=False)
"""Specialises whatever recurs once, and looks again as soon as two passes are plain."""


class Pair:
    """Two streams of a program: `plain` and `special` are their words and cells."""

    def __init__(
        self, engine: LiftedEngine, machine: CompiledMachine, words: Sequence[int], effort: Effort
    ) -> None:
        plan = machine.plan
        engine.load(embed(words, plan)[None])
        engine.prepare()
        (stream,) = engine.streams
        assert isinstance(stream, Stream)
        assert stream.program is not None
        self.program: Program = stream.program
        widths = tuple(len(word) for word in stream.program.lifted.words)
        native, source = stream.program.native, stream.program.source
        self.shared: SharedUnits | None = None

        def find(masks: Masks) -> SharedUnits:
            self.shared = SharedUnits(source, widths, native.sizes.cell_bits, masks, effort)
            return self.shared

        self.specialiser = Specialiser(native, find)
        self.plain = stream.words.copy(), stream.cells.copy()
        self.special = stream.words.copy(), stream.cells.copy()
        halted = [] if plan.halted is None else [plan.halted]
        busy = [] if plan.busy is None else [plan.busy]
        watch = Watch(plan.cpu, np.array(halted, np.intp), np.array(busy, np.intp))
        self.masks = stream.masks(watch.stops), stream.masks(watch.mid_instruction)

    def advance(self, loops: int) -> tuple[int, bool]:
        """Advance both; they must agree in everything. Returns what `Native.run` returns."""
        stops, quiet = self.masks
        found = self.specialiser.run(*self.special, self.masks, loops)
        assert self.program.native.run(*self.plain, stops, loops, quiet) == found
        for one, two in zip(self.plain, self.special, strict=True):
            np.testing.assert_array_equal(one, two)
        return found
