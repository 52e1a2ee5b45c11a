"""Differential attention cancels what leaks to first order."""

from __future__ import annotations

import math

import pytest
import torch

from looped.nn import Attention
from looped.nn.mixers import DifferentialAttention
from looped.nn.position import BinaryCode
from tests import seeds

BITS = 10


def worst_error(sharpness: float, cancelled: bool) -> float:
    """Of a ±1 value at each address, over all reads, if a bit of the address is worth `sharpness`.

    A read has each address bit flipped with probability p = 1 / (1 + exp sharpness). The second map
    flips with 2p, and λ = ½: what the ten neighbours leak cancels, what others leak does not.
    """
    codes = BinaryCode(BITS)(torch.arange(1 << BITS)).double()
    values = torch.tensor(seeds.generator(8).choice([-1.0, 1.0], (1 << BITS, 1)))
    values[0], values[1 << torch.arange(BITS)] = 1, -1  # all neighbours of 0 differ from it
    lanes = torch.eye(BITS + 1).double()
    core = Attention(BITS + 1, 1, BITS + 1).double()
    address = torch.cat([lanes[:BITS], torch.zeros(1, BITS + 1).double()])
    core.q_proj.weight.data = address * sharpness / 2 * (BITS + 1) ** 0.5
    core.k_proj.weight.data, core.v_proj.weight.data = address, lanes
    core.o_proj.weight.data = lanes
    mixer: Attention = core
    if cancelled:
        twice = 2 / (1 + math.exp(sharpness))
        ratio = math.log((1 - twice) / twice) / sharpness
        mixer = DifferentialAttention.from_core(core, lambda_init=0.5, ratio=ratio)
    with torch.no_grad():
        found = mixer(torch.cat([codes, values], 1)[None])[0, :, BITS:]
    found = found * (2 if cancelled else 1)  # 1 - λ of a value is left
    return (found - values).abs().max().item()


def test_the_exponent_doubles() -> None:
    sharpness = [8.0, 10.0, 12.0]
    plain = [worst_error(s, False) for s in sharpness]
    cancelled = [worst_error(s, True) for s in sharpness]
    slopes = [math.log(errors[0] / errors[2]) / 4 for errors in (plain, cancelled)]
    assert slopes == pytest.approx([1, 2], abs=0.1)
    assert plain[0] == pytest.approx(6.7e-3, rel=0.05)
    assert cancelled[0] == pytest.approx(3.4e-5, rel=0.5) and cancelled[2] < 2e-8
