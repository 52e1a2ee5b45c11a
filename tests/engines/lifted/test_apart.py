"""Arrays of streams that run on several cores share no cache line."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from looped import api
from looped.artefact.embedding import embed
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.apart import LINE, apart
from looped.engines.lifted.stream import Stream

Array = npt.NDArray[np.generic]


def lines(array: Array) -> range:
    """The cache lines that an array lies in."""
    begin = array.ctypes.data
    return range(begin // LINE, -(-(begin + array.nbytes) // LINE))


@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.uint16, np.uint64]),
        arrays.array_shapes(max_dims=2, max_side=70),
    )
)
def test_a_copy_has_its_lines_to_itself(array: npt.NDArray[Any]) -> None:
    copy = apart(array)
    assert copy.dtype == array.dtype
    assert np.array_equal(copy, array)
    held: Any = copy
    while held.base is not None:
        held = held.base
    assert lines(copy).start * LINE >= held.ctypes.data
    assert lines(copy).stop * LINE <= held.ctypes.data + held.nbytes


def test_streams_share_no_line() -> None:
    machine = api.compile_machine("subleq", 8, 32)
    engine = LiftedEngine(machine)
    engine.load(np.stack([embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], machine.plan)] * 8))
    engine.prepare()
    owners: dict[int, int] = {}
    for number, stream in enumerate(engine.streams):
        assert isinstance(stream, Stream)
        assert stream.program is not None
        for array in (stream.words, stream.cells, stream.program.native.stored):
            for line in lines(array):
                assert owners.setdefault(line, number) == number
