"""Exhaustion: every state, one after the other, through the MLP itself.

If a lane that an MLP makes depends on few lanes, in the weights and in the circuit, all their
states run through the `nn` module. Plain arithmetic evaluates the signals, and both must agree. The
diagrams prove the same; exhaustion shares no code with them, so it tests them. At eight bits it
covers every lane that an MLP makes, for example the subtractor with all 2^16 pairs of operands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from looped.circuit.signals import Signal
from looped.circuit.words import ONE, Form, Lane
from looped.passes.schedule import BitDefinition
from looped.verify.certificate.claims import EXHAUSTION, Claim
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.phases import after_attention, after_mlp
from looped.verify.certificate.rows import BlockRows

__all__ = ["exhaustion_claims"]

if TYPE_CHECKING:
    from torch import Tensor

_MOST_WORK = 1 << 33
"""Weights times states for one block: a few seconds."""
_CHUNK = 1 << 14

Signs = npt.NDArray[np.float64]
"""What a lane holds, state by state."""


def exhaustion_claims(context: ProofContext, block: int, rows: BlockRows) -> Iterator[Claim]:
    """The claim about those lanes of a block's MLP that depend on few lanes, if there are any."""
    places = {lane: index for index, lane in context.occupants(after_attention(block)).items()}
    made = context.schedule.bits.get(after_mlp(block), [])
    groups = list(_affordable(context, _groups(context, rows, places, made)))
    if groups:
        faults = (_fault(context, block, places, group) for group in groups)
        fault = next((f for f in faults if f), None)
        count = sum(len(group.lanes) for group in groups)
        part = f"MLP: {count} of {len(made)} lanes that it makes"
        cases = sum(group.states for group in groups)
        yield Claim(block, part, "are what the circuit defines", EXHAUSTION, cases, fault)


@dataclass(frozen=True)
class _Group:
    """Lanes that an MLP makes, with their signals; they depend on lanes in `support` only."""

    support: frozenset[int]
    lanes: dict[int, Signal]

    @property
    def states(self) -> int:
        return 1 << len(self.support)


def _groups(
    context: ProofContext,
    rows: BlockRows,
    places: Mapping[Lane, int],
    made: Sequence[BitDefinition],
) -> list[_Group]:
    """All lanes that a block makes, the smallest groups first."""
    groups: list[_Group] = []
    indices = {bit.lane: context.layout.index[bit.lane] for bit in made}
    supports = {b.lane: _support(rows, places, indices[b.lane], b.signal) for b in made}
    for bit in sorted(made, key=lambda b: -len(supports[b.lane])):
        support = supports[bit.lane]
        home = next((g for g in groups if support <= g.support), None)
        if home is None:
            home = _Group(support, {})
            groups.append(home)
        home.lanes[indices[bit.lane]] = bit.signal
    return groups[::-1]


def _affordable(context: ProofContext, groups: Sequence[_Group]) -> Iterator[_Group]:
    """As many groups as the work for one block allows."""
    left = _MOST_WORK // (context.plan.d_model * context.plan.d_ff)
    for group in groups:
        left -= group.states
        if left < 0:
            return
        yield group


def _support(
    rows: BlockRows, places: Mapping[Lane, int], index: int, signal: Signal
) -> frozenset[int]:
    """The free lanes that a lane depends on, by its weights or by its definition."""
    free = set(places.values())
    seen = {index} | {places[lane] for lane in signal.lanes() if lane in places}
    for unit in rows.down[index]:
        seen |= {*rows.gate[unit], *rows.up[unit]}
    return frozenset(seen & free)


def _fault(
    context: ProofContext, block: int, places: Mapping[Lane, int], group: _Group
) -> str | None:
    """The first lane of a group that is wrong in some state, or None."""
    import torch  # a verdict on numbers alone needs none

    idle = torch.full((context.plan.d_model,), -1.0)
    for lane, sign in context.cpu.fixed.items():
        idle[lane] = sign
    names = {index: lane for lane, index in places.items()}
    for first in range(0, group.states, _CHUNK):
        numbers = np.arange(first, min(first + _CHUNK, group.states))
        bits = {i: numbers >> place & 1 for place, i in enumerate(group.support)}
        signs = {i: (2 * bit - 1).astype(np.float64) for i, bit in bits.items()}
        states = idle.repeat(len(numbers), 1)
        for i, held in signs.items():
            states[:, i] = torch.tensor(held)
        found = _through_mlp(context, block, states)
        seen = {names[i]: held for i, held in signs.items()}
        for index, signal in group.lanes.items():
            expected = 2 * _signal(signal, seen) - 1
            if not (found[:, index] == expected).all():
                return f"{context.plan.lane_name(index)} is wrong in one of the states"
    return None


def _through_mlp(context: ProofContext, block: int, states: Tensor) -> npt.NDArray[np.float32]:
    """The states (cases, d_model) after the MLP of a block, in float32."""
    import torch

    from looped.nn import Block

    layer = context.model.transformer.layers[block]
    assert isinstance(layer, Block)
    with torch.inference_mode():
        after: npt.NDArray[np.float32] = (states + layer.mlp(states)).numpy()
    return after


def _signal(signal: Signal, seen: Mapping[Lane, Signs]) -> Signs:
    total = _form(signal.linear, seen)
    for term in signal.gated:
        condition = _form(term.condition.form, seen) >= term.condition.threshold
        total = total + condition * _form(term.form, seen)
    return total


def _form(form: Form, seen: Mapping[Lane, Signs]) -> Signs:
    """A form of lanes: dyadic numbers far below 2^53, exact in float64."""
    total = np.array(float(form.constant))
    for lane, factor in form.terms.items():
        total = total + float(factor) * (1.0 if lane == ONE else seen[lane])
    return total
