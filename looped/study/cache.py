"""PlanCache: what a machine did in some loops, by the names of its plan, in integers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from looped.artefact.embedding import State, read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.nn import Cache
from looped.study.parts import Group, Head, Part, find, occupied

__all__ = ["PlanCache", "run_with_cache"]

Integers = npt.NDArray[np.intp]


def run_with_cache(machine: CompiledMachine, x: State, loops: int = 1) -> PlanCache:
    """Run a residual stream (columns, d_model) through all blocks, `loops` times, and keep all."""
    stream = torch.tensor(np.asarray(x), dtype=torch.float32)[None]
    with torch.inference_mode():
        _, cache = machine.model().run_with_cache(stream, loops)
    return PlanCache(machine.plan, cache)


class PlanCache:
    """The activations of one residual stream. `loop` counts from 0; -1 is the last one.

    `activations` are the same as tensors, by the names of `looped.nn.hooks`. A name that several
    blocks have needs a `block`, counted from 0. All methods raise ValueError for an unknown name.
    """

    def __init__(self, plan: Plan, activations: Cache) -> None:
        self.plan = plan
        self.activations = activations

    def head(self, name: str, block: int | None = None, loop: int = -1) -> Integers:
        """For each column, the column that it attends to in a head, (columns,).

        Raises ValueError if the pattern is not exactly one-hot.
        """
        part = self._only(find(self.plan, head=name, block=block))
        assert isinstance(part, Head)
        pattern = self._at(f"blocks.{part.block}.attn.hook_pattern", loop)[part.index]
        if not bool(((pattern == 1).sum(-1) == 1).all() and (pattern != 0).sum() == len(pattern)):
            raise ValueError(f"the pattern of head {name!r} is not one-hot")
        return pattern.argmax(-1).numpy()

    def group(self, name: str, block: int | None = None, loop: int = -1) -> Integers:
        """The hidden units of a group that fire in the CPU column, (units,), ascending."""
        part = self._only(find(self.plan, group=name, block=block))
        assert isinstance(part, Group)
        hidden = self._at(f"blocks.{part.block}.mlp.hook_post", loop)[self.plan.cpu]
        return np.array([unit for unit in part.units if hidden[unit] != 0], np.intp)

    def word(
        self, name: str, phase: int | None = None, loop: int = -1, column: int | None = None
    ) -> int:
        """The value of a word after a phase, unsigned, in the CPU column or another one.

        Phase -1 is the beginning of a loop, 2k the attention of block k, 2k + 1 its MLP. The
        default is the last phase in which the word is complete.
        """
        lanes, last = self._lanes(name, phase)
        when = last if phase is None else phase
        stream = self._at(self._stream(when), loop)
        row = stream[self.plan.cpu if column is None else column]
        return int(read_word(row[lanes].numpy()))

    def _lanes(self, name: str, phase: int | None) -> tuple[list[int], int]:
        """The lanes of a word from its first bit on, and the last phase that has all of them."""
        final = 2 * len(self.plan.blocks) - 1
        held = occupied(self.plan, name)
        if not held and name in self.plan.words:
            return list(self.plan.words[name]), final
        if not held:
            raise ValueError(f"no word is named {name!r}")
        phases = [phase] if phase is not None else range(final, -2, -1)
        width = len({each.bit for _, each in held})
        for when in phases:
            found = {each.bit: lane for lane, each in held if each.start <= when < each.end}
            if len(found) == width:
                return [found[bit] for bit in sorted(found)], when
        where = "any phase" if phase is None else f"phase {phase}"
        raise ValueError(f"the word {name!r} is not complete in {where}")

    @staticmethod
    def _stream(phase: int) -> str:
        """The name of the residual stream after a phase."""
        block, mlp = divmod(max(phase, 0), 2)
        site = "pre" if phase < 0 else "post" if mlp else "mid"
        return f"blocks.{block}.hook_resid_{site}"

    def _at(self, name: str, loop: int) -> Tensor:
        return self.activations.loops[loop][name][0].float()

    @staticmethod
    def _only(found: tuple[Part, ...]) -> Part:
        if len(found) > 1:
            blocks = ", ".join(str(part.block) for part in found)
            raise ValueError(f"{found[0].name!r} is in blocks {blocks}: choose a block")
        return found[0]
