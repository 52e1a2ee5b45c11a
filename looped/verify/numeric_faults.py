"""Why a machine is not exact in a dtype: from the cache if an earlier run has certified it."""

from __future__ import annotations

import json

from looped.artefact.plan import CompiledMachine
from looped.cache.key import key
from looped.cache.store import open_cache
from looped.untrusted import encode, restore

__all__ = ["numeric_faults"]

_KIND = "verdict"


def numeric_faults(machine: CompiledMachine, dtype: str) -> tuple[str, ...]:
    """Why sums, softmax and norm of a machine are not exact in a dtype; nothing if they are."""
    cache = open_cache()
    if cache.path is None:
        return _proved(machine, dtype)
    name = key(machine.digest, encode(machine.plan), dtype)
    content = cache.get(_KIND, name)
    kept = None if content is None else restore(content, tuple[str, ...])
    if kept is not None:
        return kept
    found = _proved(machine, dtype)
    cache.put(_KIND, name, json.dumps(found).encode())
    return found


def _proved(machine: CompiledMachine, dtype: str) -> tuple[str, ...]:
    from looped.verify.certificate import numeric_verdict

    return tuple(numeric_verdict(machine, dtype).faults)
