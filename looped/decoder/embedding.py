"""The embedding: what each token knows of itself, in lanes of -1 and +1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from looped.decoder.forms import Lanes
from looped.decoder.spec import COLUMN_BITS, Spec
from looped.decoder.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["embedding", "signs"]


def signs(numbers: range, bits: int) -> Tensor:
    """The bits of 0, 1, 2, … as -1 and +1, lowest bit first. Shape (numbers, bits)."""
    values = torch.arange(len(numbers))[:, None]
    return (2 * (values >> torch.arange(bits) & 1) - 1).float()


def marks(spec: Spec, kind: str) -> list[tuple[str, int]]:
    """The lanes, by group and place, that are +1 in every token of a type."""
    last = spec.digits - 1
    windowed = spec.window is not None
    if kind == "program":  # the oldest token of every kind
        kinds = [("is_b", 0), *[("is_v", k) for k in range(spec.digits)], ("is_p", 0)]
        return [("first", 0), *kinds, *([("is_r", 0)] if windowed else [])]
    if kind in ("halt", "ask"):
        return []
    if kind in ("out", "b", "p", "r"):
        return {
            "out": [("due_p", 0)],
            "b": [("is_b", 0), ("due_v", 0)],
            "p": [("is_p", 0), ("cell", 0), ("due_r" if windowed else "due_b", 0)],
            "r": [("is_b", 0), ("is_r", 0), ("due_u", 0)],
        }[kind]
    if kind[0] == "w":
        return [("is_v", last), ("image", 0), ("cell", 0)]
    place = int(kind[1:])
    if place < last:
        return [("is_v", place), (f"due_{kind[0]}", place + 1)]
    end = [("due_p", 0)] if kind[0] == "v" else [("refreshes", 0), ("cell", 0), ("due_b", 0)]
    return [("is_v", place), *end]


def embedding(spec: Spec, vocabulary: Vocabulary, lanes: Lanes, d_model: int) -> Tensor:
    """The embedding matrix. Shape (vocabulary, d_model)."""
    matrix = torch.full((vocabulary.size, d_model), -1.0)
    matrix[:, lanes["one"]] = 1.0
    for kind, tokens in vocabulary.types.items():
        rows = slice(tokens.start, tokens.stop)
        for name, place in marks(spec, kind):
            matrix[rows, lanes[name][place]] = 1.0
        if kind[0] in "bpruvw" and kind != "program":
            bits = (len(tokens) - 1).bit_length()
            matrix[rows, lanes["digit"][:bits]] = signs(tokens, bits)
        if kind[0] == "w":
            column = signs(range(1 << COLUMN_BITS), COLUMN_BITS)[int(kind[1:])]
            matrix[rows, lanes["column"]] = column
    return matrix
