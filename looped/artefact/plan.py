"""CompiledMachine: weights, and the plan by which to read them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from looped.nn import LoopedTransformer, Transformer
from looped.ports import Ports
from looped.precision import PRECISIONS

__all__ = ["BlockPlan", "CompiledMachine", "GroupPlan", "HeadPlan", "Plan"]


_LARGEST = 1 << 20
"""More than any size that a plan tells."""

_MOST_BLOCKS = 1000
_POSITION = re.compile(r"position(-?\d{1,9})?")
_ALWAYS = ("one", "cpu", "device", "value", "pc")


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """One attention head, explained: the words it asks with, is asked by, carries, and fills."""

    name: str
    meaning: str
    query: tuple[str, ...]
    key: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    gap: int
    beta: int


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The hidden units of an MLP that make one word, and the words they read and write."""

    name: str
    units: tuple[int, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """The heads and the MLP groups of one block."""

    heads: tuple[HeadPlan, ...]
    groups: tuple[GroupPlan, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All there is to know about compiled weights besides their values.

    `words` maps the name of each word that exists between loops to its lanes, least significant
    bit first; `tenants[i]` names what lives in lane i in the course of a loop. The columns are
    `memory` words, then `n_registers` registers, then the CPU, then the input if there is one.
    `code` lists the addresses whose words are instructions of a baked program, none for a
    universal machine. A baked program begins at `entry`, and there alone. `ports` name the words by
    which the machine talks to its host. `halted` is the lane of the CPU that says that the machine
    stops, `busy` the one that says that its instruction takes another loop, `working` all lanes of
    the CPU that are +1 only then. `dtype` is the name of the format that its sums were cut for.
    """

    machine: str
    width: int
    memory: int
    d_model: int
    n_heads: int
    d_head: int
    d_ff: int
    words: Mapping[str, tuple[int, ...]]
    tenants: tuple[tuple[str, ...], ...]
    blocks: tuple[BlockPlan, ...]
    ports: Ports
    code: tuple[int, ...] = ()
    baked: bool = False
    entry: int = 0
    n_registers: int = 0
    has_input: bool = True
    halted: int | None = None
    busy: int | None = None
    working: tuple[int, ...] = ()
    dtype: str = "float32"

    def check(self) -> None:
        """Raise ValueError for what no machine's plan can be, as a file may have it."""
        sizes = (
            self.memory,
            self.d_model,
            self.n_heads,
            self.d_head,
            self.d_ff,
            self.n_registers + 1,
        )
        if not all(1 <= size <= _LARGEST for size in sizes) or not 1 <= self.width <= 64:
            raise ValueError("its sizes are those of no machine")
        if self.dtype not in PRECISIONS:
            raise ValueError(f"there is no dtype `{self.dtype[:40]}`")
        heads = [len(block.heads) for block in self.blocks]
        if not 1 <= len(heads) <= _MOST_BLOCKS or max(heads) > self.n_heads:
            raise ValueError("its blocks do not have the heads that they say")
        if not all(address in range(self.memory) for address in self.code):
            raise ValueError("its instructions are outside of its memory")
        self._check_words()

    def _check_words(self) -> None:
        """Raise ValueError unless there are all words that are needed, and all lanes of them."""
        lanes = itertools.chain(*self.words.values(), [] if self.halted is None else [self.halted])
        units = itertools.chain(*(group.units for block in self.blocks for group in block.groups))
        known = all(lane in range(self.d_model) for lane in lanes)
        if not known or not all(unit in range(self.d_ff) for unit in units):
            raise ValueError("its words are in lanes that are not there")
        if not all(_POSITION.fullmatch(n) for n in self.words if n.startswith("position")):
            raise ValueError("its columns have no positions")
        needed = [*_ALWAYS, *(["file"] if self.n_registers else [])]
        if not all(self.words.get(name) for name in needed):
            raise ValueError("it lacks words that every machine has")
        if len(self.words["value"]) != self.width:
            raise ValueError("its words have another width")
        self._check_ports()

    def _check_ports(self) -> None:
        """Raise ValueError unless the ports are words that can be served."""
        ports = self.ports
        if not all(self.words.get(name) for name in ports.words()):
            raise ValueError("its ports name words that are not there")
        if not all(len(self.words[name]) == 1 for name in ports.flags()):
            raise ValueError("its ports have flags of more than one bit")
        if ports.output is not None and len(self.words[ports.output.content]) > 8:
            raise ValueError("its output port has more than a byte")
        if ports.input is not None and not self.has_input:
            raise ValueError("it has an input port without an input column")

    @property
    def columns(self) -> int:
        """The number of columns: the memory, the register file, the CPU and the input."""
        return self.memory + self.n_registers + 1 + self.has_input

    @property
    def cpu(self) -> int:
        """The index of the CPU column."""
        return self.memory + self.n_registers

    @property
    def input(self) -> int:
        """The index of the input column, on a machine that has one."""
        return self.cpu + 1

    def transformer(self) -> Transformer:
        """An untrained transformer of this size, RMSNorm without an epsilon."""
        return Transformer.stock(
            self.d_model, len(self.blocks), self.n_heads, self.d_head, self.d_ff, eps=0.0
        )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every weight, by name."""
        with torch.device("meta"):
            return {k: tuple(w.shape) for k, w in self.transformer().state_dict().items()}

    def column_name(self, column: int) -> str:
        """How a column is called in messages: `mem[17]`, `x5`, `cpu`, `input`."""
        name = f"mem[{column}]" if column < self.memory else f"x{column - self.memory}"
        return {self.cpu: "cpu", self.input: "input"}.get(column, name)

    def lane_name(self, lane: int) -> str:
        """How a lane is called in messages, by what it holds between loops."""
        for name, lanes in self.words.items():
            if lane in lanes:
                return f"{name}.{lanes.index(lane)}"
        tenants = self.tenants[lane] if lane < len(self.tenants) else ()
        return f"lane {lane} (" + (", ".join(tenants) or "idle") + ")"


@dataclass(frozen=True)
class CompiledMachine:
    """The weights of a machine, float32, named as in `looped.nn.model`, and their plan."""

    plan: Plan
    weights: Mapping[str, Tensor]

    @property
    def nonzero_weights(self) -> int:
        """The number of weights that are not zero, the gains of the norms left out."""
        matrices = (w for w in self.weights.values() if w.dim() == 2)
        return sum(int(w.count_nonzero()) for w in matrices)

    @property
    def parameters(self) -> int:
        """The number of parameters, zeros and norms included."""
        return sum(w.numel() for w in self.weights.values())

    def model(self) -> LoopedTransformer:
        """A looped transformer with these weights, float32, on the CPU."""
        transformer = self.plan.transformer()
        transformer.load_state_dict(dict(self.weights))
        return LoopedTransformer(transformer).requires_grad_(False).eval()
