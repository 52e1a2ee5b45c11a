"""Pruned: a causal machine that keeps only what later tokens can attend to, and that makes a whole
record in one pass.

Pruning: an entry of the cache has a weight of exactly zero for all later tokens once a later entry
is of the same kind: the cell of an address after the next cell of it, a digit after the next digit
of its place. Such entries are removed; so the cache grows with memory, not with the run.

Drafts: after p, the last state already holds the address and the value of the next record. The
unembedding restricted to the tokens of one kind reads each of them. The next program counter
depends on the value in the text, so the last MLPs run once more with that value. The next pass
takes this draft as its input and decides which of its tokens greedy decoding makes, as in
speculative decoding (Leviathan et al. 2023); the others are dropped. So every token is that of
greedy decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from looped.decoder.layers import Layers
from looped.decoder.vocabulary import Vocabulary
from looped.decoder.weights import Weights

__all__ = ["Pruned"]

_CHUNK = 64
"""Tokens of a prompt in one pass."""


class Pruned:
    """A causal machine without a window, and its cache. `passes` counts passes through it."""

    def __init__(self, found: Weights, layers: Layers | None = None) -> None:
        if found.spec.window is not None:
            raise ValueError("a machine with a window has a bounded cache of its own")
        self.vocabulary = Vocabulary(found.spec)
        self.layers = Layers(found) if layers is None else layers
        self.passes = 0
        self._begin()

    @property
    def entries(self) -> int:
        """Entries of the cache."""
        return self.layers.length

    def _begin(self) -> None:
        self.layers.length = 0
        self._position = 0
        self._address = 0
        self._slots: dict[object, int] = {}
        self._keys: list[object] = []

    def generate(
        self,
        prompt: Sequence[int],
        answer: Callable[[], int],
        most: int,
        watch: Callable[[int], None] = lambda token: None,
    ) -> list[int]:
        """The tokens of a run, as `looped.decoder.generate.generate` makes them."""
        self._begin()
        for start in range(0, len(prompt), _CHUNK):
            rows = self._pass(list(prompt[start : start + _CHUNK]))
            self._keep(prompt[start : start + _CHUNK])
        tokens, last = list[int](), len(rows) - 1
        while len(tokens) < most:
            draft = self._draft(rows[last], last)[: most - len(tokens)]
            rows = self._pass(draft)
            due = rows.argmax(axis=1)
            right = [int(due[i]) == token for i, token in enumerate(draft[1:])]
            kept = draft[: (right.index(False) if False in right else len(right)) + 1]
            self._keep(kept)
            last = len(kept) - 1
            if kept[-1] == self.vocabulary.ask:
                given = self.vocabulary.value(answer())[: most - len(tokens) - len(kept)]
                if given:
                    rows, last = self._pass(given), len(given) - 1
                    self._keep(given)
                kept += given
            tokens += kept
            for token in kept:
                watch(token)
            if tokens[-1] == self.vocabulary.halt:
                break
        return tokens

    def _draft(self, logits: NDArray[np.float32], row: int) -> list[int]:
        """The next token after a row of the last pass, and if a record begins with it, what the
        rest of the record may be."""
        first = int(logits.argmax())
        kind = self.vocabulary.type_of(first)[0]
        digits = [f"v{k}" for k in range(self.vocabulary.spec.digits)]
        if kind not in ("b", "out"):
            return [first]
        value = [self._best(logits, digit) for digit in digits] if kind == "b" else []
        return [first, *value, self._best(self.layers.draft(row), "p")]

    def _best(self, logits: NDArray[np.float32], kind: str) -> int:
        tokens = self.vocabulary.types[kind]
        return tokens.start + int(logits[tokens.start : tokens.stop].argmax())

    def _pass(self, tokens: list[int]) -> NDArray[np.float32]:
        self.passes += 1
        return self.layers.append(tokens, self._position)

    def _keep(self, tokens: Sequence[int]) -> None:
        """Keep these tokens of the last pass, drop its others and what they supersede."""
        first = len(self._keys)
        dead = []
        for place, token in enumerate(tokens, first):
            key = self._key(token)
            self._keys.append(key)
            if key is None:
                dead.append(place)
            else:
                if key in self._slots:
                    dead.append(self._slots[key])
                self._slots[key] = place
        self._position += len(tokens)
        self.layers.length = len(self._keys)
        for place in sorted(dead, reverse=True):
            self._remove(place)

    def _remove(self, place: int) -> None:
        """Remove an entry: the last one takes its place."""
        last = len(self._keys) - 1
        key = self._keys.pop()
        if place != last:
            self.layers.move(last, place)
            self._keys[place] = key
            self._slots[key] = place
        self.layers.length = last

    def _key(self, token: int) -> object:
        """What an entry is the latest of; None if no later token attends to it."""
        kind, number = self.vocabulary.type_of(token)
        if kind == "b":
            self._address = number
        if kind[0] == "w":
            return self._address + int(kind[1:])
        return self._address if kind == "p" else None if kind in ("out", "ask", "halt") else kind
