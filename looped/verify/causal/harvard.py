"""certify_harvard: the same proof for the encoder-decoder on the core, from its weights.

For every program and every text of the decoder that records make behind the first token, no longer
than the layout allows: the token that is due wins, if the program never writes to its instructions.
Positions are finitely many, so whatever depends on them is tried: each column of the encoder, each
address. Contents of words and texts are covered by algebra and decision diagrams, as in
`certify_causal`. All scores are multiples of 128 logits below 2^31, so float32 holds them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from looped.decoder.embedding import embedding
from looped.decoder.harvard import HarvardModel, Layout
from looped.precision import FLOAT32
from looped.verify.causal.harvard_heads import (
    Decoded,
    encoder_fault,
    fetch_fault,
    gather_fault,
    program_fault,
    read_fault,
)
from looped.verify.causal.layers import Layer
from looped.verify.causal.logits import logit_faults, logit_margin
from looped.verify.causal.mlp import mlp_faults, sum_faults
from looped.verify.causal.tokens import FIRST, TokenType, embedding_faults, token_types
from looped.verify.certificate.claims import (
    ALGEBRA,
    DIAGRAMS,
    EXHAUSTION,
    LAYOUT,
    Claim,
    ClaimFailed,
)
from looped.verify.certificate.rows import matrix_rows

__all__ = ["HarvardCertificate", "certify_harvard"]

_STEEP = np.float32(128)
"""The gates of the stock model are so steep. ReLU takes any: here they are brought to the same."""


@dataclass(frozen=True)
class HarvardCertificate:
    """What is proved of an encoder-decoder. `margin` is that of the token that is due."""

    layout: Layout
    claims: tuple[Claim, ...]
    margin: float
    seconds: float

    @property
    def certified(self) -> bool:
        """Whether the model is exact in float32 for the longest text of its layout."""
        return all(claim.holds for claim in self.claims)


def certify_harvard(model: HarvardModel) -> HarvardCertificate:
    """Prove what the weights of an encoder-decoder do."""
    started, layout = time.monotonic(), model.layout
    claims, margin = [], 0.0
    for claim, value in _proved(layout, dict(model.state_dict())):
        claims.append(claim)
        margin = value
        if not claim.holds:
            margin = 0.0
            break
    return HarvardCertificate(layout, tuple(claims), margin, time.monotonic() - started)


def _proved(layout: Layout, state: Mapping[str, Tensor]) -> Iterator[tuple[Claim, float]]:
    """The claims in the order in which they use each other; the last one with the margin."""

    def claim(part: str, statement: str, method: str, faults: Iterator[str] | list[str | None],
              block: int | None = None) -> tuple[Claim, float]:  # fmt: skip
        fault = next(iter(faults), None)
        return Claim(block, part, statement, method, 1, fault), 0.0

    yield claim(
        "weights", "have the shapes of the layout, and are finite", LAYOUT, _shapes(layout, state)
    )
    yield claim("norms", "are the identity on ±1 lanes", ALGEBRA, _norms(state))
    yield claim(
        "embedding", "says what each token is, and where", LAYOUT, _embedding(layout, state)
    )
    copied = "is read at its place, whatever the words are"
    yield claim("encoder", copied, EXHAUSTION, [encoder_fault(layout, state)])
    types = _types(layout, state)
    for block, (own, cross) in enumerate(
        ((gather_fault, fetch_fault), (read_fault, program_fault))
    ):
        decoded = Decoded(layout, state, block, types)
        found = own(decoded)
        yield claim("self-attention", "finds the latest that matches", ALGEBRA, [found], block)
        types = decoded.after_self()
        decoded = Decoded(layout, state, block, types)
        yield claim("cross-attention", copied, EXHAUSTION, [cross(decoded)], block)
        types = decoded.after_cross()
        rows = _mlp(state, block)
        types, wrong = mlp_faults(layout.spec, layout.lanes, block + 1, rows, types)
        yield claim("MLP", "makes what its instruction needs", DIAGRAMS, iter(wrong), block)
        rounds = sum_faults(rows, FLOAT32)
        yield claim("sums", "are exact in float32", ALGEBRA, rounds, block)
    matrix = state["unembedding"]
    margin = logit_margin(layout.spec, layout.vocabulary, layout.lanes, matrix, types)
    faults = list(logit_faults(matrix, FLOAT32))
    if isinstance(margin, ClaimFailed):
        faults, margin = [margin.reason], 0.0
    elif margin <= FLOAT32.underflow:
        faults = [f"another token comes within {margin:g} logits of the one that is due"]
    proof, _ = claim("logits", "the token that is due wins", ALGEBRA, iter(faults))
    yield proof, margin


def _shapes(layout: Layout, state: Mapping[str, Tensor]) -> Iterator[str]:
    wanted = HarvardModel(layout).state_dict()
    for name in sorted({*wanted, *state}):
        if name not in wanted or name not in state or wanted[name].shape != state[name].shape:
            yield f"`{name}` is not as the layout says"
        elif not bool(state[name].isfinite().all()):
            yield f"`{name}` has a weight that is not finite"


def _norms(state: Mapping[str, Tensor]) -> Iterator[str]:
    for name, weight in state.items():
        if "norm" in name and not bool((weight == 1).all()):
            yield f"`{name}` is not 1"


def _placed(layout: Layout) -> dict[str, list[int]]:
    """The lanes that positions set, by name."""
    names = ("address", "pc+1", "pc+2", "following", "time")
    return {name: list(layout.lanes[name]) for name in names}


def _signs(numbers: Any, bits: int) -> Any:
    return 2.0 * (numbers[:, None] >> np.arange(bits) & 1) - 1


def _embedding(layout: Layout, state: Mapping[str, Tensor]) -> Iterator[str]:
    """Tokens set all lanes but those of positions, positions set these and no others."""
    spec, lanes, vocabulary = layout.spec, layout.lanes, layout.vocabulary
    placed = _placed(layout)
    every = [lane for lane_of in placed.values() for lane in lane_of]
    tokens = state["tokens"].clone()
    if bool((tokens[:, every] != 0).any()):
        yield "a token sets a lane of positions"
    tokens[:, every] = -1.0
    first = tokens[vocabulary.begin].clone()
    wanted = np.full(len(first), -1.0)
    wanted[[0, *(lanes[name][0] for name in ("first", "is_p", "due_b"))]] = 1.0
    if not np.array_equal(first.numpy(), wanted):
        yield "the first token is another one"
    tokens[vocabulary.begin] = embedding(spec, vocabulary, lanes, tokens.shape[1])[vocabulary.begin]
    yield from embedding_faults(spec, vocabulary, lanes, tokens)
    time_table = np.zeros(tuple(state["decoder_positions"].shape))
    time_table[:, every] = -1.0
    places = np.arange(len(time_table))
    time_table[:, placed["time"]] = _signs(places, len(placed["time"]))
    if not np.array_equal(state["decoder_positions"].numpy(), time_table):
        yield "a position of the decoder is another number"
    table = np.zeros(tuple(state["encoder_positions"].shape))
    table[:, every] = -1.0
    address = np.arange(len(table) - 1) // spec.digits
    for count, name in enumerate(("address", "pc+1", "pc+2", "following")):
        used = placed[name][: spec.pc_bits + 1] if name == "following" else placed[name]
        table[1:, used] = _signs(address + count, len(used))
    if not np.array_equal(state["encoder_positions"].numpy(), table):
        yield "a position of the encoder is another address"


def _types(layout: Layout, state: Mapping[str, Tensor]) -> dict[str, TokenType]:
    """The types of tokens in the decoder. The first token is at position 0, and acts as a program
    counter."""
    tokens = state["tokens"].clone()
    tokens += state["decoder_positions"][0]
    found = {kind.name: kind for kind in token_types(layout.vocabulary, tokens)}
    found[FIRST] = replace(found[FIRST], name="p")
    times = layout.lanes["time"]
    return {n: kind if n == FIRST else kind.freed(times) for n, kind in found.items()}


def _mlp(state: Mapping[str, Tensor], block: int) -> Layer:
    """The rows of an MLP, with gates as steep as those of the stock model."""
    names = (f"decoder.{block}.mlp.{part}_proj.weight" for part in ("gate", "up", "down"))
    gate, up, down = (state[name].numpy() for name in names)
    steep: tuple[Any, ...] = (gate * _STEEP, up, down / _STEEP)
    return Layer((), (), (), (), *(matrix_rows(each) for each in steep))
