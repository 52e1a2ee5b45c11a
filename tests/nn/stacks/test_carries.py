"""Words as records of bytes: 64-bit addition with one threshold a byte for the carries."""

from __future__ import annotations

import torch
from torch import Tensor

from tests import seeds

BYTES = 8


def byte_adder(a: Tensor, b: Tensor) -> Tensor:
    """Sums of bytes (..., 8), least significant first, modulo 2^64; all numbers in float32.

    Byte q generates a carry (G_q) if its sum is at least 256, and passes one on (P_q) if it is 255.
    A carry enters byte p iff `Σ_{q<p} 2^q (2 G_q + P_q) ≥ 2^p`: the bytes are the bits of an adder
    with two ones where a byte generates, and one where it passes on.
    """
    total = a + b
    digits = (total >= 256).float() + (total >= 255).float()  # 2, 1 or 0
    places = torch.arange(float(BYTES))
    weights = (2**places * (places < places[:, None])).T  # (q, p)
    carry = (digits @ weights >= 2**places).float()
    return (total + carry) % 256


def number(x: Tensor) -> list[int]:
    return [sum(byte << 8 * q for q, byte in enumerate(row)) for row in x.int().tolist()]


def test_64_bit_additions_of_bytes_are_right() -> None:
    """20,000; half of them with bytes whose sums are mostly 255, so that carries run far."""
    rng = seeds.generator(2)
    a, b = (torch.tensor(rng.integers(0, 256, (20_000, BYTES))).float() for _ in range(2))
    near = torch.tensor(rng.random((10_000, BYTES)) < 0.85)
    b[:10_000] = torch.where(near, 255 - a[:10_000], b[:10_000])
    expected = [(x + y) % (1 << 64) for x, y in zip(number(a), number(b), strict=True)]
    assert number(byte_adder(a, b)) == expected
