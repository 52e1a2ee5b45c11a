"""Coded attention: with binary codes it is the core where the core reads ±1."""

from __future__ import annotations

import torch

from looped.nn import Attention
from looped.nn.mixers import CodedAttention
from tests import seeds


def test_with_binary_codes_it_is_the_core_to_the_bit() -> None:
    torch.manual_seed(seeds.number(8))
    core, x = Attention(6, 2, 4), torch.randint(0, 2, (3, 9, 6)) * 2.0 - 1
    for part, unit in ((core.q_proj, 4.0), (core.k_proj, 1.0)):
        part.weight.data = torch.eye(6).repeat(2, 1)[[0, 1, 2, 4, 3, 2, 1, 5]] * unit
    made = CodedAttention.from_core(core, 2, 2, 4.0)
    made.queries.data = made.keys.data = made.signs.expand(2, -1, -1).clone()
    with torch.no_grad():
        assert torch.equal(made(x), core(x))
        made.keys.data[0, 0] *= 2
        assert not torch.equal(made(x), core(x))
