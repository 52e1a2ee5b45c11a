"""Layout: lanes, token embeddings and position embeddings of the encoder-decoder.

A position embedding may say anything of a position. In the decoder it is the number of the position
in binary, from which keys make the clock. In the encoder it is the address of the word at the
position, the two addresses after it, and the program counter after the instruction there: so no
layer has to add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from looped.decoder.embedding import embedding
from looped.decoder.forms import Lanes
from looped.decoder.lanes import machine_lanes
from looped.decoder.records import Kind, Record
from looped.decoder.spec import Spec
from looped.decoder.vocabulary import Vocabulary
from looped.errors import CompileError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Layout"]

_LONGEST = 1 << 19
"""Tokens of a run: scores are multiples of 128 up to about 2^31, so float32 holds all of them."""

_WIDEST = 16
"""Bits of a word: a decoder layer subtracts as many, and there are two."""

_ENCODED = ("address", "pc+1", "pc+2", "following")
"""Words that the position embedding of the encoder sets: the address and the three after it."""

_MULTIPLE = 64


@dataclass(frozen=True)
class Layout:
    """What the encoder-decoder of a machine consists of, whatever the architecture that runs it.

    `spec.context` is the longest text of the decoder. Raises CompileError if the machine has a
    window, or a context that is too long.
    """

    spec: Spec

    def __post_init__(self) -> None:
        if self.spec.window is not None:
            raise CompileError("an encoder-decoder has no window", hint="make it without one")
        if self.spec.pc_bits > self.spec.address_bits:
            raise CompileError(
                "an encoder-decoder has no program counter behind the end of memory",
                hint="leave counter_bits out",
            )
        if self.spec.width > _WIDEST:
            raise CompileError(f"an encoder-decoder has words of at most {_WIDEST} bits")
        if self.spec.context > _LONGEST:
            raise CompileError(
                f"in a text of {self.spec.context:,} tokens float32 does not hold all scores",
                hint=f"the longest text has {_LONGEST:,} tokens",
            )

    @property
    def time_bits(self) -> int:
        """Bits of a position in the decoder."""
        return (self.spec.context - 1).bit_length()

    @property
    def encoded(self) -> int:
        """Tokens of a program in the encoder: the first token, and each word of memory."""
        return 1 + self.spec.memory * self.spec.digits

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens: those of the causal machine, and the same for encoder and decoder."""
        return Vocabulary(self.spec)

    @cached_property
    def lanes(self) -> Lanes:
        """The lanes of the causal machine, the `time`, and whether a record has the word that is
        read: `found_a`, `found_b`."""
        lanes = machine_lanes(self.spec)
        for name, count in (("time", self.time_bits), ("found_a", 1), ("found_b", 1)):
            lanes.add(name, count)
        return lanes

    @property
    def d_model(self) -> int:
        """Lanes, and some more that are always -1."""
        return -(-self.lanes.size // _MULTIPLE) * _MULTIPLE

    def tokens(self) -> Tensor:
        """The token embedding, zero where positions decide. Shape (vocabulary, d_model).

        The first token begins a record with program counter 0; no record has its address.
        """
        lanes, begin = self.lanes, self.vocabulary.begin
        matrix = embedding(self.spec, self.vocabulary, lanes, self.d_model)
        matrix[begin, 1:] = -1.0
        for name in ("first", "is_p", "due_b"):
            matrix[begin, lanes[name]] = 1.0
        matrix[:, self._placed()] = 0.0
        return matrix

    def decoder_positions(self) -> Tensor:
        """Shape (context, d_model)."""
        table = self._table(self.spec.context)
        table[:, self.lanes["time"]] = _signs(torch.arange(self.spec.context), self.time_bits)
        return table

    def encoder_positions(self) -> Tensor:
        """Shape (encoded, d_model)."""
        spec, table = self.spec, self._table(self.encoded)
        address = torch.arange(self.encoded - 1) // spec.digits
        for count, name in enumerate(_ENCODED):
            lanes = self.lanes[name]
            used = lanes[: spec.pc_bits + 1] if name == "following" else lanes
            table[1:, list(used)] = _signs(address + count, len(used))
        return table

    def program(self, words: Sequence[int]) -> list[int]:
        """The tokens of the encoder. Raises CompileError if the program does not fit."""
        self.vocabulary.prompt(words)  # it checks the size
        padded = [*words, *[0] * (self.spec.memory - len(words))]
        digits = [token for word in padded for token in self.vocabulary.value(word)]
        return [self.vocabulary.begin, *digits]

    def begin(self, words: Sequence[int], entry: int) -> list[int]:
        """The tokens with which the decoder begins: the first one, and if the program begins
        elsewhere than at 0, a record that writes word 0 as it is."""
        record = Record(Kind.WRITE, 0, words[0], entry)
        return [self.vocabulary.begin, *(self.vocabulary.record(record) if entry else [])]

    def _placed(self) -> list[int]:
        return [lane for name in (*_ENCODED, "time") for lane in self.lanes[name]]

    def _table(self, positions: int) -> Tensor:
        table = torch.zeros(positions, self.d_model)
        table[:, self._placed()] = -1.0
        return table


def _signs(numbers: Tensor, bits: int) -> Tensor:
    """The low bits of numbers as -1 and +1, lowest first. Shape (numbers, bits)."""
    return (2 * (numbers[:, None] >> torch.arange(bits) & 1) - 1).float()
