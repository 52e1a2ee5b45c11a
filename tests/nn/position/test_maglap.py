"""The magnetic Laplacian: direction in phases, and successors from scores alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from looped.nn.position import MagLapCode, eigenvectors, magnetic_laplacian, successor_query
from tests import seeds


def path(n: int) -> Tensor:
    edges = torch.zeros(n, n)
    edges[torch.arange(n - 1), torch.arange(1, n)] = 1
    return edges


def control_flow(n: int) -> Tensor:
    """A path with jumps, never both ways."""
    edges, rng = path(n), seeds.rng(n)
    for u in rng.sample(range(n), n // 4):
        v = rng.randrange(n)
        if v != u and not edges[v, u]:
            edges[u, v] = 1
    return edges


def margins(edges: Tensor, count: int | None = None, largest: bool = False) -> tuple[float, float]:
    """Of the nodes with a successor: the share whose best key is one, and the least margin."""
    values, vectors = eigenvectors(magnetic_laplacian(edges, 0.25), count, largest)
    query, key = (part.float() for part in successor_query(values, vectors))
    scores = (query @ key.mT)[edges.any(1)]
    right = edges[edges.any(1)].bool()
    best = scores.max(1).indices
    share = right.gather(1, best[:, None]).float().mean().item()
    least = scores.masked_fill(~right, math.inf).amin(1)
    return share, (least - scores.masked_fill(right, -math.inf).amax(1)).min().item()


def test_it_is_hermitian_and_has_real_eigenvalues_not_below_0() -> None:
    laplacian = magnetic_laplacian(control_flow(20), 0.1)
    assert torch.equal(laplacian, laplacian.mH)
    values, vectors = eigenvectors(laplacian)
    assert values.min() > -1e-12
    torch.testing.assert_close(vectors * values @ vectors.mH, laplacian)


def test_without_a_potential_it_is_the_laplacian_of_the_graph_without_directions() -> None:
    edges = control_flow(16)
    both = torch.maximum(edges, edges.T).double()
    assert torch.equal(magnetic_laplacian(edges, 0.0).real, both.sum(1).diag() - both)
    assert torch.equal(magnetic_laplacian(edges, 0.0), magnetic_laplacian(edges.T, 0.0))
    difference = magnetic_laplacian(edges, 0.1) - magnetic_laplacian(edges.T, 0.1)
    assert difference.abs().max() == pytest.approx(2 * math.sin(0.2 * math.pi))


def test_on_a_path_the_phase_grows_by_the_same_angle_at_each_edge() -> None:
    _, vectors = eigenvectors(magnetic_laplacian(path(32), 0.1), 1)
    turns = torch.angle(vectors[1:, 0] * vectors[:-1, 0].conj()).abs()
    assert (turns - 0.2 * math.pi).abs().max() < 1e-14


@pytest.mark.parametrize("n", [32, 128, 256])
def test_scores_single_out_successors(n: int) -> None:
    """1 for a successor, else at most 0; with the larger half of the eigenvalues still apart."""
    edges = control_flow(n)
    share, margin = margins(edges)
    assert share == 1 and margin == pytest.approx(1, abs=1e-5)
    share, margin = margins(edges, n // 2, largest=True)
    assert share == 1 and margin > 0.5
    assert margins(edges, n // 2)[0] < 0.05


def test_edges_both_ways_cancel() -> None:
    edges = path(8)
    edges[4, 3] = 1
    assert margins(edges)[0] < 1


def test_codes_tell_a_graph_from_the_reversed_one_only_with_a_potential() -> None:
    def codes(edges: Tensor, q: float) -> Tensor:
        torch.manual_seed(seeds.number(2))
        return MagLapCode(edges, 6, q, 5, 8)(torch.arange(12))

    edges = control_flow(12)
    assert torch.allclose(codes(edges, 0.0), codes(edges.T, 0.0))
    assert not torch.allclose(codes(edges, 0.1), codes(edges.T, 0.1))


def test_eigenvectors_are_those_of_numpy() -> None:
    numpy = pytest.importorskip("numpy")
    laplacian = magnetic_laplacian(control_flow(24), 0.1)
    values, vectors = eigenvectors(laplacian, 6)
    expected, others = numpy.linalg.eigh(laplacian.numpy())
    torch.testing.assert_close(values, torch.tensor(expected[:6]))
    overlap = (vectors.mH @ torch.tensor(others[:, :6])).abs()
    torch.testing.assert_close(overlap, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-6)
