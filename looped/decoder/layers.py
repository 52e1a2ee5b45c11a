"""Layers: the layers of a causal machine in NumPy, on the entries of a cache of their own.

The arithmetic is that of the stock model in float32: RMSNorm, rotary embeddings, softmax, SiLU. The
sums may run in another order, which changes no bit of the result (see the certificate). Heads
without an output are left out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from looped.decoder.clock import PAIRS, frequency
from looped.decoder.machine import machine
from looped.decoder.spec import HEAD_DIM
from looped.decoder.weights import EPSILON, Weights

__all__ = ["Floats", "Layers", "turned"]

Floats = NDArray[np.float32]

_GROWTH = 256
"""Entries by which a full cache grows at least."""


class Layers:
    """The weights, and keys and values of `length` tokens in each layer."""

    def __init__(self, found: Weights) -> None:
        state = {name: weight.numpy() for name, weight in found.state.items()}
        self.embedding: Floats = state["model.embed_tokens.weight"]
        unembedding: Floats = state["lm_head.weight"]
        self.emitted = np.flatnonzero((unembedding != 0).any(axis=1))
        self.unembedding = np.ascontiguousarray(unembedding[self.emitted].T)
        self.gain: Floats = state["model.norm.weight"]
        self.blocks = [_Block(state, index) for index in range(found.n_layers)]
        self.omegas = np.array([frequency(k) for k in range(PAIRS)], np.float32)
        self.keys: Floats = np.zeros((len(self.blocks), 0, HEAD_DIM), np.float32)
        self.values: Floats = self.keys
        self.length = 0
        self.last_read = max(k for k, block in enumerate(self.blocks) if block.outward.any())
        trace = machine(found.spec)
        self.written = found.lanes.indices(trace.value)
        self.latest = list(found.lanes["value"])
        self.read: Floats = np.zeros((0, 0), np.float32)
        self.state = self.read

    def append(self, tokens: list[int], position: int) -> Floats:
        """Put tokens behind those in the cache; the logits after each. Shape (tokens, vocabulary).

        `position` is that of the first one.
        """
        first, count = self.length, len(tokens)
        self._grow(first + count)
        turns = np.arange(position, position + count).astype(np.float32)[:, None] * self.omegas
        cos, sin = np.cos(turns), np.sin(turns)
        hidden = np.triu(np.full((count, count), -np.inf, np.float32), 1)
        x = self.embedding[tokens]
        for index, block in enumerate(self.blocks):
            parts = self._norm(x) @ block.inward.T
            heads = turned(parts[:, :-HEAD_DIM], cos, sin)  # (tokens, heads + 1, d_head)
            self.keys[index, first : first + count] = heads[:, -1]
            self.values[index, first : first + count] = parts[:, -HEAD_DIM:]
            scores = heads[:, :-1] @ self.keys[index, : first + count].T
            scores[:, :, first:] += hidden[:, None]
            scores -= scores.max(axis=2, keepdims=True)
            np.exp(scores, out=scores)
            read = scores @ self.values[index, : first + count]
            read /= scores.sum(axis=2, keepdims=True)
            x = self._mlp(index, x + read.reshape(count, -1) @ block.outward.T)
        self.length = first + count
        return self._logits(x)

    def draft(self, row: int) -> Floats:
        """The logits of a token of the last pass as if the word that it writes were in the text:
        what comes after that word, if nothing else in the text decides it. Shape (vocabulary,)."""
        x = self.read[row : row + 1].copy()
        x[:, self.latest] = self.state[row, self.written]
        for block in self.blocks[self.last_read :]:
            x = x + block.mlp(self._norm(x))
        logits: Floats = self._logits(x)[0]
        return logits

    def _mlp(self, index: int, x: Floats) -> Floats:
        """The MLP of a layer. `read` and `state` keep what `draft` needs."""
        if index == self.last_read:
            self.read = x
        self.state = x + self.blocks[index].mlp(self._norm(x))
        return self.state

    def _logits(self, x: Floats) -> Floats:
        logits: Floats = np.zeros((len(x), len(self.embedding)), np.float32)
        logits[:, self.emitted] = self._norm(x) @ self.unembedding
        return logits

    def move(self, source: int, target: int) -> None:
        """Put an entry of the cache in the place of another one."""
        self.keys[:, target] = self.keys[:, source]
        self.values[:, target] = self.values[:, source]

    def _norm(self, x: Floats) -> Floats:
        square = (x * x).mean(axis=1, keepdims=True, dtype=np.float32) + np.float32(EPSILON)
        inverse = (1 / np.sqrt(square.astype(np.float64))).astype(np.float32)
        normed: Floats = self.gain * (x * inverse)
        return normed

    def _grow(self, length: int) -> None:
        missing = length - self.keys.shape[1]
        if missing > 0:
            more = ((0, 0), (0, max(missing, _GROWTH)), (0, 0))
            self.keys, self.values = np.pad(self.keys, more), np.pad(self.values, more)


class _Block:
    """The matrices of one layer: queries, key and value in one; gate and up in one."""

    def __init__(self, state: dict[str, Any], index: int) -> None:
        attention = [f"self_attn.{name}" for name in "qkvo"]
        names = [*attention, "mlp.gate", "mlp.up", "mlp.down"]
        q, k, v, o, gate, up, down = (
            state[f"model.layers.{index}.{name}_proj.weight"] for name in names
        )
        used = (o != 0).any(axis=0).reshape(-1, HEAD_DIM).any(axis=1)
        kept = np.repeat(used, HEAD_DIM)
        self.inward = np.concatenate([q[kept] / np.float32(math.sqrt(HEAD_DIM)), k, v])
        self.outward = np.ascontiguousarray(o[:, kept])
        self.gated, self.down = np.concatenate([gate, up]), down

    def mlp(self, x: Floats) -> Floats:
        gate, up = np.split(x @ self.gated.T, 2, axis=1)
        with np.errstate(over="ignore"):
            silu = gate / (1 + np.exp(-gate))
        out: Floats = (silu * up) @ self.down.T
        return out


def turned(parts: Floats, cos: Floats, sin: Floats) -> Floats:
    """Queries and keys, turned by their positions. Shape (tokens, heads, d_head)."""
    heads = parts.reshape(len(parts), -1, HEAD_DIM)
    first, second = heads[:, :, :PAIRS], heads[:, :, PAIRS:]
    c, s = cos[:, None], sin[:, None]
    return np.concatenate([first * c - second * s, second * c + first * s], axis=2)
