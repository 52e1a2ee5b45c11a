"""StoredWeights: weights as NumPy arrays, and as tensors for those who want tensors.

The compiler, the proofs and the fast engines take the arrays. So a run needs no PyTorch, which
takes a second or two to load. A run whose machine code is in the cache loads no weights at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Arrays", "Facts", "StoredWeights", "arrays_of", "digest_of", "facts_of"]

Arrays = Mapping[str, npt.NDArray[Any]]
"""Weights by name, float32 in a compiled machine."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The SHA-256 of weights with their names and shapes, and the sizes of a machine: how many
    parameters there are, and how many are not zero, without the gains of the norms."""

    digest: str
    parameters: int
    nonzero: int


class StoredWeights(Mapping[str, "Tensor"]):
    """Weights by name; `load` returns their arrays, and is called at the first use.

    The tensors share the memory of the arrays. `facts`, if there are any, is None as soon as the
    caller has tensors, which may change.
    """

    def __init__(self, facts: Facts | None, load: Callable[[], Arrays]) -> None:
        self._facts, self._load = facts, load
        self._arrays: Arrays | None = None
        self._tensors: dict[str, Tensor] = {}

    @property
    def facts(self) -> Facts | None:
        """What is known of the weights; None if that is nothing, or if there are tensors."""
        return None if self._tensors else self._facts

    @property
    def arrays(self) -> Arrays:
        """The weights as arrays, which nobody may change."""
        if self._arrays is None:
            self._arrays = self._load()
        return self._arrays

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._tensors:
            import torch

            self._tensors[name] = torch.from_numpy(self.arrays[name])
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


def arrays_of(weights: Mapping[str, Tensor] | Arrays) -> Arrays:
    """Weights, whether tensors or arrays, as arrays in the memory of the CPU."""
    if isinstance(weights, StoredWeights):
        return weights.arrays
    return {name: _array(weight) for name, weight in weights.items()}


def _array(weight: Tensor | npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One weight as an array, of doubles if NumPy does not have its dtype."""
    if isinstance(weight, np.ndarray):
        return weight
    tensor = weight.detach().cpu()
    try:
        return tensor.numpy()
    except TypeError:
        return tensor.double().numpy()


def digest_of(weights: Arrays) -> str:
    """The SHA-256 of weights with their names and shapes."""
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} torch.{weight.dtype} {weight.shape}\n".encode())
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def facts_of(weights: Arrays) -> Facts:
    """The facts of weights in memory."""
    return Facts(
        digest_of(weights),
        sum(w.size for w in weights.values()),
        sum(int(np.count_nonzero(w)) for w in weights.values() if w.ndim == 2),
    )
