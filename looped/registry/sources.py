"""Assembly sources and ELF files to images: finds the machine of a program, and its language."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from looped.errors import CompileError, Diagnostic, Source, SourceError, Span
from looped.image import Image
from looped.image.elf import load_elf
from looped.registry import registry
from looped.registry.definition import largest_memory

__all__ = ["DEFAULT_MACHINE", "assemble", "load_elf_program"]

DEFAULT_MACHINE = "subleq"
"""The machine of a source that names no machine and that no language recognises."""

_MACHINE = re.compile(r"^[ \t]*\.machine[ \t]+(\w+)", re.MULTILINE)


_NONE: Mapping[str, int] = {}


def assemble(
    source: Source,
    *,
    width: int | None = None,
    machine: str | None = None,
    parameters: Mapping[str, int] = _NONE,
) -> Image:
    """Assemble a source; `width`, `machine` and `parameters` override its directives.

    Without `machine`, a source is for the machine that its directive `.machine` names; without that
    directive, for the first machine whose language recognises it, else for DEFAULT_MACHINE. Raises
    SourceError with all errors of the source, in the order of the text, and CompileError for a
    parameter that the machine does not have.
    """
    directive = _MACHINE.search(source.text)
    named = machine or (directive.group(1) if directive else _recognised(source))
    if named not in registry.names():
        span = Span(source, *directive.span(1)) if directive and machine is None else None
        hint = f"machines: {', '.join(registry.names())}"
        raise SourceError([Diagnostic(f"no machine named `{named}`", span, hint)])
    from looped.lang.assembler import assemble_in  # not for a source that the cache has

    described = registry.machine(named)
    bits = described.language.width if width is None else width
    described.settled(bits, parameters)
    told = [p.name for p in described.parameters if p.dialects and parameters.get(p.name)]
    if told:
        raise CompileError(
            f"{source.name} is assembly, which has one dialect: no other {told[0]}",
            hint="dialects are for files that hold only numbers",
        )
    return assemble_in(described.language, source, width, machine is not None, parameters)


def _recognised(source: Source) -> str:
    known = (
        name for name in registry.names() if registry.machine(name).language.recognises(source)
    )
    return next(known, DEFAULT_MACHINE)


def load_elf_program(path: Path, machine: str | None = None) -> Image:
    """The program in an ELF file, for the machine of its architecture or for `machine`.

    Raises FileError as `load_elf` does, CompileError for a machine that runs no ELF files.
    """
    image = load_elf(path, _machine_for, largest_memory(32))
    if machine is None:
        return image
    if registry.machine(machine).runs_elf is None:
        raise CompileError(f"{path} is a program for {image.machine}, {image.width} bits")
    return dataclasses.replace(image, machine=machine)


def _machine_for(architecture: str) -> str | None:
    """The machine that runs ELF files for an architecture."""
    for name in registry.names():
        runs_elf = registry.machine(name).runs_elf
        if runs_elf is not None and runs_elf(architecture):
            return name
    return None
