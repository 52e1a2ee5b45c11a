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
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir

from looped.engines.lifted.code import Code
from looped.engines.lifted.instructions import BIT, WORD, Instructions, constant
from looped.engines.lifted.several import (
    Sizes,
    check_several,
    module_of_several,
    scratch_words,
)

__all__ = ["CELLS", "Native", "compile_code", "load_code"]

CELLS = (8, 16, 32, 64)
"""The sizes in bits of the integer that holds the packed lanes of a passive column."""

_MOST_PASSES, _MORE_PASSES = 256, 4096
"""The most passes for each one that counts, and the most beyond them: `run` returns for every model
after a fraction of a second, so that signals are served. A product of 8x8 matrices takes 4,224
passes with one worker of FLEQ, the longest instruction of the other machines takes 34."""

_OPTIMISED = 8_000
"""Longer code is compiled as it stands. LLVM's passes over it make 8-bit SUBLEQ a third faster,
RV32I (5,500 instructions) a tenth, FLEQ (6,700) a quarter, and take a second for FLEQ."""


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
    code: Code, cell_bits: int, words: int, drivers: int = 1, columns: int = 0
) -> Native:
    """Machine code for a pass over `words` words of state and cells of `cell_bits` bits.

    If there are several drivers, `columns` is the number of cells without the spare one. Raises
    CompileError if several drivers cannot execute the code.
    """
    sizes = Sizes(words, drivers, columns, cell_bits)
    if drivers == 1:
        module = _Writer(code, cell_bits, words).module
    else:
        check_several(code)
        module = module_of_several(code, sizes, (_MOST_PASSES, _MORE_PASSES))
    stores = sum(instruction.operation == "store" for instruction in code.instructions)
    return load_code(_compiled(module, len(code.instructions)), sizes, stores)


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


def _compiled(module: ir.Module, size: int) -> bytes:
    """Object code of a module for this processor; `size` is the number of instructions."""
    machine = _processor()
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    if size <= _OPTIMISED:
        _optimise(parsed, machine)
    code: bytes = machine.emit_object(parsed)
    return code


def _optimise(module: binding.ModuleRef, machine: binding.TargetMachine) -> None:
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)


class _Writer:
    """Writes the LLVM module: the loop around a pass."""

    def __init__(self, code: Code, cell_bits: int, words: int) -> None:
        self.code = code
        self.cell = ir.IntType(cell_bits)
        self.module = ir.Module("lifted")
        array = WORD.as_pointer()
        signature = ir.FunctionType(
            WORD, [array, self.cell.as_pointer(), array, array, array, WORD]
        )
        self.function = ir.Function(self.module, signature, "run")
        self.instructions = Instructions(self.module, code, self.cell)
        for argument in self.function.args[:5]:
            argument.add_attribute("noalias")
        self.entry, self.head, self.body, self.done = (
            self.function.append_basic_block(name) for name in ("entry", "head", "body", "done")
        )
        self.undo: list[tuple[ir.Value, ir.Value]] = []
        self.abandoned: list[ir.Block] = []
        self.stores = [i.operands[0] for i in code.instructions if i.operation == "store"]
        self._write(words)

    def _write(self, words: int) -> None:
        state, cells, stops, mid_instruction, stored, loops = self.function.args
        builder = ir.IRBuilder(self.entry)
        first, stops, mid_instruction = (
            [builder.load(self._at(builder, array, n)) for n in range(words)]
            for array in (state, stops, mid_instruction)
        )
        most = builder.mul(loops, constant(_MOST_PASSES))
        most = builder.add(most, constant(_MORE_PASSES))
        builder.branch(self.head)

        builder.position_at_end(self.head)
        count, passes = builder.phi(WORD, "count"), builder.phi(WORD, "passes")
        now = [builder.phi(WORD) for _ in range(words)]
        columns = [builder.phi(WORD) for _ in self.stores]
        halt = builder.phi(BIT, "halt")
        finished = builder.or_(halt, builder.icmp_unsigned(">=", count, loops))
        finished = builder.or_(finished, builder.icmp_unsigned(">=", passes, most))
        builder.cbranch(finished, self.done, self.body)

        builder.position_at_end(self.body)
        values = self.instructions.write(builder, now, cells, self)
        following = [values[value] for value in self.code.following]
        stop = self._raised(builder, "!=", following, stops)
        counts = builder.or_(stop, self._raised(builder, "==", following, mid_instruction))
        onward = builder.add(count, builder.zext(counts, WORD))
        last = builder.block
        another = builder.add(passes, constant(1))
        builder.branch(self.head)

        for phi, value in ((count, onward), (passes, another)):
            phi.add_incoming(constant(0), self.entry)
            phi.add_incoming(value, last)
        halt.add_incoming(ir.Constant(BIT, 0), self.entry)
        halt.add_incoming(stop, last)
        for phi, start, word in zip(now, first, following, strict=True):
            phi.add_incoming(start, self.entry)
            phi.add_incoming(word, last)

        for phi, place in zip(columns, self.stores, strict=True):
            phi.add_incoming(constant(0), self.entry)
            phi.add_incoming(values[place], last)

        builder.position_at_end(self.done)
        result = self._result(builder, count)
        for array, content in ((state, now), (stored, columns)):
            for number, word in enumerate(content):
                builder.store(word, self._at(builder, array, number))
        builder.ret(result)

    def _result(self, builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
        """How many passes count, or, if one was abandoned, -1 minus that."""
        flips = builder.phi(WORD, "abandoned")
        flips.add_incoming(constant(0), self.head)
        for block in self.abandoned:
            flips.add_incoming(constant(-1), block)
        return builder.xor(count, flips)

    @staticmethod
    def _raised(
        builder: ir.IRBuilder, comparison: str, words: list[ir.Value], masks: list[ir.Value]
    ) -> ir.Value:
        """Whether words have a one under their masks (`!=`), or whether they have none (`==`)."""
        masked = [builder.and_(word, mask) for word, mask in zip(words, masks, strict=True)]
        return builder.icmp_unsigned(comparison, _fold(builder, masked), constant(0))

    @staticmethod
    def _at(builder: ir.IRBuilder, array: ir.Value, place: int) -> ir.Value:
        return builder.gep(array, [constant(place)])

    def before_access(self, builder: ir.IRBuilder) -> None:
        """Do nothing: guards act at once."""

    def store(self, builder: ir.IRBuilder, column: ir.Value, content: ir.Value) -> None:
        """Replace the packed lanes of a passive column."""
        place = builder.gep(self.function.args[1], [column])
        self.undo.append((place, builder.load(place)))
        builder.store(content if self.cell == WORD else builder.trunc(content, self.cell), place)

    def guard(self, builder: ir.IRBuilder, wrong: ir.Value) -> None:
        """If a value is not zero, undo the stores of this pass and return from the function."""
        failed = self.function.append_basic_block("abandoned")
        self.abandoned.append(failed)
        onward = self.function.append_basic_block("onward")
        bad = builder.icmp_unsigned("!=", wrong, constant(0))
        builder.cbranch(bad, failed, onward)
        builder.position_at_end(failed)
        for place, old in reversed(self.undo):
            builder.store(old, place)
        builder.branch(self.done)
        builder.position_at_end(onward)


def _fold(builder: ir.IRBuilder, values: list[ir.Value]) -> ir.Value:
    result: ir.Value = constant(0)
    for value in values:
        result = builder.or_(result, value)
    return result
