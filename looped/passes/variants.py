"""in_architecture: the weights of a plain machine, changed to those of another architecture."""

from __future__ import annotations

from dataclasses import replace

from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.plan import CompiledMachine
from looped.errors import CompileError
from looped.passes.snap import with_snap

__all__ = ["in_architecture"]


def in_architecture(machine: CompiledMachine, architecture: Architecture) -> CompiledMachine:
    """A plain machine as one of another architecture. Raises CompileError for an unknown one."""
    architecture.check()
    if architecture == PLAIN:
        return machine
    if architecture.stack == "rmt" and not machine.plan.has_input:
        raise CompileError(
            "a recurrent memory has segments, and the machine has no input column",
            hint="--stack plain",
        )
    plan = replace(machine.plan, variant=replace(architecture, snap=False))
    made = replace(machine, plan=plan)
    return with_snap(made) if architecture.snap else made
