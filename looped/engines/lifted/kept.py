"""Programs that earlier runs have made, in the cache, with their machine code.

A program serves only streams whose known lanes it fits (`Program.fits`), as it does in the run that
makes it. It names the processor that it is made for, as LLVM sees it, and serves no other.
"""

from __future__ import annotations

from typing import Any

import llvmlite
import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy
from llvmlite import binding

from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Positions, Residual
from looped.cache.store import Cache, open_cache
from looped.engines.entry import LIFTED, entry_key
from looped.engines.lifted.code import Code
from looped.engines.lifted.columns import Behaviour
from looped.engines.lifted.encoded import decoded, encoded
from looped.engines.lifted.lift import Lifted
from looped.engines.lifted.native import load_code
from looped.engines.lifted.program import Program, program_of
from looped.engines.lifted.several import Sizes

__all__ = ["Kept", "packed", "unpacked"]


class Kept:
    """The program that the cache has for a machine in a dtype."""

    def __init__(self, machine: CompiledMachine, dtype: str, uncertified: bool) -> None:
        self._cache: Cache = open_cache()
        self._key = None
        if self._cache.path is not None:
            self._key = entry_key(machine, dtype, uncertified)

    @property
    def writable(self) -> bool:
        """Whether there is a cache to keep a program in."""
        return self._key is not None

    def find(self) -> Program | None:
        """The program; None if there is none that is intact."""
        content = None if self._key is None else self._cache.get(LIFTED, self._key)
        return None if content is None else unpacked(content)

    def keep(self, program: Program) -> None:
        """Replace the program."""
        if self._key is not None:
            self._cache.put(LIFTED, self._key, packed(program))


def packed(program: Program) -> bytes:
    """A program as bytes, for processors like this one."""
    return safetensors.numpy.save({**_arrays(program), "processor": _processor()})


def unpacked(content: bytes) -> Program | None:
    """The program in these bytes; None if they are none, or are for another processor."""
    try:
        arrays = safetensors.numpy.load(content)
        if not np.array_equal(arrays.pop("processor"), _processor()):
            return None
        return _program(arrays)
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError):
        return None


def _processor() -> npt.NDArray[np.uint8]:
    """What machine code is made for, and by which LLVM."""
    features = binding.get_host_cpu_features().flatten()
    made_for = (
        binding.get_default_triple(),
        binding.get_host_cpu_name(),
        features,
        llvmlite.__version__,
        binding.llvm_version_info,
    )
    return np.frombuffer(repr(made_for).encode(), np.uint8)


def _arrays(program: Program) -> dict[str, npt.NDArray[Any]]:
    lifted, found, native = program.lifted, program.lifted.behaviour, program.native
    counted = program.known.positions
    return {
        "row": program.known.row,
        "lanes": program.known.lanes.astype(np.int64),
        "bits": program.known.bits,
        "rest": program.known.rest,
        "positions": np.array([lane for own in counted for lane in own.lanes], np.int64),
        "counts": np.array([(len(own.lanes), own.offset) for own in counted], np.int64),
        "places": np.array([found.driver, native.stores], np.int64),
        "drivers": found.drivers.astype(np.int64),
        "columns": found.columns.astype(np.int64),
        "words": np.array([lane for word in lifted.words for lane in word], np.int64),
        "lengths": np.array([len(word) for word in lifted.words], np.int64),
        "packed": np.array(lifted.packed, np.int64),
        "cell_bits": np.array([native.sizes.cell_bits], np.int64),
        "code": np.frombuffer(native.object_code, np.uint8),
        **encoded(program.source()),
    }


def _positions(arrays: dict[str, npt.NDArray[Any]]) -> tuple[Positions, ...]:
    """The lanes of known columns that follow from the number of the column."""
    counts = arrays["counts"].reshape(-1, 2)
    ends = np.cumsum(counts[:, 0])[:-1]
    lanes = np.split(arrays["positions"], ends) if len(counts) else []
    return tuple(
        Positions(tuple(own.tolist()), offset)
        for own, offset in zip(lanes, counts[:, 1].tolist(), strict=True)
    )


def _program(arrays: dict[str, npt.NDArray[Any]]) -> Program:
    """The program in an entry; its instructions are decoded when they are needed."""
    driver, stores = arrays["places"].tolist()
    (cell_bits,) = arrays["cell_bits"].tolist()
    lanes = arrays["lanes"].astype(np.intp)
    known = Residual(arrays["row"], lanes, arrays["bits"], arrays["rest"], _positions(arrays))
    ends = np.cumsum(arrays["lengths"])[:-1]
    words = tuple(tuple(word.tolist()) for word in np.split(arrays["words"], ends))
    drivers, columns = arrays["drivers"], arrays["columns"]
    nobody = np.zeros(0, np.int64)
    behaviour = Behaviour(
        driver, np.zeros((0, known.shape[1]), np.int8), nobody, [], drivers, columns
    )
    lifted = Lifted(Code(), behaviour, words, tuple(arrays["packed"].tolist()), ())
    sizes = Sizes(len(words), len(drivers), len(columns), cell_bits)
    native = load_code(arrays["code"].tobytes(), sizes, stores)
    return program_of(lifted, native, known, lambda: decoded(arrays))
