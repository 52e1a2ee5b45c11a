"""Passes of a lifted stream one by one, by a loop in machine code that copies what they leave.

The loop is the function

    record(run, state, cells, none, stops, mid_instruction, stored, loops, rows, columns, contents)
        -> passes

It calls `run` (see `native`) for one pass at a time, and copies the words of the driver to `rows`,
the columns of the stores to `columns`, and the cells there to `contents`. It ends after `loops`
passes that count, a pass that leaves a one in `stops`, an abandoned pass, or `ROOM` passes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.around import function_of, head, one_pass
from looped.engines.lifted.native import Native

__all__ = ["ROOM", "Taken", "take"]

ROOM = 4096
"""The most passes of one call: with 6 words and one store 0.3 MB, which stays in the cache."""

_Words = npt.NDArray[np.uint64]


class Taken(NamedTuple):
    """The words of the driver before the passes and after each, (passes + 1, words), and for each
    pass the `columns` of its stores and the `contents` of these cells then, (passes, stores)."""

    rows: npt.NDArray[np.uint64]
    columns: npt.NDArray[np.int64]
    contents: npt.NDArray[np.uint64]


def take(
    native: Native,
    state: _Words,
    cells: npt.NDArray[np.unsignedinteger],
    stops: _Words,
    mid_instruction: _Words,
    loops: int,
) -> Taken:
    """Advance the stream of one driver in place. There is no pass if the first one is abandoned."""
    words, stores = len(state), len(native.stored)
    rows = np.empty((ROOM + 1, words), np.uint64)
    columns = np.empty((ROOM, stores), np.int64)
    contents = np.empty((ROOM, stores), np.uint64)
    rows[0] = state.reshape(words)
    given = (state, cells, np.zeros_like(stops), stops, mid_instruction, native.stored)
    taken = (rows[1:], columns, contents)
    function = _compiled(words, stores, 8 * cells.itemsize)
    passes = function(native.address, *_addresses(given), loops, *_addresses(taken))
    return Taken(rows[: passes + 1], columns[:passes], contents[:passes])


def _addresses(arrays: tuple[np.ndarray, ...]) -> list[int]:
    return [array.ctypes.data for array in arrays]


_TEXT = """
define i64 @record(ptr %run, ptr %state, ptr %cells, ptr %none, ptr %stops, ptr %quiet,
                   ptr %stored, i64 %loops, ptr %rows, ptr %columns, ptr %contents) {{
{head}
body:
{one_pass}
  %row = mul i64 %pass, {words}
  %place = mul i64 %pass, {stores}
{copies}
  br label %after
after:
  %last = or i1 %stop, false
  %next = add i64 %another, 0
  %counted = add i64 %onward, 0
  br label %head
abandoned:
  br label %done
done:
  ret i64 %pass
}}
"""

_WORD = """
  %at{n} = add i64 %row, {n}
  %to{n} = getelementptr i64, ptr %rows, i64 %at{n}
  store i64 %word{n}, ptr %to{n}"""

_STORE = """
  %source{n} = getelementptr i64, ptr %stored, i64 {n}
  %column{n} = load i64, ptr %source{n}
  %slot{n} = add i64 %place, {n}
  %into{n} = getelementptr i64, ptr %columns, i64 %slot{n}
  store i64 %column{n}, ptr %into{n}
  %cell{n} = getelementptr i{bits}, ptr %cells, i64 %column{n}
  %content{n} = load i{bits}, ptr %cell{n}
  %wide{n} = {widen}
  %beside{n} = getelementptr i64, ptr %contents, i64 %slot{n}
  store i64 %wide{n}, ptr %beside{n}"""


@cache
def _compiled(words: int, stores: int, bits: int) -> Callable[..., int]:
    """The loop for a driver of `words` words and `stores` stores to cells of `bits` bits."""
    arguments = (*[ctypes.c_void_p] * 7, ctypes.c_int64, *[ctypes.c_void_p] * 3)
    return function_of(_text(words, stores, bits), "record", *arguments)


def _text(words: int, stores: int, bits: int) -> str:
    widen = "add i64 %content{n}, 0" if bits == 64 else f"zext i{bits} %content{{n}} to i64"
    copies = [_WORD.format(n=n) for n in range(words)]
    copies += [_STORE.format(n=n, bits=bits, widen=widen.format(n=n)) for n in range(stores)]
    parts = {"head": head(str(ROOM)), "one_pass": one_pass(words, "%count")}
    return _TEXT.format(**parts, words=words, stores=stores, copies="".join(copies))
