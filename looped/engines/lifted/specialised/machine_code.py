"""Machine code of a graph, and the loop around it that passes where the graph has no node.

The loop is the function

    alternate(run, graph, state, cells, none, stops, mid_instruction, stored, loops, patience,
              plain) -> c or -1 - c

It calls `graph`, then `run` (see `native`) for one pass, and so on; it returns as `run` does, and
also after `patience` passes by `run`. `plain` gets their number.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from llvmlite import binding

from looped.engines.lifted.around import function_of
from looped.engines.lifted.native import Native
from looped.engines.lifted.specialised.graph import Node
from looped.engines.lifted.specialised.observe import Key
from looped.engines.lifted.specialised.writer import Shape, text_of

__all__ = ["Graph", "compile_graph"]


@dataclass(frozen=True)
class Graph:
    """Machine code of a graph. It is freed with this object."""

    _engine: binding.ExecutionEngine

    @property
    def address(self) -> int:
        """The address of the machine code of `graph`."""
        return int(self._engine.get_function_address("graph"))

    def run(
        self,
        native: Native,
        state: npt.NDArray[np.uint64],
        cells: npt.NDArray[np.unsignedinteger],
        masks: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]],
        loops: int,
        patience: int,
    ) -> tuple[int, bool, int]:
        """Advance a stream in place; returns how many passes count, whether the next one was
        abandoned, and how many passes were not those of the graph."""
        stops, quiet = masks
        plain = np.zeros(1, np.int64)
        arrays = (state, cells, np.zeros_like(stops), stops, quiet, native.stored)
        found = _alternate(len(state))(
            native.address,
            self.address,
            *(array.ctypes.data for array in arrays),
            loops,
            patience,
            plain.ctypes.data,
        )
        return (*((found, False) if found >= 0 else (-1 - found, True)), int(plain[0]))


def compile_graph(shape: Shape, nodes: Mapping[Key, Node]) -> Graph:
    """Machine code for a graph with these nodes."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=2,
        jit=True,
    )
    module = binding.parse_assembly(text_of(shape, nodes))
    module.verify()
    tuning = binding.create_pipeline_tuning_options(speed_level=2)
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return Graph(engine)


_TEXT = """
define i64 @alternate(ptr %run, ptr %graph, ptr %state, ptr %cells, ptr %none, ptr %stops,
                      ptr %quiet, ptr %stored, i64 %loops, i64 %patience, ptr %plain) {{
entry:
  br label %head
head:
  %count = phi i64 [ 0, %entry ], [ %counted, %passed ]
  %taken = phi i64 [ 0, %entry ], [ %more, %passed ]
  %halt = phi i1 [ false, %entry ], [ %stop, %passed ]
  %enough = icmp uge i64 %count, %loops
  %tired = icmp uge i64 %taken, %patience
  %over = or i1 %enough, %tired
  %end = or i1 %over, %halt
  br i1 %end, label %done, label %whole
whole:
  %rest = sub i64 %loops, %count
  %many = call i64 %graph(ptr %state, ptr %cells, i64 %rest)
  %now = add i64 %count, %many
  %some = icmp ne i64 %many, 0
  br i1 %some, label %look, label %single
look:
{looks}
  %last = icmp ne i64 %ended{n}, 0
  %full = icmp uge i64 %now, %loops
  %out = or i1 %last, %full
  br i1 %out, label %done, label %single
single:
  %kept = call i64 %run(ptr %state, ptr %cells, ptr %none, ptr %none, ptr %stored, i64 1)
  %more = add i64 %taken, 1
  %abandoned = icmp slt i64 %kept, 0
  br i1 %abandoned, label %failed, label %passed
passed:
{words}
  %stop = icmp ne i64 %stopping{n}, 0
  %still = icmp eq i64 %pausing{n}, 0
  %counts = or i1 %stop, %still
  %one = zext i1 %counts to i64
  %counted = add i64 %now, %one
  br label %head
done:
  %total = phi i64 [ %count, %head ], [ %now, %look ]
  store i64 %taken, ptr %plain
  ret i64 %total
failed:
  store i64 %taken, ptr %plain
  %result = xor i64 %now, -1
  ret i64 %result
}}
"""

_LOOK = """
  %was{n} = getelementptr i64, ptr %state, i64 {n}
  %left{n} = load i64, ptr %was{n}
  %ends{n} = getelementptr i64, ptr %stops, i64 {n}
  %end{n} = load i64, ptr %ends{n}
  %under{n} = and i64 %left{n}, %end{n}
  %ended{next} = or i64 %under{n}, {ended}"""

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
  %pausing{next} = or i64 %pauses{n}, {pausing}"""


@cache
def _alternate(words: int) -> Callable[..., int]:
    """The loop for a driver of `words` words."""
    arguments = (*[ctypes.c_void_p] * 8, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    return function_of(_text(words), "alternate", *arguments)


def _text(words: int) -> str:
    looks = [_LOOK.format(n=n, next=n + 1, ended=f"%ended{n}" if n else "0") for n in range(words)]
    steps = [
        _WORD.format(
            n=n,
            next=n + 1,
            stopping=f"%stopping{n}" if n else "0",
            pausing=f"%pausing{n}" if n else "0",
        )
        for n in range(words)
    ]
    return _TEXT.format(looks="".join(looks), words="".join(steps), n=words)
