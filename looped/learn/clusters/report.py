"""The tables and the picture of clusters."""

from __future__ import annotations

from collections.abc import Callable

from looped.artefact.plan import CompiledMachine
from looped.learn.clusters.computer import amplification, survival
from looped.learn.clusters.sphere import phases
from looped.learn.clusters.vertices import Life, life, slope
from looped.learn.markdown import table

__all__ = ["BETAS", "report"]

BETAS = (1.0, 3.0, 9.0, 27.0, 81.0)
_DIMENSIONS = (2, 8, 32)
_TIMES = (5.0, 15.0, 60.0)
_LIVES = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 9.0)
_NOISES = (1e-6, 1e-3, 0.1)
_SIGMAS = (1e-3, 0.05, 0.1, 0.2, 0.25, 0.3)


def report(
    machine: CompiledMachine,
    seed: int,
    runs: int = 8,
    note: Callable[[str], None] = lambda text: None,
) -> str:
    """Four tables: clusters on the sphere, lives of codes, one loop under noise, 60 loops."""
    note("clusters on the sphere")
    found = phases(BETAS, _DIMENSIONS, _TIMES, runs=runs, seed=seed)
    counts = {(p.dimension, p.time, p.beta): f"{p.clusters:.1f}" for p in found}
    sphere = table(
        ["dimension, time", *(f"β = {beta:g}" for beta in BETAS)],
        [
            [f"d = {d}, t = {t:g}", *(counts[d, t, beta] for beta in BETAS)]
            for d in _DIMENSIONS
            for t in _TIMES
        ],
    )
    note("lives of address codes")
    lives = [life(beta, seed=seed) for beta in _LIVES]
    note("the machine under noise")
    return "\n\n".join([sphere, _lives(lives), _loop(machine, seed), _loops(machine, seed, runs)])


def _lives(lives: list[Life]) -> str:
    rate, fit = slope(lives)
    rows = [[f"{2 * each.beta:g}", each.steps or "all 3,000"] for each in lives]
    return (
        table(["2β", "steps before a sign is wrong"], rows)
        + f"\n\nln(steps) grows by {rate:.2f} for each unit of β; R² of the line is {fit:.3f}."
    )


def _loop(machine: CompiledMachine, seed: int) -> str:
    rows = []
    for noise in _NOISES:
        pair = [amplification(machine, noise, snapped, seed=seed) for snapped in (False, True)]
        rows.append([f"{noise:g}", *(f"{each.factor:.3g}" for each in pair)])
    return table(["noise", "factor of one loop", "with snaps"], rows)


def _loops(machine: CompiledMachine, seed: int, runs: int) -> str:
    rows = []
    for sigma in _SIGMAS:
        row: list[object] = [f"{sigma:g}"]
        for snapped in (False, True):
            lived = survival(machine, sigma, snapped, runs=2 * runs, seed=seed)
            row += [f"{lived.alive} of {lived.runs}", f"{lived.mean_steps:.1f}"]
        rows.append(row)
    head = ["σ", "right after 60 loops", "loops before a wrong sign", "with snaps", "loops"]
    return table(head, rows)
