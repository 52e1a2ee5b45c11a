"""Activations by name: the same numbers as without hooks, in shapes of the table, replaceable."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from looped.artefact.embedding import embed
from looped.nn import LoopedTransformer, Site, Transformer
from tests import seeds
from tests.conftest import compiled

B, N, M, D, HEADS, D_HEAD, D_FF = 2, 5, 5, 12, 3, 4, 16

SHAPES = {
    "hook_resid_pre": (B, N, D),
    "attn.hook_q": (B, N, HEADS, D_HEAD),
    "attn.hook_k": (B, M, HEADS, D_HEAD),
    "attn.hook_v": (B, M, HEADS, D_HEAD),
    "attn.hook_attn_scores": (B, HEADS, N, M),
    "attn.hook_pattern": (B, HEADS, N, M),
    "attn.hook_z": (B, N, HEADS, D_HEAD),
    "hook_attn_out": (B, N, D),
    "hook_resid_mid": (B, N, D),
    "mlp.hook_pre": (B, N, D_FF),
    "mlp.hook_pre_linear": (B, N, D_FF),
    "mlp.hook_post": (B, N, D_FF),
    "hook_mlp_out": (B, N, D),
    "hook_resid_post": (B, N, D),
}


def transformer() -> Transformer:
    torch.manual_seed(seeds.number(0))
    return Transformer.stock(D, n_blocks=2, n_heads=HEADS, d_head=D_HEAD, d_ff=D_FF)


def stream() -> Tensor:
    torch.manual_seed(seeds.number(1))
    return torch.randn(B, N, D)


def test_names_and_shapes_are_those_of_the_table() -> None:
    _, cache = transformer().run_with_cache(stream())
    names = [f"blocks.{i}.{site}" for i in range(2) for site in SHAPES]
    assert list(cache) == names == list(transformer().hook_names())
    assert {name: tuple(value.shape) for name, value in cache.items()} == {
        f"blocks.{i}.{site}": shape for i in range(2) for site, shape in SHAPES.items()
    }


def test_activations_are_what_their_names_say() -> None:
    _, cache = transformer().run_with_cache(stream())
    block = transformer().layers[1]

    def at(site: str) -> Tensor:
        return cache[f"blocks.1.{site}"]

    equal = partial(torch.testing.assert_close, rtol=0, atol=1e-6)
    equal(at("hook_resid_pre"), cache["blocks.0.hook_resid_post"])
    equal(at("hook_resid_mid"), at("hook_resid_pre") + at("hook_attn_out"))
    equal(at("hook_resid_post"), at("hook_resid_mid") + at("hook_mlp_out"))
    scores = torch.einsum("bnhd,bmhd->bhnm", at("attn.hook_q"), at("attn.hook_k")) / D_HEAD**0.5
    equal(at("attn.hook_attn_scores"), scores)
    equal(at("attn.hook_pattern"), scores.softmax(-1))
    mixed = torch.einsum("bhnm,bmhd->bnhd", at("attn.hook_pattern"), at("attn.hook_v"))
    equal(at("attn.hook_z"), mixed)
    equal(at("mlp.hook_post"), at("mlp.hook_pre").relu() * at("mlp.hook_pre_linear"))
    equal(at("hook_mlp_out"), block.mlp.down_proj(at("mlp.hook_post")))


@pytest.mark.parametrize("kind", ["none", "bool", "bias"])
def test_eager_attention_is_fused_attention(kind: str) -> None:
    allowed = torch.ones(N, N, dtype=torch.bool).tril()
    bias = torch.zeros(N, N).masked_fill(~allowed, -1e9)
    mask = {"none": None, "bool": allowed, "bias": bias}[kind]
    model = transformer()
    output, _ = model.run_with_cache(stream(), mask=mask)
    torch.testing.assert_close(output, model(stream(), mask=mask))


@pytest.mark.parametrize(("name", "width"), [("subleq", 8), ("subleq", 32), ("rv32i", 32)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_eager_attention_of_a_machine_is_fused_attention_to_the_bit(
    name: str, width: int, dtype: torch.dtype
) -> None:
    machine = compiled(name, width, 32)
    words = [int(w) for w in seeds.generator(0).integers(0, 1 << width, 32)]
    x = torch.tensor(embed(words, machine.plan)[None]).to(dtype)
    model = machine.model().to(dtype)
    output, cache = model.run_with_cache(x, loops=3)
    assert torch.equal(output, model(x, loops=3))
    assert torch.equal(cache.loops[0]["blocks.0.hook_resid_pre"], x)
    last = cache[f"blocks.{len(machine.plan.blocks) - 1}.hook_resid_post"]
    assert torch.equal(last, output)


def test_a_hook_replaces_an_activation_in_the_loop_that_it_chooses() -> None:
    model = LoopedTransformer(transformer())
    seen = []

    def zero_in_second_loop(value: Tensor, site: Site) -> Tensor | None:
        seen.append(site)
        return torch.zeros_like(value) if site.loop == 1 else None

    name = "blocks.1.attn.hook_z"
    with model.hooks({name: zero_in_second_loop}):
        output, cache = model.run_with_cache(stream(), loops=3)
        assert torch.equal(model(stream(), loops=3), output)
    assert seen == [Site(name, 0), Site(name, 1), Site(name, 2)] * 2
    nonzero = [bool(loop["blocks.1.hook_attn_out"].any()) for loop in cache.loops]
    assert nonzero == [True, False, True]
    assert cache.keys() == cache.loops[2].keys() and cache[name] is cache.loops[2][name]


def test_inner_hooks_come_after_outer_ones_and_end_with_their_context() -> None:
    model = transformer()
    plain, name = model(stream()), "blocks.0.hook_mlp_out"
    with pytest.raises(KeyError), model.hooks({name: lambda value, site: value + 1}):
        with model.hooks({name: lambda value, site: value * 0}):
            assert not model.run_with_cache(stream())[1][name].any()
        assert model.run_with_cache(stream())[1][name].any()
        raise KeyError
    assert model.tap is None
    assert torch.equal(model(stream()), plain)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="'blocks.2.hook_z'"):
        transformer().hooks({"blocks.2.hook_z": lambda value, site: None}).__enter__()


def test_every_activation_can_be_replaced() -> None:
    """Each replaced by noise changes the output: none is only shown."""
    model = transformer()
    plain = model(stream())
    for name in model.hook_names():
        with model.hooks({name: lambda value, site: torch.randn_like(value)}):
            assert not torch.equal(model(stream()), plain), name


def test_hooks_add_no_weight() -> None:
    names = transformer().state_dict()
    assert len(names) == 2 * 9 + 1 and not [name for name in names if "hook" in name]


def test_without_hooks_attention_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fused = torch.nn.functional.scaled_dot_product_attention

    def counted(*args: Tensor, **kwargs: Tensor) -> Tensor:
        calls.append(1)
        return fused(*args, **kwargs)

    monkeypatch.setattr("looped.nn.attention.scaled_dot_product_attention", counted)
    model = transformer()
    model(stream())
    assert len(calls) == 2
    model.run_with_cache(stream())
    assert len(calls) == 2
