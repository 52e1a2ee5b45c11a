"""Hosts that keep the machine in their columns: each runs three programs beside the reference."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from looped.artefact.architecture import CHOICES, PLAIN, Architecture
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.passes.variants import compile_for
from looped.profiles.case import Case
from looped.registry import registry
from looped.registry.baked import baked
from looped.study.variants.cost import cost
from looped.study.variants.programs import BITS, MEMORY, long_programs
from looped.study.variants.row import COLUMNS, Row, Training
from looped.verify.certificate import numeric_verdict
from looped.verify.difference import Mismatch
from looped.verify.lockstep import lockstep

__all__ = ["SYSTEMS", "System", "measure"]


@dataclass(frozen=True, slots=True)
class System:
    """A row to measure: an architecture, at a temperature, None for the coldest. A `baked` one has
    each of three programs in its weights. `idle` is what it has and does not use, beside a norm."""

    name: str
    architecture: Architecture = PLAIN
    beta: float | None = None
    baked: bool = False
    idle: str = ""

    @property
    def options(self) -> str:
        """The options of the command line that select it."""
        beta = "" if self.beta is None else f"--beta {self.beta:g}"
        bake = "--bake" if self.baked else ""
        return " ".join(part for part in (bake, self.architecture.options, beta) if part)

    @property
    def learner(self) -> str:
        """The name of its modules in the training check."""
        chosen = (
            name
            for part, known in CHOICES.items()
            if (name := getattr(self.architecture, part)) != known[0]
        )
        return next(chosen, "core")


SYSTEMS = (
    System("softmax, RMSNorm before each sub-layer", idle="the norm"),
    System("the same, absorbed", beta=22.0),
    System("the same, snapped", Architecture(snap=True), 6.0),
    System("RMSNorm after each sub-layer", Architecture(norm="rmsnorm-post"), idle="the norm"),
    System("LayerNorm before each sub-layer", Architecture(norm="layernorm"), idle="the norm"),
    System("LayerNorm after each sub-layer", Architecture(norm="layernorm-post"), idle="the norm"),
    System(
        "learned sinusoidal positions (LSPE)",
        Architecture(positions="learned-sinusoidal"),
        idle="the sinusoids, from the first loop on",
    ),
    System(
        "no positions: columns count (NoPos)",
        Architecture(positions="counted"),
        idle="the counting head, from the first loop on",
    ),
    System("sinusoids as addresses", Architecture(positions="sinusoidal")),
    System("a trained table of addresses", Architecture(positions="trained")),
    System("eigenvectors of a directed graph (MagLap)", Architecture(positions="maglap")),
    System("MagLap, control-flow graph", Architecture(positions="maglap"), baked=True),
    System("additive attention", Architecture(attention="additive")),
    System("differential attention", Architecture(attention="differential"), idle="the second map"),
    System("differential, snapped", Architecture(attention="differential", snap=True), 1.5),
    System("HyperAttention, hash = address bits", Architecture(attention="hyper")),
    System("sparse attention, strided: three hops", Architecture(attention="sparse-strided")),
    System("sparse attention, fixed: three hops", Architecture(attention="sparse-fixed")),
    System("top-1 attention", Architecture(attention="top1"), 1.0),
    System("linear attention, a feature a column", Architecture(attention="linear")),
    System("DenseFormer, the last block's changes", Architecture(stack="denseformer")),
    System("recurrent memory (RMT)", Architecture(stack="rmt")),
    System("simplified: no values, no skip, parallel", Architecture(stack="simplified"), idle="γ"),
)
"""Every system of the table that keeps the machine in its columns."""


def measure(system: System, steps: int, training: Training | None = None) -> Row:
    """Run three programs on a system for `steps` instructions each, beside the reference.

    Of a baked system, which has a machine a program, the sizes are the largest ones."""
    cases = long_programs(3, steps, system.baked)
    groups = [[case] for case in cases] if system.baked else [list(cases)]
    machines = [_machine(system, group) for group in groups]
    engines = [DenseEngine(machine, uncertified=True) for machine in machines]
    began, fault, done = time.perf_counter(), None, 0
    for machine, engine, group in zip(machines, engines, groups, strict=True):
        images, inputs = [case.image for case in group], [case.data for case in group]
        try:
            done += lockstep(machine, engine, images, inputs, steps).steps
        except Mismatch as mismatch:
            fault, done = fault or str(mismatch), done + mismatch.difference.step - 1
    rate = done / (time.perf_counter() - began)
    blocks, units, pairs = map(max, zip(*map(cost, machines), strict=True))
    plan, lanes = machines[0].plan, max(int(engine.x.shape[2]) for engine in engines)
    return Row(
        system.name, system.options, done, fault, system.idle, _regime(machines[0]),
        plan.scaled_margin, blocks, lanes, units, pairs, COLUMNS, rate,
        "" if training is None else training(system.learner),
    )  # fmt: skip


def _machine(system: System, cases: Sequence[Case]) -> CompiledMachine:
    """The machine that runs some programs, only one if it is baked."""
    subleq = registry.machine("subleq")
    if not system.baked:
        return compile_for(subleq.circuit(BITS, MEMORY), system.architecture, system.beta)
    (case,) = cases
    return baked(subleq, case.image, MEMORY, beta=system.beta, architecture=system.architecture)


def _regime(machine: CompiledMachine) -> str:
    """What the certificate proves, or that no proof covers the architecture."""
    if machine.plan.architecture.is_stock:
        return numeric_verdict(machine, "float32").regime or "none"
    return "measured, no proof"
