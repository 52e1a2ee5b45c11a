"""The types of tokens, and what the embedding says of each: signs of lanes, and the token's number.

The table of marks is the meaning of the vocabulary, written down a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from looped.decoder.forms import Lanes
from looped.decoder.spec import COLUMNS, Spec
from looped.decoder.vocabulary import Vocabulary

__all__ = ["FIRST", "TokenType", "bits_of", "embedding_faults", "marked", "token_types"]

FIRST = "program"
"""The type of the first token of every text. No other token is of this type."""


@dataclass(frozen=True, slots=True)
class TokenType:
    """Tokens of one type somewhere in the text: `fixed` are the lanes with the same sign in all of
    them. All other lanes are free, -1 or +1."""

    name: str
    fixed: Mapping[int, int]

    def freed(self, lanes: Iterable[int]) -> TokenType:
        """The same tokens, some of whose lanes may have either sign."""
        gone = frozenset(lanes)
        return replace(self, fixed={i: x for i, x in self.fixed.items() if i not in gone})

    def holding(self, signs: Mapping[int, int]) -> TokenType:
        """The same tokens, some of whose lanes have a known sign."""
        return replace(self, fixed={**self.fixed, **signs})


def marked(spec: Spec) -> dict[str, set[str]]:
    """The types of which each flag is +1. A flag `due_x` is +1 if x comes next, whatever the memory
    holds; where the memory decides, the flag of the other case is +1."""
    last = spec.digits - 1
    images = {f"w{column}" for column in range(COLUMNS)}
    window = spec.window is not None
    marks = {
        "first": {FIRST},
        "is_b": {FIRST, "b", "r"},
        "is_p": {FIRST, "p"},
        "cell": {"p", f"u{last}", *images},
        "image": images,
        "due_b": {f"u{last}" if window else "p"},
        "due_p": {"out", f"v{last}"},
        "due_ask": set(),
        "due_out": set(),
    }
    for k in range(spec.digits):
        marks[f"is_v{k}"] = {FIRST, f"v{k}", f"u{k}", *(images if k == last else ())}
        marks[f"due_v{k}"] = {f"v{k - 1}" if k else "b"}
        if window:
            marks[f"due_u{k}"] = {f"u{k - 1}" if k else "r"}
    if window:
        marks |= {"is_r": {FIRST, "r"}, "refreshes": {f"u{last}"}, "due_r": {"p"}}
        return marks
    return {flag: {name for name in types if name[0] not in "ru"} for flag, types in marks.items()}


def flags(spec: Spec, lanes: Lanes) -> dict[int, str]:
    """The flag in each lane that holds one, by the names of `marked`."""
    named = {}
    for name, places in lanes.groups.items():
        for k, lane in enumerate(places):
            flag = f"{name}{k}" if name in ("is_v", "due_v", "due_u") else name
            if flag in marked(spec):
                named[lane] = flag
    return named


def token_types(vocabulary: Vocabulary, matrix: Tensor) -> tuple[TokenType, ...]:
    """The types of tokens, with the signs that all rows of a type share."""
    types = []
    for name, tokens in vocabulary.types.items():
        rows = matrix[tokens.start : tokens.stop]
        same = (rows == rows[0]).all(dim=0).nonzero().flatten().tolist()
        types.append(TokenType(name, {lane: int(rows[0, lane]) for lane in same}))
    return tuple(types)


def bits_of(count: int, size: int) -> Tensor:
    """The bits of 0 … count - 1 as -1 and +1, lowest first, in `size` lanes."""
    return (2 * (torch.arange(count)[:, None] >> torch.arange(size) & 1) - 1).float()


def embedding_faults(
    spec: Spec, vocabulary: Vocabulary, lanes: Lanes, matrix: Tensor
) -> Iterator[str]:
    """Where the embedding says something else of a token than its type and its number."""
    marks, flag_of = marked(spec), flags(spec, lanes)
    for name, tokens in vocabulary.types.items():
        expected = torch.full((len(tokens), matrix.shape[1]), -1.0)
        expected[:, lanes["one"][0]] = 1.0
        for lane, flag in flag_of.items():
            if name in marks[flag]:
                expected[:, lane] = 1.0
        if name not in (FIRST, "halt", "ask", "out"):
            expected[:, list(lanes["digit"])] = bits_of(len(tokens), len(lanes["digit"]))
        if name[0] == "w":
            places = lanes["column"]
            expected[:, list(places)] = bits_of(COLUMNS, len(places))[int(name[1:])]
        wrong = (matrix[tokens.start : tokens.stop] != expected).nonzero()
        if len(wrong):
            row, lane = wrong[0].tolist()
            yield f"token `{vocabulary.name(tokens.start + row)}`, lane {lane}: another sign"
