"""Machine code of units, and the loop around them that passes where no unit has a node.

A unit is a graph in a module of its own. The loop is the function

    alternate(run, state, cells, none, stops, mid_instruction, stored, loops, units, patience,
              plain) -> c or -1 - c

It calls the unit that `units` has for the key of the state, or `run` (see `native`) for one pass if
that makes none; and so on. It returns as `run` does, and also after `patience` passes by `run`.
`plain` gets their number.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import binding

from looped.engines.lifted.around import function_of, head, one_pass, stopped
from looped.engines.lifted.code import MASK
from looped.engines.lifted.native import Native
from looped.engines.lifted.specialised.graph import Node
from looped.engines.lifted.specialised.observe import Key
from looped.engines.lifted.specialised.writer import Shape, text_of

__all__ = ["Unit", "Units", "compile_unit"]

_INDEX_BITS = 12
"""4,096 places of 8 bytes for the heads of chains: all units together have some hundreds."""

_SPREAD = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: Knuth's multiplicative hashing (volume 3, section 6.4)."""

_SMALL = 1_000
"""Up to so many instructions, all of LLVM's second level. For a large graph of RV32I it takes
twice as long as the few passes that do most, and leaves code that is a sixth faster."""


@dataclass(frozen=True)
class Unit:
    """Object code of a graph for this processor. `key` are the words that are the key; a chain
    begins with each of `heads`."""

    number: int
    object_code: bytes
    key: tuple[int, ...]
    heads: tuple[Key, ...]


def compile_unit(shape: Shape, number: int, nodes: Mapping[Key, Node]) -> Unit:
    """Compile a graph with these nodes."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=2,
        jit=True,
    )
    text, heads = text_of(shape, nodes)
    module = binding.parse_assembly(text)
    module.verify()
    tuning = binding.create_pipeline_tuning_options(speed_level=2)
    builder = binding.create_pass_builder(machine, tuning)
    passes = builder.getModulePassManager()
    if sum(len(node.code.instructions) for node in nodes.values()) > _SMALL:
        passes = binding.create_new_module_pass_manager()
        passes.add_sroa_pass()
        passes.add_instruction_combine_pass()
        passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    return Unit(number, machine.emit_object(module), shape.key, heads)


class _Linked(NamedTuple):
    """A unit at an address, in an engine that owns its code."""

    unit: Unit
    engine: binding.ExecutionEngine
    address: int


class Units:
    """Units that are linked and ready to run. Their code is freed with the last of these objects
    that has it."""

    def __init__(self, linked: Iterable[_Linked] = ()) -> None:
        self._linked = tuple(linked)
        self._table = np.zeros(1 << _INDEX_BITS, np.uint64)
        for each in self._linked:
            for key in each.unit.heads:
                self._table[_index(each.unit.key, key)] = each.address

    def __len__(self) -> int:
        return len(self._linked)

    def changed(self, unit: Unit, needless: Iterable[int]) -> Units:
        """These units with another one, and without those of some numbers. Where units begin with
        the same keys, the last one comes first."""
        engine = _engine()
        engine.add_object_file(binding.ObjectFileRef.from_data(unit.object_code))
        engine.finalize_object()
        address = int(engine.get_function_address("graph"))
        numbers = {*needless}
        kept = (each for each in self._linked if each.unit.number not in numbers)
        return Units((*kept, _Linked(unit, engine, address)))

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
        abandoned, and how many passes were not those of a unit."""
        stops, quiet = masks
        plain = np.zeros(1, np.int64)
        arrays = (state, cells, np.zeros_like(stops), stops, quiet, native.stored)
        found = _alternate(len(state), self._linked[-1].unit.key)(
            native.address,
            *(array.ctypes.data for array in arrays),
            loops,
            self._table.ctypes.data,
            patience,
            plain.ctypes.data,
        )
        return (*((found, False) if found >= 0 else (-1 - found, True)), int(plain[0]))


def _engine() -> binding.ExecutionEngine:
    """An engine that links object code."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(jit=True)
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)


def _factors(words: int) -> list[int]:
    """An odd number for each word of a key."""
    return [_SPREAD * (2 * n + 1) & MASK for n in range(words)]


def _index(words: tuple[int, ...], key: Key) -> int:
    """The place of a key in the table."""
    products = zip(key, _factors(len(words)), strict=True)
    return (sum(word * factor for word, factor in products) & MASK) >> 64 - _INDEX_BITS


_TEXT = """
define i64 @alternate(ptr %run, ptr %state, ptr %cells, ptr %none, ptr %stops, ptr %quiet,
                      ptr %stored, i64 %loops, ptr %units, i64 %patience, ptr %plain) {{
{head}
body:
{hash}
  %index = lshr i64 %hash{keys}, {shift}
  %place = getelementptr ptr, ptr %units, i64 %index
  %unit = load ptr, ptr %place
  %none_here = icmp eq ptr %unit, null
  br i1 %none_here, label %single, label %whole
whole:
  %rest = sub i64 %loops, %count
  %many = call i64 %unit(ptr %state, ptr %cells, i64 %rest)
  %now = add i64 %count, %many
  %left = icmp eq i64 %many, 0
  br i1 %left, label %single, label %look
look:
{stopped}
  br label %after
single:
  %now_count = phi i64 [ %count, %body ], [ %now, %whole ]
{single}
  br label %after
after:
  %next = phi i64 [ %pass, %look ], [ %another, %seen ]
  %counted = phi i64 [ %now, %look ], [ %onward, %seen ]
  %last = phi i1 [ %ended, %look ], [ %stop, %seen ]
  br label %head
done:
  store i64 %pass, ptr %plain
  ret i64 %count
abandoned:
  store i64 %pass, ptr %plain
  %result = xor i64 %now_count, -1
  ret i64 %result
}}
"""


@cache
def _alternate(words: int, key: tuple[int, ...]) -> Callable[..., int]:
    """The loop for a driver of `words` words, some of which are the key."""
    arguments = (
        *[ctypes.c_void_p] * 7,
        ctypes.c_int64,
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_void_p,
    )
    return function_of(_text(words, key), "alternate", *arguments)


def _text(words: int, key: tuple[int, ...]) -> str:
    lines = ["  %hash0 = add i64 0, 0"]
    for n, (word, factor) in enumerate(zip(key, _factors(len(key)), strict=True)):
        lines.append(f"""
  %key{n} = getelementptr i64, ptr %state, i64 {word}
  %own{n} = load i64, ptr %key{n}
  %part{n} = mul i64 %own{n}, {factor}
  %hash{n + 1} = add i64 %hash{n}, %part{n}""")
    return _TEXT.format(
        head=head("%patience"),
        hash="".join(lines),
        keys=len(key),
        shift=64 - _INDEX_BITS,
        stopped=stopped(words),
        single=one_pass(words, "%now_count"),
    )
