"""in_architecture: the weights of a plain machine, changed to those of another architecture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.hosting import check_hosting
from looped.artefact.plan import CompiledMachine
from looped.passes.snap import with_snap

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit

__all__ = ["compile_for", "in_architecture"]


def compile_for(
    circuit: Circuit,
    architecture: Architecture,
    beta: float | None = None,
    code: Iterable[int] | None = None,
) -> CompiledMachine:
    """Compile a circuit to the weights of an architecture. `beta` and `code` are those of
    `compile_circuit`. Raises CompileError."""
    from looped.passes.emit import compile_circuit

    made = compile_circuit(circuit, code, beta=beta, undo=architecture.undoes)
    return in_architecture(made, architecture)


def in_architecture(machine: CompiledMachine, architecture: Architecture) -> CompiledMachine:
    """A plain machine as one of another architecture. Raises CompileError for an unknown one, and
    for one that cannot be this machine.

    For the stack `denseformer` it must be compiled with `undo`.
    """
    architecture.check()
    if architecture == PLAIN:
        return machine
    plan = replace(machine.plan, variant=replace(architecture, snap=False))
    check_hosting(plan)
    made = replace(machine, plan=plan)
    return with_snap(made) if architecture.snap else made
