"""What every stack promises: it is the core's stack in one setting, and it learns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from looped.artefact.embedding import embed
from looped.nn import Attention, Block, GatedMLP, LoopedTransformer, Transformer
from looped.nn.mixers import CrossAttention, DecoderBlock
from looped.nn.stacks import (
    DenseTransformer,
    EncoderDecoder,
    InjectedLoop,
    Megabyte,
    SegmentRecurrence,
)
from tests import seeds
from tests.conftest import compiled
from tests.nn.learning import assert_learns

D, N = 12, 7


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(seeds.number(3))


def core(blocks: int = 2) -> Transformer:
    return Transformer.stock(D, blocks, n_heads=3, d_head=4, d_ff=10)


def decoder() -> Transformer:
    def block() -> DecoderBlock:
        parts = [Attention(D, 3, 4), CrossAttention(D, 3, 4), GatedMLP(D, 10)]
        return DecoderBlock(
            *(
                part
                for pair in zip((nn.RMSNorm(D, eps=1e-6) for _ in range(3)), parts, strict=True)
                for part in pair
            )
        )

    return Transformer([block(), block()], nn.RMSNorm(D, eps=1e-6))


def stream(*shape: int) -> Tensor:
    return torch.randn(*(shape or (2, N, D)))


def causal(n: int = N) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def dense(blocks: list[Block], **settings: int) -> DenseTransformer:
    return DenseTransformer(blocks, nn.RMSNorm(D, eps=1e-6), **settings)


@pytest.mark.parametrize("settings", [{}, {"dilation": 2}, {"period": 2}])
def test_a_dense_stack_is_the_core_at_first_to_the_bit(settings: dict[str, int]) -> None:
    plain, x = core(4), stream()
    model = dense(list(plain.layers), **settings)
    assert torch.equal(model(x, mask=causal()), plain(x, mask=causal()))
    found, cache = model.run_with_cache(x)
    torch.testing.assert_close(found, plain(x))
    assert tuple(cache) == plain.hook_names()


def test_a_dense_stack_sums_what_was_made_before() -> None:
    """All weights at random, written out; with a dilation of 2 every second one."""
    plain, x = core(3), stream()
    for dilation in (1, 2):
        model = dense(list(plain.layers), dilation=dilation)
        for weights in model.alpha:
            nn.init.normal_(weights)
        made, at = [x], x
        for i, block in enumerate(plain.layers):
            made.append(block(at))
            kept = [j for j in range(i + 2) if (i + 1 - j) % dilation == 0]
            at = sum(
                (a * made[j] for a, j in zip(model.alpha[i], kept, strict=True)), torch.tensor(0.0)
            )
        torch.testing.assert_close(model(x), model.norm(at))


def test_undo_leaves_the_last_change_alone() -> None:
    """α = (1, 0, -1, 1): X₀ + X₃ - X₂, what a block adds to lanes that others used meanwhile."""
    plain, x = core(3), stream()
    model = dense(list(plain.layers))
    model.alpha[2].data = torch.tensor([1.0, 0.0, -1.0, 1.0])
    second = plain.layers[1](plain.layers[0](x))
    added = plain.layers[2](second) - second
    torch.testing.assert_close(model(x), model.norm(x + added))


def test_a_dense_stack_learns() -> None:
    model, x, target = dense(list(core(3).layers)), stream(), stream()
    assert_learns(model, lambda: ((model(x) - target) ** 2).mean())


def test_an_injected_loop_without_strength_is_the_core_to_the_bit() -> None:
    plain, x = core(), stream()
    expected = LoopedTransformer(plain)(x, 3, causal())
    assert torch.equal(InjectedLoop(plain, 0.0)(x, 3, causal()), expected)
    model = InjectedLoop(plain)
    assert not torch.allclose(model(x, 3, causal()), expected)
    assert torch.equal(model(x, 1), plain(x))
    assert torch.equal(model(x, 2), plain(plain(x) + x))
    assert len(model.run_with_cache(x, loops=3)[1].loops) == 3


def test_an_injected_loop_learns() -> None:
    model, x, target = InjectedLoop(core()), stream(), stream()
    assert_learns(model, lambda: ((model(x, 2) - target) ** 2).mean())


def test_a_decoder_with_silent_cross_attention_is_the_core_to_the_bit() -> None:
    model, plain = EncoderDecoder(core(), decoder()), core()
    weights = model.decoder.state_dict()
    plain.load_state_dict({name: weights[name] for name in plain.state_dict()})
    for block in model.decoder.layers:
        nn.init.zeros_(block.cross_attn.o_proj.weight)
    source, x = stream(2, 4, D), stream()
    assert torch.equal(model(source, x), plain(x, mask=causal()))
    assert torch.equal(model.encode(source), model.encoder(source))


def test_the_decoder_sees_the_source_and_nothing_later() -> None:
    model, source, x = EncoderDecoder(core(), decoder()), stream(2, 4, D), stream()
    encoded = model.encode(source)
    for n in range(1, N):
        torch.testing.assert_close(model.decode(x[:, :n], encoded), model(source, x)[:, :n])
    assert not torch.allclose(model(source.flip(1) + 1, x), model(source, x))


def test_encoder_and_decoder_learn() -> None:
    model, source, x, target = (
        EncoderDecoder(core(), decoder()),
        stream(2, 4, D),
        stream(),
        stream(),
    )
    assert_learns(model, lambda: ((model(source, x) - target) ** 2).mean())


@pytest.mark.parametrize("form", [True, False])
def test_segments_without_memory_are_the_core_to_the_bit(form: bool) -> None:
    plain, x = core(), stream(2, 9, D)
    memory, made = SegmentRecurrence(plain, form)(stream(2, 0, D), x, size=9)
    assert torch.equal(made, plain(x)) and memory.shape == (2, 0, D)
    cut = torch.cat([plain(part) for part in x.split(4, 1)], 1)
    assert torch.equal(SegmentRecurrence(plain, form)(stream(2, 0, D), x, size=4)[1], cut)


@pytest.mark.parametrize("form", [True, False])
def test_memory_tokens_carry_what_an_early_segment_says(form: bool) -> None:
    model, x, memory = SegmentRecurrence(core(), form), stream(2, 12, D), stream(2, 3, D)
    changed = x.clone()
    changed[:, 0] += 1
    first, second = model(memory, x, 4)[1], model(memory, changed, 4)[1]
    assert not torch.allclose(first[:, -1], second[:, -1])
    none = stream(2, 0, D)
    assert torch.equal(model(none, x, 4)[1][:, 4:], model(none, changed, 4)[1][:, 4:])


def test_under_a_causal_mask_the_last_copy_is_the_one_that_is_written() -> None:
    """The first copy does not see the segment."""
    model, x, memory = SegmentRecurrence(core()), stream(2, 4, D), stream(2, 3, D)
    first = model.step(memory, x, causal(10))[0]
    second = model.step(memory, x + 1, causal(10))[0]
    assert not torch.isclose(first, second).any()


def test_gradients_go_back_over_the_horizon() -> None:
    for horizon, reaches in ((None, True), (1, False), (3, True)):
        model = SegmentRecurrence(core(), horizon=horizon)
        x = stream(1, 12, D).requires_grad_()
        memory, _ = model(stream(1, 3, D), x, 4)
        memory.sum().backward()
        assert x.grad is not None
        assert bool(x.grad[:, :4].any()) is reaches and bool(x.grad[:, 8:].any())


def test_segments_learn() -> None:
    model, x, memory, target = SegmentRecurrence(core()), stream(), stream(2, 2, D), stream()
    assert_learns(model, lambda: ((model(memory, x, 3)[1] - target) ** 2).mean())
    assert len(model.run_with_cache(memory, x, 3)[1].loops) == 3


def test_a_machine_on_a_stack_in_its_plain_setting_is_the_machine() -> None:
    machine = compiled("subleq", 8, 32)
    words = [int(w) for w in seeds.generator(4).integers(0, 256, 32)]
    x = torch.tensor(embed(words, machine.plan)[None]).float()
    core = machine.model()
    transformer = core.transformer
    dense_one = DenseTransformer(list(transformer.layers), transformer.norm)
    memory, rest = x[:, :5], x[:, 5:]
    segments = SegmentRecurrence(transformer, decoder=False)  # the memory is a part of the machine
    with torch.no_grad():
        expected = core(x, 4)
        assert torch.equal(LoopedTransformer(dense_one)(x, 4), expected)
        assert torch.equal(InjectedLoop(transformer, 0.0)(x, 4), expected)
        for _ in range(4):
            memory, rest = segments.step(memory, rest)
    assert torch.equal(torch.cat([memory, rest], 1), expected)


def megabyte(patch: int = 4) -> Megabyte:
    def stack(d: int) -> Transformer:
        return Transformer.stock(d, 1, n_heads=2, d_head=4, d_ff=10)

    return Megabyte(stack(8), stack(D), 8, D, patch, positions=6, vocabulary=11)


def test_one_patch_and_a_silent_global_model_are_a_causal_core_to_the_bit() -> None:
    model, tokens = megabyte(8), torch.randint(0, 11, (2, 8))
    nn.init.zeros_(model.down.weight)
    before = torch.cat([torch.full((2, 1), 11), tokens[:, :-1]], 1)
    x = model.local_bytes(before) + model.local_positions.weight
    assert torch.equal(model(tokens), model.unembedding(model.locally(x, mask=causal(8))))


def test_a_byte_changes_later_logits_only_and_those_of_all_later_patches() -> None:
    model, tokens = megabyte(), torch.randint(0, 11, (1, 16))
    for place in range(16):
        changed = tokens.clone()
        changed[0, place] = (tokens[0, place] + 1) % 11
        moved = (model(changed) != model(tokens)).any(2)[0]
        assert not moved[: place + 1].any()
        assert moved[place + 1 : place // 4 * 4 + 4].all() and moved[place // 4 * 4 + 4 :].all()


def test_bytes_one_by_one_have_the_logits_of_all_at_once() -> None:
    model, tokens = megabyte(), torch.randint(0, 11, (2, 16))
    whole = model(tokens)
    for place in range(16):
        known = torch.zeros_like(tokens)
        known[:, :place] = tokens[:, :place]
        torch.testing.assert_close(model(known)[:, place], whole[:, place], rtol=0, atol=1e-5)


def test_megabyte_learns() -> None:
    model, tokens = megabyte(), torch.randint(0, 11, (2, 16))
    loss = nn.CrossEntropyLoss()
    assert_learns(model, lambda: loss(model(tokens).flatten(0, 1), tokens.flatten()))


def test_a_patch_divides_the_global_width() -> None:
    with pytest.raises(ValueError, match="3 bytes do not divide 8 lanes"):
        megabyte(3)
