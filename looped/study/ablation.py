"""Every part of a machine knocked out in turn: which loops fail, and which need that part.

The weights run without the part, from the states that the reference has before a loop, and must
leave the state that the reference has after it. Beside them runs the circuit without the part. So
two questions have separate answers: what breaks, from the weights, and what needs the part, from
the circuit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from looped.analysis import block_weights
from looped.artefact.embedding import State, read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.nn import Block
from looped.nn.hooks import Tap
from looped.study.interventions import without
from looped.study.loops import LoopCase
from looped.study.needs import CircuitLoop
from looped.study.parts import Head, Part, parts

__all__ = ["KnockOut", "WrongWord", "knock_out_all"]

Flags = npt.NDArray[np.bool_]

_CHUNK = 16
"""Cases that run at once: the activations of a block then stay below 4 MB."""


@dataclass(frozen=True, slots=True)
class WrongWord:
    """The first word that differs after a loop: `cpu, pc` is `found` and should be `expected`."""

    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found}, not {self.expected}"


@dataclass(frozen=True, eq=False, slots=True)
class KnockOut:
    """What happens without a part, case by case.

    `breaks` are the cases that end in another state than the reference's, `needs` those in which
    the circuit without the part does. Where `exact` is False the circuit does not say what happens.
    `first` is the first wrong word of the first case that breaks.
    """

    part: Part
    breaks: Flags
    needs: Flags
    exact: Flags
    first: WrongWord | None

    @property
    def agrees(self) -> bool:
        """Whether exactly the cases break that need the part, where the circuit says which do."""
        return bool((self.breaks == self.needs)[self.exact].all())


def knock_out_all(
    machine: CompiledMachine,
    cases: Sequence[LoopCase],
    progress: Callable[[Part], None] = lambda part: None,
) -> Iterator[KnockOut]:
    """Knock out each head and each group that has weights, in turn.

    Raises CompileError for a baked machine, and for one with workers.
    """
    circuit, model = CircuitLoop(machine.plan), _Blocks(machine, cases)
    before, after = (np.stack([getattr(c, name) for c in cases]) for name in ("before", "after"))
    for part in parts(machine.plan):
        if not _has_weights(machine, part):
            continue
        progress(part)
        result = circuit.run(before, part)
        needs = (result.x != after).any(axis=(1, 2))
        found = model.without(part)
        breaks = (found != after).any(axis=(1, 2))
        worst = np.flatnonzero(breaks)
        first = _first(machine.plan, found[worst[0]], after[worst[0]]) if len(worst) else None
        yield KnockOut(part, breaks, needs, result.exact, first)


class _Blocks:
    """The model of a machine, and the residual streams of all cases before each of its blocks.

    The matrices are sparse: nearly all weights are zero. All sums are exact, so this is the dense
    engine to the bit.
    """

    def __init__(self, machine: CompiledMachine, cases: Sequence[LoopCase]) -> None:
        model = machine.model().transformer
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight = torch.nn.Parameter(_sparse(module.weight), requires_grad=False)
        self.norm = model.norm
        self.blocks = [block for block in model.layers if isinstance(block, Block)]
        self.chunks = []
        for first in range(0, len(cases), _CHUNK):
            x = np.stack([case.before for case in cases[first : first + _CHUNK]])
            self.chunks.append(self._before_blocks(torch.tensor(x, dtype=torch.float32)))

    @torch.no_grad()
    def _before_blocks(self, x: Tensor) -> list[Tensor]:
        streams = [x]
        for block in self.blocks:
            streams.append(block(streams[-1]))
        return streams

    @torch.no_grad()
    def without(self, part: Part) -> npt.NDArray[np.float32]:
        """The residual streams after a loop without a part."""
        hooks = without(part)
        tap = Tap(lambda value, site: hooks[site.name](value, site) if site.name in hooks else None)
        found = []
        for streams in self.chunks:
            first = self.blocks[part.block]
            x = first(streams[part.block], tap=tap.within(f"blocks.{part.block}"))
            for block in self.blocks[part.block + 1 :]:
                x = block(x)
            found.append(self.norm(x).numpy())
        return np.concatenate(found)


def _sparse(weight: Tensor) -> Tensor:
    """The same matrix by its non-zero weights. PyTorch calls such tensors beta, once a process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return weight.detach().to_sparse_csr()


def _has_weights(machine: CompiledMachine, part: Part) -> bool:
    """Whether a part adds anything: an MLP may leave a word as it is."""
    if isinstance(part, Head):
        return True
    down = block_weights(machine.weights, part.block, machine.plan.d_head).w_down
    return bool(down[list(part.lanes)].any())


def _first(plan: Plan, found: npt.NDArray[np.float32], expected: State) -> WrongWord:
    """The first word that differs, column by column from the CPU on, then the others."""
    order = [plan.cpu, *(c for c in range(plan.columns) if c != plan.cpu)]
    column = next(c for c in order if (found[c] != expected[c]).any())
    lane = int(np.flatnonzero(found[column] != expected[column])[0])
    name = plan.column_name(column)
    for word, lanes in plan.words.items():
        if lane in lanes and bool((np.abs(found[column, list(lanes)]) == 1).all()):
            ours, wanted = (int(read_word(x[column, list(lanes)])) for x in (found, expected))
            shown = name if word == "value" else word
            return WrongWord(shown, f"{ours:#x}", f"{wanted:#x}")
    return WrongWord(
        f"{name}, lane {lane}", f"{found[column, lane]:g}", f"{expected[column, lane]:+d}"
    )
