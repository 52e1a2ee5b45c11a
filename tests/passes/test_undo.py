"""With `undo` the last block alone changes the state, and no MLP clears what vanishes."""

from __future__ import annotations

import pytest
import torch

from looped.artefact.architecture import Architecture
from looped.artefact.embedding import embed
from looped.passes.variants import compile_for
from looped.registry import registry
from looped.variants import model_of

UNDO = Architecture(stack="denseformer")


@pytest.mark.parametrize("width", [8, 16])
def test_undo_takes_fewer_units(width: int) -> None:
    circuit = registry.machine("subleq").circuit(width, 32)
    counts = [
        sum(
            len(group.units)
            for block in compile_for(circuit, a).plan.blocks
            for group in block.groups
        )
        for a in (UNDO, Architecture())
    ]
    assert counts[0] < 0.9 * counts[1]


def test_registers_change_in_the_last_block_only() -> None:
    circuit = registry.machine("subleq").circuit(8, 32)
    machine = compile_for(circuit, UNDO)
    lanes = [lane for name in machine.plan.registers for lane in machine.plan.words[name]]
    x = torch.tensor(embed((9, 10, 6, 0, 0, 0, 0, 0, 0, 5, 12), machine.plan)[None]).float()
    seen = x
    for block in model_of(machine).transformer.layers[:-1]:
        seen = block(seen)
        assert torch.equal(seen[..., lanes], x[..., lanes])
