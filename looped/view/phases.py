"""Phases: what the weights do within a pass: lanes, heads and units after every phase.

The columns that may change during a pass go through the transformer's own modules, with the same
inputs as in a whole pass. All others rest: their keys and values are those of the beginning. So a
query meets the keys of all columns. Two checks raise MismatchError: a head must attend to exactly
one column, and the pass must end in the residual stream that the engine has computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from looped.analysis import block_weights
from looped.artefact.plan import CompiledMachine
from looped.errors import MismatchError
from looped.nn.attention import Attention
from looped.nn.block import Block
from looped.nn.hooks import Site, Tap
from looped.view.walk import Pass

__all__ = ["Arc", "Inside", "Phases"]

_ONE_HOT = 104.0
"""A difference of logits at which float32 gives the lower one no weight: exp(-104) is zero."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A column that is not a CPU attends to `target` in a head, and receives something from it."""

    block: int
    head: int
    column: int
    target: int
    score: int
    margin: int


@dataclass(frozen=True, slots=True)
class Inside:
    """One pass from the inside; the CPU columns come in their order.

    `lanes` (phases + 1, cpus, d_model) are the lanes that are +1 at the beginning and after each
    phase. For each block, `heads` (heads, cpus, 3) are the column that a CPU attends to, the score,
    and its distance from the next best, both in units of the head's β; `units` (units, cpus) are
    those that fire.
    """

    lanes: npt.NDArray[np.bool_]
    heads: tuple[npt.NDArray[np.int32], ...]
    units: tuple[npt.NDArray[np.bool_], ...]
    arcs: tuple[Arc, ...]


