"""Machines whose lanes, heads and hidden units lie elsewhere."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from looped.artefact.plan import CompiledMachine
from tests import seeds


def shuffled(machine: CompiledMachine, seed: int) -> tuple[CompiledMachine, np.ndarray]:
    """The same machine with lanes, heads and hidden units permuted, some gates and ups rescaled,
    and a useless head in every block. Returns it and the permutation of the lanes."""
    rng = seeds.generator(seed)
    plan = machine.plan
    lanes = rng.permutation(plan.d_model)
    size, count = plan.d_head, plan.n_heads
    weights: dict[str, torch.Tensor] = {}
    for block in range(len(plan.blocks)):
        w = {
            n: machine.weights[f"layers.{block}.{n}.weight"]
            for n in (*(f"self_attn.{k}_proj" for k in "qkvo"),
                      *(f"mlp.{k}_proj" for k in ("gate", "up", "down")))
        }  # fmt: skip
        heads = rng.permutation(count)
        rows = np.concatenate([np.arange(h * size, (h + 1) * size) for h in heads])
        noise = torch.tensor(rng.integers(-3, 4, (size, plan.d_model))).float()
        for k in "qkv":
            extra = noise if k != "v" else torch.zeros_like(noise)
            w[f"self_attn.{k}_proj"] = torch.cat([w[f"self_attn.{k}_proj"][rows], extra])[:, lanes]
        out = torch.cat([w["self_attn.o_proj"][:, rows], noise.T], dim=1)
        w["self_attn.o_proj"] = out[lanes]
        units = rng.permutation(plan.d_ff)
        scale = torch.tensor(rng.choice([0.5, 1.0, 2.0], plan.d_ff)).float()[:, None]
        w["mlp.gate_proj"] = (w["mlp.gate_proj"][units] * scale)[:, lanes]
        w["mlp.up_proj"] = (w["mlp.up_proj"][units] / scale)[:, lanes]
        w["mlp.down_proj"] = w["mlp.down_proj"][:, units][lanes]
        weights |= {f"layers.{block}.{n}.weight": t.contiguous() for n, t in w.items()}
    norms = {n: t for n, t in machine.weights.items() if t.dim() == 1}
    new_plan = dataclasses.replace(plan, n_heads=count + 1)
    return CompiledMachine(new_plan, {**weights, **norms}), lanes
