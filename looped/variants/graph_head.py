"""GraphHead: a head whose queries and keys are positions in a directed graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from looped.nn.hooks import Tap
from looped.nn.position import eigenvectors, magnetic_laplacian, successor_query

__all__ = ["GraphHead", "GraphMixer", "codes"]


def codes(edges: Mapping[int, int], nodes: int, potential: float = 0.25) -> tuple[Tensor, Tensor]:
    """Queries and keys (nodes, lanes) whose product is 1 for each edge and 0 or -1 elsewhere.

    Edges in both directions would cancel, and an edge from a node to itself has no direction. There
    a node is split: edges come into one half and leave the other (Geisler et al. 2023 have no such
    graphs). With another `potential` than ¼ the product is another one.
    """
    entry, count = list(range(nodes)), nodes
    for u, v in edges.items():
        if entry[v] == v and (u == v or (u < v and edges.get(v) == u)):
            entry[v], count = count, count + 1
    adjacency = torch.zeros(count, count)
    for u, v in edges.items():
        adjacency[u, entry[v]] = 1
    queries, keys = successor_query(*eigenvectors(magnetic_laplacian(adjacency, potential)))
    return queries[:nodes].float(), keys[entry].float()


class GraphHead(nn.Module):
    """A head that finds the successor of a node and copies what is known of it.

    ReLU units `asks` (n, d_model) and `holds` (nodes, d_model) are one-hot: the node of a column as
    a query, and as a key. They look up rows of `queries` (n, lanes), `keys` (nodes, lanes) and
    `values` (nodes, bits), which `output` (d_model, bits) adds to the stream. A column without a
    query attends by `lead` to those whose lane `rest` (d_model,) is 1, and whose value is zero.
    """

    def __init__(
        self,
        units: tuple[Tensor, Tensor],
        tables: tuple[Tensor, Tensor, Tensor],
        rest: Tensor,
        lead: float,
        output: Tensor,
    ) -> None:
        super().__init__()
        self.asks, self.holds = map(nn.Parameter, units)
        self.queries, self.keys, self.values = map(nn.Parameter, tables)
        self.rest, self.output = nn.Parameter(rest), nn.Parameter(output)
        self.lead = lead

    @property
    def units(self) -> int:
        """The hidden units of the tables."""
        return len(self.asks) + len(self.holds)

    def forward(self, x: Tensor) -> Tensor:
        """What the head adds to `x` (B, N, d_model)."""
        asked = (x @ self.asks.mT).relu()  # (B, N, n)
        held = (x @ self.holds.mT).relu()  # (B, N, nodes)
        idle = self.lead * (1 - asked.sum(-1, keepdim=True))  # (B, N, 1)
        q = torch.cat([asked @ self.queries, idle], -1)  # (B, N, lanes + 1)
        k = torch.cat([held @ self.keys, (x @ self.rest)[..., None]], -1)  # (B, N, lanes + 1)
        mixed = scaled_dot_product_attention(q, k, held @ self.values, scale=1.0)  # (B, N, bits)
        return mixed @ self.output.mT


class GraphMixer(nn.Module):
    """The heads of a mixer, and those of graphs beside them."""

    def __init__(self, mixer: nn.Module, heads: Sequence[GraphHead]) -> None:
        super().__init__()
        self.mixer, self.heads = mixer, nn.ModuleList(heads)

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map `x` (B, N, d_model) to the same shape, as the mixer does. Only it knows the rest."""
        result: Tensor = self.mixer(x, context, mask, tap)
        for head in self.heads:
            result = result + head(x)
        return result
