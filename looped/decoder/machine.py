"""The machine that a causal language model is made of: the circuit of SUBLEQ as a trace."""

from __future__ import annotations

import functools

from looped.decoder.spec import Spec
from looped.decoder.traced import Traced, traced
from looped.machines.subleq import describe

__all__ = ["machine"]


@functools.lru_cache(maxsize=16)
def machine(spec: Spec) -> Traced:
    """The circuit of the looped machine with these sizes, as a trace."""
    return traced(describe(spec.width, spec.address_bits, order=spec.order), spec)
