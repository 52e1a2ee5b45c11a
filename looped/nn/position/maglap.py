"""Positions in a directed graph: eigenvectors of its magnetic Laplacian."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["MagLapCode", "eigenvectors", "magnetic_laplacian", "successor_query"]


def magnetic_laplacian(adjacency: Tensor, q: float) -> Tensor:
    """`D_s - A_s ⊙ exp(i 2π q (A - Aᵀ))` of a 0/1 matrix `adjacency` (N, N), complex and Hermitian.

    A_s = A ∨ Aᵀ, D_s its degrees (Geisler et al. 2023, "Transformers Meet Directed Graphs"). With
    q = 0 it is the Laplacian of the graph without directions.
    """
    edges = adjacency.double()
    both = torch.maximum(edges, edges.mT)  # (N, N)
    angle = 2 * math.pi * q * (edges - edges.mT)
    return both.sum(1).diag() - both * torch.polar(torch.ones_like(angle), angle)


def eigenvectors(
    laplacian: Tensor, count: int | None = None, largest: bool = False
) -> tuple[Tensor, Tensor]:
    """The `count` smallest or largest eigenvalues (K,) and their vectors (N, K), each with the
    phase that makes its largest entry real and positive."""
    values, vectors = torch.linalg.eigh(laplacian)
    keep = len(values) if count is None else count
    chosen = slice(len(values) - keep, None) if largest else slice(keep)
    values, vectors = values[chosen], vectors[:, chosen]
    top = vectors.abs().max(0).indices  # (K,)
    peak = vectors.gather(0, top[None])  # (1, K)
    return values, vectors * (peak.conj() / peak.abs())


def successor_query(values: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Queries and keys (N, 2·K) whose product is 1 for each edge u → v, -1 back, 0 elsewhere.

    For q = ¼, where `L_uv = -i` on an edge: the product is `-Im Σ_k λ_k u_k(u) ū_k(v)`, in real
    numbers. Edges in both directions cancel. Exact with all eigenvectors.
    """
    query = torch.cat([-values * vectors.imag, values * vectors.real], 1)
    return query, torch.cat([vectors.real, vectors.imag], 1)


class MagLapCode(nn.Module):
    """A code a node: `W₂ relu(W₁ [λ_k, Re u_k(v), Im u_k(v)]_k)` over the `count` smallest λ.

    With q = 0 the codes of a graph and of the reversed one are equal. A position is a node.
    """

    nodes: Tensor

    def __init__(self, adjacency: Tensor, width: int, q: float, count: int, hidden: int) -> None:
        super().__init__()
        values, vectors = eigenvectors(magnetic_laplacian(adjacency, q), count)
        rows = [values.expand(len(vectors), -1), vectors.real, vectors.imag]
        self.register_buffer("nodes", torch.cat(rows, 1).to(torch.get_default_dtype()))
        self.inner = nn.Linear(3 * count, hidden)
        self.outer = nn.Linear(hidden, width)

    def forward(self, positions: Tensor) -> Tensor:
        """Map numbers of nodes (...) to codes (..., width)."""
        result: Tensor = self.outer(self.inner(self.nodes[positions]).relu())
        return result
