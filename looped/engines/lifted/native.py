"""Straight-line code to machine code, by LLVM (llvmlite), inside a loop over passes.

The function is

    run(state, cells, stops, mid_instruction, stored, loops) -> c or -1 - c

`state` holds the driver's words, `cells` the packed lanes of the passive columns. `stops` and
`mid_instruction` are masks, one for each word of the state. The function returns after the first
pass that leaves a one in `stops`; another pass that leaves a one in `mid_instruction` does not
count. If a guard fails, the function undoes that pass and returns -1 - c, where c is the number of
passes that count. It returns c after `loops` of them, and also after many passes that do not count.
`stored` gets, for each store of the code, the column of its last store.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir

from looped.engines.lifted.apart import apart
from looped.engines.lifted.code import Code
from looped.engines.lifted.dispatch import Cases
from looped.engines.lifted.several import (
    Sizes,
    check_several,
    module_of_several,
    scratch_words,
)
from looped.engines.lifted.single import module_of_single

__all__ = ["CELLS", "Native", "compile_code", "load_code"]

CELLS = (8, 16, 32, 64)
"""The sizes in bits of the integer that holds the packed lanes of a passive column."""

_MOST = 256, 4096
"""The most passes for each one that counts, and the most beyond them: `run` returns for every model
after a fraction of a second, so that signals are served. A product of 8x8 matrices takes 4,224
passes with one worker of FLEQ, the longest instruction of the other machines takes 34."""

_OPTIMISED = 8_000
"""Longer code is compiled as it stands, and so is code with cases, whose constants are folded.
LLVM's passes over it make 8-bit SUBLEQ a third faster, FLEQ (6,700) a quarter, and take a second
for FLEQ. RV32I with cases takes 3.0 s with them and 1.6 s without, and is not slower."""


@dataclass(frozen=True)
class Native:
    """Compiled code. `cell` is the type of the array of passive columns. `stored` has, for each
    store, the column to which the last pass has stored."""

    cell: type[np.unsignedinteger]
    stored: npt.NDArray[np.int64]
    sizes: Sizes
    object_code: bytes
    _engine: binding.ExecutionEngine
    _function: Callable[..., int]
    _scratch: tuple[npt.NDArray[np.uint64], ...]

    def own(self) -> Native:
        """The same machine code with memory of its own for what a pass notes."""
        scratch = tuple(map(apart, self._scratch))
        return replace(self, stored=apart(self.stored), _scratch=scratch)

    @property
    def stores(self) -> int:
        """How many stores the code has, or for how many drivers it notes one."""
        return len(self.stored)

    @property
    def address(self) -> int:
        """The address of the machine code of `run`."""
        return int(self._engine.get_function_address("run"))

    def run(
        self,
        state: npt.NDArray[np.uint64],
        cells: npt.NDArray[np.unsignedinteger],
        stops: npt.NDArray[np.uint64],
        loops: int,
        mid_instruction: npt.NDArray[np.uint64] | None = None,
    ) -> tuple[int, bool]:
        """Advance a stream in place until `loops` passes count or one stops; returns how many
        count, and whether the next pass was abandoned."""
        mid_instruction = np.zeros_like(stops) if mid_instruction is None else mid_instruction
        arrays = (state, cells, stops, mid_instruction, self.stored, *self._scratch)
        addresses = (array.ctypes.data for array in arrays)
        found = int(self._function(*addresses, loops))
        return (found, False) if found >= 0 else (-1 - found, True)


def compile_code(
    code: Code,
    cell_bits: int,
    words: int,
    drivers: int = 1,
    columns: int = 0,
    cases: Cases | None = None,
) -> Native:
    """Machine code for a pass over `words` words of state and cells of `cell_bits` bits.

    If there are several drivers, `columns` is the number of cells without the spare one. One driver
    may have `cases`. Raises CompileError if several drivers cannot execute the code.
    """
    sizes = Sizes(words, drivers, columns, cell_bits)
    if drivers == 1:
        module = module_of_single(code, sizes, _MOST, cases)
    else:
        check_several(code)
        module = module_of_several(code, sizes, _MOST)
    stores = sum(instruction.operation == "store" for instruction in code.instructions)
    optimised = cases is None and len(code.instructions) <= _OPTIMISED
    return load_code(_compiled(module, optimised), sizes, stores)


def load_code(object_code: bytes, sizes: Sizes, stores: int) -> Native:
    """Object code, made for this processor from code with so many stores, ready to run.

    Raises RuntimeError for bytes that are no object code.
    """
    scratch: tuple[npt.NDArray[np.uint64], ...] = ()
    stored = np.zeros(stores, np.int64)
    if sizes.drivers > 1:
        stored = np.full(sizes.drivers, sizes.columns)
        scratch = (np.zeros(scratch_words(sizes), np.uint64),)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _processor())
    engine.add_object_file(binding.ObjectFileRef.from_data(object_code))
    engine.finalize_object()
    pointers = [ctypes.c_void_p] * (5 + len(scratch))
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *pointers, ctypes.c_int64)(
        engine.get_function_address("run")
    )
    cell = getattr(np, f"uint{sizes.cell_bits}")
    return Native(cell, stored, sizes, object_code, engine, function, scratch)


def _processor() -> binding.TargetMachine:
    """This processor as a target of LLVM."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )


def _compiled(module: ir.Module, optimised: bool) -> bytes:
    """Object code of a module for this processor."""
    machine = _processor()
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    if optimised:
        _optimise(parsed, machine)
    code: bytes = machine.emit_object(parsed)
    return code


def _optimise(module: binding.ModuleRef, machine: binding.TargetMachine) -> None:
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
