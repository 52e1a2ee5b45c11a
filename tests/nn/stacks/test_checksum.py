"""Memory tokens as a computer: they sum up a tape of words, exactly, at constant memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from looped.nn import Attention, Block, GatedMLP, Transformer
from looped.nn.position import BinaryCode
from looped.nn.stacks import SegmentRecurrence
from tests import seeds

WORD = 16
SUM, READ, VALUE = range(WORD), range(WORD, 2 * WORD), range(2 * WORD, 3 * WORD)
ONE, TAPE, PLACE = 3 * WORD, 3 * WORD + 1, 3 * WORD + 2  # constant, flag of the tape, address


def adder(d_model: int) -> GatedMLP:
    """SUM += READ mod 2^16, then READ = 0: a threshold a carry, of lanes that are ±1."""
    mlp = GatedMLP(d_model, 3 * WORD)
    for part in (mlp.gate_proj, mlp.up_proj, mlp.down_proj):
        part.weight.data.zero_()
    gate, up, down = mlp.gate_proj.weight.data, mlp.up_proj.weight.data, mlp.down_proj.weight.data
    up[:, ONE] = 1
    for i in range(WORD):
        first, second, copy = 3 * i, 3 * i + 1, 3 * i + 2
        for unit, above in (
            (first, 1),
            (second, 0),
        ):  # carry out of bit i: both bits' sum ≥ 2^(i+1)
            gate[unit, SUM[: i + 1]] = gate[unit, READ[: i + 1]] = 2.0 ** torch.arange(i + 1) / 2
            gate[unit, ONE] = 2.0 ** (i + 1) - 1 - 2.0 ** (i + 1) + above
        gate[copy, READ[i]] = gate[copy, ONE] = 1  # 2 · bit i of READ
        for unit, sign in ((first, 1.0), (second, -1.0)):
            down[SUM[i], unit] = -4 * sign
            if i + 1 < WORD:
                down[SUM[i + 1], unit] = 2 * sign
        down[SUM[i], copy] = 1
        down[READ[i], copy] = -1
    return mlp


def reader(d_model: int, bits: int, quarter: int) -> Attention:
    """Memory token i reads the value of the tape's token `quarter · tokens + i`."""
    mixer = Attention(d_model, 1, 64)  # a power of four: the scale is exact
    for part in (mixer.q_proj, mixer.k_proj, mixer.v_proj, mixer.o_proj):
        part.weight.data.zero_()
    q, k, v, o = (p.weight.data for p in (mixer.q_proj, mixer.k_proj, mixer.v_proj, mixer.o_proj))
    high = BinaryCode(2)(torch.tensor(quarter))
    for lane in range(bits + 2):
        k[lane, PLACE + lane] = 1
        if lane < bits:
            q[lane, PLACE + lane] = 1
        else:
            q[lane, ONE] = high[lane - bits]
    q[bits + 2, ONE], k[bits + 2, TAPE] = 2, 1
    q *= 512  # β · gap = 2 · 512 / 8
    for i in range(WORD):
        v[i, VALUE[i]] = v[i, ONE] = 1
        o[READ[i], i] = 1
    return mixer


class Checksum:
    """A stack of four blocks over 2^bits memory tokens and segments of four words for each."""

    def __init__(self, bits: int) -> None:
        self.bits, self.tokens = bits, 1 << bits
        self.d_model = PLACE + bits + 2
        norm = torch.nn.RMSNorm(self.d_model, eps=0.0)
        blocks = [
            Block(norm, reader(self.d_model, bits, quarter), norm, adder(self.d_model))
            for quarter in range(4)
        ]
        self.model = SegmentRecurrence(Transformer(blocks, norm)).requires_grad_(False)

    def columns(self, words: Tensor, tape: bool) -> Tensor:
        x = torch.full((1, len(words), self.d_model), -1.0)
        x[..., ONE], x[..., TAPE] = 1, 1 if tape else -1
        x[..., VALUE if tape else SUM] = BinaryCode(WORD)(words)
        x[..., PLACE:] = BinaryCode(self.bits + 2)(torch.arange(len(words)))
        return x

    def segments(self, tape: Tensor) -> Iterator[Tensor]:
        return (self.columns(words, True) for words in tape)

    def run(self, tape: Tensor) -> Tensor:
        """The sums of a tape of segments; every state is ±1."""
        memory = self.columns(torch.zeros(self.tokens, dtype=torch.long), False)
        for after, _ in self.model.run(memory, self.segments(tape)):
            assert torch.equal(after.abs(), torch.ones_like(after))
            memory = after
        return (memory[0, :, SUM] > 0).long() @ (1 << torch.arange(WORD))


@pytest.mark.parametrize(
    ("bits", "segments"),
    [(3, 8), pytest.param(8, 256, marks=pytest.mark.slow)],
    ids=["256", "2^18"],
)
def test_memory_tokens_sum_a_tape(bits: int, segments: int) -> None:
    """The longer one has 262,144 words, far more than a segment and the memory hold at a time."""
    machine = Checksum(bits)
    tape = torch.tensor(seeds.generator(1).integers(0, 1 << WORD, (segments, 4 << bits)))
    expected = tape.view(-1, 4, machine.tokens).sum((0, 1)) % (1 << WORD)
    found = machine.run(tape)
    assert torch.equal(found, expected)
    assert int(found.sum()) % (1 << WORD) == int(tape.sum()) % (1 << WORD)
