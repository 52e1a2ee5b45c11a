"""Additive attention: its formula, products and comparisons made of tanh, a machine that runs."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import embed
from looped.nn import Attention
from looped.nn.mixers import AdditiveAttention
from looped.nn.mixers.comparison import Unit, at_most, comparison, product
from tests import seeds
from tests.conftest import compiled, examples


def value(units: list[Unit], a: float, b: float) -> float:
    return sum(u.score * math.tanh(u.query * a + u.key * b + u.shift) for u in units)


def test_scores_are_those_of_the_formula() -> None:
    torch.manual_seed(seeds.number(0))
    mixer, x = AdditiveAttention(6, 2, 3, 4), torch.randn(1, 5, 6)
    q, k, v = (part(x).view(5, 2, 3) for part in (mixer.q_proj, mixer.k_proj, mixer.v_proj))
    rows = []
    for i in range(5):
        heads = []
        for h in range(2):
            scores = torch.stack(
                [
                    mixer.score[h]
                    @ torch.tanh(mixer.query[h] @ q[i, h] + mixer.key[h] @ k[j, h] + mixer.shift[h])
                    for j in range(5)
                ]
            )
            heads.append(scores.softmax(0) @ v[:, h])
        rows.append(mixer.o_proj(torch.cat(heads)))
    torch.testing.assert_close(mixer(x)[0], torch.stack(rows))


LEVELS = st.lists(st.integers(-12, 12), min_size=1, max_size=5, unique=True).map(sorted)


@examples(1)
@given(LEVELS, LEVELS)
def test_units_give_a_product_up_to_what_depends_on_the_query(a: list[int], b: list[int]) -> None:
    units = product(a, b)
    for one in a:
        found = [value(units, one, key) - one * key for key in b]
        assert found == [found[0]] * len(b)


def test_two_units_a_lane_give_minus_two_hamming() -> None:
    for gain, exact in ((10.0, True), (9.0, False)):
        units = [
            u._replace(query=u.query * gain / 20, key=u.key * gain / 20, shift=u.shift * gain / 20)
            for u in comparison(1, 1)
        ]
        table = torch.tensor(units)  # (2, 4)
        codes = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=10)))
        hidden = codes[:64, None, :, None] * table[:, 0] + codes[None, :, :, None] * table[:, 1]
        scores = ((hidden + table[:, 2]).tanh() * table[:, 3]).sum((2, 3))  # (64, 1024)
        hamming = (codes[:64, None] != codes[None]).sum(2)
        assert torch.equal(scores, -2.0 * hamming) is exact
        torch.testing.assert_close(scores, -2.0 * hamming, rtol=0, atol=1e-5)


def test_a_unit_finds_the_first_entry_not_less_than_a_number() -> None:
    """A page map: keys 0, 16, 48, 100; each page is a score of 4 above the next greater one."""
    starts = [0, 16, 48, 100]
    unit = at_most(0.5, 100.0)
    for number in range(101):
        scores = [value([unit], number, start) - 4 * i for i, start in enumerate(starts)]
        assert starts[max(range(4), key=scores.__getitem__)] == min(
            s for s in starts if s >= number
        )


def test_from_a_core_the_scores_are_the_core_s_where_softmax_is_soft_too() -> None:
    """Rows of one to three weights, on a stream of ±1: up to a number for all keys of a query."""
    torch.manual_seed(seeds.number(0))
    core, x = Attention(12, 2, 4).double(), torch.randn(2, 7, 12).double().sign()
    for part in (core.q_proj, core.k_proj):
        few = torch.rand(8, 12).argsort(1) < torch.arange(8)[:, None] % 3 + 1
        part.weight.data = torch.randint(-2, 3, (8, 12)) * few.double()
    torch.testing.assert_close(AdditiveAttention.from_core(core)(x), core(x))


def test_a_row_of_many_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="16 weights"):
        AdditiveAttention.from_core(Attention(16, 1, 4))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_machine_with_additive_attention_is_the_machine(dtype: torch.dtype) -> None:
    """All heads: reads by two units a lane or by products, writes by products."""
    machine = compiled("subleq", 8, 32)
    words = [int(w) for w in seeds.generator(4).integers(0, 256, 32)]
    x = torch.tensor(embed(words, machine.plan)[None]).to(dtype)
    model, core = machine.model().to(dtype), machine.model().to(dtype)
    first, second, third = model.transformer.layers
    first.self_attn = AdditiveAttention.from_codes(first.self_attn, 2048.0, 1.0)
    second.self_attn = AdditiveAttention.from_core(second.self_attn)
    third.self_attn = AdditiveAttention.from_core(third.self_attn)
    with torch.no_grad():
        assert torch.equal(model(x, 5), core(x, 5))
