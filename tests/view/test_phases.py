"""Phases: lanes, heads and units are those of a whole pass with hooks, column by column."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from looped import api
from looped.errors import MismatchError
from looped.study import run_with_cache
from looped.study.cache import PlanCache
from looped.view.phases import Inside, Phases
from looped.view.walk import Pass, Walk
from tests.view.runs import Seen, seen

LOOPS = 8


def insides(found: Seen) -> list[tuple[Inside, PlanCache]]:
    """The first loops from the inside, and a whole pass from the same residual stream."""
    engine = api.choose_engine(found.machine, "dense")
    walk = Walk(found.machine, found.image, engine, found.data)
    stream, passes, caches = walk.stream.copy(), list[Pass](), []
    phases = Phases(found.machine, stream)
    while len(passes) < LOOPS and not walk.computer.halted():
        passes += walk.step(LOOPS).passes
    for each in passes:
        for column, row in each.before.items():
            stream[column] = row
        caches.append(run_with_cache(found.machine, stream))
    loops = [*phases.inside(passes[:3]), *phases.inside(passes[3:])]
    return list(zip(loops, caches, strict=True))


def check_lanes(cache: PlanCache, inside: Inside) -> None:
    names = ["blocks.0.hook_resid_pre"]
    for block in range(len(cache.plan.blocks)):
        names += [f"blocks.{block}.hook_resid_mid", f"blocks.{block}.hook_resid_post"]
    for phase, name in enumerate(names):
        rows = cache.activations[name][0, cache.plan.cpus.start : cache.plan.cpus.stop]
        assert np.array_equal(inside.lanes[phase], (rows > 0).numpy())


def check_heads(cache: PlanCache, inside: Inside) -> None:
    plan, cpus = cache.plan, slice(cache.plan.cpus.start, cache.plan.cpus.stop)
    for block, explained in enumerate(plan.blocks):
        scores = cache.activations[f"blocks.{block}.attn.hook_attn_scores"][0]
        for index, head in enumerate(explained.heads):
            best, target = scores[index, cpus].topk(2)
            told = inside.heads[block][index]
            assert np.array_equal(told[:, 0], target[:, 0].numpy())
            assert np.array_equal(told[:, 1], (best[:, 0] / head.beta).numpy())
            assert np.array_equal(told[:, 2], ((best[:, 0] - best[:, 1]) / head.beta).numpy())
            assert (told[:, 2] >= head.margin).all()
        hidden = cache.activations[f"blocks.{block}.mlp.hook_post"][0, cpus]
        assert np.array_equal(inside.units[block], (hidden != 0).mT.numpy())


def check_arcs(found: Seen, cache: PlanCache, inside: Inside) -> None:
    """An arc leads from a column that attends to a CPU in a head and receives something, or that
    attention changes."""
    plan, expected = cache.plan, set()
    for block, explained in enumerate(plan.blocks):
        tensors = cache.activations
        z, added = (
            tensors[f"blocks.{block}.{name}"][0] for name in ("attn.hook_z", "hook_attn_out")
        )
        matrix = found.machine.weights[f"layers.{block}.self_attn.o_proj.weight"]
        for index, _ in enumerate(explained.heads):
            own = z[:, index] @ matrix.view(plan.d_model, plan.n_heads, -1)[:, index].T
            target = tensors[f"blocks.{block}.attn.hook_pattern"][0, index].argmax(-1)
            columns = torch.arange(plan.columns)
            received = (own != 0).any(-1) & ((added != 0).any(-1) | (target != columns))
            others = [c for c in received.nonzero()[:, 0].tolist() if c not in plan.cpus]
            expected |= {(block, index, column, int(target[column])) for column in others}
    assert {(a.block, a.head, a.column, a.target) for a in inside.arcs} == expected


@pytest.mark.parametrize(
    "name",
    [
        "subleq/multiply.sasm",
        "rv32i/gcd.s",
        pytest.param("rv32im/primes.s", marks=pytest.mark.slow),
    ],
)
def test_a_loop_from_the_inside_is_that_of_a_whole_pass(name: str) -> None:
    found = seen(name, LOOPS, engine="event")
    for inside, cache in insides(found):
        check_lanes(cache, inside)
        check_heads(cache, inside)
        check_arcs(found, cache, inside)


def test_phases_that_do_not_end_as_the_engine_says_are_refused() -> None:
    found = seen("subleq/multiply.sasm", 3)
    walk = Walk(found.machine, found.image, api.choose_engine(found.machine, "dense"), b"")
    phases = Phases(found.machine, walk.stream)
    (first,) = walk.step(LOOPS).passes
    cpu = found.machine.plan.cpu
    wrong = first.after | {cpu: -first.after[cpu]}
    with pytest.raises(MismatchError, match="do not end as the engine says"):
        phases.inside([Pass(first.before, wrong, first.live)])
