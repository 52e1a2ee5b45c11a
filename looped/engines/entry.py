"""The name of the cache entry that holds the machine code of a machine; LLVM is not needed for it.

It has all that the code is made from: the weights and the plan, the dtype, the sources of this
package, LLVM, and the processor.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from looped.artefact.plan import CompiledMachine
from looped.cache.key import key
from looped.untrusted import encode

__all__ = ["LIFTED", "entry_key"]

LIFTED = "lifted"
"""The kind of these entries."""

_CPUS = Path("/proc/cpuinfo")


def entry_key(machine: CompiledMachine, dtype: str, uncertified: bool) -> str:
    """The key of the program that the cache may have for a machine in a dtype."""
    import llvmlite  # only its version: this loads no LLVM

    plan = encode(machine.plan)
    return key(machine.digest, plan, dtype, uncertified, llvmlite.__version__, _processor())


@cache
def _processor() -> list[str]:
    """What tells one kind of processor from another."""
    found = [platform.machine(), platform.system()]
    if _CPUS.exists():
        first = _CPUS.read_text().split("\n\n")[0].splitlines()
        found += [line for line in first if line.startswith(("model name", "flags", "Features"))]
    return found
