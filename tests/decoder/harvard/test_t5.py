"""Why T5 with its usual settings is no host: its attention does not tell two records apart."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")
from transformers import T5Config
from transformers.models.t5.modeling_t5 import T5Attention

pytestmark = pytest.mark.slow
LENGTH = 200


def weights_of_records(buckets: int, first: int, second: int) -> tuple[float, float]:
    """The weights that the newest token gives to two records of one address, so many tokens ago,
    whatever the table of biases holds."""
    torch.manual_seed(first)
    sizes = {"d_model": 8, "d_kv": 8, "num_heads": 1, "relative_attention_num_buckets": buckets}
    distance = max(128, buckets)
    config = T5Config(**sizes, relative_attention_max_distance=distance, is_decoder=True)
    attention = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    with torch.no_grad():
        attention.relative_attention_bias.weight.normal_(std=20)
        bias = attention.compute_bias(LENGTH, LENGTH)[0, 0, -1]
    scores = torch.full((LENGTH,), -1e4)
    places = [LENGTH - 1 - first, LENGTH - 1 - second]
    scores[places] = 1e3  # both match the query
    found = torch.softmax(scores + bias, 0)[places]
    return float(found[0]), float(found[1])


@pytest.mark.parametrize(("first", "second"), [(16, 17), (17, 18), (64, 66), (150, 190)])
def test_two_records_share_a_bucket_and_tie(first: int, second: int) -> None:
    assert weights_of_records(32, first, second) == (0.5, 0.5)


def test_a_table_as_long_as_the_text_would_tell_them_apart() -> None:
    newer, older = weights_of_records(2 * LENGTH, 16, 17)
    assert newer != older
