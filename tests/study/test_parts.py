"""The parts of a machine: each weight of an MLP belongs to one, and names find them."""

from __future__ import annotations

import pytest

from looped.study import Group, Head, parts
from looped.study.parts import find
from tests.conftest import compiled


@pytest.mark.parametrize(("name", "width"), [("subleq", 16), ("rv32i", 32)])
def test_groups_divide_the_lanes_that_an_mlp_writes_to(name: str, width: int) -> None:
    machine = compiled(name, width, 32)
    for block in range(len(machine.plan.blocks)):
        groups = [p for p in parts(machine.plan) if isinstance(p, Group) and p.block == block]
        lanes = [lane for group in groups for lane in group.lanes]
        down = machine.weights[f"layers.{block}.mlp.down_proj.weight"]
        written = down.any(dim=1).nonzero().flatten().tolist()
        assert len(lanes) == len(set(lanes)) and set(written) <= set(lanes)


def test_every_head_and_group_of_the_plan_is_a_part_with_a_job() -> None:
    plan = compiled("rv32i", 32, 32).plan
    found = list(parts(plan))
    for number, block in enumerate(plan.blocks):
        for head in block.heads:
            assert Head(number, head.name, head.meaning, block.heads.index(head)) in found
        names = {p.name for p in found if isinstance(p, Group) and p.block == number}
        assert {group.name for group in block.groups} <= names
    assert all(part.job for part in found)


def test_a_name_may_mean_several_blocks() -> None:
    plan = compiled("subleq", 16, 32).plan
    assert [part.block for part in find(plan, group="clear")] == [0, 1, 2]
    assert [part.block for part in find(plan, group="clear", block=1)] == [1]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"head": "d"}, "no head is named 'd'; there are a, b, c, mem_a, mem_b, write result, "),
        ({"group": "pc", "block": 0}, "no group is named 'pc'; there are reading, waiting, "),
        ({"head": "a", "group": "pc"}, "name either a head or a group"),
        ({}, "name either a head or a group"),
    ],
)
def test_an_unknown_name_is_refused(names: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        find(compiled("subleq", 16, 32).plan, **names)
