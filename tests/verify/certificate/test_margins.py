"""What is run is held against the margins of its weights, not of its plan."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from click.testing import CliRunner

import looped
from looped.artefact.checkpoint import save_machine
from looped.cli.main import cli
from looped.verify.certificate.columns import column_classes
from looped.verify.certificate.margins import scaled_margins
from looped.verify.certificate.rows import block_rows
from looped.verify.certificate.value_ranges import block_value_ranges
from tests.conftest import compiled


@pytest.mark.parametrize(("name", "width"), [("subleq", 8), ("subleq", 16), ("rv32i", 32)])
def test_weights_have_the_margins_that_the_plan_says(name: str, width: int) -> None:
    machine = compiled(name, width, 32)
    classes = column_classes(machine.plan)
    for block, plan in enumerate(machine.plan.blocks):
        found = scaled_margins(block_value_ranges(block_rows(machine, block), classes), classes)
        assert len(found) == len(plan.heads)
        assert all(found[h] == head.margin * head.beta for h, head in enumerate(plan.heads))


def test_a_plan_that_overstates_a_margin_is_not_run(tmp_path: Path) -> None:
    image = looped.Image("subleq", 8, (9, 9, 255))
    machine = looped.compile(image, 32)
    name = "layers.0.self_attn.q_proj.weight"
    weak = {**machine.weights, name: machine.weights[name] / 16}
    path = tmp_path / "weak.safetensors"
    save_machine(path, dataclasses.replace(machine, weights=weak), image)
    result = CliRunner().invoke(cli, ["run", str(path)])
    assert result.exit_code == 8
    told = "head `a`: the plan says a scaled margin of 1024, but the weights have 64"
    assert told in result.stderr
