"""Baked machines: the instructions of one program are in the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from looped.artefact.architecture import GRAPH, PLAIN, Architecture
from looped.artefact.plan import CompiledMachine
from looped.errors import CompileError
from looped.image import Image
from looped.machines.code import BakedCode
from looped.machines.control_flow import GraphCode
from looped.passes.variants import compile_for
from looped.precision import FLOAT32, Precision
from looped.registry.definition import Machine

__all__ = ["baked", "read_code"]

_NONE: Mapping[str, int] = {}


def read_code(machine: Machine, image: Image, memory: int, architecture: Architecture) -> BakedCode:
    """The instructions of a program. Where positions are those of a directed graph, and the program
    has one, its control-flow graph is the program counter.

    Raises CompileError for a program that cannot be baked.
    """
    code = machine.read_code(image, memory)
    if architecture.positions != GRAPH or not isinstance(code, GraphCode):
        return code
    if len(code.nodes) > memory:
        raise CompileError(
            f"the control-flow graph has {len(code.nodes)} nodes, and {memory} columns hold them",
            hint=f"give it --memory {1 << (len(code.nodes) - 1).bit_length()}",
        )
    return code.as_graph()


def baked(
    machine: Machine,
    image: Image,
    memory: int,
    form: Precision = FLOAT32,
    parameters: Mapping[str, int] = _NONE,
    beta: float | None = None,
    architecture: Architecture = PLAIN,
) -> CompiledMachine:
    """The machine of one program. Raises CompileError for one that cannot be baked."""
    code = read_code(machine, image, memory, architecture)
    circuit = machine.circuit(image.width, memory, code, form, **parameters)
    made = compile_for(circuit, architecture, beta, code.addresses)
    plan = dataclasses.replace(made.plan, entry=image.entry)
    if isinstance(code, GraphCode) and code.graph:
        flow = {word: tuple(edges.items()) for word, edges in code.edges.items()}
        plan = dataclasses.replace(plan, flow=flow)
    return dataclasses.replace(made, plan=plan)
