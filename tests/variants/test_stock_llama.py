"""A stock Llama with a registered attention runs the same checkpoint as the variant of the core."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from looped.artefact.architecture import Architecture
from looped.engines.dense import DenseEngine
from looped.nn import Attention
from looped.nn.mixers import DifferentialAttention
from looped.study.lens import arguments, llama
from looped.study.variants.programs import long_programs
from looped.variants import model_of
from looped.verify.lockstep import lockstep
from tests.variants.hosts import host

transformers = pytest.importorskip("transformers")

LEVEL = ("additive", "differential", "hyper", "sparse-fixed", "sparse-strided", "top1")
"""The mixers that differ from the core in what they do with queries, keys and values."""


class StockEngine(DenseEngine):
    """The dense engine with a stock Llama, whose attention is registered, in place of its model."""

    def __init__(self, name: str) -> None:
        plain = host(Architecture())
        super().__init__(plain)
        layers = model_of(host(Architecture(attention=name))).transformer.layers
        self.mixers: list[Any] = [layer.self_attn for layer in layers]
        transformers.AttentionInterface.register(f"looped-{name}", self.attention)
        self.stock = llama(plain).model
        self.stock.config._attn_implementation = f"looped-{name}"
        self.arguments = arguments(plain.plan)
        self.calls = 0

    def attention(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **named: Any
    ) -> tuple[Tensor, None]:
        """What the mixer of a layer does with q, k, v (B, n_heads, N, d_head)."""
        self.calls += 1
        mixer: Attention = self.mixers[module.layer_idx]
        if isinstance(mixer, DifferentialAttention):
            both = torch.cat([query, self.second(mixer, query)], -1)
            mixed = 2 * mixer.attend(both, torch.cat([key, key], -1), value, None)
        else:
            mixed = mixer.attend(query, key, value, None)
        return mixed.transpose(1, 2), None

    def second(self, mixer: DifferentialAttention, query: Tensor) -> Tensor:
        """The queries of the second map: a multiple of those of the first, head by head."""
        rows = mixer.q_proj.weight.view(mixer.n_heads, 2, mixer.d_head, -1)  # both maps of a head
        sizes = rows.abs().flatten(2).sum(-1)  # (n_heads, 2)
        ratio = torch.where(sizes[:, 0] > 0, sizes[:, 1] / sizes[:, 0].clamp(min=1), 1.0)
        return query * ratio[None, :, None, None]

    @torch.inference_mode()
    def step(self, loops: int = 1) -> None:
        for _ in range(loops):
            found = self.stock(inputs_embeds=self.x, use_cache=False, **self.arguments)
            self.x = found.last_hidden_state


def check(name: str, steps: int) -> None:
    engine = StockEngine(name)
    cases = long_programs(3, steps)
    for case in cases:
        found = lockstep(host(Architecture()), engine, [case.image], [case.data], steps)
        assert found.steps == steps
    assert engine.calls >= 3 * steps


@pytest.mark.slow
def test_a_registered_attention_hosts_the_machine() -> None:
    check("differential", 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEVEL)
def test_no_difference_in_300_steps(name: str) -> None:
    check(name, 300)
