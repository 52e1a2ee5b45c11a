"""The matrices of a block are those that the model multiplies with."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from looped import analysis
from looped.analysis import block_weights
from looped.analysis.weights import largest_score
from tests.conftest import compiled

PACKAGE = Path(analysis.__file__).parents[1]

READERS = {
    "analysis/weights.py",
    "artefact/architecture.py",
    "decoder/harvard/bart.py",
    "decoder/harvard/core.py",
    "decoder/layers.py",
    "learn/machine/model.py",
    "nn/mixers/additive.py",
    "nn/mixers/differential.py",
    "nn/mixers/shaped.py",
    "nn/mixers/variant.py",
    "nn/model.py",
    "nn/packed.py",
    "passes/emit.py",
    "study/paper/layers.py",
    "study/variants/cost.py",
    "study/variants/records.py",
    "study/variants/traces.py",
    "variants/coded.py",
    "variants/graph.py",
    "variants/linear.py",
    "variants/mixers.py",
    "variants/records.py",
    "variants/simplified.py",
    "verify/causal/harvard.py",
    "verify/causal/harvard_heads.py",
    "verify/causal/layers.py",
    "verify/certificate/rows.py",
    "verify/certificate/snaps.py",
}
"""Where parameters have names: one view for all rooms, the core and its variants, the compiler that
writes them, the certificates, which trust nobody, and the study of variants, which counts them. The
study of the paper, the machines that speak and the machine that is learned have weights of their
own."""


def test_parameter_names_are_parsed_in_one_place() -> None:
    name = re.compile(r"_proj\b.*weight")
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if name.search(path.read_text())
    }
    assert found - READERS == set()
    assert "analysis/weights.py" in found


def test_heads_and_units_are_what_the_model_computes() -> None:
    machine = compiled("subleq", 8, 32)
    plan, x = machine.plan, torch.randn(5, machine.plan.d_model)
    for number, block in enumerate(machine.model().transformer.layers):
        weights = block_weights(machine.weights, number, plan.d_head)
        assert len(weights.heads) == plan.n_heads
        total = torch.zeros_like(x)
        for head in weights.heads:
            q, k, v = (x @ w.T for w in (head.w_q, head.w_k, head.w_v))
            total += torch.softmax(q @ k.T / plan.d_head**0.5, 1) @ v @ head.w_o.T
        assert torch.allclose(total, block.self_attn(x[None])[0], atol=1e-4)
        hidden = torch.relu(x @ weights.w_gate.T) * (x @ weights.w_up.T)
        assert torch.allclose(hidden @ weights.w_down.T, block.mlp(x), atol=1e-3)


def test_no_score_is_larger_than_the_bound() -> None:
    machine = compiled("subleq", 8, 32)
    plan = machine.plan
    bound = largest_score(machine.weights, len(plan.blocks), plan.d_head)
    reached = 0.0
    for number in range(len(plan.blocks)):
        for head in block_weights(machine.weights, number, plan.d_head).heads:
            signs = head.w_q.sign(), head.w_k.sign()
            for q, k in zip(*signs, strict=True):
                score = (head.w_q @ q) @ (head.w_k @ k) / plan.d_head**0.5
                reached = max(reached, abs(float(score)))
    assert 0 < reached <= bound
