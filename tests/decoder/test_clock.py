"""The clock in float32, as the stock model computes it, keeps the margins that are derived."""

from __future__ import annotations

import math

import pytest
import torch

from looped.decoder import Spec
from looped.decoder.attention import least_distance, matched_lanes
from looped.decoder.clock import PAIRS, THETA, clock, frequency, largest_span
from looped.decoder.llama import llama_config
from looped.decoder.spec import HEAD_DIM
from looped.decoder.weights import Weights, weights
from looped.errors import CompileError
from looped.precision import FLOAT32

transformers = pytest.importorskip("transformers")
from transformers.models.llama import modeling_llama  # noqa: E402


def rotary(found: Weights) -> modeling_llama.LlamaRotaryEmbedding:
    return modeling_llama.LlamaRotaryEmbedding(transformers.LlamaConfig(**llama_config(found)))


def test_the_frequencies_of_the_stock_model_are_powers_of_two() -> None:
    found = rotary(weights(Spec(width=8, memory=64))).inv_freq.tolist()
    assert found == [frequency(pair) for pair in range(PAIRS)]
    assert math.isfinite(torch.tensor(THETA)) and not math.isfinite(torch.tensor(THETA * 2.0**32))


@pytest.mark.parametrize("span", [100, 8192, 1 << 15, 50_000])
@pytest.mark.parametrize("width", [8, 16])
def test_the_latest_of_equal_records_wins(span: int, width: int) -> None:
    """Scores of all positions against a query at the end; all match, in the worst order of sums."""
    spec = Spec(width=width, memory=1 << min(width, 10), context=span)
    lanes, distance = matched_lanes(spec), least_distance(spec)
    found = clock(span, lanes, distance)
    query, key = torch.zeros(HEAD_DIM), torch.zeros(HEAD_DIM)
    query[found.pair] = found.scale * math.cos(found.phase)
    query[found.pair + PAIRS] = found.scale * math.sin(found.phase)
    query[PAIRS - lanes : PAIRS], key[PAIRS - lanes : PAIRS] = found.scale, 1.0
    key[found.pair] = 1.0
    positions = torch.arange(span)
    cos, sin = rotary(weights(spec))(torch.zeros(1), positions[None])
    rotated = modeling_llama.apply_rotary_pos_emb(
        query.expand(1, 1, span, HEAD_DIM), key.expand(1, 1, span, HEAD_DIM), cos, sin
    )
    scores = rotated[1][0, 0] @ rotated[0][0, 0, -1]
    margins = scores[distance:].double() - scores[:-distance].double()
    assert found.margin > FLOAT32.underflow
    assert float(margins.min()) >= found.margin
    clocks = (scores.double() - lanes * found.scale) / found.scale
    assert float(clocks.abs().max()) < 0.78


def test_a_context_that_is_too_long_is_refused() -> None:
    spec = Spec(width=16, memory=1024, context=1 << 21)
    lanes, distance = matched_lanes(spec), least_distance(spec)
    longest = largest_span(lanes, distance)
    assert clock(longest, lanes, distance).margin > FLOAT32.underflow
    with pytest.raises(CompileError) as caught:
        weights(spec)
    assert str(caught.value) == (
        "in a context of 2,097,152 tokens float32 does not tell records apart by their age"
    )
    hint = f"the longest context of this machine has {longest:,} tokens"
    assert caught.value.diagnostics[0].hint == hint
    with pytest.raises(CompileError):
        clock(longest + 1, lanes, distance)
