"""Selective: the loop of `Pruned` with selective attention, whose masks say what to remove."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from looped.decoder.layers import Floats, Layers
from looped.decoder.pruned import Pruned
from looped.decoder.selective import SelectiveWeights
from looped.decoder.spec import HEAD_DIM

__all__ = ["Selective", "SelectiveLayers"]


class SelectiveLayers(Layers):
    """Layers whose tokens mask older ones. `masks` is F by layer and entry; the last rows of a pass
    wait in `added` until it is known which tokens stay."""

    def __init__(self, found: SelectiveWeights) -> None:
        super().__init__(found.weights)
        scale = np.float32(HEAD_DIM**-0.5)
        self.selectors = [queries.numpy() * scale for queries in found.selectors]
        self.masks: Floats = np.zeros((len(self.blocks), 0), np.float32)
        self.added: Floats = np.zeros((len(self.blocks), 0, 0), np.float32)

    def append(self, tokens: list[int], position: int) -> Floats:
        """Put tokens behind those in the cache; the logits after each. Shape (tokens, vocabulary).

        `position` plays no part.
        """
        first, count = self.length, len(tokens)
        end = first + count
        self._grow(end)
        self.masks = np.pad(self.masks, ((0, 0), (0, self.keys.shape[1] - self.masks.shape[1])))
        self.masks[:, first:end] = 0
        self.added = np.zeros((len(self.blocks), count, end), np.float32)
        older = np.tril(np.ones((count, end), bool), first - 1)
        older[:, 0] = False  # the first token is never masked
        hidden = np.triu(np.full((count, count), -np.inf, np.float32), 1)
        x = self.embedding[tokens]
        for index, block in enumerate(self.blocks):
            normed = self._norm(x)
            parts = normed @ block.inward.T
            heads = parts.reshape(count, -1, HEAD_DIM)
            self.keys[index, first:end], self.values[index, first:end] = heads[:, -2], heads[:, -1]
            keys = self.keys[index, :end]
            chosen = (normed @ self.selectors[index].T).reshape(count, -1, HEAD_DIM) @ keys.T
            masks = (np.maximum(chosen, 0).sum(axis=1) * older).cumsum(axis=0)
            self.added[index] = masks
            scores = heads[:, :-2] @ keys.T - (self.masks[index, :end] + masks)[:, None]
            scores[:, :, first:] += hidden[:, None]
            scores -= scores.max(axis=2, keepdims=True)
            np.exp(scores, out=scores)
            read = scores @ self.values[index, :end]
            read /= scores.sum(axis=2, keepdims=True)
            x = self._mlp(index, x + read.reshape(count, -1) @ block.outward.T)
        self.length = end
        return self._logits(x)

    def keep(self, count: int) -> list[int]:
        """Keep the first tokens of the last pass; the places of entries that are masked in every
        layer."""
        rows, end = self.added.shape[1:]
        self.length = end - rows + count
        self.masks[:, :end] += self.added[:, count - 1]
        over = (self.masks[:, : self.length] > 0).all(axis=0)
        return [int(place) for place in np.flatnonzero(over)]

    def move(self, source: int, target: int) -> None:
        """Put an entry of the cache in the place of another one."""
        super().move(source, target)
        self.masks[:, target] = self.masks[:, source]


class Selective(Pruned):
    """A causal machine with selective attention; its context has no limit but the host's memory."""

    layers: SelectiveLayers

    def __init__(self, found: SelectiveWeights) -> None:
        super().__init__(found.weights, SelectiveLayers(found))

    def _keep(self, tokens: Sequence[int]) -> None:
        for place in sorted(self.layers.keep(len(tokens)), reverse=True):
            last = self.layers.length - 1
            if place != last:
                self.layers.move(last, place)
            self.layers.length = last
