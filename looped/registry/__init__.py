"""The registry: the list of machines. Each machine registers itself, in a file of `builtin` or from
outside the package. No other room knows which machines exist.
A file of `builtin` has the name of its machine, and is imported when the machine is used.
"""

from __future__ import annotations

import pkgutil

from looped.registry import builtin
from looped.registry.assembled import assemble_file
from looped.registry.definition import Machine
from looped.registry.describe_pc import describe_pc, disassembled
from looped.registry.registry import announce, fuzz_profile, machine, names, register, unregister
from looped.registry.sources import DEFAULT_MACHINE, assemble, load_elf_program
from looped.registry.surroundings import host_for, system_for, unserved_trap

__all__ = [
    "DEFAULT_MACHINE",
    "Machine",
    "announce",
    "assemble",
    "assemble_file",
    "describe_pc",
    "disassembled",
    "fuzz_profile",
    "host_for",
    "load_elf_program",
    "machine",
    "names",
    "register",
    "system_for",
    "unregister",
    "unserved_trap",
]

for _file in pkgutil.iter_modules(builtin.__path__):
    announce(_file.name, f"{builtin.__name__}.{_file.name}")
