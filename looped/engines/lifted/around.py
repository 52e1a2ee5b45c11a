"""Loops in machine code around single passes of lifted code."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from llvmlite import binding

__all__ = ["function_of"]

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
