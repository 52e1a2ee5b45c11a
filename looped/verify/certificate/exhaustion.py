"""Every state, one after the other, through the MLP itself.

Where the lanes that a made lane depends on are few, in the weights and in the circuit, all their
states are run through the `nn` module and compared with the signals evaluated by plain arithmetic.
It shows nothing that the diagrams do not, and shares nothing with them: it tests the tester. At eight
bits this covers the subtractor, all 2^16 pairs of operands under every flag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from looped.compiler.signals import Signal
from looped.compiler.words import ONE, Form, Lane
from looped.verify.certificate.claims import EXHAUSTION, Claim
from looped.verify.certificate.rows import BlockRows
from looped.verify.certificate.subject import Subject

__all__ = ["exhaustion_claims"]

_MOST_WORK = 1 << 33
"""Weights times states for one group of lanes: seconds."""
_CHUNK = 1 << 14

Signs = npt.NDArray[np.float64]
"""What a lane holds, state by state."""


def exhaustion_claims(subject: Subject, block: int, rows: BlockRows) -> Iterator[Claim]:
    """The claim about those lanes of a block's MLP that depend on few lanes, if there are any."""
    places = {lane: index for index, lane in subject.alive(2 * block).items()}
    groups: list[tuple[set[int], list[tuple[int, Signal]]]] = []
    made = subject.schedule.bits.get(2 * block + 1, [])
    supports = [
        (_support(rows, places, subject.layout.index[b.lane], b.signal), b) for b in made
    ]
    for support, bit in sorted(supports, key=lambda pair: -len(pair[0])):
        if subject.plan.d_model * subject.plan.d_ff << len(support) <= _MOST_WORK:
            home = next((g for g in groups if support <= g[0]), None)
            if home is None:
                home = (support, [])
                groups.append(home)
            home[1].append((subject.layout.index[bit.lane], bit.signal))
    if not groups:
        return
    cases = sum(1 << len(support) for support, _ in groups)
    faults = (_fault(subject, block, sorted(s), places, lanes) for s, lanes in groups)
    fault = next((f for f in faults if f), None)
    count = sum(len(lanes) for _, lanes in groups)
    part = f"MLP: {count} of {len(made)} lanes that it makes"
    yield Claim(block, part, "are what the circuit defines", EXHAUSTION, cases, fault)


def _support(rows: BlockRows, places: dict[Lane, int], index: int, signal: Signal) -> set[int]:
    """The free lanes that a made lane depends on, by its weights or by its definition."""
    free = set(places.values())
    seen = {index} | {places[lane] for lane in signal.lanes() if lane in places}
    for unit in rows.down[index]:
        seen |= {*rows.gate[unit], *rows.up[unit]}
    return seen & free


def _fault(
    subject: Subject,
    block: int,
    support: Sequence[int],
    places: Mapping[Lane, int],
    lanes: Sequence[tuple[int, Signal]],
) -> str | None:
    """The first lane that is wrong in some state of the lanes in `support`, or None."""
    idle = torch.full((subject.plan.d_model,), -1.0)
    for lane, sign in subject.cpu.fixed.items():
        idle[lane] = sign
    names = {index: lane for lane, index in places.items()}
    for first in range(0, 1 << len(support), _CHUNK):
        numbers = np.arange(first, min(first + _CHUNK, 1 << len(support)))
        signs = {i: 2.0 * (numbers >> bit & 1) - 1 for bit, i in enumerate(support)}
        states = idle.repeat(len(numbers), 1)
        for i, sign in signs.items():
            states[:, i] = torch.tensor(sign)
        found = _through_mlp(subject, block, states)
        seen = {names[i]: sign for i, sign in signs.items()}
        for index, signal in lanes:
            expected = 2 * _signal(signal, seen) - 1
            if not np.array_equal(found[:, index], expected):
                return f"{subject.plan.lane_name(index)} is wrong in one of the states"
    return None


@torch.inference_mode()
def _through_mlp(subject: Subject, block: int, states: Tensor) -> npt.NDArray[np.float32]:
    """The states (cases, d_model) after the MLP of a block, in float32."""
    layer = subject.model.transformer.layers[block]
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
