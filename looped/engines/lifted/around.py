"""Loops in machine code around single passes of lifted code.

Each is a function in LLVM assembly with the arguments `%run` (see `native`) and those of `run`:
`%state`, `%cells`, `%none` (masks of zeros), `%stops`, `%quiet` (the lanes during an instruction),
`%stored` and `%loops`. What all of them have in common is here: the `head` of the loop with its
limits, and one pass with its count.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from llvmlite import binding

__all__ = ["function_of", "head", "one_pass", "stopped"]

_KEPT: list[binding.ExecutionEngine] = []
"""The engines own the machine code, which is gone with them."""


def function_of(text: str, name: str, *arguments: type) -> Callable[..., int]:
    """The function `name` in LLVM assembly; it returns an i64 and takes these types of ctypes."""
    machine = binding.Target.from_default_triple().create_target_machine(opt=3)
    module = binding.parse_assembly(text)
    module.verify()
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _KEPT.append(engine)
    return ctypes.CFUNCTYPE(ctypes.c_int64, *arguments)(engine.get_function_address(name))


def head(most: str) -> str:
    """The entry and the head: to `body`, or to `done` after `%loops` passes that count, after
    `most` passes or the last. The block `after` gives `%next`, `%counted`, `%last`."""
    return f"""entry:
  br label %head
head:
  %pass = phi i64 [ 0, %entry ], [ %next, %after ]
  %count = phi i64 [ 0, %entry ], [ %counted, %after ]
  %halt = phi i1 [ false, %entry ], [ %last, %after ]
  %enough = icmp uge i64 %count, %loops
  %full = icmp uge i64 %pass, {most}
  %over = or i1 %enough, %full
  %end = or i1 %over, %halt
  br i1 %end, label %done, label %body"""


def one_pass(words: int, count: str) -> str:
    """A pass: branch to `abandoned`, or to `seen` with its words, `%word0` and so on. `%stop` and
    `%counts` are whether it stops and counts, `%onward` and `%another` the new counts."""
    return f"""
  %kept = call i64 %run(ptr %state, ptr %cells, ptr %none, ptr %none, ptr %stored, i64 1)
  %wrong = icmp slt i64 %kept, 0
  br i1 %wrong, label %abandoned, label %seen
seen:
{_words(words)}
{_under(words, "stops")}
{_under(words, "quiet")}
  %stop = icmp ne i64 %stops{words}, 0
  %still = icmp eq i64 %quiet{words}, 0
  %counts = or i1 %stop, %still
  %one = zext i1 %counts to i64
  %onward = add i64 {count}, %one
  %another = add i64 %pass, 1"""


def stopped(words: int) -> str:
    """Whether the state has a one under `%stops`, as `%ended`."""
    return f"""{_words(words, "now_")}
{_under(words, "stops", "now_")}
  %ended = icmp ne i64 %now_stops{words}, 0"""


def _words(words: int, tag: str = "") -> str:
    """The words of the state, `%word0` and so on."""
    return "".join(
        f"""
  %{tag}from{n} = getelementptr i64, ptr %state, i64 {n}
  %{tag}word{n} = load i64, ptr %{tag}from{n}"""
        for n in range(words)
    )


def _under(words: int, masks: str, tag: str = "") -> str:
    """What the words have under some masks, the last of `%stops1` and so on."""
    lines = [f"  %{tag}{masks}0 = add i64 0, 0"]
    for n in range(words):
        lines.append(f"""
  %{tag}at_{masks}{n} = getelementptr i64, ptr %{masks}, i64 {n}
  %{tag}of_{masks}{n} = load i64, ptr %{tag}at_{masks}{n}
  %{tag}in_{masks}{n} = and i64 %{tag}word{n}, %{tag}of_{masks}{n}
  %{tag}{masks}{n + 1} = or i64 %{tag}{masks}{n}, %{tag}in_{masks}{n}""")
    return "".join(lines)
