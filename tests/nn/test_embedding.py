"""Tokens and images as columns, and back, to the bit."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import unfold

from looped.nn.embedding import TokenEmbedding, Unembedding
from looped.nn.patches import GreyBits, PatchEmbedding, PatchOutput
from looped.nn.position import BinaryCode, NoCode, SinusoidalCode, TrainedCode
from tests import seeds
from tests.nn.learning import assert_learns


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(seeds.number(3))


def test_without_a_code_it_is_an_embedding_to_the_bit() -> None:
    embedding, tokens = TokenEmbedding(11, 6, NoCode(6)), torch.randint(0, 11, (2, 5))
    assert torch.equal(embedding(tokens), embedding.tokens(tokens))


def test_a_code_is_that_of_the_place() -> None:
    code = SinusoidalCode(6)
    embedding, tokens = TokenEmbedding(11, 6, code), torch.randint(0, 11, (2, 5))
    assert torch.equal(embedding(tokens), embedding.tokens(tokens) + code(torch.arange(5)))
    assert torch.equal(embedding(tokens[:, 2:], start=2), embedding(tokens)[:, 2:])


def test_a_tied_unembedding_of_codes_gives_the_token_back_by_two() -> None:
    embedding = TokenEmbedding(256, 8, NoCode(8))
    embedding.tokens.weight.data = BinaryCode(8)(torch.arange(256))
    logits = Unembedding.tied(embedding)(embedding(torch.arange(256)[None]))[0]
    best = logits.topk(2).values
    assert torch.equal(logits.max(1).indices, torch.arange(256))
    assert torch.equal(best[:, 0] - best[:, 1], torch.full((256,), 2.0))


def test_a_tied_model_learns() -> None:
    embedding, tokens = TokenEmbedding(5, 6, TrainedCode(4, 6)), torch.randint(0, 5, (3, 4))
    model = nn.Sequential(embedding, Unembedding.tied(embedding))
    loss = nn.CrossEntropyLoss()
    assert_learns(model, lambda: loss(model(tokens).flatten(0, 1), tokens.flip(1).flatten()))


@pytest.mark.parametrize("channels", [1, 3])
def test_bits_of_an_image_are_lanes(channels: int) -> None:
    image = torch.randint(0, 2, (2, channels, 16, 24)).float()
    columns = PatchEmbedding.signs(channels, 4)(image)
    assert torch.equal(columns, 2 * unfold(image, 4, stride=4).mT - 1)
    assert torch.equal(PatchOutput.signs(channels, 4)(columns, rows=4), image)


def test_a_patch_embedding_is_a_linear_layer_on_patches() -> None:
    embedding, image = PatchEmbedding(3, 7, 4), torch.randn(2, 3, 8, 12)
    weight = embedding.conv.weight.flatten(1)
    expected = unfold(image, 4, stride=4).mT @ weight.mT + embedding.conv.bias
    torch.testing.assert_close(embedding(image), expected)


def test_patches_learn() -> None:
    model, image = PatchEmbedding(1, 5, 2), torch.randn(1, 1, 4, 4)
    back, target = PatchOutput(1, 5, 2), torch.randn(1, 1, 4, 4)
    both = nn.ModuleList([model, back])
    assert_learns(both, lambda: ((back(model(image), rows=2) - target) ** 2).mean())


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_grey_levels_are_bits_exactly(bits: int) -> None:
    levels = torch.arange(1 << bits)
    image = (levels.float() / ((1 << bits) - 1)).view(1, 1, 1, -1)
    for seen in (image, image.nextafter(torch.tensor(0.0)), image.nextafter(torch.tensor(1.0))):
        assert torch.equal(GreyBits(bits)(seen)[0, :, 0].mT, BinaryCode(bits)(levels))
