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
            rows, places = _distinct(x)
            added = block.mlp(block.post_attention_layernorm(rows), _units_of(taps))
            x = x + added[places]
            seen.lanes.append(self._bits(x))
            fired = taps[0][places[:, : len(self.plan.cpus)]] != 0
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
        rows, places = _distinct(x)
        normed = block.input_layernorm(rows)
        q, k, v = (
            matrix(normed).unflatten(-1, (self.plan.n_heads, self.plan.d_head))
            for matrix in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        k, v = k[places], v[places]
        mixed = torch.zeros_like(v)
        for index, head in enumerate(self.plan.blocks[number].heads):
            best, target = self._winners(number, index, q, k, places, columns)
            resting = self._values[number][target, index]
            live = target[..., None] == columns  # (passes, columns, columns)
            moving = live.float() @ v[:, :, index]
            mixed[:, :, index] = torch.where(live.any(-1, keepdim=True), moving, resting)
            scores = torch.stack([best[..., 0], best[..., 0] - best[..., 1]], -1) / head.beta
            seen.head(target, scores)
        return self._output(number, attention, mixed, seen)

    def _output(self, number: int, attention: Attention, mixed: Tensor, seen: _Seen) -> Tensor:
        """What attention adds, from the values that each head has (passes, columns, heads, d)."""
        rows, places = _distinct(mixed.flatten(2))
        parts = rows.view(len(rows), *mixed.shape[2:])
        heads = block_weights(self._weights, number, self.plan.d_head).heads
        names = range(len(self.plan.blocks[number].heads))
        added = [(parts[:, head] @ heads[head].w_o.T != 0).any(-1)[places] for head in names]
        total: Tensor = attention.o_proj(rows)
        seen.close_block(number, added, (total != 0).any(-1)[places])
        return total[places]

    def _winners(
        self, number: int, index: int, q: Tensor, k: Tensor, places: Tensor, columns: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The two best scores (passes, columns, 2), and the columns attended to.

        `q` are the queries of the different rows, `k` the keys of `columns` in every pass.
        """
        resting = q[:, index] @ self._keys[number][:, index].T  # (rows, all columns)
        resting[:, columns] = -math.inf
        rest, far = (each[places] for each in resting.topk(2))
        scores = q[:, index][places] @ k[:, :, index].mT  # (passes, columns, columns)
        own, near = scores.topk(min(2, len(columns)))
        best, which = torch.cat([rest, own], -1).topk(2)
        targets = torch.cat([far, columns[near]], -1).gather(-1, which)
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


def _distinct(x: Tensor) -> tuple[Tensor, Tensor]:
    """The different rows of `x` (passes, columns, ...), and the index among them of each row
    (passes, columns).

    Most columns rest in most of the passes that go through the weights together.
    """
    flat, firsts, numbers = x.flatten(0, 1), list[int](), dict[bytes, int]()
    places = []
    for number, row in enumerate(flat.numpy()):
        places.append(numbers.setdefault(row.tobytes(), len(numbers)))
        if len(numbers) > len(firsts):
            firsts.append(number)
    return flat[firsts], torch.tensor(places).view(x.shape[:2])


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
        self._arcs: list[list[Arc]] = [[] for _ in range(passes)]

    def head(self, target: Tensor, scores: Tensor) -> None:
        """Note a head: targets (passes, columns), scores and margins (passes, columns, 2)."""
        both = torch.cat([target[..., None], scores.round().to(target.dtype)], -1)
        self._open.append(both)

    def close_block(self, block: int, added: Sequence[Tensor], changed: Tensor) -> None:
        """End a block; `added` says for each head, and `changed` for all of its attention, which
        columns receive something (passes, columns).

        A column that attends to itself in two heads which cancel each other receives nothing.
        """
        shape = self._passes, 0, self._cpus, 3
        own = [each[:, : self._cpus] for each in self._open]
        found = torch.stack(own, 1).numpy() if own else np.zeros(shape)
        self._heads.append(found.astype(np.int32))
        for index, (both, own_part) in enumerate(zip(self._open, added, strict=True)):
            received = own_part & (changed | (both[..., 0] != torch.tensor(self._columns)))
            for number, row in received[:, self._cpus :].nonzero().tolist():
                place = self._cpus + row
                numbers = both[number, place].tolist()
                self._arcs[number].append(Arc(block, index, self._columns[place], *numbers))
        self._open = []

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
