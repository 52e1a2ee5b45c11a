"""The unembedding: which token wins after each type of token, and by how many logits.

A row of `lm_head` must be a sign for each bit of a word, and weights of flags that are the same for
all tokens of a type. So the best token of a type is the one whose number the word holds, and the
next best of the type has one bit wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from looped.decoder.forms import Lanes
from looped.decoder.spec import Spec
from looped.decoder.vocabulary import Vocabulary
from looped.precision import Precision
from looped.verify.causal.mlp import exact_sum
from looped.verify.causal.tokens import TokenType, bits_of, marked
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.rows import Row, matrix_rows

__all__ = ["logit_faults", "logit_margin"]


@dataclass(frozen=True, slots=True)
class _Type:
    """The rows of a type of token: the score of its best token without flags, by how much the
    second best is lower (None: there is no other), and the weights of flags."""

    best: float
    loses: float | None
    flags: Row


def _sources(spec: Spec, lanes: Lanes) -> dict[str, range]:
    """The word whose low bits are the number of the token to come, by its type."""
    words = {"b": lanes["b"], "p": lanes["pc.next"], "out": lanes["mem_a"]}
    if spec.window is not None:
        words["r"] = lanes["oldest+1"]
    for k in range(spec.digits):
        low = 8 * (spec.digits - 1 - k)
        words[f"v{k}"] = lanes["result"][low : low + 8]
        if spec.window is not None:
            words[f"u{k}"] = lanes["word"][low : low + 8]
    return words


def _types(
    spec: Spec, vocabulary: Vocabulary, lanes: Lanes, matrix: Tensor
) -> dict[str, _Type] | ClaimFailed:
    sources = _sources(spec, lanes)
    found = {}
    for name, tokens in vocabulary.types.items():
        rows = matrix[tokens.start : tokens.stop]
        bits = (len(tokens) - 1).bit_length() if name in sources else 0
        word = list(sources[name][:bits]) if bits else []
        scale = float(rows[0, word[0]].abs()) if word else 0.0
        rest = rows.clone()
        rest[:, word] = 0
        wrong = word and not bool((rows[:, word] == scale * bits_of(len(tokens), bits)).all())
        if wrong or not bool((rest == rest[0]).all()):
            return ClaimFailed(f"tokens of type `{name}` match another word")
        loses = (2 * scale if bits else 0.0) if len(tokens) > 1 else None
        found[name] = _Type(bits * scale, loses, matrix_rows(rest[:1].numpy())[0])
    return found


def logit_margin(
    spec: Spec,
    vocabulary: Vocabulary,
    lanes: Lanes,
    matrix: Tensor,
    kinds: Mapping[str, TokenType],
) -> float | ClaimFailed:
    """By how many logits the token that is due outscores every other one, at least."""
    types = _types(spec, vocabulary, lanes, matrix)
    if isinstance(types, ClaimFailed):
        return types
    margins = []
    for kind in kinds.values():
        for due, signs in _cases(spec, lanes, kind):
            scores = {n: _score(t, signs) for n, t in types.items()}
            if any(score is None for score in scores.values()):
                return ClaimFailed("a logit depends on lanes that are no flags")
            own, loses = scores.pop(due), types[due].loses
            margins += [own - score for score in scores.values()]  # type: ignore[operator]
            margins += [] if loses is None else [loses]
    return min(margins)


def _score(kind: _Type, signs: Mapping[int, int]) -> float | None:
    if any(lane not in signs for lane in kind.flags):
        return None
    return kind.best + float(sum(c * signs[lane] for lane, c in kind.flags.items()))


def _cases(spec: Spec, lanes: Lanes, kind: TokenType) -> Iterator[tuple[str, dict[int, int]]]:
    """The type that is due after a token, in all cases that memory may decide, with the signs of
    all flags. The cases with input or output are two of them, a halt is the third."""
    marks = marked(spec)
    due = next((n for n, k in marks.items() if n.startswith("due_") and kind.name in k), None)
    if due is None:
        return
    flags = [lane for name, word in lanes.groups.items() if name[:4] == "due_" for lane in word]
    flags.append(lanes["pc.next"][-1])
    free = [lane for lane in flags if lane not in kind.fixed]
    for choice in itertools.product((-1, 1), repeat=len(free)):
        signs = {lane: kind.fixed[lane] for lane in flags if lane in kind.fixed}
        signs |= dict(zip(free, choice, strict=True))
        if signs[lanes["due_ask"][0]] == 1:
            yield "ask", signs
        elif signs[lanes["due_out"][0]] == 1:
            yield "out", signs
        elif due == "due_p" and signs[lanes["pc.next"][-1]] == 1:
            yield "halt", signs
        else:
            yield due.removeprefix("due_"), signs


def logit_faults(matrix: Tensor, precision: Precision) -> Iterator[str]:
    """Logits whose sums round. Rows that differ in signs alone count once."""
    for row in matrix_rows(torch.unique(matrix.abs(), dim=0).numpy()):
        if not exact_sum([*row.values()], [*row.values()], precision):
            yield "a logit rounds"
