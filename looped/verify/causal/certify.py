"""certify_causal: a proof from the weights that a causal model continues every text as SUBLEQ does.

For every text that begins with the first token, that records and lines make (see the vocabulary),
and that is not longer than the context: the token that is due wins by a margin. The proof goes
layer by layer, for every type of token and all states of its lanes. It samples nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from looped.decoder.lanes import machine_lanes
from looped.decoder.spec import Spec
from looped.decoder.vocabulary import Vocabulary
from looped.precision import FLOAT32, PRECISIONS, Precision
from looped.verify.causal.heads import attention_claims
from looped.verify.causal.layers import Layer, checkpoint_faults, layer, norm_faults
from looped.verify.causal.logits import logit_faults, logit_margin
from looped.verify.causal.meaning import layers_of
from looped.verify.causal.mlp import mlp_faults, sum_faults
from looped.verify.causal.scores import Purpose, Scores, least_margin
from looped.verify.causal.tokens import embedding_faults, token_types
from looped.verify.certificate.claims import ALGEBRA, DIAGRAMS, LAYOUT, Claim, ClaimFailed

__all__ = ["CausalCertificate", "HeadProof", "certify_causal"]

_POSITIONS = 1 << 24
"""Positions that float32 counts. A model with a window may reach all of them."""


@dataclass(frozen=True, slots=True)
class HeadProof:
    """A head: its scores, what it is for, and the layer (from 0) in which it is."""

    layer: int
    scores: Scores
    purpose: Purpose


@dataclass(frozen=True)
class CausalCertificate:
    """What is proved of a causal model.

    `faults` of a dtype are the sums that round in it. `margin` is the least difference of the logit
    of the token that is due to any other.
    """

    spec: Spec
    claims: tuple[Claim, ...]
    heads: tuple[HeadProof, ...]
    faults: Mapping[str, tuple[str, ...]]
    margin: float
    seconds: float
    _spans: dict[str, int] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether the weights compute SUBLEQ, if no sum rounds and the latest record wins."""
        return all(claim.holds for claim in self.claims)

    def margins(self, span: int, precision: Precision) -> dict[tuple[int, str], float]:
        """By how many logits each head tells its token from others within so many tokens."""
        positions = span if self.spec.window is None else _POSITIONS
        found = {}
        for head in self.heads:
            least = least_margin(head.scores, head.purpose, span, positions, precision)
            margin = float("-inf") if isinstance(least, ClaimFailed) else least
            found[head.layer, head.purpose.name] = margin
        return found

    def span(self, dtype: str) -> int:
        """The longest context, or window, in tokens, for which the model is exact in a dtype.

        0 if there is none. It is at most that for which the model is made.
        """
        if dtype not in self._spans:
            self._spans[dtype] = self._longest(PRECISIONS[dtype])
        return self._spans[dtype]

    def _longest(self, precision: Precision) -> int:
        if not self.sound or self.faults[precision.name]:
            return 0
        low, high = 0, self.spec.span + 1
        while high - low > 1:
            middle = high - 1 if low == 0 and high > self.spec.span else (low + high) // 2
            exact = min(self.margins(middle, precision).values()) > precision.underflow
            low, high = (middle, high) if exact else (low, middle)
        return low

    def certified(self, dtype: str = FLOAT32.name) -> bool:
        """Whether the model is exact in a dtype for the whole context for which it is made."""
        return self.span(dtype) == self.spec.span


def certify_causal(
    spec: Spec, state: Mapping[str, Tensor], config: Mapping[str, Any]
) -> CausalCertificate:
    """Prove what a checkpoint does, given its tensors and the content of its `config.json`."""
    started = time.monotonic()
    vocabulary, lanes = Vocabulary(spec), machine_lanes(spec)
    count = layers_of(spec)
    faults = checkpoint_faults(state, config, count, vocabulary.size, spec.window)
    statement = f"is a stock model of {count} layers"
    claims = [_claim(None, "checkpoint", statement, LAYOUT, len(state), faults)]
    heads: list[HeadProof] = []
    if not claims[0].holds:
        return _refused(spec, claims, started)
    norms = norm_faults(state, float(config["rms_norm_eps"]))
    statement = "are the identity on ±1 lanes"
    claims.append(_claim(None, "norms", statement, ALGEBRA, 2 * count + 1, norms))
    matrix = state["model.embed_tokens.weight"]
    faults = embedding_faults(spec, vocabulary, lanes, matrix)
    claims.append(_claim(None, "embedding", "says the type and the number of each token", LAYOUT,
                         vocabulary.size, faults))  # fmt: skip
    if not all(claim.holds for claim in claims):
        return _refused(spec, claims, started)
    types = {kind.name: kind for kind in token_types(vocabulary, matrix)}
    layers = [layer(state, index) for index in range(count)]
    for index, rows in enumerate(layers):
        proof = attention_claims(spec, lanes, index, rows, types, config)
        claims += proof.claims
        heads += [HeadProof(index, scores, purpose) for scores, purpose in proof.heads]
        types, wrong = mlp_faults(spec, lanes, index, rows, proof.types)
        statement = "makes what its instruction needs, and changes nothing else"
        claims.append(_claim(index, "MLP", statement, DIAGRAMS, len(rows.down), iter(wrong)))
        if not all(claim.holds for claim in claims):
            return _refused(spec, claims, started)
    unembedding = state["lm_head.weight"]
    margin = logit_margin(spec, vocabulary, lanes, unembedding, types)
    fault = margin.reason if isinstance(margin, ClaimFailed) else None
    least = 0.0 if isinstance(margin, ClaimFailed) else margin
    if fault is None and least <= FLOAT32.underflow:
        fault = f"another token comes within {least:g} logits of the one that is due"
    claims.append(Claim(None, "logits", "the token that is due wins", ALGEBRA,
                        vocabulary.size, fault))  # fmt: skip
    rounds = {
        name: tuple(_rounding_faults(layers, unembedding, form))
        for name, form in PRECISIONS.items()
    }
    seconds = time.monotonic() - started
    return CausalCertificate(spec, tuple(claims), tuple(heads), rounds, least, seconds)


def _claim(
    block: int | None, part: str, statement: str, method: str, cases: int, faults: Iterator[str]
) -> Claim:
    return Claim(block, part, statement, method, cases, next(faults, None))


def _refused(spec: Spec, claims: list[Claim], started: float) -> CausalCertificate:
    """The certificate of a model with a claim that fails: later claims cannot be stated."""
    faults = dict.fromkeys(PRECISIONS, ("a claim fails",))
    return CausalCertificate(spec, tuple(claims), (), faults, 0.0, time.monotonic() - started)


def _rounding_faults(
    layers: list[Layer], unembedding: Tensor, precision: Precision
) -> Iterator[str]:
    for index, rows in enumerate(layers):
        yield from (f"layer {index + 1}: {fault}" for fault in sum_faults(rows, precision))
    yield from logit_faults(unembedding, precision)
