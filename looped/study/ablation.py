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
from looped.nn.hooks import Hook, Site, Tap
from looped.study.interventions import without
from looped.study.loops import LoopCase
from looped.study.needs import CircuitLoop
from looped.study.parts import Head, Part, parts

__all__ = ["KnockOut", "WrongWord", "knock_out_all"]

Flags = npt.NDArray[np.bool_]

_KEPT = ("hook_mlp_out", "hook_resid_mid")
"""The activations of a block from which its end without a group follows."""

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
    before, after = (np.stack([getattr(c, name) for c in cases]) for name in ("before", "after"))
    circuit, model = CircuitLoop(machine.plan), _Blocks(machine, before)
    streams = circuit.streams(before)
    for part in parts(machine.plan):
        if not _has_weights(machine, part):
            continue
        progress(part)
        result = circuit.without(part, streams)
        needs = (result.x != after).any(axis=(1, 2))
        found = model.without(part)
        breaks = (found != after).any(axis=(1, 2))
        worst = np.flatnonzero(breaks)
        first = _first(machine.plan, found[worst[0]], after[worst[0]]) if len(worst) else None
        yield KnockOut(part, breaks, needs, result.exact, first)


class _Blocks:
    """The model of a machine, and what its blocks do with the residual streams of all cases.

    The matrices are sparse: nearly all weights are zero. All sums are exact, so this is the dense
    engine to the bit, and a stream that is the same before a block is the same after it.
    """

    def __init__(self, machine: CompiledMachine, before: State) -> None:
        model = machine.model().transformer
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight = torch.nn.Parameter(_sparse(module.weight), requires_grad=False)
        self.norm = model.norm
        self.blocks = [block for block in model.layers if isinstance(block, Block)]
        starts = range(0, len(before), _CHUNK)
        self.chunks = [self._run(before[first : first + _CHUNK]) for first in starts]

    @torch.no_grad()
    def _run(self, before: State) -> list[_Seen]:
        x, found = torch.tensor(before, dtype=torch.float32), []
        for block in self.blocks:
            seen: dict[str, Tensor] = {}
            found.append(_Seen(_packed(x), seen))
            x = block(x, tap=Tap(_noting(seen)))
        return [*found, _Seen(_packed(x), {})]

    @torch.no_grad()
    def without(self, part: Part) -> npt.NDArray[np.float32]:
        """The residual streams after a loop without a part."""
        return np.concatenate([self._without(part, chunk) for chunk in self.chunks])

    def _without(self, part: Part, chunk: list[_Seen]) -> npt.NDArray[np.float32]:
        """Only cases whose stream differs from that of the whole machine run through a block."""
        result, x = chunk[-1].x.float(), self._first(part, chunk[part.block])
        rows = torch.arange(len(x))
        for number in range(part.block + 1, len(self.blocks) + 1):
            other = (x != chunk[number].x[rows].float()).any(dim=2).any(dim=1)
            rows, x = rows[other], x[other]
            if number < len(self.blocks) and len(rows):
                x = self.blocks[number](x)
        result[rows] = x
        return np.asarray(self.norm(result).numpy())

    def _first(self, part: Part, seen: _Seen) -> Tensor:
        """The streams after the block of a part, without it."""
        hooks, scope = without(part), f"blocks.{part.block}"
        tap = Tap(lambda value, site: hooks[site.name](value, site) if site.name in hooks else None)
        if isinstance(part, Head):
            x: Tensor = self.blocks[part.block](seen.x.float(), tap=tap.within(scope))
            return x
        tap = tap.within(scope)
        made = tap("hook_mlp_out", seen.activations["hook_mlp_out"].float())
        return tap("hook_resid_post", seen.activations["hook_resid_mid"].float() + made)


@dataclass(frozen=True, eq=False, slots=True)
class _Seen:
    """The residual streams `x` before a block, and some of its activations."""

    x: Tensor
    activations: dict[str, Tensor]


def _noting(seen: dict[str, Tensor]) -> Hook:
    """A hook that keeps some activations."""

    def see(value: Tensor, site: Site) -> None:
        if site.name in _KEPT:
            seen[site.name] = _packed(value)

    return see


def _packed(x: Tensor) -> Tensor:
    """The same numbers in a byte each, where that is possible: a whole machine has no others."""
    small = x.to(torch.int8)
    return small if bool((small == x).all()) else x


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
