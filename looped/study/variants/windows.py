"""A causal machine whose attention is a Λ: the last tokens and the first ones (LM-Infinite)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from looped.decoder.layers import Floats, Layers, turned
from looped.decoder.vocabulary import Vocabulary
from looped.decoder.weights import Weights

__all__ = ["Windowed"]


class Windowed:
    """The cache of a causal machine holds the last `window` tokens and the first `sink` ones.

    A key of the sink never seems farther than the window: it is turned to that distance (Han et al.
    2024). `entries` is the size of the cache.
    """

    def __init__(self, found: Weights, window: int, sink: int = 10) -> None:
        self.vocabulary, self.layers = Vocabulary(found.spec), Layers(found)
        self.window, self.sink = window, sink
        self.position, self.first = 0, self.layers.keys

    @property
    def entries(self) -> int:
        """Entries of the cache."""
        return self.layers.length

    def generate(
        self,
        prompt: Sequence[int],
        answer: Callable[[], int],
        most: int,
        watch: Callable[[int], None] = lambda token: None,
    ) -> list[int]:
        """The tokens of a run, as `looped.decoder.generate.generate` makes them."""
        self.layers.length, self.position = 0, 0
        tokens, due = list[int](), list(prompt)
        while True:
            for token in due:
                logits = self._append(token)
            if len(tokens) >= most or due[-1] == self.vocabulary.halt:
                return tokens
            due = [int(logits.argmax())]
            if due[0] == self.vocabulary.ask:
                due += self.vocabulary.value(answer())
            tokens += due
            for token in due:
                watch(token)

    def _append(self, token: int) -> Floats:
        """Put one token behind the others; the logits after it."""
        layers, oldest = self.layers, self.sink
        if layers.length == self.sink + self.window:
            for part in (layers.keys, layers.values):
                part[:, oldest : layers.length - 1] = part[:, oldest + 1 : layers.length]
            layers.length -= 1
        if layers.length >= self.sink:
            self._turn()
        logits: Floats = layers.append([token], self.position)[0]
        self.position += 1
        if self.position == self.sink:
            self.first = layers.keys[:, : self.sink].copy()
        return logits

    def _turn(self) -> None:
        """Turn the keys of the sink on, so that none is farther than the window."""
        places = np.arange(self.sink)
        beyond = np.maximum(self.position - self.window - places, 0).astype(np.float32)
        angles = beyond[:, None] * self.layers.omegas
        for layer, keys in enumerate(self.first):
            moved = turned(keys, np.cos(angles), np.sin(angles))
            self.layers.keys[layer, : self.sink] = moved[:, 0]
