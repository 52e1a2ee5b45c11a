"""Parts of a machine, found again by descent and rounded."""

from __future__ import annotations

import pytest
import torch

from looped.learn.circuits import verdict
from looped.learn.circuits.descent import Found, descend, ends
from looped.learn.circuits.recorded import Recorded, parts, recorded
from looped.learn.circuits.rounding import combined, rounded
from looped.learn.circuits.verdict import certified, judge, replaced, report, thresholds
from tests.conftest import compiled


def every(loops: Recorded) -> torch.Tensor:
    """All columns of all loops."""
    return torch.arange(loops.before.shape[1]).expand(len(loops), -1)


def test_the_compiled_part_in_its_own_place_changes_nothing() -> None:
    machine = compiled("subleq", 8, 32)
    streams = {block: recorded(machine, block, 20, 0) for block in range(3)}
    for part in parts(machine):
        own, loops = Found.of(machine, part), streams[part.block]
        found, wanted = ends(part, own, own, loops, every(loops))
        assert torch.equal(found, wanted)
        same = replaced(machine, part, own).weights
        assert all(torch.equal(same[name], w) for name, w in machine.weights.items())


def test_every_head_and_every_group_is_a_part() -> None:
    machine = compiled("subleq", 8, 32)
    kinds = [part.kind for part in parts(machine)]
    blocks = machine.plan.blocks
    assert kinds.count("head") == sum(len(block.heads) for block in blocks)
    assert kinds.count("group") == sum(len(block.groups) for block in blocks)
    assert kinds.count("block") == len(blocks)


def test_lanes_that_say_the_same_give_their_weights_to_the_first() -> None:
    free = torch.tensor([[1.0, -1, 1], [1, 1, -1], [1, 1, 1], [1, -1, -1]])
    x = torch.cat([free, -free[:, 1:2], free[:, :1] + free[:, 2:], 0 * free[:, :1]], 1)
    fewer = combined(x[None])
    weights = torch.arange(6.0)[None]
    assert torch.allclose(x @ (weights @ fewer).T, x @ weights.T, atol=1e-5)
    assert torch.equal(fewer[:, 3:], torch.zeros(6, 3))


def test_lanes_of_an_order_give_their_weights_to_the_earliest() -> None:
    free = torch.tensor([[1.0, -1], [1, 1], [-1, 1]])
    x = torch.cat([free, -free[:, :1]], 1)[None]
    assert combined(x).abs().round().tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert combined(x, [2, 1, 0]).abs().round().tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1]]


def test_a_head_may_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = compiled("subleq", 8, 32)
    part = parts(machine)[0]
    loops, own = recorded(machine, part.block, 20, 0), Found.of(machine, part)
    seeds = []

    def found(machine: object, part: object, loops: object, steps: int, seed: int) -> Found:
        seeds.append(seed)
        return own if seed == 6 else idle_part(own)

    monkeypatch.setattr(verdict, "descend", found)
    monkeypatch.setattr(verdict, "certified", lambda machine: True)
    assert verdict.judge(machine, part, loops, loops, 1, 5).right == 1 and seeds == [5, 6]
    seeds.clear()
    assert verdict.judge(machine, part, loops, loops, 1, 7).right < 1 and seeds == [7, 8, 9]


def idle_part(own: Found) -> Found:
    """A part that adds nothing."""
    idle = Found(own.heads, own.gate, own.up, own.down)
    with torch.no_grad():
        idle.w_o[0].zero_()
    return idle.requires_grad_(False)


def test_half_of_the_loops_have_no_input_ready() -> None:
    machine = compiled("subleq", 8, 32)
    loops = recorded(machine, 0, 200, 0)
    assert machine.plan.ports.input is not None
    (ready,) = machine.plan.words[machine.plan.ports.input.ready]
    assert 60 < int((loops.before[:, machine.plan.cpu, ready] > 0).sum()) < 140


def test_a_rounded_head_computes_what_the_compiled_one_does() -> None:
    machine = compiled("subleq", 8, 32)
    part = parts(machine)[0]
    loops, own = recorded(machine, part.block, 100, 0), Found.of(machine, part)
    new = rounded(part, own, own, loops)
    found, wanted = ends(part, new, own, loops, every(loops))
    assert torch.equal(found, wanted)
    assert certified(replaced(machine, part, new))


@pytest.mark.slow
def test_a_random_part_is_not_certified() -> None:
    machine = compiled("subleq", 8, 32)
    part = parts(machine)[1]
    loops = recorded(machine, part.block, 50, 0)
    assert not certified(replaced(machine, part, descend(machine, part, loops, 1, 0)))


def test_the_compiled_adder_has_thresholds() -> None:
    machine = compiled("subleq", 8, 32)
    part = next(part for part in parts(machine) if part.name == "result")
    own = Found.of(machine, part)
    assert thresholds(machine, own) > 5
    idle = Found(own.heads, 0 * own.gate, own.up, own.down)
    assert thresholds(machine, idle) == 0


def test_a_short_report_has_a_row_for_each_part_wanted() -> None:
    machine = compiled("subleq", 8, 32)
    text = report(machine, 1, 0, wanted=("head a", "group reading"), loops=20)
    assert text.count("\n") == 3 and "| head a | 1 |" in text


@pytest.mark.slow
def test_descent_finds_a_head_that_fetches() -> None:
    machine = compiled("subleq", 8, 32)
    part = parts(machine)[0]
    loops, unseen = (recorded(machine, part.block, 3000, seed) for seed in (0, 1))
    row = judge(machine, part, loops, unseen, steps=1000, seed=0)
    assert row.right > 0.9 and row.weight is not None and row.weight > 0.9
    assert row.same is not None and row.same > 0.9
