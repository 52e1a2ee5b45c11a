"""A tape of the passes of a lifted stream, by a loop in machine code around single passes.

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

import numpy as np

from looped.engines.engine import Lanes, Watch
from looped.engines.lifted.around import function_of
from looped.engines.lifted.stream import Stream
from looped.engines.tape import Tape, gather

__all__ = ["record"]

ROOM = 4096
"""The most passes of one tape: with 6 words and one store 0.3 MB, which stays in the cache."""


def record(stream: Stream, loops: int, watch: Watch, value: Lanes) -> Tape | None:
    """Advance a stream; the tape has the words in the lanes `value`.

    None if the next pass cannot be recorded: the code abandons it, or knows a lane of the words.
    """
    stream.prepare()
    program = stream.program
    if program is None or watch.column != program.lifted.behaviour.driver:
        return None
    if stream.words.shape[1] != 1:  # a tape has the words of one CPU column
        return None
    packed = {lane: place for place, lane in enumerate(program.lifted.packed)}
    if not packed.keys() >= set(value.tolist()):
        return None
    native, stores = program.native, len(program.native.stored)
    rows = np.empty((ROOM + 1, len(stream.words)), np.uint64)
    columns = np.empty((ROOM, stores), np.int64)
    contents = np.empty((ROOM, stores), np.uint64)
    rows[0] = stream.words[:, 0]
    stops, mid_instruction = stream.masks(watch.stops), stream.masks(watch.mid_instruction)
    none = np.zeros_like(stops)
    given = (stream.words, stream.cells, none, stops, mid_instruction, native.stored)
    taken = (rows[1:], columns, contents)
    function = _compiled(len(stream.words), stores, 8 * stream.cells.itemsize)
    passes = function(native.address, *_addresses(given), loops, *_addresses(taken))
    if passes == 0:
        return None
    return Tape(
        rows[: passes + 1].view(np.uint8).reshape(passes + 1, -1),
        np.where(program.word < 0, -1, 64 * program.word + program.bit.astype(np.intp)),
        stream.loaded(watch.column) > 0,
        np.where(columns[:passes] < len(stream.x), columns[:passes], -1),
        gather(
            contents[:passes].view(np.uint8).reshape(passes, stores, 8),
            np.array([packed[lane] for lane in value.tolist()], np.intp),
            np.zeros(len(value), np.bool_),
        ),
    )


def _addresses(arrays: tuple[np.ndarray, ...]) -> list[int]:
    return [array.ctypes.data for array in arrays]


_TEXT = """
define i64 @record(ptr %run, ptr %state, ptr %cells, ptr %none, ptr %stops, ptr %quiet,
                   ptr %stored, i64 %loops, ptr %rows, ptr %columns, ptr %contents) {{
entry:
  br label %head
head:
  %pass = phi i64 [ 0, %entry ], [ %next, %after ]
  %count = phi i64 [ 0, %entry ], [ %counted, %after ]
  %halt = phi i1 [ false, %entry ], [ %stop, %after ]
  %enough = icmp uge i64 %count, %loops
  %full = icmp uge i64 %pass, {room}
  %over = or i1 %enough, %full
  %end = or i1 %over, %halt
  br i1 %end, label %done, label %body
body:
  %kept = call i64 %run(ptr %state, ptr %cells, ptr %none, ptr %none, ptr %stored, i64 1)
  %abandoned = icmp slt i64 %kept, 0
  br i1 %abandoned, label %done, label %after
after:
  %row = mul i64 %pass, {words}
  %place = mul i64 %pass, {stores}
{copies}
  %stop = icmp ne i64 %stopping{words}, 0
  %still = icmp eq i64 %pausing{words}, 0
  %counts = or i1 %stop, %still
  %one = zext i1 %counts to i64
  %counted = add i64 %count, %one
  %next = add i64 %pass, 1
  br label %head
done:
  ret i64 %pass
}}
"""

_WORD = """
  %from{n} = getelementptr i64, ptr %state, i64 {n}
  %word{n} = load i64, ptr %from{n}
  %at{n} = add i64 %row, {n}
  %to{n} = getelementptr i64, ptr %rows, i64 %at{n}
  store i64 %word{n}, ptr %to{n}
  %stops{n} = getelementptr i64, ptr %stops, i64 {n}
  %mask{n} = load i64, ptr %stops{n}
  %raised{n} = and i64 %word{n}, %mask{n}
  %stopping{next} = or i64 %raised{n}, {stopping}
  %quiet{n} = getelementptr i64, ptr %quiet, i64 {n}
  %rest{n} = load i64, ptr %quiet{n}
  %pauses{n} = and i64 %word{n}, %rest{n}
  %pausing{next} = or i64 %pauses{n}, {pausing}"""

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
    parts = [
        _WORD.format(
            n=n,
            next=n + 1,
            stopping=f"%stopping{n}" if n else "0",
            pausing=f"%pausing{n}" if n else "0",
        )
        for n in range(words)
    ]
    parts += [_STORE.format(n=n, bits=bits, widen=widen.format(n=n)) for n in range(stores)]
    return _TEXT.format(room=ROOM, words=words, stores=stores, copies="".join(parts))
