"""The table of variants: each system runs three programs beside the reference, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.nn import Attention
from looped.nn.mixers import HyperAttention, LinearAttention
from looped.passes.variants import compile_for
from looped.registry import registry
from looped.study.variants.programs import BITS, MEMORY, long_programs
from looped.variants import model_of
from looped.verify.certificate import numeric_verdict
from looped.verify.difference import Mismatch
from looped.verify.lockstep import lockstep

__all__ = ["SYSTEMS", "Row", "System", "measure", "table"]


@dataclass(frozen=True, slots=True)
class System:
    """A row to measure: an architecture, at a temperature, None for the coldest."""

    name: str
    architecture: Architecture = PLAIN
    beta: float | None = None

    @property
    def options(self) -> str:
        """The options of the command line that select it."""
        beta = "" if self.beta is None else f"--beta {self.beta:g}"
        return " ".join(part for part in (self.architecture.options, beta) if part)


SYSTEMS = (
    System("softmax, RMSNorm before each sub-layer"),
    System("the same, absorbed", beta=22.0),
    System("the same, snapped", Architecture(snap=True), 6.0),
    System("RMSNorm after each sub-layer", Architecture(norm="rmsnorm-post")),
    System("LayerNorm before each sub-layer", Architecture(norm="layernorm")),
    System("LayerNorm after each sub-layer", Architecture(norm="layernorm-post")),
    System("learned sinusoidal positions (LSPE)", Architecture(positions="learned-sinusoidal")),
    System("no positions: columns count (NoPos)", Architecture(positions="counted")),
    System("additive attention", Architecture(attention="additive")),
    System("differential attention", Architecture(attention="differential")),
    System("differential, snapped", Architecture(attention="differential", snap=True), 3.0),
    System("HyperAttention, hash = address bits", Architecture(attention="hyper")),
    System("top-1 attention", Architecture(attention="top1"), 1.0),
    System("linear attention, a feature a column", Architecture(attention="linear")),
    System("DenseFormer, the last block's changes", Architecture(stack="denseformer")),
    System("recurrent memory (RMT)", Architecture(stack="rmt")),
)
"""Every system of the table that keeps the machine in its columns."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured. `steps` were equal to the reference; `fault` is the first difference.

    `margin` is the least margin times β. `units` are the hidden units of all blocks, snaps
    included, `pairs` the pairs of columns that attention compares in a loop.
    """

    system: System
    steps: int
    fault: str | None
    regime: str
    margin: float
    blocks: int
    lanes: int
    units: int
    pairs: int
    rate: float
    training: str = ""

    @property
    def cells(self) -> list[str]:
        """The cells of the row."""
        hosts = "yes" if self.fault is None else f"no: {self.fault}"
        growth = "none: the columns are the memory"
        return [
            self.system.name, f"`{self.system.options}`" if self.system.options else "", hosts,
            f"{self.steps:,}", self.regime, f"{self.margin:g}", str(self.blocks), str(self.lanes),
            f"{self.units:,}", f"{self.pairs:,}", growth, f"{self.rate:,.0f}", self.training,
        ]  # fmt: skip


_HEAD = (
    "system", "options", "hosts SUBLEQ?", "steps equal", "regime", "least margin · β", "blocks",
    "lanes", "units", "pairs a loop", "memory growth", "steps/s", "training check",
)  # fmt: skip

Training = Callable[[Architecture], str]
"""The training check of an architecture, as the text of a cell."""


def measure(system: System, steps: int, training: Training | None = None) -> Row:
    """Run three programs on a system for `steps` instructions each, beside the reference."""
    circuit = registry.machine("subleq").circuit(BITS, MEMORY)
    machine = compile_for(circuit, system.architecture, system.beta)
    engine = DenseEngine(machine, uncertified=True)
    cases = long_programs(3, steps)
    began, fault, done = time.perf_counter(), None, 0
    try:
        images, inputs = [case.image for case in cases], [case.data for case in cases]
        done = lockstep(machine, engine, images, inputs, steps).steps
    except Mismatch as mismatch:
        fault, done = str(mismatch), mismatch.difference.step - 1
    rate = done / (time.perf_counter() - began)
    plan = machine.plan
    return Row(
        system, done, fault, _regime(machine), plan.scaled_margin, len(plan.blocks),
        int(engine.x.shape[2]), _units(machine), _pairs(machine), rate,
        "" if training is None else training(system.architecture),
    )  # fmt: skip


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    lines: list[Sequence[str]] = [_HEAD, ["---"] * len(_HEAD), *(row.cells for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _regime(machine: CompiledMachine) -> str:
    """What the certificate proves, or that no proof covers the architecture."""
    if machine.plan.architecture.is_stock:
        return numeric_verdict(machine, "float32").regime or "none"
    return "measured, no proof"


def _units(machine: CompiledMachine) -> int:
    plan = machine.plan
    own = sum(len(group.units) for block in plan.blocks for group in block.groups)
    snaps = 6 * len(plan.snapped) * len(plan.blocks) if plan.architecture.snap else 0
    return own + snaps


def _pairs(machine: CompiledMachine) -> int:
    """The pairs of a query and a key that all heads with a plan compare in one loop."""
    plan, model = machine.plan, model_of(machine)
    total = 0
    for number, layer in enumerate(model.transformer.layers):
        mixer = layer.self_attn
        assert isinstance(mixer, Attention)
        keys = plan.columns
        if isinstance(mixer, HyperAttention):
            keys = min(keys, mixer.block + mixer.sample)
        elif isinstance(mixer, LinearAttention):
            keys = 0
        total += len(plan.blocks[number].heads) * plan.columns * keys
    return total