class Phases:
    """Follows a residual stream, whose columns are now `stream`, from pass to pass."""

    def __init__(self, compiled: CompiledMachine, stream: npt.NDArray[np.int8]) -> None:
        self.plan, self._weights = compiled.plan, compiled.weights
        layers = compiled.model().transformer.layers
        self._blocks = [cast(Block, block) for block in layers]
        self._stream = torch.tensor(stream, dtype=torch.float32)
        shape = len(stream), self.plan.n_heads, self.plan.d_head
        self._keys = [torch.empty(shape) for _ in self._blocks]
        self._values = [torch.empty(shape) for _ in self._blocks]
        self._learn(torch.arange(len(stream)))

    @torch.inference_mode()
    def inside(self, passes: Sequence[Pass]) -> list[Inside]:
        """The next passes, several at once, from the inside. Raises MismatchError."""
        self._become(passes[0])
        columns = self._live(passes)
        x = self._beginnings(passes, columns)
        seen = _Seen(len(passes), len(self.plan.cpus), columns)
        seen.lanes.append(self._bits(x))
        for number, block in enumerate(self._blocks):
            x = x + self._attend(number, block, x, columns, seen)
            seen.lanes.append(self._bits(x))
            taps: list[Tensor] = []
            x = x + block.mlp(block.post_attention_layernorm(x), _units_of(taps))
            seen.lanes.append(self._bits(x))
            fired = taps[0][:, : len(self.plan.cpus)] != 0
            seen.units.append(fired.mT.numpy())
        self._check_ends(passes, columns, x)
        for each in passes[1:]:
            self._become(each)
        return seen.insides()

    def _live(self, passes: Sequence[Pass]) -> Tensor:
        """The columns that need their own rows in these passes: the CPUs, then the others."""
        others = set(range(self.plan.cpus.stop, self.plan.columns))
        others.update(*(each.live for each in passes), *(each.before for each in passes[1:]))
        return torch.tensor([*self.plan.cpus, *sorted(others - set(self.plan.cpus))])

    def _beginnings(self, passes: Sequence[Pass], columns: Tensor) -> Tensor:
        """The rows of these columns when each pass begins, (passes, columns, d_model)."""
        place = {column: row for row, column in enumerate(columns.tolist())}
        now, rows = self._stream[columns], []
        for number, each in enumerate(passes):
            for column, row in each.before.items() if number else ():
                now[place[column]] = torch.tensor(row, dtype=torch.float32)
            rows.append(now.clone())
        return torch.stack(rows)

    def _attend(self, number: int, block: Block, x: Tensor, columns: Tensor, seen: _Seen) -> Tensor:
        """What attention adds to `x` (passes, columns, d_model)."""
        attention = cast(Attention, block.self_attn)
        normed = block.input_layernorm(x)
        q, k, v = (
            matrix(normed).unflatten(-1, (self.plan.n_heads, self.plan.d_head))
            for matrix in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        mixed = torch.zeros_like(q)
        own = block_weights(self._weights, number, self.plan.d_head).heads
        for index, head in enumerate(self.plan.blocks[number].heads):
            best, target = self._winners(number, index, q, k, columns)
            resting = self._values[number][target, index]
            live = target[..., None] == columns  # (passes, columns, columns)
            moving = live.float() @ v[:, :, index]
            mixed[:, :, index] = torch.where(live.any(-1, keepdim=True), moving, resting)
            scores = torch.stack([best[..., 0], best[..., 0] - best[..., 1]], -1) / head.beta
            added = (mixed[:, :, index] @ own[index].w_o.T != 0).any(-1)
            seen.head(target, scores, added)
        total: Tensor = attention.o_proj(mixed.flatten(2))
        seen.close_block(number, (total != 0).any(-1))
        return total

    def _winners(
        self, number: int, index: int, q: Tensor, k: Tensor, columns: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The two best scores (passes, columns, 2), and the columns attended to."""
        scores = q[:, :, index] @ self._keys[number][:, index].T  # (passes, columns, all)
        own = q[:, :, index] @ k[:, :, index].mT  # (passes, columns, columns)
        scores.scatter_(-1, columns.expand_as(own), own)
        best, targets = scores.topk(2)
        best /= math.sqrt(self.plan.d_head)
        if not bool((best[..., 0] - best[..., 1] > _ONE_HOT).all()):
            raise MismatchError("a head attends to several columns")
        return best, targets[..., 0]

    @staticmethod
    def _bits(x: Tensor) -> Tensor:
        if not bool((x.abs() == 1).all()):
            raise MismatchError("the residual stream is not ±1 after a phase")
        return x > 0

    def _check_ends(self, passes: Sequence[Pass], columns: Tensor, x: Tensor) -> None:
        for each, begun, ended in zip(passes, self._beginnings(passes, columns), x, strict=True):
            for row, column in enumerate(columns.tolist()):
                if column in each.after:
                    begun[row] = torch.tensor(each.after[column], dtype=torch.float32)
            if not torch.equal(begun, ended):
                raise MismatchError("the phases of a pass do not end as the engine says")

    def _become(self, each: Pass) -> None:
        """Take over the columns that differ when a pass begins."""
        if each.before:
            columns = torch.tensor(list(each.before))
            rows = np.stack(list(each.before.values()))
            self._stream[columns] = torch.tensor(rows, dtype=torch.float32)
            self._learn(columns)

    @torch.inference_mode()
    def _learn(self, columns: Tensor) -> None:
        """Compute the keys and values that some columns have while they rest."""
        for number, block in enumerate(self._blocks):
            normed = block.input_layernorm(self._stream[columns])
            shape = self.plan.n_heads, self.plan.d_head
            attention = cast(Attention, block.self_attn)
            self._keys[number][columns] = attention.k_proj(normed).unflatten(-1, shape)
            self._values[number][columns] = attention.v_proj(normed).unflatten(-1, shape)


def _units_of(found: list[Tensor]) -> Tap:
    """A tap that appends the values of all hidden units to `found`."""

    def see(value: Tensor, site: Site) -> None:
        if site.name == "hook_post":
            found.append(value)

    return Tap(see)


class _Seen:
    """What several passes have shown so far."""

    def __init__(self, passes: int, cpus: int, columns: Tensor) -> None:
        self.lanes: list[Tensor] = []
        self.units: list[npt.NDArray[np.bool_]] = []
        self._passes, self._cpus, self._columns = passes, cpus, columns.tolist()
        self._heads: list[npt.NDArray[np.int32]] = []
        self._open: list[Tensor] = []
        self._added: list[Tensor] = []
        self._arcs: list[list[Arc]] = [[] for _ in range(passes)]

    def head(self, target: Tensor, scores: Tensor, added: Tensor) -> None:
        """Note a head: targets and whether it adds anything (passes, columns), and scores and
        margins (passes, columns, 2)."""
        both = torch.cat([target[..., None], scores.round().to(target.dtype)], -1)
        self._open.append(both)
        self._added.append(added)

    def close_block(self, block: int, changed: Tensor) -> None:
        """End a block; `changed` (passes, columns) are the columns that its attention changes.

        A column that attends to itself in two heads which cancel each other receives nothing.
        """
        shape = self._passes, 0, self._cpus, 3
        own = [each[:, : self._cpus] for each in self._open]
        found = torch.stack(own, 1).numpy() if own else np.zeros(shape)
        self._heads.append(found.astype(np.int32))
        for index, (both, added) in enumerate(zip(self._open, self._added, strict=True)):
            received = added & (changed | (both[..., 0] != torch.tensor(self._columns)))
            for number, row in received[:, self._cpus :].nonzero().tolist():
                place = self._cpus + row
                numbers = both[number, place].tolist()
                self._arcs[number].append(Arc(block, index, self._columns[place], *numbers))
        self._open, self._added = [], []

    def insides(self) -> list[Inside]:
        """The passes, one by one."""
        lanes = torch.stack(self.lanes, 1)[:, :, : self._cpus].numpy()
        return [
            Inside(
                lanes[number],
                tuple(heads[number] for heads in self._heads),
                tuple(units[number] for units in self.units),
                tuple(self._arcs[number]),
            )
            for number in range(self._passes)
        ]
