"""Spec: the sizes from which tokens, lanes and weights of a causal machine follow."""

from __future__ import annotations

from dataclasses import dataclass

from looped.errors import CompileError

__all__ = ["COLUMNS", "COLUMN_BITS", "DEFAULT_CONTEXT", "HEAD_DIM", "Spec"]

HEAD_DIM = 64
"""Lanes of a head. A power of four, so that the scaling by 1/√64 is exact; its 32 rotary pairs hold
the clock in a fast pair and up to 17 matching lanes in the slowest ones."""

COLUMNS = 8
"""Words on a line of the prompt. A word there takes one token less than a record of its own, and
its last digit has `COLUMNS` copies in the vocabulary."""

COLUMN_BITS = (COLUMNS - 1).bit_length()

DEFAULT_CONTEXT = 1 << 15
"""Tokens: enough for 20,000 tokens of a run behind the prompt of the longest program here."""

_COUNTER_BITS = 15
"""Bits of a program counter at most: each is a token."""

_WIDTHS = (8, 16, 32)
"""Bits of a word, each a whole number of bytes: a byte of a value is a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A SUBLEQ machine with `memory` words of `width` bits, and at most `context` tokens.

    The program counter is kept in `counter_bits` bits; by default those of an address, or all but
    the sign if the width has no more. A program counter outside of them is not represented: see
    `Vocabulary.counter`. If `window` is not None, attention reaches back so many tokens, and each
    record is followed by a refresh, which writes one word again. `order` is 1 if the word that
    changes is the first operand, as in some dialects. Raises CompileError for sizes that are
    impossible.
    """

    width: int
    memory: int
    context: int = DEFAULT_CONTEXT
    counter_bits: int | None = None
    window: int | None = None
    order: int = 0

    def __post_init__(self) -> None:
        if self.width not in _WIDTHS:
            raise CompileError(
                f"no causal machine has {self.width}-bit words",
                hint=f"widths: {', '.join(map(str, _WIDTHS))}",
            )
        if self.order not in (0, 1):
            raise CompileError(f"there is no order {self.order} of operands", hint="it is 0 or 1")
        largest = min(1 << self.width, 1 << 15)
        if self.memory & (self.memory - 1) or not COLUMNS <= self.memory <= largest:
            raise CompileError(
                f"a memory of {self.memory} words is impossible with {self.width}-bit words",
                hint=f"memory must be a power of two from {COLUMNS} to {largest}",
            )
        most = min(self.width - 1, _COUNTER_BITS)
        if self.counter_bits is not None and not 1 <= self.counter_bits <= most:
            raise CompileError(
                f"a program counter of {self.counter_bits} bits is impossible",
                hint=f"it has from 1 to {most}",
            )

    @property
    def address_bits(self) -> int:
        """Bits of an address."""
        return self.memory.bit_length() - 1

    @property
    def pc_bits(self) -> int:
        """Bits of the program counter, without its sign."""
        return self.counter_bits or min(self.address_bits, self.width - 1)

    @property
    def counter_lanes(self) -> int:
        """Lanes of the program counter: enough for an address, too."""
        return max(self.pc_bits, self.address_bits)

    @property
    def digits(self) -> int:
        """Bytes of a value: each is a token, the most significant first."""
        return self.width // 8

    @property
    def span(self) -> int:
        """The longest distance, in tokens, over which the clock compares records."""
        return self.context if self.window is None else self.window
