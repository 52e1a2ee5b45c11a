"""Walk: one loop of a machine, phase by phase, by the names of its plan.

The dense model computes it. Patterns of attention are computed for the columns that one asks about:
so that a walk fits in memory on machines with many columns, where a cache of all patterns does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from looped.analysis import block_weights
from looped.artefact.embedding import read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.nn import Block, GatedMLP, LoopedTransformer
from looped.study.parts import Group, Head, occupied

__all__ = ["Attended", "Bits", "Walk", "bits_of", "phase_name"]


@dataclass(frozen=True, slots=True)
class Attended:
    """A column, the one that it attends to, and the next best one, with their scores before scaling
    by beta. `copied` are the words of the target that the head copies, unsigned."""

    column: int
    target: int
    score: float
    runner_up: int
    next_score: float
    copied: Mapping[str, int]

    @property
    def margin(self) -> float:
        """By how much the best score exceeds the next."""
        return self.score - self.next_score


@dataclass(frozen=True, slots=True)
class Bits:
    """The bits of a word that lanes hold: `bits[i]` of the word is in `lanes[i]`; `whole` if these
    are all of them."""

    bits: tuple[int, ...]
    lanes: tuple[int, ...]
    whole: bool


def bits_of(plan: Plan, word: str, phase: int) -> Bits | None:
    """Where the CPU column holds a word after a phase; None if it does not.

    Phase -1 is the beginning of a loop, 2k the attention of block k, 2k + 1 its MLP. Raises
    ValueError for an unknown word.
    """
    held = occupied(plan, word)
    if not held and word not in plan.words:
        raise ValueError(f"no word is named {word!r}")
    if not held:
        return Bits(tuple(range(len(plan.words[word]))), tuple(plan.words[word]), True)
    found = {each.bit: lane for lane, each in held if each.start <= phase < each.end}
    bits = sorted(found)
    whole = len(bits) == len({each.bit for _, each in held})
    return Bits(tuple(bits), tuple(found[bit] for bit in bits), whole) if bits else None


def phase_name(phase: int) -> str:
    """A phase as people call it: `begin`, `block 1 attention`, `block 1 MLP`."""
    block, mlp = divmod(phase, 2)
    return "begin" if phase < 0 else f"block {block + 1} {'MLP' if mlp else 'attention'}"


class Walk:
    """One loop that begins with the state `x`, (columns, d_model), all of it ±1."""

    def __init__(
        self, machine: CompiledMachine, model: LoopedTransformer, x: npt.NDArray[np.generic]
    ) -> None:
        self.plan, self._weights = machine.plan, machine.weights
        self._blocks = [block for block in model.transformer.layers if isinstance(block, Block)]
        stream = torch.tensor(np.asarray(x), dtype=torch.float32)
        self._streams = [stream]
        with torch.inference_mode():
            for block in self._blocks:
                stream = stream + block.self_attn(block.input_layernorm(stream)[None])[0]
                self._streams.append(stream)
                stream = stream + block.mlp(block.post_attention_layernorm(stream))
                self._streams.append(stream)

    def state(self, phase: int) -> npt.NDArray[np.float32]:
        """The residual stream after a phase, (columns, d_model)."""
        state: npt.NDArray[np.float32] = self._streams[phase + 1].numpy()
        return state

    @property
    def last_phase(self) -> int:
        """The MLP of the last block."""
        return 2 * len(self._blocks) - 1

    def changed(self, block: int) -> list[int]:
        """The columns before the CPU that the attention of a block changes, ascending."""
        before, after = self._streams[2 * block], self._streams[2 * block + 1]
        found = (before != after).any(dim=1).nonzero()[:, 0].tolist()
        return [column for column in found if column < self.plan.cpu]

    def is_asked_by_cpu(self, head: Head) -> bool:
        """Whether a head writes to words of the CPU, not to the contents of memory columns."""
        output = self.plan.blocks[head.block].heads[head.index].output
        return "value" not in map(_base, output)

    def attended(self, head: Head, columns: Iterable[int]) -> list[Attended]:
        """What each of some columns attends to in a head."""
        asking = list(columns)
        plan, block = self.plan.blocks[head.block].heads[head.index], self._blocks[head.block]
        own = block_weights(self._weights, head.block, self.plan.d_head).heads[head.index]
        with torch.inference_mode():
            seen = block.input_layernorm(self._streams[2 * head.block])
            queries = seen[asking] @ own.w_q.T
            keys = seen @ own.w_k.T
            scores = queries @ keys.T / (math.sqrt(self.plan.d_head) * plan.beta)
            best = scores.topk(2, dim=1)
        rows = zip(asking, best.indices.tolist(), best.values.tolist(), strict=True)
        return [
            Attended(column, at[0], score[0], at[1], score[1], self._copied(head, at[0]))
            for column, at, score in rows
        ]

    def fired(self, group: Group, column: int) -> list[int]:
        """The hidden units of a group that fire in a CPU column, ascending."""
        block = self._blocks[group.block]
        mlp = block.mlp
        assert isinstance(mlp, GatedMLP)
        with torch.inference_mode():
            row = block.post_attention_layernorm(self._streams[2 * group.block + 1][column])
            hidden = mlp.activation(mlp.gate_proj(row)) * mlp.up_proj(row)
        return [unit for unit in group.units if hidden[unit] != 0]

    def value(self, bits: Bits, phase: int, column: int) -> int:
        """The value of bits of a word after a phase, unsigned, each in its place."""
        row = self.state(phase)[column]
        held = zip(bits.bits, bits.lanes, strict=True)
        return sum(1 << bit for bit, lane in held if row[lane] > 0)

    def _copied(self, head: Head, target: int) -> dict[str, int]:
        """The words that a head copies from a column."""
        phase = 2 * head.block - 1
        copied = {}
        for name in self.plan.blocks[head.block].heads[head.index].value:
            word = _base(name)
            if target in self.plan.cpus and occupied(self.plan, word):
                bits = bits_of(self.plan, word, phase)
                if bits is not None:
                    copied[word] = self.value(bits, phase, target)
            elif target not in self.plan.cpus and word in self.plan.words:
                row = self.state(phase)[target]
                copied[word] = int(read_word(row[list(self.plan.words[word])]))
        return copied


def _base(word: str) -> str:
    """The name of a word without its bits: `value[0:16]` is `value`."""
    return word.partition("[")[0]
