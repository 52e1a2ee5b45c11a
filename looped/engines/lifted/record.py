"""A tape of the passes of a lifted stream."""

from __future__ import annotations

import numpy as np

from looped.engines.engine import Lanes, Watch
from looped.engines.lifted.passes import take
from looped.engines.lifted.stream import Stream
from looped.engines.tape import Tape, gather

__all__ = ["record"]


def record(stream: Stream, loops: int, watch: Watch, value: Lanes) -> Tape | None:
    """Advance a stream; the tape has the words in the lanes `value`.

    None if the next pass cannot be recorded: the code abandons it, or the lanes of other columns
    that it may change are not just those of the words.
    """
    stream.prepare()
    program = stream.program
    if program is None or watch.column != program.lifted.behaviour.driver:
        return None
    if stream.words.shape[1] != 1:  # a tape has the words of one CPU column
        return None
    packed = {lane: place for place, lane in enumerate(program.lifted.packed)}
    if packed.keys() != set(value.tolist()):
        return None
    stops, mid_instruction = stream.masks(watch.stops), stream.masks(watch.mid_instruction)
    taken = take(program.native, stream.words, stream.cells, stops, mid_instruction, loops)
    passes, stores = taken.columns.shape
    if passes == 0:
        return None
    return Tape(
        taken.rows.view(np.uint8).reshape(passes + 1, -1),
        np.where(program.word < 0, -1, 64 * program.word + program.bit.astype(np.intp)),
        stream.loaded(watch.column) > 0,
        np.where(taken.columns < len(stream.x), taken.columns, -1),
        gather(
            taken.contents.view(np.uint8).reshape(passes, stores, 8),
            np.array([packed[lane] for lane in value.tolist()], np.intp),
            np.zeros(len(value), np.bool_),
        ),
    )
