"""CompiledMachine: weights, and the plan that explains them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from looped.artefact.architecture import PLAIN, Architecture, snap_shapes
from looped.artefact.block_plan import BlockPlan, GroupPlan, HeadPlan
from looped.artefact.stored_weights import (
    Arrays,
    Facts,
    StoredWeights,
    arrays_of,
    digest_of,
)
from looped.errors import CompileError
from looped.number_format import NumberFormat
from looped.ports import Ports

if TYPE_CHECKING:
    from torch import Tensor

    from looped.nn import LoopedTransformer, Transformer

__all__ = [
    "SOFTMAX",
    "BlockPlan",
    "CompiledMachine",
    "GroupPlan",
    "HeadPlan",
    "Occupant",
    "Plan",
    "Workers",
]

SOFTMAX = "softmax"
"""The mixer of compiled machines: softmax attention over all columns."""


@dataclass(frozen=True, slots=True)
class Occupant:
    """A bit of a word in a lane of the CPU column: made in phase `start`, cleared in `end`.

    A loop begins after phase -1; phase 2k is the attention of block k, phase 2k + 1 its MLP.
    """

    word: str
    bit: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.word}.{self.bit}"


@dataclass(frozen=True, slots=True)
class Workers:
    """Several CPU columns that execute each instruction together, each its share of the result.

    There are `count` of them, a power of two. They have the same weights. Before the first loop
    they differ in one register: `number` is the number of the worker, from 0 on. The register
    `mask` is count - 1 in all of them.
    """

    count: int
    number: str
    mask: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about compiled weights except their values.

    `words` maps the name of each word that exists between loops to its lanes, least significant bit
    first, `formats` says what the bits of each stand for; `registers` are the names of those words
    that the CPU column keeps from loop to loop. `occupants[i]` lists what lane i of the CPU column
    holds during a loop, in order. The columns are `memory` words, then `n_registers` registers,
    then the CPU, then the input if there is one. With `workers` there are several CPU columns, and
    the last column is a null column, whose words are zero. `ports` name the words by which the
    machine talks to its host. `code` lists the addresses whose words are instructions of a baked
    program, none for a universal machine. A baked program begins only at `entry`. `parameters` are
    what the machine is compiled for, beside width and memory, by name. Of the lanes of the CPU,
    `halted` is +1 if the machine stops, `busy` is +1 if an instruction takes another loop, and
    `scratch` are all lanes that are +1 only during such an instruction. `dtype` is the format in
    which sums are exact, `mixer` the name of the mixer of all blocks. `variant` is the architecture
    if that is not the plain one; a plan of the plain one has no such field in a file. `flow` are
    the control-flow graphs of a program whose positions in them are its program counter: by the
    name of the word that holds the successor, pairs of program counters.
    """

    machine: str
    width: int
    memory: int
    d_model: int
    n_heads: int
    d_head: int
    d_ff: int
    words: Mapping[str, tuple[int, ...]]
    formats: Mapping[str, NumberFormat]
    registers: tuple[str, ...]
    occupants: tuple[tuple[Occupant, ...], ...]
    blocks: tuple[BlockPlan, ...]
    ports: Ports
    code: tuple[int, ...] = ()
    baked: bool = False
    entry: int = 0
    parameters: Mapping[str, int] = field(default_factory=dict)
    n_registers: int = 0
    has_input: bool = True
    halted: int | None = None
    busy: int | None = None
    scratch: tuple[int, ...] = ()
    workers: Workers | None = None
    dtype: str = "float32"
    mixer: str = SOFTMAX
    variant: Architecture | msgspec.UnsetType = msgspec.UNSET
    flow: Mapping[str, tuple[tuple[int, int], ...]] | msgspec.UnsetType = msgspec.UNSET

    @property
    def architecture(self) -> Architecture:
        """The architecture that the weights belong to."""
        return PLAIN if isinstance(self.variant, msgspec.UnsetType) else self.variant

    @property
    def graphs(self) -> Mapping[str, Mapping[int, int]]:
        """The control-flow graphs: program counter → the next one, by the word that holds it."""
        if isinstance(self.flow, msgspec.UnsetType):
            return {}
        return {word: dict(edges) for word, edges in self.flow.items()}

    @property
    def nodes(self) -> frozenset[int]:
        """The program counters in the control-flow graphs."""
        return frozenset(
            pc for edges in self.graphs.values() for edge in edges.items() for pc in edge
        )

    @property
    def snapped(self) -> tuple[int, ...]:
        """The lanes that a snap sets to ±1: all that some weight may write."""
        static = {"one", "cpu", "device", "register"}
        kept = {
            lane
            for name, lanes in self.words.items()
            if name in static or name.startswith("position")
            for lane in lanes
        }
        return tuple(lane for lane in range(len(self.occupants)) if lane not in kept)

    @property
    def scaled_margin(self) -> float:
        """The least margin of a head times its β, infinity without heads that write."""
        heads = (head for block in self.blocks for head in block.heads if head.output)
        return min((head.margin * head.beta for head in heads), default=math.inf)

    @property
    def columns(self) -> int:
        """The number of columns: memory, register file, CPU columns, input or null column."""
        has_last = self.has_input or self.workers is not None
        return self.memory + self.n_registers + len(self.cpus) + has_last

    @property
    def cpu(self) -> int:
        """The index of the CPU column, the first one of several."""
        return self.memory + self.n_registers

    @property
    def cpus(self) -> range:
        """The indices of all CPU columns."""
        return range(self.cpu, self.cpu + (1 if self.workers is None else self.workers.count))

    @property
    def most_workers(self) -> int:
        """The largest number of CPU columns that the weights allow."""
        return 1 if self.workers is None else 1 << len(self.words[self.workers.number])

    @property
    def input(self) -> int:
        """The index of the input column, on a machine that has one."""
        return self.cpu + 1

    @property
    def null(self) -> int:
        """The index of the null column, on a machine with workers."""
        return self.cpus.stop

    def with_workers(self, count: int) -> Plan:
        """The plan of the same weights with so many CPU columns.

        Raises CompileError unless it is a power of two up to `most_workers`.
        """
        most = self.most_workers
        if count & (count - 1) or not 1 <= count <= most:
            hint = f"a power of two from 1 to {most}" if most > 1 else "it has one CPU column"
            raise CompileError(f"the machine cannot have {count} workers", hint=hint)
        return (
            self
            if self.workers is None
            else replace(self, workers=replace(self.workers, count=count))
        )

    def check_mixer(self) -> None:
        """Raise CompileError for an unknown mixer, and for an unknown architecture."""
        self.architecture.check()
        if self.mixer != SOFTMAX:
            raise CompileError(
                f"the machine mixes columns by `{self.mixer[:40]}`",
                hint=f"this version of looped knows `{SOFTMAX}`",
            )

    def transformer(self) -> Transformer:
        """An untrained transformer of this size, RMSNorm without an epsilon.

        Raises CompileError for an unknown mixer, as `shapes` does.
        """
        from looped.artefact.build import snapped
        from looped.nn import Transformer

        self.check_mixer()
        sizes = self.d_model, len(self.blocks), self.n_heads, self.d_head, self.d_ff
        if self.architecture.snap:
            return snapped(*sizes, len(self.snapped))
        return Transformer.stock(*sizes, eps=0.0)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every weight, by its name in `looped.nn.model`."""
        self.check_mixer()
        width, inner = self.d_model, self.n_heads * self.d_head
        own = {f"self_attn.{part}_proj": (inner, width) for part in "qkv"}
        own |= {"self_attn.o_proj": (width, inner), "mlp.down_proj": (width, self.d_ff)}
        own |= {f"mlp.{part}_proj": (self.d_ff, width) for part in ("gate", "up")}
        shapes: dict[str, tuple[int, ...]] = {"norm.weight": (width,)}
        for block in range(len(self.blocks)):
            shapes |= {f"layers.{block}.{name}.weight": shape for name, shape in own.items()}
            for norm in ("input_layernorm", "post_attention_layernorm"):
                shapes[f"layers.{block}.{norm}.weight"] = (width,)
            if self.architecture.snap:
                shapes |= snap_shapes(f"layers.{block}.snap", len(self.snapped), width)
        return shapes

    def column_name(self, column: int) -> str:
        """The name of a column in messages: `mem[17]`, `x5`, `cpu`, `input`."""
        name = f"mem[{column}]" if column < self.memory else f"x{column - self.memory}"
        if self.workers is not None and column >= self.cpu:
            return "null" if column == self.null else f"cpu {column - self.cpu}"
        return {self.cpu: "cpu", self.input: "input"}.get(column, name)

    def lane_name(self, lane: int) -> str:
        """The name of a lane in messages, with its occupants during a loop."""
        for name, lanes in self.words.items():
            if lane in lanes:
                return f"{name}.{lanes.index(lane)}"
        return f"lane {lane} (" + (", ".join(self.occupant_names(lane)) or "idle") + ")"

    def occupant(self, lane: int, phase: int) -> str | None:
        """What a lane of the CPU column holds after a phase: `pc.3`; None if it is idle, at -1."""
        held = self.occupants[lane] if lane < len(self.occupants) else ()
        return next((str(each) for each in held if each.start <= phase < each.end), None)

    def occupant_names(self, lane: int) -> tuple[str, ...]:
        """The occupants of a lane of the CPU column during a loop, in order."""
        held = self.occupants[lane] if lane < len(self.occupants) else ()
        return tuple(dict.fromkeys(map(str, held)))


@dataclass(frozen=True)
class CompiledMachine:
    """The weights of a machine, float32, named as in `looped.nn.model`, and their plan."""

    plan: Plan
    weights: Mapping[str, Tensor]

    def with_workers(self, count: int) -> CompiledMachine:
        """The same weights with so many CPU columns. Raises CompileError: see Plan."""
        return replace(self, plan=self.plan.with_workers(count))

    @property
    def arrays(self) -> Arrays:
        """The weights as arrays, which nobody may change."""
        return arrays_of(self.weights)

    @property
    def stored(self) -> Facts | None:
        """What is known of the weights without loading them; None for weights in memory."""
        return self.weights.facts if isinstance(self.weights, StoredWeights) else None

    @property
    def digest(self) -> str:
        """The SHA-256 of the weights."""
        return digest_of(self.arrays) if self.stored is None else self.stored.digest

    @property
    def nonzero_weights(self) -> int:
        """The number of weights that are not zero, without the gains of the norms."""
        if self.stored is not None:
            return self.stored.nonzero
        matrices = (w for w in self.arrays.values() if w.ndim == 2)
        return sum(int(np.count_nonzero(w)) for w in matrices)

    @property
    def parameters(self) -> int:
        """The number of parameters, zeros and norms included."""
        if self.stored is not None:
            return self.stored.parameters
        return sum(w.size for w in self.arrays.values())

    def model(self) -> LoopedTransformer:
        """A looped transformer with these weights, float32, on the CPU.

        Raises CompileError for a machine of another architecture: `looped.variants` has its model.
        """
        if not self.plan.architecture.is_stock:
            self.plan.architecture.check_plain("this view of the model")
        return self.core()

    def core(self) -> LoopedTransformer:
        """The plain transformer, with snaps or without, that has these weights."""
        from looped.nn import LoopedTransformer

        transformer = self.plan.transformer()
        transformer.load_state_dict(dict(self.weights))
        return LoopedTransformer(transformer).requires_grad_(False).eval()
