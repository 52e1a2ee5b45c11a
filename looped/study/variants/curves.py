"""Four curves: lifetime against β, capacity, cache of a trace, error of a differential read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from looped.artefact.architecture import Architecture
from looped.decoder import Spec, Vocabulary
from looped.decoder.selective import selective_weights
from looped.decoder.selective_loop import Selective
from looped.engines.dense import DenseEngine
from looped.nn.stacks import Basis, remembered
from looped.passes.variants import compile_for
from looped.registry import registry
from looped.study.variants.programs import BITS, MEMORY, long_programs
from looped.verify.difference import Mismatch
from looped.verify.lockstep import lockstep

__all__ = [
    "Cache", "cache_entries", "continuous_errors", "differential_error", "lifetime",
    "linear_errors", "product_errors", "retained_errors",
]  # fmt: skip


def lifetime(beta: float, snap: bool, most: int) -> int:
    """Steps until the first lane that is not as in the reference, in the worst of three programs;
    `most` if there is none."""
    circuit = registry.machine("subleq").circuit(BITS, MEMORY)
    machine = compile_for(circuit, Architecture(snap=snap), beta)
    engine = DenseEngine(machine, uncertified=True)
    least = most
    for case in long_programs(3, most):
        try:
            lockstep(machine, engine, [case.image], [case.data], least)
        except Mismatch as mismatch:
            least = min(least, mismatch.difference.step - 1)
    return least


def linear_errors(features: int, words: int, lanes: int = 16, seed: int = 0) -> float:
    """The share of wrong bits when linear attention with so many random features (elu + 1) reads
    `words` stored words of ±1 by their addresses."""
    generator = torch.Generator().manual_seed(seed)
    bits = max(1, (words - 1).bit_length())
    codes = (torch.arange(words)[:, None] >> torch.arange(bits) & 1) * 2.0 - 1  # (words, bits)
    project = torch.randn(bits, features, generator=generator)
    phi = torch.nn.functional.elu(codes @ project) + 1  # (words, features)
    return _wrong(phi, words, lanes, generator)


def product_errors(features: int, words: int, lanes: int = 16, seed: int = 0) -> float:
    """The same with `features` one-hot features: address j has feature j mod `features`."""
    phi = torch.eye(features)[torch.arange(words) % features]
    return _wrong(phi, words, lanes, torch.Generator().manual_seed(seed))


def _wrong(phi: Tensor, words: int, lanes: int, generator: torch.Generator) -> float:
    values = torch.randint(0, 2, (words, lanes), generator=generator) * 2.0 - 1
    read = (phi @ (phi.T @ values)) / (phi @ phi.sum(0))[:, None]
    return float(((read > 0) != (values > 0)).double().mean())


def continuous_errors(length: int, count: int = 128, lanes: int = 64, seed: int = 0) -> float:
    """The share of wrong signs when a continuous memory (∞-former) of `count` functions keeps
    `length` words of ±1 and reads each at its time."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 2, (1, length, lanes), generator=generator) * 2.0 - 1
    times = (torch.arange(length) + 0.5) / length
    basis = Basis(count)
    read = basis.values(times) @ basis.fit(values, times)[0]
    return float(((read > 0) != (values[0] > 0)).double().mean())


def retained_errors(updates: int, words: int = 16, count: int = 128, seed: int = 0) -> float:
    """The share of wrong signs of the first block of `words` words after so many other blocks, each
    of which takes half of the interval of a continuous memory."""
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.randint(0, 2, (updates + 1, 1, words, 64), generator=generator) * 2.0 - 1
    basis, times = Basis(count), (torch.arange(words) + 0.5) / words
    signal = basis.fit(blocks[0], times)
    for block in blocks[1:]:
        signal = remembered(basis, signal, block, 0.5, samples=256)
    read = basis.values(times * 0.5**updates) @ signal
    return float(((read > 0) != (blocks[0] > 0)).double().mean())


def differential_error(scaled: float, bits: int, differential: bool) -> float:
    """The worst error of a soft read of {0, 2} over 2^bits columns, in float64, at a margin times β
    of `scaled`; with a second map of twice the leak and λ = ½ in the differential one.

    Each address bit is flipped with probability p = 1 / (1 + e^scaled). The worst word differs from
    that of the winner in all other columns.
    """

    def kept(leak: float) -> float:
        return (1 - leak) ** bits

    p = 1 / (1 + math.exp(scaled))
    if not differential:
        return 2 * (1 - kept(p))
    return abs(2 * (1 - (kept(p) - 0.5 * kept(2 * p)) / 0.5))


@dataclass(frozen=True, slots=True)
class Cache:
    """The entries of the cache of a trace after some tokens of a run."""

    tokens: tuple[int, ...]
    plain: tuple[int, ...]
    selective: tuple[int, ...]


def cache_entries(most: int) -> Cache:
    """A random program as a causal machine: the cache with selective attention, which removes what
    its masks cover, and without, where every token stays."""
    spec = Spec(width=BITS, memory=MEMORY, context=8 * most, counter_bits=BITS - 1)
    (case,) = long_programs(1, most)
    vocabulary, loop = Vocabulary(spec), Selective(selective_weights(spec))
    prompt = vocabulary.prompt(list(case.image.words), 0)
    source = iter(case.data)
    counts: list[tuple[int, int]] = []

    def watch(token: int) -> None:
        counts.append((len(counts) + 1, loop.entries))

    loop.generate(prompt, lambda: next(source, (1 << BITS) - 1), most, watch)
    tokens = tuple(number for number, _ in counts)
    return Cache(
        tokens, tuple(len(prompt) + n for n in tokens), tuple(entries for _, entries in counts)
    )
