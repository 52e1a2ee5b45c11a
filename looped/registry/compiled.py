"""The compiled machine: from the cache if an earlier run has compiled it, else by the compiler."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import safetensors
import safetensors.numpy

from looped.artefact.plan import CompiledMachine, Plan
from looped.artefact.stored_weights import Arrays, Facts, StoredWeights, facts_of
from looped.cache.key import key
from looped.cache.store import Cache, open_cache
from looped.precision import Precision
from looped.registry import builtin
from looped.registry.definition import Machine
from looped.untrusted import encode, restore

__all__ = ["compiled"]

_MACHINE, _WEIGHTS = "machine", "weights"


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    """A machine in the cache. Its weights are an entry of their own, by their digest."""

    plan: Plan
    digest: str
    parameters: int
    nonzero: int


def compiled(
    machine: Machine,
    width: int,
    memory: int,
    form: Precision,
    parameters: Mapping[str, int],
    note: Callable[[str], None] = lambda text: None,
    beta: float | None = None,
    undo: bool = False,
) -> CompiledMachine:
    """The weights of a universal machine. Raises CompileError for an impossible one.

    The cache is only for the machines of this package, whose sources the key contains, and for the
    usual inverse temperature and stack (`beta`, `undo`: see `compile_circuit`). `note` gets a line
    if the machine is not there.
    """
    machine.check(width, memory, **parameters)
    cache = open_cache()
    own = machine.describe.__module__.rpartition(".")[0] == builtin.__name__
    if cache.path is None or not own or beta is not None or undo:
        note(f"compiling {machine.name} to weights")
        return _compile(machine, width, memory, form, parameters, beta, undo)
    asked = machine.settled(width, parameters)
    name = key(machine.name, width, memory, form.name, asked)

    def again() -> CompiledMachine:
        note(f"compiling {machine.name} to weights")
        return _compile(machine, width, memory, form, parameters)

    kept = _kept(cache, name)
    if kept is None:
        made = again()
        arrays = made.arrays
        facts = facts_of(arrays)
        _keep(cache, name, made.plan, arrays, facts)
        return CompiledMachine(made.plan, StoredWeights(facts, lambda: arrays))
    facts = Facts(kept.digest, kept.parameters, kept.nonzero)
    weights = StoredWeights(facts, lambda: _weights(cache, kept.digest) or again().arrays)
    return CompiledMachine(kept.plan, weights)


def _compile(
    machine: Machine,
    width: int,
    memory: int,
    form: Precision,
    parameters: Mapping[str, int],
    beta: float | None = None,
    undo: bool = False,
) -> CompiledMachine:
    from looped.passes.emit import compile_circuit

    circuit = machine.circuit(width, memory, None, form, **parameters)
    return compile_circuit(circuit, beta=beta, undo=undo)


def _keep(cache: Cache, name: str, plan: Plan, arrays: Arrays, facts: Facts) -> None:
    cache.put(
        _WEIGHTS,
        facts.digest,
        safetensors.numpy.save({n: np.ascontiguousarray(w) for n, w in arrays.items()}),
    )
    kept = _Kept(plan, facts.digest, facts.parameters, facts.nonzero)
    cache.put(_MACHINE, name, encode(kept).encode())


def _kept(cache: Cache, name: str) -> _Kept | None:
    content = cache.get(_MACHINE, name)
    return None if content is None else restore(content, _Kept)


def _weights(cache: Cache, digest: str) -> Arrays | None:
    """The weights with that digest; None if the cache has them no longer, or others."""
    content = cache.get(_WEIGHTS, digest)
    if content is None:
        return None
    try:
        found = {name: np.array(w) for name, w in safetensors.numpy.load(content).items()}
    except (safetensors.SafetensorError, ValueError):
        return None
    return found if facts_of(found).digest == digest else None
