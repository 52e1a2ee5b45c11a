"""The constants of the weights do what their reasons say, in the arithmetic of the stock model."""

from __future__ import annotations

import pytest
import torch

from looped.decoder.forms import Form, Lanes, bit, constant, lane, number, ones
from looped.decoder.weights import EPSILON, STEEPNESS, weights
from tests.decoder.models import SMALL, WORDS, model

transformers = pytest.importorskip("transformers")


def test_silu_is_relu_of_integers() -> None:
    integers = torch.cat([torch.arange(-300, 301), torch.tensor([-(1 << 16), 1 << 16])]).float()
    found = torch.nn.functional.silu(integers * STEEPNESS) / STEEPNESS
    assert torch.equal(found, torch.relu(integers))
    half = torch.nn.functional.silu(integers * (STEEPNESS / 2)) / (STEEPNESS / 2)
    assert not torch.equal(half, torch.relu(integers))


@pytest.mark.parametrize("spec", [SMALL, WORDS])
def test_the_norm_changes_nothing(spec) -> None:
    stock = model(spec)
    x = (torch.randint(0, 2, (5, stock.config.hidden_size)) * 2 - 1).float()
    assert torch.equal(stock.model.norm(x), x)
    assert stock.config.rms_norm_eps == EPSILON


def test_the_model_is_stock() -> None:
    config, usual = model(WORDS).config, transformers.LlamaConfig()
    assert type(model(WORDS)) is transformers.LlamaForCausalLM
    for name in ("hidden_act", "rms_norm_eps", "attention_bias", "mlp_bias", "tie_word_embeddings"):
        assert getattr(config, name) == getattr(usual, name)
    assert config.num_key_value_heads == 1 and config.num_hidden_layers == 3


def test_every_weight_is_exact_in_float32() -> None:
    """Except those of the clock, each is an integer times a power of two."""
    found = weights(WORDS)
    for name, tensor in found.state.items():
        if "q_proj" in name:
            tensor = tensor.clone().reshape(found.n_heads, -1, found.d_model)
            tensor[:, [found.clock.pair, found.clock.pair + 32]] = 0.0
        if "norm" not in name:
            assert set((tensor * 256).frac().unique().tolist()) == {0.0}, name


def test_forms() -> None:
    lanes = Lanes([("word", 3), ("flag", 1)])
    assert (lanes.size, list(lanes["word"]), list(lanes["flag"])) == (5, [1, 2, 3], [4])
    values = {0: 1, 1: 1, 2: -1, 3: 1, 4: -1}

    def at(form: Form) -> float:
        return sum(values[index] * weight for index, weight in form.weights.items())

    assert [at(f) for f in (number(lanes["word"]), ones(lanes["word"]), bit(4))] == [5, 2, 0]
    assert at(lane(4) * 3 - constant(2)) == -5
