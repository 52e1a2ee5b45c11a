"""Random transformers of the kind that the fast engines take, made from compiled ones.

An edit is a name and some numbers, which are taken modulo whatever there is; a list of them is
applied to the weights of a small machine and to its first state. What comes out need not be a
machine any more, nor exact: engines must follow the dense one, hand it the pass, or refuse.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from hypothesis import strategies as st

from looped.artefact.plan import CompiledMachine

Edit = tuple[str, tuple[int, ...]]

_PARTS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass
class Draft:
    """Weights that grow: for each block the matrices of heads and of hidden units; the state `x`
    is (columns, d_model). Rows of q, k, v and columns of o are (heads · d_head)."""

    machine: CompiledMachine
    x: np.ndarray
    blocks: list[dict[str, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = {n: f"{'self_attn' if n in 'qkvo' else 'mlp'}.{n}_proj" for n in _PARTS}
        self.blocks = [
            {n: self.machine.weights[f"layers.{b}.{name}.weight"].double().numpy().copy()
             for n, name in names.items()}
            for b in range(len(self.machine.plan.blocks))
        ]  # fmt: skip

    @property
    def size(self) -> int:
        """Dimensions of a head."""
        return self.machine.plan.d_head

    @property
    def lanes(self) -> int:
        """The width of the residual stream."""
        return self.machine.plan.d_model

    def block(self, number: int) -> dict[str, np.ndarray]:
        """A block, by a number of any size."""
        return self.blocks[number % len(self.blocks)]

    def rows(self, block: dict[str, np.ndarray], number: int) -> slice:
        """The rows of a head, by a number of any size."""
        head = number % (len(block["q"]) // self.size)
        return slice(head * self.size, (head + 1) * self.size)

    def add_head(self, block: dict[str, np.ndarray], *parts: np.ndarray) -> None:
        """Append a head: q, k, v (d_head, d_model) and o (d_model, d_head)."""
        for name, part in zip("qkvo", parts, strict=True):
            block[name] = np.concatenate([block[name], part], axis=int(name == "o"))

    def add_unit(
        self, block: dict[str, np.ndarray], gate: np.ndarray, up: np.ndarray, down: np.ndarray
    ) -> None:
        """Append a hidden unit; each argument is (d_model,)."""
        block["gate"] = np.concatenate([block["gate"], gate[None]])
        block["up"] = np.concatenate([block["up"], up[None]])
        block["down"] = np.concatenate([block["down"], down[:, None]], axis=1)

    def finish(self) -> tuple[CompiledMachine, np.ndarray]:
        """The machine, all blocks filled up to the same size, and its first state."""
        plan, size = self.machine.plan, self.size
        heads = max(len(block["q"]) // size for block in self.blocks)
        units = max(len(block["gate"]) for block in self.blocks)
        weights = {n: w for n, w in self.machine.weights.items() if w.dim() == 1}
        for number, block in enumerate(self.blocks):
            for name, matrix in block.items():
                length = heads * size if name in "qkvo" else units
                axis = int(name in ("o", "down"))
                room = list(matrix.shape)
                room[axis] = length - room[axis]
                full = np.concatenate([matrix, np.zeros(room)], axis=axis)
                kind = "self_attn" if name in "qkvo" else "mlp"
                weight = torch.tensor(full, dtype=torch.float32)
                weights[f"layers.{number}.{kind}.{name}_proj.weight"] = weight
        new = dataclasses.replace(plan, n_heads=heads, d_ff=units)
        return CompiledMachine(new, weights), self.x


def permute(draft: Draft, seed: int) -> None:
    """Lanes, heads and units lie elsewhere."""
    rng = np.random.default_rng(seed)
    lanes = rng.permutation(draft.lanes)
    for block in draft.blocks:
        heads = rng.permutation(len(block["q"]) // draft.size)
        rows = np.concatenate([np.arange(h * draft.size, (h + 1) * draft.size) for h in heads])
        units = rng.permutation(len(block["gate"]))
        for name in "qkv":
            block[name] = block[name][rows][:, lanes]
        block["o"] = block["o"][lanes][:, rows]
        block["gate"], block["up"] = block["gate"][units][:, lanes], block["up"][units][:, lanes]
        block["down"] = block["down"][lanes][:, units]
    draft.x = draft.x[:, lanes]


def rescale(draft: Draft, block: int, which: int, power: int) -> None:
    """One dimension of a head, or a unit, times a power of two here and divided by it there."""
    b, scale = draft.block(block), 2.0 ** (power % 9 - 4)
    for first, second, count in (("q", "k", "q"), ("v", "o", "v"), ("gate", "up", "gate")):
        row = which % len(b[count])
        b[first][row] *= scale
        other = b[second][:, row] if second == "o" else b[second][row]
        other /= scale


def split_unit(draft: Draft, block: int, unit: int, share: int) -> None:
    """A unit becomes two that add up."""
    b = draft.block(block)
    unit %= len(b["gate"])
    part = b["down"][:, unit] * (share % 4 - 1) / 2
    b["down"][:, unit] -= part
    draft.add_unit(b, b["gate"][unit], b["up"][unit], part)


def split_head(draft: Draft, block: int, head: int, share: int) -> None:
    """A head becomes two that add up; with a share of twice as much, of opposite signs."""
    b = draft.block(block)
    own = draft.rows(b, head)
    part = b["o"][:, own] * (share % 5 - 1) / 2
    b["o"][:, own] -= part
    draft.add_head(b, b["q"][own], b["k"][own], b["v"][own], part)


def opposite_heads(draft: Draft, block: int, head: int) -> None:
    """A head twice more, with opposite signs."""
    b = draft.block(block)
    own = draft.rows(b, head)
    for sign in (1, -1):
        draft.add_head(b, b["q"][own], b["k"][own], b["v"][own], sign * b["o"][:, own])


def idle_head(draft: Draft, block: int, first: int, second: int, to: int, power: int) -> None:
    """A head without query and key whose three values cancel in the reals."""
    b, lanes = draft.block(block), draft.lanes
    zero, v = np.zeros((draft.size, lanes)), np.zeros((draft.size, lanes))
    scale = 2.0 ** (power % 23)
    for dimension, lane in ((0, first), (1, second), (2, first), (2, second)):
        v[dimension, lane % lanes] += scale
    o = np.zeros((lanes, draft.size))
    o[to % lanes, :3] = 1, 1, -1
    draft.add_head(b, zero, zero, v, o)


def clone_head(draft: Draft, block: int, head: int, source: int, target: int) -> None:
    """A head once more whose values come from other lanes and go to others."""
    b = draft.block(block)
    own = draft.rows(b, head)
    v, o = np.roll(b["v"][own], source, axis=1), np.roll(b["o"][:, own], target, axis=0)
    draft.add_head(b, b["q"][own], b["k"][own], v, o)


def clone_writes(draft: Draft, shift: int, address: int, lane: int, source: int) -> None:
    """The heads of the last block once more: a bit of the driver replaces another lane of the
    column written to, or of the column at an address that lies `shift` lanes away."""
    b = draft.blocks[-1]
    for number in range(len(b["q"]) // draft.size):
        own = draft.rows(b, number)
        live = np.flatnonzero(b["o"][:, own].any(axis=0))
        if not live.size:
            continue
        v, o = np.zeros((draft.size, draft.lanes)), np.zeros((draft.lanes, draft.size))
        sign = np.sign(b["o"][:, own][:, live[0]].sum())
        to, of = lane % draft.lanes, source % draft.lanes
        v[0, to] += 1
        v[0, of] += 1
        o[to, 0] = sign
        key = np.roll(b["k"][own], shift % 3, axis=1) if address % 2 else b["k"][own]
        draft.add_head(b, b["q"][own], key, v, o)


def add_unit(draft: Draft, block: int, seed: int, width: int) -> None:
    """A unit that adds something to a lane, in whatever columns open its gate."""
    rng = np.random.default_rng(seed)
    gate, up, down = np.zeros((3, draft.lanes))
    read = rng.permutation(draft.lanes)[: 1 + width % 3]
    gate[read] = rng.choice([-1, 1, 2], len(read))
    up[read[:1]] = 0.5
    down[rng.integers(draft.lanes)] = rng.choice([-2, -1, 1, 2])
    draft.add_unit(draft.block(block), gate, up, down)


def change_weight(draft: Draft, block: int, part: int, place: int, value: int) -> None:
    """One weight that is not zero."""
    matrix = draft.block(block)[_PARTS[part % len(_PARTS)]]
    rows, columns = np.nonzero(matrix)
    if len(rows):
        at = place % len(rows)
        matrix[rows[at], columns[at]] += (-2.0, -1.0, 0.5, 1.0, 2.0)[value % 5]


def flip_lanes(draft: Draft, column: int, lane: int, count: int) -> None:
    """Dirty lanes of a column in the first state: idle ones, a code, whatever lies there."""
    lanes = (lane + np.arange(1 + count % 3)) % draft.lanes
    draft.x[column % len(draft.x), lanes] *= -1


def flip_everywhere(draft: Draft, lane: int) -> None:
    """A dirty lane in every column."""
    draft.x[:, lane % draft.lanes] *= -1


EDITS: dict[str, tuple[Callable[..., None], int]] = {
    "permute": (permute, 1),
    "rescale": (rescale, 3),
    "split_unit": (split_unit, 3),
    "split_head": (split_head, 3),
    "opposite_heads": (opposite_heads, 2),
    "idle_head": (idle_head, 5),
    "clone_head": (clone_head, 4),
    "clone_writes": (clone_writes, 4),
    "add_unit": (add_unit, 3),
    "change_weight": (change_weight, 4),
    "flip_lanes": (flip_lanes, 3),
    "flip_everywhere": (flip_everywhere, 1),
}


def edits() -> st.SearchStrategy[list[Edit]]:
    """Up to five edits."""
    numbers = st.integers(0, 400)

    def one(name: str) -> st.SearchStrategy[Edit]:
        return st.tuples(st.just(name), st.tuples(*[numbers] * EDITS[name][1]))

    return st.lists(st.sampled_from(sorted(EDITS)).flatmap(one), min_size=1, max_size=5)


def edited(
    machine: CompiledMachine, x: np.ndarray, changes: Sequence[Edit]
) -> tuple[CompiledMachine, np.ndarray]:
    """A machine and its first state (columns, d_model), changed."""
    draft = Draft(machine, x.copy())
    for name, numbers in changes:
        EDITS[name][0](draft, *numbers)
    return draft.finish()
