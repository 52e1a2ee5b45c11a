"""Memory of one stream, apart from that of others that run on other cores."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["LINE", "apart"]

LINE = 128
"""Bytes that two cores do not share: two cache lines of 64 bytes, for processors fetch them in
pairs. With 64 streams on 2 cores, RV32I does 447 million passes a second with arrays apart, and 301
million where NumPy puts them side by side (`python -m benchmarks.streams`)."""

Number = TypeVar("Number", bound=np.generic)


def apart(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """A copy of an array of any shape, in cache lines that hold nothing else."""
    size = -(-array.nbytes // LINE) * LINE
    held = np.empty(size + LINE, np.uint8)
    begin = -held.ctypes.data % LINE
    copy = held[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
