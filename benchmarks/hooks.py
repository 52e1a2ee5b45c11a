"""`python -m benchmarks.hooks`: what names and hooks cost a dense loop that does not use them.

Two models of the same weights run the same loop in turn: the core, and a copy whose `forward`
methods know no hooks. The order alternates, and the ratio is the median of many pairs, so that a
busy machine slows both.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.workload import workload
from looped import api
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.nn import Attention, Block, GatedMLP, LoopedTransformer, Transformer

__all__ = ["plain", "ratio"]

_MACHINES = (("subleq", 16, 64), ("subleq", 16, 1024), ("rv32i", 32, 64))


class _Attention(Attention):
    def forward(  # type: ignore[override]
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        source = x if context is None else context
        q, k = self._split(self.q_proj(x)), self._split(self.k_proj(source))
        v = self._split(self.v_proj(source))
        mixed = scaled_dot_product_attention(q, k, v, attn_mask=mask)
        joined: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return joined


class _MLP(GatedMLP):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        hidden = self.activation(self.gate_proj(x)) * self.up_proj(x)
        result: Tensor = self.down_proj(hidden)
        return result


class _Block(Block):
    def forward(  # type: ignore[override]
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), context, mask)
        result: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return result


class _Transformer(Transformer):
    def forward(  # type: ignore[override]
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        for block in self.layers:
            x = block(x, context, mask)
        result: Tensor = self.norm(x)
        return result


class _Looped(LoopedTransformer):
    def forward(self, x: Tensor, loops: int = 1, mask: Tensor | None = None) -> Tensor:
        for _ in range(loops):
            x = self.transformer(x, mask=mask)
        return x


_PLAIN: dict[type, type] = {
    Attention: _Attention,
    GatedMLP: _MLP,
    Block: _Block,
    Transformer: _Transformer,
    LoopedTransformer: _Looped,
}


def plain(machine: CompiledMachine) -> LoopedTransformer:
    """The model of a machine, each part of the core replaced by one that knows no hooks."""
    model = machine.model()
    for module in model.modules():
        module.__class__ = _PLAIN.get(type(module), type(module))
    return model


@torch.inference_mode()
def ratio(name: str, width: int, memory: int, pairs: int) -> tuple[float, float]:
    """CPU milliseconds of a plain loop, and the median ratio of the core's loop to it."""
    machine = api.compile_machine(name, width, memory)
    models = {"plain": plain(machine), "core": machine.model()}
    x = torch.tensor(embed(workload(name, width, memory), machine.plan)[None]).float()
    assert torch.equal(models["core"](x), models["plain"](x))
    times: dict[str, list[float]] = {"plain": [], "core": []}
    for number in range(pairs):
        for what in list(times)[:: 1 if number % 2 else -1]:
            start = time.process_time()
            models[what](x)
            times[what].append(time.process_time() - start)
    ratios = [core / base for core, base in zip(times["core"], times["plain"], strict=True)]
    return 1000 * statistics.median(times["plain"]), statistics.median(ratios)


if __name__ == "__main__":
    torch.set_num_threads(1)
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("| machine | words | a loop | with names and hooks, unused |\n|---|---|---|---|")
    for name, width, memory in _MACHINES:
        milliseconds, found = ratio(name, width, memory, pairs)
        print(f"| {name} | {memory:,} | {milliseconds:.2f} ms | {100 * (found - 1):+.1f} % |")
