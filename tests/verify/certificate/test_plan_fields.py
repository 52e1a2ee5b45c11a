"""Every field of a plan is held by the certificate: a lie in it is refused, or is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from looped import registry
from looped.artefact.architecture import Architecture
from looped.artefact.plan import CompiledMachine, GroupPlan, HeadPlan, Plan, Workers
from looped.number_format import UNSIGNED
from looped.ports import Ports
from looped.verify.certificate import certify
from tests.conftest import compiled

CIRCUIT = registry.machine("subleq").circuit(8, 32)
MACHINE = compiled("subleq", 8, 32)
PLAN = MACHINE.plan
IDLE = PLAN.d_model - 1

PLANS: dict[str, tuple[Any, ...]] = {
    "machine": ("rv32i",),
    "width": (7, 16),
    "memory": (16, 64),
    "d_model": (PLAN.d_model + 1,),
    "n_heads": (PLAN.n_heads + 1,),
    "d_head": (PLAN.d_head // 2, 4 * PLAN.d_head),
    "d_ff": (PLAN.d_ff - 1,),
    "words": ({**PLAN.words, "pc": PLAN.words["pc"][::-1]},),
    "formats": ({**PLAN.formats, "value": UNSIGNED},),
    "registers": (PLAN.registers[::-1], ("pc",)),
    "occupants": (PLAN.occupants[:-1], ()),
    "blocks": (PLAN.blocks[:-1], PLAN.blocks[::-1], (*PLAN.blocks, PLAN.blocks[0])),
    "ports": (Ports(), dataclasses.replace(PLAN.ports, output=None)),
    "code": ((3,),),
    "baked": (True,),
    "entry": (3,),
    "n_registers": (32,),
    "parameters": ({"side": 8},),
    "workers": (Workers(1, "pc", "out"), Workers(2, "pc", "out")),
    "has_input": (False,),
    "halted": (None, PLAN.words["ready"][0]),
    "busy": (PLAN.words["ready"][0],),
    "scratch": ((IDLE,),),
    "dtype": ("float64", "nothing"),
    "mixer": ("linear",),
    "flow": ({}, {"pc": ((0, 3),)}),
    "variant": (Architecture(snap=True), Architecture(attention="unknown")),
}
HEADS: dict[str, tuple[Any, ...]] = {
    "name": ("b",),
    "meaning": ("a := 7",),
    "query": ((), ("out[0]",)),
    "key": ((), ("out[0]",)),
    "value": ((), ("out[0]",)),
    "output": ((), ("pc[0:8]",)),
    "margin": (4, 0),
    "beta": (1 << 20, 0),
}
GROUPS: dict[str, tuple[Any, ...]] = {
    "name": ("pc",),
    "units": ((0,), ()),
    "reads": ((), ("out[0]",)),
    "writes": ((), ("pc",)),
}


def lies() -> Iterator[tuple[str, Plan]]:
    """Plans that lie in one field, with its name."""
    for name, values in PLANS.items():
        yield from ((name, dataclasses.replace(PLAN, **{name: value})) for value in values)
    block = PLAN.blocks[1]
    for part, fields in (("heads", HEADS), ("groups", GROUPS)):
        first, *rest = getattr(block, part)
        for name, values in fields.items():
            for value in values:
                told = (dataclasses.replace(first, **{name: value}), *rest)
                lying = dataclasses.replace(block, **{part: told})
                blocks = (PLAN.blocks[0], lying, *PLAN.blocks[2:])
                yield f"{part}.{name}", dataclasses.replace(PLAN, blocks=blocks)


LIES = [pytest.param(plan, id=f"{name} {n}") for n, (name, plan) in enumerate(lies())]


@pytest.mark.parametrize(
    ("kind", "fields"), [(Plan, PLANS), (HeadPlan, HEADS), (GroupPlan, GROUPS)]
)
def test_no_field_is_forgotten(kind: type, fields: dict[str, object]) -> None:
    assert {field.name for field in dataclasses.fields(kind)} == set(fields)


@pytest.mark.parametrize("plan", LIES)
def test_a_lie_in_one_field_is_refused(plan: Plan) -> None:
    assert plan != PLAN
    found = certify(CompiledMachine(plan, MACHINE.weights), CIRCUIT)
    assert not any(found.certified(dtype) for dtype in found.verdicts)


def test_the_plan_without_a_lie_is_certified() -> None:
    assert certify(MACHINE, CIRCUIT).certified("float32")
