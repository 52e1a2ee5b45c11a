"""Parts of a machine, found again by descent."""

from __future__ import annotations

import torch

from looped.learn.circuits.descent import Found, columns_of, descend, ends
from looped.learn.circuits.recorded import parts, recorded, weights_of
from looped.learn.circuits.verdict import _certified, judge, replaced, report, thresholds
from tests.conftest import compiled


def test_the_compiled_part_in_its_own_place_changes_nothing() -> None:
    machine = compiled("subleq", 8, 32)
    for part in parts(machine):
        own = Found(weights_of(machine, part.block), part).requires_grad_(False)
        loops = recorded(machine, part.block, 20, 0)
        columns = columns_of(machine, part).expand(20, -1)
        found, wanted = ends(part, own, own, loops, columns)
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


def test_descent_finds_a_head_that_fetches() -> None:
    machine = compiled("subleq", 8, 32)
    row = judge(machine, parts(machine)[0], steps=400, seed=0)
    assert row.right > 0.9 and row.weight is not None and row.weight > 0.9
    assert row.same is not None and row.same > 0.9 and not row.certified


def test_a_random_part_is_not_certified_and_the_compiled_one_is() -> None:
    machine = compiled("subleq", 8, 32)
    part = parts(machine)[1]
    own = Found(weights_of(machine, part.block), part)
    assert _certified(replaced(machine, part, own))
    assert not _certified(replaced(machine, part, descend(machine, part, 1, 0)))


def test_the_compiled_adder_has_thresholds() -> None:
    machine = compiled("subleq", 8, 32)
    part = next(part for part in parts(machine) if part.name == "result")
    assert thresholds(machine, Found(weights_of(machine, part.block), part)) > 5


def test_a_short_report_has_a_row_for_each_part() -> None:
    assert report(compiled("subleq", 8, 32), 1, 0, only=2).count("\n") == 3
