"""Clusters on the sphere, lives of codes, and a machine with and without snaps."""

from __future__ import annotations

import math

import pytest
import torch

from looped.learn.clusters.computer import amplification, snap, survival
from looped.learn.clusters.sphere import clusters, flow, phases
from looped.learn.clusters.vertices import life, slope
from tests.conftest import compiled


def test_tokens_stay_on_the_sphere_and_meet_at_small_beta() -> None:
    few, many = phases((1.0, 81.0), (2,), (15.0,), tokens=12, runs=2)
    assert few.clusters == 1 and many.clusters > 2
    x = flow(torch.nn.functional.normalize(torch.randn(1, 5, 3), dim=-1), 1.0, 1.0)
    assert torch.allclose(x.norm(dim=-1), torch.ones(1, 5), atol=1e-6)


def test_clusters_are_chains_of_near_tokens() -> None:
    angles = torch.tensor([0.0, 0.1, 0.2, 1.0, 1.1, 3.0])
    x = torch.stack([angles.cos(), angles.sin()], -1)
    assert clusters(x[None]).tolist() == [3]


def test_the_life_of_codes_is_exponential_in_beta() -> None:
    lives = [life(beta) for beta in (0.5, 1.0, 2.0, 3.0)]
    assert [each.steps for each in lives] == [8, 12, 27, 93]
    rate, fit = slope(lives)
    assert 0.8 < rate < 1.2 and fit > 0.95
    assert life(9.0, most=50).steps is None


def test_a_snap_keeps_signs_and_fixes_vertices() -> None:
    x = torch.tensor([-3.0, -1.0, -0.5, -0.1, 0.2, 0.5, 1.0])
    by_units = torch.relu(2 * x + 1) - torch.relu(2 * x - 1) - 1
    assert torch.allclose(snap(x), by_units) and bool((snap(x).sign() == x.sign()).all())


def test_a_loop_amplifies_noise_and_a_snap_removes_it() -> None:
    machine = compiled("subleq", 8, 32)
    bare, snapped = (amplification(machine, 1e-3, s, states=8) for s in (False, True))
    assert bare.factor > 10 and snapped.factor == 0


@pytest.mark.parametrize(("sigma", "alive"), [(0.1, True), (0.4, False)])
def test_with_snaps_the_machine_lives_under_noise_up_to_a_size(sigma: float, alive: bool) -> None:
    found = survival(compiled("subleq", 8, 32), sigma, True, runs=4, steps=10)
    assert (found.alive == 4) is alive and math.isfinite(found.mean_steps)
