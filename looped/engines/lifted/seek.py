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

from looped.engines.lifted.around import function_of
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
entry:
  br label %head
head:
  %pass = phi i64 [ 0, %entry ], [ %next, %after ]
  %count = phi i64 [ 0, %entry ], [ %counted, %after ]
  %halt = phi i1 [ false, %entry ], [ %last, %after ]
  %enough = icmp uge i64 %count, %loops
  %full = icmp uge i64 %pass, %most
  %over = or i1 %enough, %full
  %end = or i1 %over, %halt
  br i1 %end, label %done, label %body
body:
  %kept = call i64 %run(ptr %state, ptr %cells, ptr %none, ptr %none, ptr %stored, i64 1)
  %wrong = icmp slt i64 %kept, 0
  br i1 %wrong, label %abandoned, label %seen
seen:
{words}
  %stop = icmp ne i64 %stopping{n}, 0
  %still = icmp eq i64 %pausing{n}, 0
  %counts = or i1 %stop, %still
  %one = zext i1 %counts to i64
  %counted = add i64 %count, %one
  %next = add i64 %pass, 1
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
  br label %head
done:
  ret i64 %count
abandoned:
  %result = xor i64 %count, -1
  ret i64 %result
}}
"""

_WORD = """
  %from{n} = getelementptr i64, ptr %state, i64 {n}
  %word{n} = load i64, ptr %from{n}
  %stops{n} = getelementptr i64, ptr %stops, i64 {n}
  %mask{n} = load i64, ptr %stops{n}
  %raised{n} = and i64 %word{n}, %mask{n}
  %stopping{next} = or i64 %raised{n}, {stopping}
  %quiet{n} = getelementptr i64, ptr %quiet, i64 {n}
  %rest{n} = load i64, ptr %quiet{n}
  %pauses{n} = and i64 %word{n}, %rest{n}
  %pausing{next} = or i64 %pauses{n}, {pausing}
  %places{n} = getelementptr i64, ptr %places, i64 {n}
  %under{n} = load i64, ptr %places{n}
  %held{n} = and i64 %word{n}, %under{n}"""

_MATCH = """
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
    loads = [
        _WORD.format(
            n=n,
            next=n + 1,
            stopping=f"%stopping{n}" if n else "0",
            pausing=f"%pausing{n}" if n else "0",
        )
        for n in range(words)
    ]
    matches = [
        _MATCH.format(n=n, next=n + 1, other=f"%other{n}" if n else "0") for n in range(words)
    ]
    return _TEXT.format(words="".join(loads), matches="".join(matches), n=words)
