"""The passes of a lifted stream up to a pattern, by a loop in machine code around single passes.

The loop is the function

    seek(run, state, cells, none, stops, mid_instruction, stored, loops,
         places, patterns, rows, most) -> c or -1 - c

It calls `run` (see `native`) for one pass at a time, and returns as `run` does. A pass that counts
is the last one, too, if the words of the driver under the masks `places` equal one of the `rows`
rows of `patterns`. It returns after `most` passes in any case.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.around import function_of, head, one_pass
from looped.engines.lifted.native import Native

__all__ = ["seek"]

_Words = npt.NDArray[np.uint64]

_MOST = 1 << 22
"""The most passes of a call, about a second, so that signals are served."""


def seek(
    native: Native,
    state: _Words,
    cells: npt.NDArray[np.unsignedinteger],
    masks: tuple[_Words, _Words, _Words],
    patterns: _Words,
    loops: int,
) -> tuple[int, bool]:
    """Advance the stream of one driver in place; returns as `Native.run` does.

    `masks` are those of stops, of lanes during an instruction, and of the places that a row of
    `patterns` (patterns, words) describes.
    """
    stops, mid_instruction, places = masks
    none = np.zeros_like(stops)
    first = (state, cells, none, stops, mid_instruction, native.stored)
    second = (places, np.ascontiguousarray(patterns))
    function = _compiled(len(state))
    found = int(
        function(
            native.address,
            *(array.ctypes.data for array in first),
            loops,
            *(array.ctypes.data for array in second),
            len(patterns),
            _MOST,
        )
    )
    return (found, False) if found >= 0 else (-1 - found, True)


_TEXT = """
define i64 @seek(ptr %run, ptr %state, ptr %cells, ptr %none, ptr %stops, ptr %quiet, ptr %stored,
                 i64 %loops, ptr %places, ptr %patterns, i64 %rows, i64 %most) {{
{head}
body:
{one_pass}
  br i1 %counts, label %look, label %after
look:
  %row = phi i64 [ 0, %seen ], [ %following, %compare ]
  %none_left = icmp uge i64 %row, %rows
  br i1 %none_left, label %after, label %compare
compare:
  %place = mul i64 %row, {n}
  %following = add i64 %row, 1
{matches}
  %same = icmp eq i64 %other{n}, 0
  br i1 %same, label %after, label %look
after:
  %hit = phi i1 [ false, %seen ], [ false, %look ], [ true, %compare ]
  %last = or i1 %stop, %hit
  %next = add i64 %another, 0
  %counted = add i64 %onward, 0
  br label %head
done:
  ret i64 %count
abandoned:
  %result = xor i64 %count, -1
  ret i64 %result
}}
"""

_MATCH = """
  %over{n} = getelementptr i64, ptr %places, i64 {n}
  %under{n} = load i64, ptr %over{n}
  %held{n} = and i64 %word{n}, %under{n}
  %at{n} = add i64 %place, {n}
  %where{n} = getelementptr i64, ptr %patterns, i64 %at{n}
  %wanted{n} = load i64, ptr %where{n}
  %differs{n} = xor i64 %held{n}, %wanted{n}
  %other{next} = or i64 %differs{n}, {other}"""


@cache
def _compiled(words: int) -> Callable[..., int]:
    """The loop for a driver of `words` words."""
    arguments = (
        *[ctypes.c_void_p] * 7,
        ctypes.c_int64,
        *[ctypes.c_void_p] * 2,
        *[ctypes.c_int64] * 2,
    )
    return function_of(_text(words), "seek", *arguments)


def _text(words: int) -> str:
    matches = [
        _MATCH.format(n=n, next=n + 1, other=f"%other{n}" if n else "0") for n in range(words)
    ]
    parts = {"head": head("%most"), "one_pass": one_pass(words, "%count")}
    return _TEXT.format(**parts, matches="".join(matches), n=words)
