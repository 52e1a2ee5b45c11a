"""The unembedding: the token of the kind that is due whose digits match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from looped.decoder.embedding import signs
from looped.decoder.forms import Lanes
from looped.decoder.machine import machine
from looped.decoder.spec import Spec
from looped.decoder.vocabulary import Vocabulary
from looped.precision import FLOAT32

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MARGIN", "unembedding"]

MARGIN = float(1 << int(FLOAT32.underflow).bit_length())
"""Logits by which the due token wins at least: the first power of two at which every other token
has probability zero in float32. So sampling at temperature 1 is greedy."""


def unembedding(spec: Spec, vocabulary: Vocabulary, lanes: Lanes, d_model: int) -> Tensor:
    """The matrix of `lm_head`. Shape (vocabulary, d_model).

    A token of n digits scores n - 2 (wrong digits), and K more if its kind is due, K less if not.
    `?` and bytes of output score 2 K more, because b or v is due as well where they are. `<halt>`
    scores K for a due p and K for a negative next program counter, so 2 K or at most 0. K exceeds
    the longest digit by two, so that a wrong kind loses at least as much as a wrong digit, which
    loses 2. All is scaled to `MARGIN`.
    """
    matrix = torch.zeros(vocabulary.size, d_model)
    due = float(1 << (max(8, spec.address_bits, spec.pc_bits) + 2).bit_length())
    trace = machine(spec)
    counter = lanes.indices(trace.counter)
    sources = {"b": lanes.indices(trace.address), "p": counter, "out": lanes.indices(trace.output)}
    if trace.refreshed is not None:
        sources["r"] = lanes.indices(trace.refreshed)
    for kind, written in (("v", trace.value), ("u", trace.refresh or trace.value)):
        for k in range(spec.digits):
            low = 8 * (spec.digits - 1 - k)
            sources[f"{kind}{k}"] = lanes.indices(written)[low : low + 8]
    for kind, tokens in vocabulary.types.items():
        rows = slice(tokens.start, tokens.stop)
        if kind in sources:
            bits = (len(tokens) - 1).bit_length()
            matrix[rows, sources[kind][:bits]] = signs(tokens, bits)
        if kind[0] in "uv":
            matrix[rows, lanes[f"due_{kind[0]}"][int(kind[1:])]] = due
        elif kind in ("b", "p", "r"):
            matrix[rows, lanes[f"due_{kind}"][0]] = due
        elif kind in ("ask", "out"):
            matrix[rows, lanes[f"due_{kind}"][0]] = 2 * due
        elif kind == "halt":
            matrix[rows, lanes["due_p"][0]] = due
            matrix[rows, counter[-1]] = due
    return matrix * (MARGIN / 2)
