"""StreamCode: the residual stream of an architecture, and the lanes of the plan in it.

Hosts, the reference and the debugger know the lanes of the plan. An architecture may have more, or
make some of them itself. Lanes of the plan keep their places; what is added comes after them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from looped.artefact.architecture import SIMPLIFIED
from looped.artefact.plan import Plan
from looped.nn.norms import complement
from looped.variants.positions import Addresses, addresses
from looped.variants.simplified import widened

__all__ = ["StreamCode", "stream_code"]


@dataclass(frozen=True, slots=True)
class StreamCode:
    """The residual stream of a machine with `width` lanes in its plan.

    With `complementary` lanes each lane has its negative in the second half. `buses` is the number
    of lanes behind those of the plan that are -1 between loops. `own` makes the lanes of positions
    if columns find their addresses themselves.
    """

    width: int
    complementary: bool
    buses: int
    own: Addresses | None

    def inner(self, x: Tensor) -> Tensor:
        """The stream (batch, columns, lanes) for the lanes of the plan (batch, columns, width)."""
        if self.own is not None:
            x = self.own(x)
        if self.buses:
            x = pad(x, (0, self.buses), value=-1.0)
        return complement(x) if self.complementary else x

    def outer(self, x: Tensor) -> Tensor:
        """The lanes of the plan (…, width) in a stream (…, lanes): NaN where a complement is
        wrong, or a bus of the column is in use."""
        if self.buses:
            idle = (x[..., self.width :] == -1).all(-1, keepdim=True)
            return torch.where(idle, x[..., : self.width], torch.nan)
        if not self.complementary:
            return x
        lanes, others = x.chunk(2, -1)
        return torch.where(lanes == -others, lanes, torch.nan)

    def write(self, x: Tensor, lanes: Tensor, values: Tensor) -> None:
        """Set lanes of the plan in one column (lanes,) of a stream."""
        x[lanes] = values
        if self.complementary:
            x[lanes + self.width] = -values


def stream_code(plan: Plan) -> StreamCode:
    """The stream of a machine. Raises CompileError for an unknown architecture."""
    plan.architecture.check()
    complementary = plan.architecture.norm.startswith("layernorm")
    simplified = plan.architecture.stack == SIMPLIFIED
    wide = widened(plan.d_model, plan.n_heads, plan.d_head) if simplified else plan.d_model
    return StreamCode(plan.d_model, complementary, wide - plan.d_model, addresses(plan))
