"""Panel: one kind of weight matrix of a block, rows by head or group, columns by word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from looped.analysis import block_weights
from looped.artefact.plan import CompiledMachine, Plan

__all__ = ["Matrix", "Panel", "Span", "attention_panels", "mlp_panels"]

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring rows or columns that belong together, [start, end)."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, eq=False, slots=True)
class Panel:
    """A matrix, (rows, lanes): rows are dimensions of heads or hidden units.

    Rows and lanes in which all weights of the matrix are zero are left out: of the rows those that
    are zero in all matrices of the block's attention or MLP. `lanes` are the numbers of the columns
    in the residual stream, `words` what these lanes hold.
    """

    name: str
    weights: Matrix
    lanes: tuple[int, ...]
    rows: tuple[Span, ...]
    words: tuple[Span, ...]


def attention_panels(machine: CompiledMachine, block: int) -> list[Panel]:
    """W_Q, W_K, W_V and the transpose of W_O, one head below the other."""
    plan = machine.plan
    heads = block_weights(machine.weights, block, plan.d_head).heads
    parts: list[tuple[str, list[Matrix]]] = []
    for explained, head in zip(plan.blocks[block].heads, heads, strict=False):
        matrices = [head.w_q, head.w_k, head.w_v, head.w_o.T]
        parts.append((explained.name, [m.numpy() for m in matrices]))
    return _panels(plan, ("W_Q", "W_K", "W_V", "W_O"), parts, 2 * block - 1)


def mlp_panels(machine: CompiledMachine, block: int) -> list[Panel]:
    """W_gate, W_up and the transpose of W_down, one group of hidden units below the other."""
    plan, weights = machine.plan, block_weights(machine.weights, block, machine.plan.d_head)
    matrices = [weights.w_gate.numpy(), weights.w_up.numpy(), weights.w_down.T.numpy()]
    parts: list[tuple[str, list[Matrix]]] = []
    shown: set[int] = set()
    for group in plan.blocks[block].groups:
        units = [unit for unit in group.units if unit not in shown]
        shown.update(units)
        parts.append((group.name, [m[units] for m in matrices]))
    return _panels(plan, ("W_gate", "W_up", "W_down"), parts, 2 * block)


def _panels(
    plan: Plan, names: tuple[str, ...], parts: list[tuple[str, list[Matrix]]], before: int
) -> list[Panel]:
    """The panels of matrices that read after phase `before` and write in the next one."""
    kept = [(name, _used_rows(matrices)) for name, matrices in parts]
    kept = [(name, matrices) for name, matrices in kept if len(matrices[0])]
    if not kept:
        return []
    rows = tuple(_spans((name, len(matrices[0])) for name, matrices in kept))
    panels = []
    for number, name in enumerate(names):
        whole = np.concatenate([matrices[number] for _, matrices in kept])
        used = np.flatnonzero(whole.any(axis=0)).tolist()
        phase = before + (number == len(names) - 1)
        lanes, words = _by_word({lane: _held(plan, lane, phase) for lane in used})
        panels.append(Panel(name, whole[:, lanes], tuple(lanes), rows, words))
    return panels


def _by_word(held: dict[int, tuple[str, int]]) -> tuple[list[int], tuple[Span, ...]]:
    """Lanes, those of a word together from its first bit on, and the words in their order."""
    order = list(dict.fromkeys(word for word, _ in held.values()))
    lanes = sorted(held, key=lambda lane: (order.index(held[lane][0]), held[lane][1]))
    runs = groupby(held[lane][0] for lane in lanes)
    return lanes, tuple(_spans((word, len(list(run))) for word, run in runs))


def _used_rows(matrices: list[Matrix]) -> list[Matrix]:
    used = np.any([m.any(axis=1) for m in matrices], axis=0)
    return [m[used] for m in matrices]


def _spans(runs: Iterator[tuple[str, int]]) -> Iterator[Span]:
    start = 0
    for name, length in runs:
        yield Span(name, start, start + length)
        start += length


def _held(plan: Plan, lane: int, phase: int) -> tuple[str, int]:
    """The word in a lane after a phase, and its bit.

    It is that of the CPU column, else that of other columns, else the one that the phase clears.
    """
    occupants = plan.occupants[lane] if lane < len(plan.occupants) else ()
    for each in occupants:
        if each.start <= phase < each.end:
            return each.word, each.bit
    for word, lanes in plan.words.items():
        if lane in lanes and all(each.word != word for each in occupants):
            return word, lanes.index(lane)
    cleared = next((each for each in occupants if each.end == phase), None)
    return ("idle", lane) if cleared is None else (f"{cleared.word}, cleared", cleared.bit)
