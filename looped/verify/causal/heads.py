"""What the heads of a layer copy, and the scores by which they choose, for every type of token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from looped.decoder.forms import Lanes
from looped.decoder.spec import HEAD_DIM, Spec
from looped.precision import precision
from looped.verify.causal.layers import Layer
from looped.verify.causal.meaning import purposes
from looped.verify.causal.rotary import frequencies
from looped.verify.causal.scores import Purpose, Scores, least_margin, scores_of
from looped.verify.causal.tokens import FIRST, TokenType
from looped.verify.certificate.claims import ALGEBRA, Claim, ClaimFailed

__all__ = ["AttentionProof", "attention_claims"]

_ONE = 0

_SHORT = 16
"""Tokens of a text so short that no score rounds by much: what is left is the order of levels."""


@dataclass(frozen=True, slots=True)
class AttentionProof:
    """The claims about the heads of a layer, the scores of each, and the types after it."""

    claims: tuple[Claim, ...]
    heads: tuple[tuple[Scores, Purpose], ...]
    types: Mapping[str, TokenType]


def attention_claims(
    spec: Spec,
    lanes: Lanes,
    index: int,
    layer: Layer,
    types: Mapping[str, TokenType],
    config: Mapping[str, Any],
) -> AttentionProof:
    """What the heads of a layer copy from which token."""
    omegas = frequencies(float(config["rope_theta"]), HEAD_DIM)
    claims: list[Claim] = []
    found: list[tuple[Scores, Purpose]] = []
    heads = _by_targets(layer)
    for purpose in purposes(spec, lanes, index):
        head = heads.pop(frozenset(purpose.copies), None)
        fault = "no head writes there" if head is None else _copy_fault(layer, head, purpose, types)
        if head is not None and fault is None:
            scores = scores_of(layer, head, [*types.values()], omegas)
            fault = _score_fault(scores, purpose)
            found += [] if isinstance(scores, ClaimFailed) else [(scores, purpose)]
        statement = "is read from the latest token that matches, or is zero"
        claims.append(Claim(index, purpose.name, statement, ALGEBRA, len(types), fault))
    if heads:
        fault = "a head writes other lanes, or several heads one lane"
        claims.append(Claim(index, "heads", "write what they must", ALGEBRA, layer.heads, fault))
    made = {lane for _, purpose in found for lane in purpose.copies}
    after = {name: kind.freed(made) for name, kind in types.items()}
    after[FIRST] = _after_alone(after[FIRST], types[FIRST], found)
    return AttentionProof(tuple(claims), tuple(found), after)


def _by_targets(layer: Layer) -> dict[frozenset[int], int]:
    """Each head that writes, by the lanes that it writes."""
    written: dict[int, set[int]] = {}
    for lane, row in enumerate(layer.out):
        for d in row:
            written.setdefault(d // HEAD_DIM, set()).add(lane)
    return {frozenset(lanes): head for head, lanes in written.items()}


def _copy_fault(
    layer: Layer, head: int, purpose: Purpose, types: Mapping[str, TokenType]
) -> str | None:
    """Why a head does not copy lanes, each from -1, or None."""
    for target, source in purpose.copies.items():
        row = layer.out[target]
        if [d // HEAD_DIM for d in row] != [head] or [*row.values()] != [1]:
            return f"lane {target} is written in another way"
        value = layer.value[next(iter(row)) % HEAD_DIM]
        if dict(value) != {_ONE: 1, source: 1}:
            return f"lane {target} gets another value"
        if any(kind.fixed.get(target) != -1 for kind in types.values()):
            return f"lane {target} is not -1 before"
    return None


def _score_fault(scores: Scores | ClaimFailed, purpose: Purpose) -> str | None:
    if isinstance(scores, ClaimFailed):
        return scores.reason
    least = least_margin(scores, purpose, _SHORT, _SHORT, precision("float64"))
    if isinstance(least, ClaimFailed):
        return least.reason
    return None if least > 0 else f"another token comes within {least:.0f} logits"


def _after_alone(
    kind: TokenType, before: TokenType, heads: list[tuple[Scores, Purpose]]
) -> TokenType:
    """The first token sees itself alone: each head copies its own lanes."""
    signs = {
        target: before.fixed[source]
        for _, purpose in heads
        for target, source in purpose.copies.items()
        if source in before.fixed
    }
    return kind.holding(signs)
