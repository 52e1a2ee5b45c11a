"""StoredWeights: weights that are loaded when they are used, and what is known without them.

A run whose machine code is in the cache needs no tensor, so no PyTorch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Facts", "StoredWeights", "digest_of", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """The SHA-256 of weights with their names and shapes, and the sizes of a machine: how many
    parameters there are, and how many are not zero, without the gains of the norms."""

    digest: str
    parameters: int
    nonzero: int


class StoredWeights(Mapping[str, "Tensor"]):
    """Weights by name, loaded by `load` at the first use.

    `facts` is None from then on: the caller may change tensors that it has.
    """

    def __init__(self, facts: Facts, load: Callable[[], Mapping[str, Tensor]]) -> None:
        self._facts, self._load = facts, load
        self._loaded: Mapping[str, Tensor] | None = None

    @property
    def facts(self) -> Facts | None:
        """What is known of the weights; None if they are loaded."""
        return self._facts if self._loaded is None else None

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors())

    def __len__(self) -> int:
        return len(self._tensors())

    def _tensors(self) -> Mapping[str, Tensor]:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded


def digest_of(weights: Mapping[str, Tensor]) -> str:
    """The SHA-256 of weights with their names and shapes."""
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        digest.update(weight.contiguous().numpy().data)
    return digest.hexdigest()


def facts_of(weights: Mapping[str, Tensor]) -> Facts:
    """The facts of weights in memory."""
    return Facts(
        digest_of(weights),
        sum(w.numel() for w in weights.values()),
        sum(int(w.count_nonzero()) for w in weights.values() if w.dim() == 2),
    )
