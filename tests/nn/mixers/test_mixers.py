"""What every mixer promises: it is the core in one setting, it can be seen into, and it learns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from looped.nn import Block, GatedMLP, Transformer
from looped.nn.mixers import (
    CausalAttention,
    CrossAttention,
    DecoderBlock,
    DifferentialAttention,
    GridAttention,
    HyperAttention,
    PostDecoderBlock,
    ShapedAttention,
)
from tests.nn.learning import assert_learns
from tests.nn.mixers.cases import CASES, D_MODEL, Case, core, stream

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
PLAIN = pytest.mark.parametrize(
    "case",
    [c for c in CASES.values() if c.plain is not None],
    ids=[name for name, c in CASES.items() if c.plain is not None],
)


def call(mixer: nn.Module, x: Tensor, *rest: object) -> Tensor:
    context = x if isinstance(mixer, CrossAttention) else None
    result: Tensor = mixer(x, context, *rest)
    return result


@PLAIN
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_mixer_in_its_plain_setting_is_the_core_to_the_bit(
    case: Case, dtype: torch.dtype
) -> None:
    attention, x = core().to(dtype), stream().to(dtype)
    attention.q_proj.weight.data *= 1 + 1e-10  # no number of float32 in float64
    if case.kind is ShapedAttention:
        nn.init.eye_(attention.v_proj.weight)
        nn.init.eye_(attention.o_proj.weight)
    assert case.plain is not None
    mixer = case.kind.from_core(attention, **case.plain)
    with torch.no_grad():
        assert torch.equal(call(mixer, x), attention(x, mask=case.mask()))


@EVERY
def test_a_mixer_is_not_the_core_in_another_setting(case: Case) -> None:
    attention, x = core(), stream()
    if case.kind is ShapedAttention:
        nn.init.eye_(attention.v_proj.weight)
        nn.init.eye_(attention.o_proj.weight)
    mixer = case.made()
    if case.kind is DifferentialAttention:
        mixer = DifferentialAttention.from_core(attention, lambda_init=0.3)
    else:
        mixer.load_state_dict(attention.state_dict(), strict=False)
    mask = None if case.kind is CausalAttention else case.mask()
    found = mixer(x, x.flip(2)) if case.kind is CrossAttention else mixer(x)
    assert not torch.allclose(found, attention(x, mask=mask))


@EVERY
def test_a_mixer_learns(case: Case) -> None:
    mixer, x = case.made(), stream()
    target = torch.randn(x.shape)
    assert_learns(mixer, lambda: ((call(mixer, x) - target) ** 2).mean(), case.fixed)


@EVERY
def test_with_hooks_a_mixer_does_the_same(case: Case) -> None:
    """Its activations have the names and shapes of the core's."""

    def model(mixer: nn.Module) -> Transformer:
        return Transformer(
            [Block(nn.Identity(), mixer, nn.Identity(), GatedMLP(D_MODEL, 5))], nn.Identity()
        )

    transformer, x = model(case.made()), stream()
    context = x if case.kind is CrossAttention else None
    found, cache = transformer.run_with_cache(x, context)
    torch.testing.assert_close(found, transformer(x, context))
    _, plain = model(core()).run_with_cache(x)
    assert cache.keys() <= plain.keys() and "blocks.0.attn.hook_z" in cache
    if not issubclass(case.kind, HyperAttention | GridAttention):
        assert cache.keys() == plain.keys()
        pattern = cache["blocks.0.attn.hook_pattern"]
        assert pattern.shape == plain["blocks.0.attn.hook_pattern"].shape


@EVERY
def test_a_causal_mixer_does_not_look_ahead(case: Case) -> None:
    mixer, x = case.made(), stream()
    changed = x.clone()
    changed[:, -1] += 1.0
    before, after = call(mixer, x)[:, :-1], call(mixer, changed)[:, :-1]
    causal = case.causal or case.settings.get("causal", False) or "patterns" in case.settings
    assert torch.equal(before, after) is causal


@EVERY
def test_every_activation_of_a_mixer_can_be_replaced(case: Case) -> None:
    """HyperAttention and GridAttention show no scores."""
    block = Block(nn.Identity(), case.made(), nn.Identity(), GatedMLP(D_MODEL, 5))
    model, x = Transformer([block], nn.Identity()), stream()
    context = x if case.kind is CrossAttention else None
    plain, cache = model.run_with_cache(x, context)
    for name in cache:
        with model.hooks({name: lambda value, site: torch.randn_like(value)}):
            assert not torch.equal(model(x, context), plain), name


def test_activations_of_cross_attention_have_names() -> None:
    norms = [nn.RMSNorm(D_MODEL) for _ in range(3)]
    cross = CrossAttention(D_MODEL, 3, 4)
    for kind in (DecoderBlock, PostDecoderBlock):
        block = kind(norms[0], core(), norms[1], cross, norms[2], GatedMLP(D_MODEL, 5))
        model, x, context = Transformer([block], nn.Identity()), stream(), stream(2, 4, D_MODEL)
        found, cache = model.run_with_cache(x, context)
        torch.testing.assert_close(found, model(x, context))
        assert tuple(cache) == model.hook_names() and len(cache) == 14 + 7
        assert cache["blocks.0.cross.hook_pattern"].shape == (2, 3, 9, 4)
        for name in cache:
            with model.hooks({name: lambda value, site: torch.randn_like(value)}):
                assert not torch.equal(model(x, context), found), name
