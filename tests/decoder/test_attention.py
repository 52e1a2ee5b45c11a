"""Scores of the second layer, from the weights, at both ends of the context, in float32."""

from __future__ import annotations

import pytest
import torch

from looped.decoder import Spec
from looped.decoder.spec import HEAD_DIM
from looped.decoder.weights import Weights, weights
from looped.precision import FLOAT32
from tests.decoder.test_clock import rotary

transformers = pytest.importorskip("transformers")
from transformers.models.llama import modeling_llama  # noqa: E402


def state(found: Weights, address: int, *flags: str) -> torch.Tensor:
    """A token after the first layer, whose latest address and whose program counter are given."""
    lanes, x = found.lanes, torch.full((found.d_model,), -1.0)
    x[0] = 1.0
    for name in flags:
        x[lanes[name]] = 1.0
    for word in ("address", "pc"):
        for place in range(found.spec.address_bits):
            x[lanes[word][place]] = float(2 * (address >> place & 1) - 1)
    return x


def score(found: Weights, key: torch.Tensor, position: int, query: torch.Tensor) -> float:
    """The score of a key against the first head of a query at the end of the context."""
    layer = "model.layers.1.self_attn"
    q = found.state[f"{layer}.q_proj.weight"][:HEAD_DIM] @ query
    k = found.state[f"{layer}.k_proj.weight"] @ key
    places = torch.tensor([[found.spec.span - 1, position]])
    cos, sin = rotary(found)(torch.zeros(1), places)
    pair = torch.stack([q, k])[None, None]
    turned = modeling_llama.apply_rotary_pos_emb(pair, pair, cos, sin)[0][0, 0]
    return float(turned[0] @ turned[1]) / HEAD_DIM**0.5


@pytest.mark.parametrize("context", [500, 1 << 15, 50_000])
@pytest.mark.parametrize(("width", "memory"), [(8, 256), (16, 1024)])
def test_a_match_beats_the_first_token_and_that_beats_a_mismatch(
    context: int, width: int, memory: int
) -> None:
    found = weights(Spec(width=width, memory=memory, context=context))
    asked, last = memory // 3, context - 1
    query = state(found, asked)
    first = score(found, state(found, 0, "first"), 0, query)
    oldest = score(found, state(found, asked, "cell"), 1, query)
    assert oldest - first > FLOAT32.underflow
    others = [state(found, asked ^ (1 << bit), "cell") for bit in range(found.spec.address_bits)]
    others += [state(found, asked)]  # the right address, but no cell
    assert first - max(score(found, other, last, query) for other in others) > FLOAT32.underflow
